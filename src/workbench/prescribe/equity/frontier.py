"""What equal access costs: the best value of the seats, floor by floor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import MissingColumnError
from workbench.prescribe.equity.floors import (
    Groups,
    find_ratio,
    form_groups,
    may_tell,
)
from workbench.prescribe.equity.seat_choice import choose_people
from workbench.prescribe.equity.seats import read_people

__all__ = ["ALL", "FLOORS", "trace_frontier"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ALL = "all"
"""Name of the rows in which the floor holds for every attribute at once."""

FLOORS = tuple(step / 10 for step in range(11))

_NEAR = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worth:
    """What each person's seat is worth, and how sure that is.

    ``errors`` are independent standard errors of ``scores``; without them the spread
    of the scores tells the error, over ``clusters``.
    """

    scores: FloatArray
    errors: FloatArray | None
    clusters: IntArray | None

    def measure(self, chosen: BoolArray) -> float:
        """Return the mean worth of a seat."""
        return float(self.scores[chosen].mean()) if chosen.any() else math.nan

    def find_error(self, chosen: BoolArray, other: BoolArray | None = None) -> float:
        """Return the error of a mean, or of its difference to another's."""
        if self.errors is not None:
            weights = _weigh(chosen) - (0.0 if other is None else _weigh(other))
            return float(np.sqrt(np.sum((weights * self.errors) ** 2)))
        if self.clusters is None:
            return math.nan
        parts = self._spread(chosen)
        if other is not None:
            parts = parts - self._spread(other)
        sums = np.bincount(self.clusters, weights=parts)
        size = len(sums)
        if size < 2:
            return math.nan
        return float(np.sqrt(np.sum(sums**2) * size / (size - 1)))

    def _spread(self, chosen: BoolArray) -> FloatArray:
        parts: FloatArray = _weigh(chosen) * (self.scores - self.measure(chosen))
        return parts


def trace_frontier(
    people: pd.DataFrame,
    *,
    seats: int,
    attributes: Sequence[str],
    floors: Sequence[float] = FLOORS,
    min_group: int = 10,
    unit: str = "unit",
    benefit: str = "benefit",
    score: str | None = None,
    std_error: str | None = None,
    cluster: str | None = None,
    alpha: float = 0.05,
) -> pd.DataFrame:
    r"""Trace the best value of the seats over floors of equal access.

    Parameters
    ----------
    people : DataFrame
        As for `allocate_seats`.
    seats : int
        Seats to be given.
    attributes : sequence of str
        Each is traced alone, and all together where there are several.
    floors : sequence of float
        0 to 1, rising; 0 is put first where it is missing.
    min_group : int
        Groups below are pooled or left out; smallest count that may be worked out.
    unit, benefit : str
        Columns; seats go by `benefit`.
    score : str, optional
        Column with a doubly robust score of each person's gain, from other people
        than chose by `benefit`. It then tells the value and its error.
    std_error : str, optional
        Column with the standard error of each `benefit`, errors being independent;
        for use without `score`.
    cluster : str, optional
        Column of what the scores are clustered by; persons by default.
    alpha : float
        One minus the level of the intervals.

    Returns
    -------
    DataFrame
        ``attribute``, ``floor``, ``value`` (mean per seat, in the unit of the score or
        benefit), ``value_low``, ``value_high``, ``price`` (value per seat without a
        floor less this one), ``price_low``, ``price_high``, ``selection_ratio``
        (lowest over highest rate, the lowest of all attributes of the row; missing
        where it would tell a count below `min_group`), ``limitation``. Where whole
        seats cannot hold a floor, numbers are missing, and one row more has the highest
        floor that they can.

    Raises
    ------
    MissingColumnError
        If a column is missing.
    ParamError
        As for `allocate_seats`.

    Notes
    -----
    With z the selected, the value per seat is :math:`V = \sum z_i s_i / \sum z_i`. Its
    error is that of the sum over clusters of
    :math:`z_i (s_i - V) / \sum z_i`, and the error of a price that of the difference
    of two such terms, person by person. Both take the people as a sample and the rule
    by which seats are given as fixed.
    """
    gains, order = read_people(people, seats=seats, unit=unit, benefit=benefit)
    worth = _read_worth(people, gains, score, std_error, cluster or unit)
    groups = form_groups(people, attributes, min_group=min_group)
    sets: list[tuple[str, tuple[Groups, ...]]]
    sets = [(item.attribute, (item,)) for item in groups]
    if len(groups) > 1:
        sets.append((ALL, groups))
    count = min(seats, len(people))
    steps = sorted({0.0, *floors})
    rows = [
        row
        for name, held in sets
        for row in _trace(
            name, held, gains, order, worth, count, steps, alpha, min_group
        )
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    "attribute",
    "floor",
    "value",
    "value_low",
    "value_high",
    "price",
    "price_low",
    "price_high",
    "selection_ratio",
    "limitation",
]


