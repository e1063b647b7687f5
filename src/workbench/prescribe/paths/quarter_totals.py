"""What all seats of a quarter take and bring, and what is left of the limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from workbench.core.path_params import PathParams
from workbench.prescribe.paths.candidates import Candidate
from workbench.prescribe.paths.constraints import Party, find_fewest_steps
from workbench.prescribe.paths.impact_steps import count_steps
from workbench.prescribe.paths.optimum import Choice

__all__ = ["QuarterTotals", "is_worthwhile", "pick_modules", "sum_worth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterTotals:
    """What all seats of a quarter take and bring, and what is left of each limit.

    A limit that is not set leaves infinitely much. ``held`` are the modules whose
    fixed cost is paid.
    """

    impact: float
    hours: float
    money: float
    hours_left: float
    money_left: float
    places_left: Mapping[str, int]
    held: frozenset[str]

    @classmethod
    def add_up(
        cls,
        parties: Sequence[Party],
        choices: Sequence[Choice | None],
        params: PathParams,
    ) -> Self:
        """Add up the choices of all personas; None stands for no path."""
        impact = hours = money = 0.0
        places = dict(params.seats)
        fixed: dict[str, float] = {}
        for party, choice in zip(parties, choices, strict=True):
            if choice is None or not choice.people:
                continue
            path = pick_modules(party, choice)
            impact += choice.people * sum_worth(party, path)
            hours += choice.people * sum(item.hours for item in path)
            money += choice.people * sum(item.unit_cost for item in path)
            fixed |= {item.module: item.fixed_cost for item in path}
            for item in path:
                if item.module in places:
                    places[item.module] -= choice.people
        money += sum(fixed.values())
        return cls(
            impact=impact,
            hours=hours,
            money=money,
            hours_left=_subtract(params.budget.hours, hours),
            money_left=_subtract(params.budget.money, money),
            places_left=places,
            held=frozenset(fixed),
        )


def _subtract(limit: float | None, used: float) -> float:
    return math.inf if limit is None else limit - used


def pick_modules(party: Party, choice: Choice) -> tuple[Candidate, ...]:
    """Return the modules of a choice, by name."""
    return tuple(item for item in party.usable if item.module in choice.modules)


def sum_worth(party: Party, path: Sequence[Candidate]) -> float:
    """Return the impact of a path on one learner, in smallest worthwhile changes."""
    return party.demand.base + sum(item.worth for item in path)


def is_worthwhile(party: Party, path: Sequence[Candidate], params: PathParams) -> bool:
    """Return whether a path is expected to help enough to be given seats."""
    weight = party.demand.priority
    steps = count_steps(party.demand.base, weight)
    steps += sum(count_steps(item.worth, weight) for item in path)
    return steps >= find_fewest_steps(weight, params)
