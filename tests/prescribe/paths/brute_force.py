"""Small random portfolios, and their best paths found by trying everything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np

from workbench.core.path_params import PathParams
from workbench.prescribe.paths.candidates import Candidate, PersonaDemand

STEP = 1e-4
SKILLS = ("calls", "tools", "tact")


@dataclass(frozen=True)
class Portfolio:
    demands: tuple[PersonaDemand, ...]
    candidates: tuple[Candidate, ...]
    params: PathParams


def draw_portfolio(seed: int, shape: tuple[int, int] | None = None) -> Portfolio:
    """Draw two personas of five modules, or three of four, with limits of all kinds."""
    rng = np.random.default_rng(seed)
    personas, size = shape or ((2, 5), (3, 4))[int(rng.integers(2))]
    names = [f"m{number}" for number in range(size + 1)]
    hours = {name: float(rng.integers(1, 9)) / 2 for name in names}
    cost = {name: float(rng.integers(0, 5)) * 10 for name in names}
    fixed = {name: float(rng.choice([0, 0, 30])) for name in names}
    skills = {
        name: tuple(rng.choice(SKILLS, 1 + rng.integers(2), False)) for name in names
    }
    needs = {
        name: (str(rng.choice(names[:place])),) if place and rng.random() < 0.3 else ()
        for place, name in enumerate(names)
    }
    demands, candidates = [], []
    for number in range(personas):
        persona = f"p{number}"
        own = list(rng.permutation(names)[:size])
        demands.append(
            PersonaDemand(
                persona=persona,
                program="course",
                people=int(rng.integers(0, 5 if personas == 2 else 4)),
                at_least=int(rng.integers(0, 4)),
                gaps=dict(zip(SKILLS, rng.uniform(0, 9, 3).tolist(), strict=True)),
                met=frozenset(own[:1]) if rng.random() < 0.3 else frozenset(),
                priority=float(rng.choice([1.0, 1.0, 2.0])),
                base=float(rng.choice([0.0, round(rng.normal(0, 0.2), 4)])),
            )
        )
        candidates += [
            Candidate(
                persona=persona,
                module=name,
                hours=hours[name],
                unit_cost=cost[name],
                fixed_cost=fixed[name],
                impact=round(float(rng.normal(0.1, 0.2)), 2),
                low=float(rng.choice([-0.1, 0.1])),
                high=1.0,
                decision="retire" if rng.random() < 0.1 else "watch",
                always=bool(rng.random() < 0.08),
                outside=bool(rng.random() < 0.2),
                active=bool(rng.random() < 0.95),
                skills=skills[name],
                prerequisites=needs[name],
            )
            for name in own
        ]
    limits: dict[str, object] = {
        "modules": tuple(sorted(rng.integers(1, 5, 2).tolist()))
    }
    if rng.random() < 0.6:
        limits["hours_per_person"] = float(rng.integers(4, 14))
    if rng.random() < 0.3:
        limits["people"] = int(rng.integers(1, 4))
    budget = {}
    if rng.random() < 0.6:
        budget["hours"] = float(rng.integers(5, 60))
    if rng.random() < 0.6:
        budget["money"] = float(rng.integers(3, 40)) * 10
    return Portfolio(
        demands=tuple(demands),
        candidates=tuple(candidates),
        params=PathParams.model_validate(
            {
                "limits": limits,
                "budget": budget,
                "seats": {
                    n: int(rng.integers(0, 5)) for n in names if rng.random() < 0.3
                },
                "coverage": {"gap_at_least": 6.0},
                "exclude": [n for n in names if rng.random() < 0.06],
                "worth_at_least": float(rng.choice([0.0, 0.1, 0.25])),
            }
        ),
    )


def is_open(item: Candidate, params: PathParams) -> bool:
    return (
        item.decision != "retire"
        and item.active
        and item.module not in params.exclude
        and params.seats.get(item.module) != 0
    )


def list_open(
    demand: PersonaDemand, own: list[Candidate], params: PathParams
) -> list[Candidate]:
    """Modules that may be taken, their prerequisites and those of these as well."""
    usable = [item for item in own if is_open(item, params)]
    while True:
        names = {item.module for item in usable} | demand.met
        kept = [item for item in usable if names.issuperset(item.prerequisites)]
        if len(kept) == len(usable):
            return usable
        usable = kept


def is_path(
    demand: PersonaDemand,
    own: list[Candidate],
    path: tuple[Candidate, ...],
    params: PathParams,
) -> bool:
    """Check one learner's path, as if nobody else learnt."""
    limits = params.for_persona(demand.persona)
    usable = list_open(demand, own, params)
    names = {item.module for item in path}
    spent = sum(item.unit_cost + item.fixed_cost for item in path)
    hours = sum(item.hours for item in path)
    caps = (limits.hours_per_person, params.budget.hours)
    return (
        all(item in usable for item in path)
        and max(1, min(limits.modules[0], len(usable))) <= len(path)
        and len(path) <= limits.modules[1]
        and sum(not item.outside for item in path) >= demand.at_least
        and all(item.module in names for item in own if item.always)
        and all((names | demand.met).issuperset(item.prerequisites) for item in path)
        and all(cap is None or hours <= cap for cap in caps)
        and (params.budget.money is None or spent <= params.budget.money)
        and all(
            any(skill in item.skills for item in path)
            for skill, gap in demand.gaps.items()
            if gap >= params.coverage.gap_at_least
            and any(skill in item.skills for item in usable)
        )
    )


