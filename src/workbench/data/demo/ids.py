"""How each system of the demo organisation names the same person."""

from __future__ import annotations

import numpy as np

from workbench.data.demo.arrays import Array

__all__ = ["OUTSIDER", "name_people", "number_people", "sql_hris_id"]

OUTSIDER = 9_000_001
"""Personnel number of the first person whom the HRIS does not know."""

_FIRST, _STEP = 100_003, 3


def number_people(positions: Array) -> Array:
    """Give personnel numbers to positions."""
    return np.asarray(_FIRST + _STEP * positions.astype(np.int64))


def name_people(positions: Array) -> list[str]:
    """Give the ids of the HRIS to positions: ``AG-0100003``."""
    return [f"AG-{number:07d}" for number in number_people(positions).tolist()]


def sql_hris_id(number: str) -> str:
    """Write the SQL of an id of the HRIS from the SQL of a personnel number."""
    return f"printf('AG-%07d', {number})"
