"""All cells by name."""

from __future__ import annotations

from tests.calibration.cells import Cell
from tests.calibration.did_cells import list_did_cells
from tests.calibration.experiment_cells import list_experiment_cells
from tests.calibration.follow_cells import list_follow_cells
from tests.calibration.look_cells import list_look_cells
from tests.calibration.matching_cells import list_matching_cells
from tests.calibration.module_cells import list_module_cells
from tests.calibration.policy_cells import list_policy_cells


def list_cells() -> dict[str, Cell]:
    """Return the cells by name, in the order of the published table."""
    # `cells` does not name the families ``modules`` and ``policy``: its text is part of
    # the digest of every finished run, and naming them there would undo them all
    cells = (
        *list_matching_cells(),
        *list_did_cells(),
        *list_experiment_cells(),
        *list_look_cells(),
        *list_follow_cells(),
        *list_module_cells(),
        *list_policy_cells(),
    )
    return {cell.name: cell for cell in cells}