def _read_worth(
    people: pd.DataFrame,
    gains: FloatArray,
    score: str | None,
    std_error: str | None,
    cluster: str,
) -> _Worth:
    asked = [name for name in (score, std_error, cluster) if name is not None]
    missing = [name for name in asked if name not in people]
    if missing:
        raise MissingColumnError.build("People lack a column", got=missing)
    if score is not None:
        return _Worth(
            scores=people[score].to_numpy(dtype="float64"),
            errors=None,
            clusters=np.asarray(pd.factorize(people[cluster])[0], dtype="int64"),
        )
    errors = None if std_error is None else people[std_error].to_numpy(dtype="float64")
    return _Worth(scores=gains, errors=errors, clusters=None)


def _trace(
    name: str,
    groups: Sequence[Groups],
    gains: FloatArray,
    order: IntArray,
    worth: _Worth,
    seats: int,
    floors: Sequence[float],
    alpha: float,
    min_group: int,
) -> list[dict[str, object]]:
    """Solve floor after floor; at the first that cannot be held, find the highest."""
    found: dict[float, BoolArray | None] = {}
    for floor in floors:
        stuck = any(chosen is None for chosen in found.values())
        found[floor] = (
            None
            if stuck
            else choose_people(gains, order, groups, seats=seats, floor=floor)
        )
    failed = [floor for floor, chosen in found.items() if chosen is None]
    if failed:
        held = max(floor for floor, chosen in found.items() if chosen is not None)
        top, chosen = _find_highest(groups, gains, order, seats, held, failed[0])
        found[top] = chosen
    free = found[floors[0]]
    return [
        {"attribute": name, "floor": floor}
        | _describe(groups, found[floor], free, worth, alpha, min_group)
        for floor in sorted(found)
    ]


def _find_highest(
    groups: Sequence[Groups],
    gains: FloatArray,
    order: IntArray,
    seats: int,
    held: float,
    failed: float,
) -> tuple[float, BoolArray | None]:
    """Halve the way between a floor that holds and one that does not."""
    best = choose_people(gains, order, groups, seats=seats, floor=held)
    while failed - held > _NEAR:
        middle = round((held + failed) / 2, 4)
        chosen = choose_people(gains, order, groups, seats=seats, floor=middle)
        if chosen is None:
            failed = middle
        else:
            held, best = middle, chosen
    return held, best


def _describe(
    groups: Sequence[Groups],
    chosen: BoolArray | None,
    free: BoolArray | None,
    worth: _Worth,
    alpha: float,
    min_group: int,
) -> dict[str, object]:
    from scipy.stats import norm

    if chosen is None or free is None:
        numbers = _COLUMNS[2:-1]
        return {
            **dict.fromkeys(numbers, math.nan),
            "limitation": "no allocation of whole seats holds this floor",
        }
    normal = float(norm.ppf(1 - alpha / 2))
    value, price = worth.measure(chosen), worth.measure(free) - worth.measure(chosen)
    reach = normal * worth.find_error(chosen)
    span = normal * worth.find_error(free, chosen)
    ratios = [find_ratio(item, chosen) for item in groups]
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    told = all(may_tell(item, chosen, min_group=min_group) for item in groups)
    return {
        "value": value,
        "value_low": value - reach,
        "value_high": value + reach,
        "price": price,
        "price_low": price - span,
        "price_high": price + span,
        "selection_ratio": min(known, default=math.nan) if told else math.nan,
        "limitation": "" if not math.isnan(reach) else "the error is not known",
    }


def _weigh(chosen: BoolArray) -> FloatArray:
    return chosen / max(1, int(chosen.sum()))
