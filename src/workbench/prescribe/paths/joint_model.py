"""All personas in one programme: people, modules in paths, people who take each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from workbench.core.path_params import PathParams
from workbench.prescribe.paths.candidates import Candidate
from workbench.prescribe.paths.constraints import Constraint, Party
from workbench.prescribe.paths.impact_steps import count_steps
from workbench.prescribe.paths.linear_model import LinearModel

__all__ = ["JointModel", "Places"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Columns of one persona: people, modules in the path, people who take each.

    ``most`` is the largest number of people.
    """

    people: int
    chosen: dict[str, int]
    taken: dict[str, int]
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JointModel:
    """The programme of `choose_together`.

    ``shared`` is the first row of the limits that personas share, all of which are
    upper ones; ``steps`` and ``hours`` are the two goals by column.
    """

    model: LinearModel
    places: tuple[Places, ...]
    shared: int
    steps: dict[int, int]
    hours: dict[int, float]

    @classmethod
    def build(cls, parties: Sequence[Party], params: PathParams) -> Self:
        """Build the programme for some personas and the modules open to them."""
        model = LinearModel()
        places = tuple(_add_party(model, party, params) for party in parties)
        shared = model.count_rows()
        _share_hours(model, parties, places, params.budget.hours)
        _share_money(model, parties, places, params.budget.money)
        _share_places(model, places, params)
        steps: dict[int, int] = {}
        hours: dict[int, float] = {}
        for party, at in zip(parties, places, strict=True):
            weight = party.demand.priority
            steps[at.people] = count_steps(party.demand.base, weight)
            for item in party.usable:
                steps[at.taken[item.module]] = count_steps(item.worth, weight)
                hours[at.taken[item.module]] = item.hours
        return cls(model=model, places=places, shared=shared, steps=steps, hours=hours)


def _add_party(model: LinearModel, party: Party, params: PathParams) -> Places:
    """Add one persona's columns, the product of people and path, and its rows."""
    most = _bound_people(party, params)
    least = party.fewest
    people = model.add_column(low=least, high=most)
    chosen = {item.module: model.add_column() for item in party.usable}
    taken = {
        item.module: model.add_column(high=most, whole=False) for item in party.usable
    }
    for name, flag in chosen.items():
        count, room = taken[name], min(most, params.seats.get(name, most))
        model.add_row({count: 1.0, people: -1.0, flag: -least}, high=-least)
        model.add_row({count: 1.0, flag: -room}, high=0.0)
        model.add_row({count: 1.0, people: -1.0, flag: -most}, low=-most)
        if least:
            model.add_row({count: 1.0, flag: -least}, low=0.0)
        if room < most:
            model.add_row({people: 1.0, flag: most - room}, high=most)
    for rule in party.constraints:
        if not rule.shared:
            _hold(model, rule, people, chosen, taken)
    return Places(people=people, chosen=chosen, taken=taken, most=most)


def _hold(
    model: LinearModel,
    rule: Constraint,
    people: int,
    chosen: dict[str, int],
    taken: dict[str, int],
) -> None:
    weights = {name: value for name, value in rule.weights.items() if name in chosen}
    if not weights:
        return
    model.add_row(
        {chosen[name]: value for name, value in weights.items()},
        low=rule.low,
        high=rule.high,
    )
    lifted = {taken[name]: value for name, value in weights.items()}
    if rule.low > -math.inf:
        model.add_row({**lifted, people: -rule.low}, low=0.0)
    if rule.high < math.inf:
        model.add_row({**lifted, people: -rule.high}, high=0.0)


def _bound_people(party: Party, params: PathParams) -> int:
    """Bound the people by the hours: a path takes at least its fewest modules'."""
    if params.budget.hours is None:
        return party.most
    fewest = min(params.for_persona(party.demand.persona).modules[0], len(party.usable))
    least = sum(sorted(item.hours for item in party.usable)[:fewest])
    return (
        party.most if least <= 0 else min(party.most, int(params.budget.hours / least))
    )


def _list_taken(
    parties: Sequence[Party], places: Sequence[Places]
) -> list[tuple[Candidate, int, int]]:
    """All modules of all personas: the module, its column, its largest value."""
    return [
        (item, at.taken[item.module], party.most)
        for party, at in zip(parties, places, strict=True)
        for item in party.usable
    ]


def _share_hours(
    model: LinearModel,
    parties: Sequence[Party],
    places: Sequence[Places],
    budget: float | None,
) -> None:
    if budget is not None:
        taken = _list_taken(parties, places)
        model.add_row({place: item.hours for item, place, _ in taken}, high=budget)


def _share_money(
    model: LinearModel,
    parties: Sequence[Party],
    places: Sequence[Places],
    budget: float | None,
) -> None:
    if budget is None:
        return
    taken = _list_taken(parties, places)
    spent = {place: item.unit_cost for item, place, _ in taken}
    held: dict[str, int] = {}
    for item, place, most in taken:
        if item.fixed_cost <= 0:
            continue
        if item.module not in held:
            held[item.module] = model.add_column()
            spent[held[item.module]] = item.fixed_cost
        model.add_row({place: 1.0, held[item.module]: -float(most)}, high=0.0)
    model.add_row(spent, high=budget)


def _share_places(
    model: LinearModel, places: Sequence[Places], params: PathParams
) -> None:
    for module, seats in sorted(params.seats.items()):
        columns = [at.taken[module] for at in places if module in at.taken]
        if columns:
            model.add_row(dict.fromkeys(columns, 1.0), high=seats)
