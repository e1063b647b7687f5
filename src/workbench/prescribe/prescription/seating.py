"""Which people of a persona get the seats of this quarter's path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.path_params import PathParams
from workbench.prescribe.equity.frontier import trace_frontier
from workbench.prescribe.equity.seats import SeatAllocation, allocate_seats
from workbench.prescribe.targeting.examine import Targeting, rank_people

__all__ = ["Seating", "choose_attributes", "give_seats", "hold_floor"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seating:
    """Who gets a seat, and what the floor of equal access costs.

    Attributes
    ----------
    people : DataFrame
        Everybody of the persona who has yet to learn, with ``benefit`` and
        ``selected``.
    allocation : SeatAllocation
        How the seats were given.
    frontier : DataFrame
        From `trace_frontier`; empty without attributes or seats.
    unknown : int
        People whose place in the order is not known; they come last.
    """

    people: pd.DataFrame
    allocation: SeatAllocation
    frontier: pd.DataFrame
    unknown: int

    @property
    def units(self) -> frozenset[str]:
        """Pseudonyms of those who get a seat."""
        return frozenset(self.people.loc[self.people["selected"], "unit"])


def choose_attributes(paths: PathParams, frames: Sequence[pd.DataFrame]) -> list[str]:
    """Name the attributes of the floor that all frames have."""
    return [
        name
        for name in paths.equity.attributes
        if all(name in frame.columns for frame in frames)
    ]


def give_seats(
    targeting: Targeting,
    people: pd.DataFrame,
    *,
    seats: int,
    paths: PathParams,
    min_group: int,
) -> Seating:
    """Give a persona's seats in the order that was decided, under the floor.

    Where no allocation of whole seats holds the floor, seats go by the order alone,
    and the text of the allocation says so.

    Parameters
    ----------
    targeting : Targeting
        The order.
    people : DataFrame
        People who have yet to learn; see `PeopleNow.for_program`.
    seats : int
        From the summary of paths.
    paths : PathParams
        Attributes and floor.
    min_group : int
        Groups below are pooled or left out.
    """
    scores = rank_people(targeting, people).to_numpy(dtype="float64")
    known = np.isfinite(scores)
    lowest = float(scores[known].min()) - 1 if known.any() else 0.0
    ranked = people.assign(benefit=np.where(known, scores, lowest))
    attributes = choose_attributes(paths, [people])
    held, given = _give(
        ranked, seats, attributes, paths.equity.floor, min_group, "benefit"
    )
    frontier = pd.DataFrame()
    if attributes and seats:
        frontier = trace_frontier(
            ranked, seats=seats, attributes=attributes, min_group=min_group
        )
    return Seating(
        people=ranked.assign(selected=given.frame["selected"].to_numpy()),
        allocation=held,
        frontier=frontier,
        unknown=int((~known).sum()),
    )


def hold_floor(
    cohorts: Sequence[Cohort], paths: PathParams, *, min_group: int
) -> Callable[[pd.DataFrame, float], FloatArray] | None:
    """Return the same way of giving seats for people of earlier quarters.

    None where no attribute of the floor is known of them.
    """
    attributes = choose_attributes(paths, [item.frame for item in cohorts])
    if not attributes:
        return None

    def select(rows: pd.DataFrame, share: float) -> FloatArray:
        people = rows.assign(unit=[f"{place:09d}" for place in range(len(rows))])
        seats = round(share * len(rows))
        _, given = _give(
            people, seats, attributes, paths.equity.floor, min_group, "merit"
        )
        chosen: FloatArray = given.frame["selected"].to_numpy(dtype="float64")
        return chosen

    return select


def _give(
    people: pd.DataFrame,
    seats: int,
    attributes: Sequence[str],
    floor: float,
    min_group: int,
    benefit: str,
) -> tuple[SeatAllocation, SeatAllocation]:
    """Give seats under the floor; and, where that cannot be, by the order alone."""

    def allocate(lowest: float) -> SeatAllocation:
        return allocate_seats(
            people,
            seats=seats,
            attributes=attributes,
            floor=lowest,
            min_group=min_group,
            benefit=benefit,
        )

    held = allocate(floor)
    return held, held if held.feasible else allocate(0.0)
