"""All cells by name."""

from __future__ import annotations

from tests.calibration.cells import Cell
from tests.calibration.did_cells import list_did_cells
from tests.calibration.matching_cells import list_matching_cells


def list_cells() -> dict[str, Cell]:
    """Return the cells by name, in the order of the published table."""
    return {cell.name: cell for cell in (*list_matching_cells(), *list_did_cells())}
