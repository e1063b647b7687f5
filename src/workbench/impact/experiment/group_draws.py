"""Effects by group under repeated draws, for the step-down control of their number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.experiment.drawn import Drawn
from workbench.impact.experiment.randomisation import iterate_redraws
from workbench.impact.experiment.stepping import step_down
from workbench.impact.groups.subgroup_cells import label_groups

__all__ = ["resample_groups", "split_measured"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST_CELLS = 20_000_000
_FEWEST = 499
_FEW_VALUES = 6


def split_measured(values: pd.Series) -> pd.Series:
    """Split a measured attribute at its median; leave others as they are."""
    kinds = pd.api.types
    measured = kinds.is_numeric_dtype(values) and not kinds.is_bool_dtype(values)
    if not measured or values.nunique() <= _FEW_VALUES:
        return values
    numbers = values.astype("Float64").astype("float64")
    middle = float(np.nanmedian(numbers))
    text = pd.Series(
        np.where(numbers <= middle, f"up to {middle:.4g}", f"above {middle:.4g}"),
        index=values.index,
    ).astype("object")
    return text.where(numbers.notna(), None)


def resample_groups(
    rows: pd.DataFrame, drawn: Drawn, *, seed: int, draws: int, differ: bool
) -> FloatArray:
    """Adjust the effects, or the differences, by repeating the draw.

    Parameters
    ----------
    rows : DataFrame
        ``attribute``, ``group`` and ``reference`` of the tests.
    drawn : Drawn
        People with a known outcome.
    seed : int
        Of the draws.
    draws : int
        How many; fewer (at least 499) where there are many people.
    differ : bool
        True for differences between groups, under the same effect on everybody; False
        for effects, under none.

    Returns
    -------
    array
        Step-down p-values in the order of the rows.
    """
    members, names = _code_groups(rows, drawn.frame)
    first = np.array([names[key] for key in _list_keys(rows, "group")])
    other = None
    outcome = drawn.outcome
    if differ:
        other = np.array([names[key] for key in _list_keys(rows, "reference")])
        gap = outcome[drawn.assigned].mean() - outcome[~drawn.assigned].mean()
        outcome = outcome - gap * drawn.assigned
    own = _measure(drawn.assigned[None, :], members, drawn.outcome)
    observed = _contrast(own, first, other)[0]
    draws = int(min(draws, max(_MOST_CELLS // len(outcome), _FEWEST)))
    parts = [
        _contrast(_measure(redrawn, members, outcome), first, other)
        for redrawn in iterate_redraws(drawn, seed=seed, draws=draws)
    ]
    return step_down(observed, np.vstack(parts))


def _list_keys(rows: pd.DataFrame, column: str) -> list[tuple[str, str]]:
    return list(zip(rows["attribute"], rows[column], strict=True))


def _code_groups(
    rows: pd.DataFrame, frame: pd.DataFrame
) -> tuple[FloatArray, dict[tuple[str, str], int]]:
    """Return one 0/1 column per group of the attributes named, and its place."""
    columns: list[FloatArray] = []
    places: dict[tuple[str, str], int] = {}
    for name in dict.fromkeys(rows["attribute"]):
        codes, levels = label_groups(split_measured(frame[name]))
        for code, level in enumerate(levels):
            places[(str(name), str(level))] = len(columns)
            columns.append((codes == code).astype("float64"))
    return np.column_stack(columns), places


def _measure(
    assigned: BoolArray, members: FloatArray, outcome: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return differences of means by group and their variances, one row per draw."""
    centred = outcome - outcome.mean()
    blocks = np.hstack(
        [members, members * centred[:, None], members * centred[:, None] ** 2]
    )
    ours = assigned.astype("float64") @ blocks
    theirs = blocks.sum(axis=0) - ours
    sides = [np.split(side, 3, axis=1) for side in (ours, theirs)]
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [total / count for count, total, _ in sides]
        spreads = [
            (square - total**2 / count) / (count - 1) / count
            for count, total, square in sides
        ]
    return means[0] - means[1], np.maximum(spreads[0] + spreads[1], 0.0)


def _contrast(
    found: tuple[FloatArray, FloatArray], first: IntArray, other: IntArray | None
) -> FloatArray:
    """Return absolute statistics; a draw without an error counts as not extreme."""
    gap, variance = found[0][:, first], found[1][:, first]
    if other is not None:
        gap, variance = gap - found[0][:, other], variance + found[1][:, other]
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(gap) / np.sqrt(variance)
    return np.asarray(np.nan_to_num(size, nan=0.0, posinf=1e12), dtype="float64")
