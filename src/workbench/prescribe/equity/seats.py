"""Who gets the seats: the largest benefit under floors of equal access, exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import MissingColumnError, ParamError
from workbench.prescribe.equity.floors import (
    Groups,
    find_ratio,
    form_groups,
    may_tell,
)
from workbench.prescribe.equity.seat_choice import choose_people

__all__ = ["SeatAllocation", "allocate_seats", "read_people"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatAllocation:
    """Who gets the seats of one persona.

    Attributes
    ----------
    frame : DataFrame
        ``unit``, ``selected``; rows as the people given.
    value : float
        Sum of the benefit of the selected; missing where no allocation holds the
        floor.
    price : float
        Benefit that the floor costs: that of the same seats without a floor less
        ``value``.
    ratios : DataFrame
        ``attribute``, ``group``, ``n``, ``selected``, ``rate`` and ``ratio`` to the
        attribute's highest rate, for groups that a floor is held for.
    feasible : bool
        Whether any allocation of all seats holds the floor.
    text : str
        What was asked for, what it costs, who was pooled or left out.
    """

    frame: pd.DataFrame
    value: float
    price: float
    ratios: pd.DataFrame
    feasible: bool
    text: str


def allocate_seats(
    people: pd.DataFrame,
    *,
    seats: int,
    attributes: Sequence[str] = (),
    floor: float = 0.8,
    min_group: int = 10,
    unit: str = "unit",
    benefit: str = "benefit",
) -> SeatAllocation:
    r"""Give a persona's seats to those who gain most, groups being treated alike.

    Parameters
    ----------
    people : DataFrame
        One row per person who may learn: `unit`, `benefit` (any scale; larger is
        better; not missing) and the `attributes`.
    seats : int
        All are given, or as many as there are people.
    attributes : sequence of str
        Between the groups of each, the lowest share of people selected is at least
        `floor` times the highest. Missing values are a group of their own.
    floor : float
        0 to 1; used to the fourth decimal.
    min_group : int
        Groups below are pooled, or left out of the floor, which the text says. It
        gives no ratio that would tell a smaller number of people.
    unit, benefit : str
        Columns.

    Returns
    -------
    SeatAllocation
        Of people with the same benefit in the same groups, those first by `unit` are
        selected.

    Raises
    ------
    MissingColumnError
        If a column is missing.
    ParamError
        If a benefit is missing, a person stands twice, or seats or floor are out of
        range.
    ConvergenceError
        If the optimum is not proven.

    Notes
    -----
    With :math:`z_i` whether person i is selected and :math:`n_g` people in group g,
    :math:`\sum b_i z_i` is maximised under :math:`\sum z_i = k` and
    :math:`n_h \sum_{i \in g} z_i \ge f n_g \sum_{i \in h} z_i` for all groups g, h of
    an attribute. People alike in all attributes are interchangeable to the floors, so
    whole numbers are needed only of the counts per combination of groups; for given
    counts the best of each combination are selected. A floor near 1 may have no
    solution, as seats are whole.
    """
    gains, order = read_people(people, seats=seats, unit=unit, benefit=benefit)
    if not 0 <= floor <= 1:
        raise ParamError.build("floor is out of range", rule="0 to 1", got=floor)
    groups = form_groups(people, attributes, min_group=min_group)
    count = min(seats, len(people))
    best = np.zeros(len(people), dtype=bool)
    best[order[:count]] = True
    held = choose_people(gains, order, groups, seats=count, floor=floor)
    chosen = np.zeros(len(people), dtype=bool) if held is None else held
    most = float(gains[best].sum())
    value = math.nan if held is None else float(gains[chosen].sum())
    return SeatAllocation(
        frame=pd.DataFrame({"unit": people[unit].to_numpy(), "selected": chosen}),
        value=value,
        price=most - value,
        ratios=_tabulate(groups, chosen),
        feasible=held is not None,
        text=_tell(
            groups,
            best,
            floor=floor,
            most=most,
            value=value,
            told=all(may_tell(item, best, min_group=min_group) for item in groups),
        ),
    )


def read_people(
    people: pd.DataFrame, *, seats: int, unit: str, benefit: str
) -> tuple[FloatArray, IntArray]:
    """Check people and seats; return the gains and the people by falling gain.

    Parameters
    ----------
    people : DataFrame
        One row per person.
    seats : int
        To be given.
    unit, benefit : str
        Columns.

    Returns
    -------
    tuple of array
        Gains as float; places of the people, ties by `unit`.

    Raises
    ------
    MissingColumnError
        If a column is missing.
    ParamError
        If a benefit is missing, a person stands twice, or seats are below 0.
    """
    missing = [name for name in (unit, benefit) if name not in people]
    if missing:
        raise MissingColumnError.build("People lack a column", got=missing)
    if seats < 0:
        raise ParamError.build("seats are out of range", rule="0 or more", got=seats)
    gains = people[benefit].to_numpy(dtype="float64")
    if not np.isfinite(gains).all():
        raise ParamError.build(
            "A benefit is missing",
            where=f"people, column {benefit}",
            got=people.loc[~np.isfinite(gains), unit].tolist(),
            hint="leave out people without a score, and say how many",
        )
    twice = people.loc[people[unit].duplicated(), unit].tolist()
    if twice:
        raise ParamError.build("A person stands twice", where="people", got=twice)
    names = people[unit].astype(str).to_numpy()
    order: IntArray = np.lexsort((names, -gains)).astype("int64")
    return gains, order


def _tabulate(groups: Sequence[Groups], chosen: BoolArray) -> pd.DataFrame:
    rows = []
    for item in groups:
        counts = item.count(chosen)
        rates = counts / item.sizes
        top = rates.max(initial=0.0)
        rows += [
            {
                "attribute": item.attribute,
                "group": name,
                "n": int(item.sizes[place]),
                "selected": int(counts[place]),
                "rate": float(rates[place]),
                "ratio": float(rates[place] / top) if top > 0 else math.nan,
            }
            for place, name in enumerate(item.names)
        ]
    columns = ["attribute", "group", "n", "selected", "rate", "ratio"]
    return pd.DataFrame(rows, columns=columns)


def _tell(
    groups: Sequence[Groups],
    best: BoolArray,
    *,
    floor: float,
    most: float,
    value: float,
    told: bool,
) -> str:
    """Say what the floor changed and whom it does not hold for.

    The ratio without a floor is left out unless it may be told.
    """
    named = ", ".join(item.attribute for item in groups)
    ratios = [find_ratio(item, best) for item in groups]
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    lowest = f" is {min(known):.2f}" if known and told else " is not shown"
    free = f"By the order alone the lowest ratio by {named}{lowest}; the"
    parts = []
    if not known:
        parts.append("No attribute has two groups to hold a floor between.")
    elif math.isnan(value):
        parts.append(
            f"No allocation of whole seats holds a floor of {floor:g} by {named}."
        )
    elif value == most:
        parts.append(f"{free} floor of {floor:g} changes nothing.")
    else:
        lost = f"{(most - value) / abs(most):.1%}" if most else "a part"
        parts.append(
            f"{free} floor of {floor:g} costs {lost} of the sum that the order goes by."
        )
    parts += [f"{item.text}." for item in groups if item.text]
    return " ".join(parts)