def list_paths(
    demand: PersonaDemand, own: list[Candidate], params: PathParams
) -> list[tuple[Candidate, ...]]:
    return [
        path
        for size in range(len(own) + 1)
        for path in combinations(own, size)
        if is_path(demand, own, path, params)
    ]


def count_worth(demand: PersonaDemand, path: tuple[Candidate, ...]) -> int:
    known = [item.impact for item in path if not (item.outside or item.always)]
    weight = demand.priority
    return round(weight * demand.base / STEP) + sum(
        round(weight * impact / STEP) for impact in known
    )


def try_everything(portfolio: Portfolio) -> tuple[int, float, set[str]]:
    """Return the best impact (steps), its fewest hours and who has no path at all."""
    params = portfolio.params
    names = sorted({item.module for item in portfolio.candidates})
    fixed = {item.module: item.fixed_cost for item in portfolio.candidates}
    stuck: set[str] = set()
    tables = []
    for demand in portfolio.demands:
        own = [item for item in portfolio.candidates if item.persona == demand.persona]
        paths = list_paths(demand, own, params)
        if not paths:
            stuck.add(demand.persona)
            continue
        people = params.for_persona(demand.persona).people
        most = demand.people if people is None else min(people, demand.people)
        rows = [np.zeros(3 + len(names))]
        fewest = max(1, round(demand.priority * params.worth_at_least / STEP))
        for path in paths:
            if count_worth(demand, path) < fewest:
                continue
            held = {item.module for item in path}
            row = [
                count_worth(demand, path),
                sum(item.hours for item in path),
                sum(item.unit_cost for item in path),
                *[float(name in held) for name in names],
            ]
            rows += [np.array(row) * seats for seats in range(1, most + 1)]
        tables.append(np.array(rows))
    if not tables:
        return 0, 0.0, stuck
    together = reduce(
        lambda a, b: (a[:, None, :] + b[None, :, :]).reshape(-1, a.shape[1]), tables
    )
    worth, hours, money, taken = *together[:, :3].T, together[:, 3:]
    money = money + (taken > 0) @ np.array([fixed[name] for name in names])
    fits = np.ones(len(together), dtype=bool)
    if params.budget.hours is not None:
        fits &= hours <= params.budget.hours
    if params.budget.money is not None:
        fits &= money <= params.budget.money
    for name, places in params.seats.items():
        if name in names:
            fits &= taken[:, names.index(name)] <= places
    best = worth[fits].max()
    return int(best), float(hours[fits & (worth == best)].min()), stuck
