"""Paths of many personas with 200 modules each: ``python -m bench.entrants_paths``."""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from workbench.core.path_params import PathParams
    from workbench.prescribe.paths.candidates import Candidate, PersonaDemand

MODULES = 200
PORTFOLIOS = 8
SKILLS = tuple(f"skill_{number:02d}" for number in range(20))

Portfolio = tuple["list[PersonaDemand]", "list[Candidate]", "PathParams"]


def main(name: str, personas: int) -> dict[str, Any]:
    """Solve the drawn portfolios one after the other; report the slowest."""
    from workbench.prescribe.paths.plan import solve_paths

    rows = []
    for seed in range(PORTFOLIOS):
        demands, candidates, params = draw_portfolio(seed, personas)
        started, busy = time.perf_counter(), time.process_time()
        plan = solve_paths(demands, candidates, params)
        rows.append(
            {
                "seconds": round(time.perf_counter() - started, 2),
                "cpu_seconds": round(time.process_time() - busy, 2),
                "estimate": round(plan.impact, 4),
                "std_error": None,
                "gap": float(f"{plan.gap:.1e}"),
            }
        )
    slowest = max(rows, key=lambda row: row["cpu_seconds"])
    return slowest | {
        "cpu_seconds_each": [row["cpu_seconds"] for row in rows],
        "gap": max(row["gap"] for row in rows),
        "peak_gib": round(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2
        ),
        "version": version(name),
    }


def draw_portfolio(seed: int, personas: int) -> Portfolio:
    """Draw a catalogue, what it is worth to each persona, and limits that bind."""
    from workbench.core.path_params import PathParams
    from workbench.prescribe.paths.candidates import Candidate, PersonaDemand

    rng = np.random.default_rng(seed)
    names = [f"m{number:03d}" for number in range(MODULES)]
    catalogue = {
        name: {
            "hours": float(rng.integers(1, 17)) / 2,
            "unit_cost": float(rng.integers(0, 30)) * 10,
            "fixed_cost": float(rng.choice([0, 0, 0, 0, rng.integers(5, 50) * 100])),
            "skills": tuple(rng.choice(SKILLS, 2, replace=False).tolist()),
            "prerequisites": (str(rng.choice(names[:place])),)
            if place > 10 and rng.random() < 0.15
            else (),
        }
        for place, name in enumerate(names)
    }
    demands, candidates = [], []
    for number in range(personas):
        persona = f"persona_{number:02d}"
        gaps = rng.choice(SKILLS, 3, replace=False).tolist()
        demands.append(
            PersonaDemand(
                persona=persona,
                program="programme",
                people=int(rng.integers(100, 400)),
                at_least=2,
                gaps=dict(zip(gaps, rng.uniform(2, 12, 3).tolist(), strict=True)),
                priority=float(rng.choice([1.0, 1.0, 1.5, 2.0])),
                base=float(rng.normal(0.2, 0.1)),
            )
        )
        own = set(rng.choice(names, 30, replace=False).tolist())
        for name, facts in catalogue.items():
            impact = float(rng.normal(0.15, 0.2))
            candidates.append(
                Candidate(
                    persona=persona,
                    module=name,
                    impact=impact,
                    low=impact - 0.2,
                    high=impact + 0.2,
                    decision="retire" if impact < -0.1 else "watch",
                    outside=number > 0 and name not in own and rng.random() < 0.1,
                    **facts,
                )
            )
    people = sum(item.people for item in demands)
    places = {name: int(rng.integers(20, 200)) for name in names if rng.random() < 0.1}
    params = PathParams.model_validate(
        {
            "limits": {"modules": (3, 5), "hours_per_person": 20.0},
            "budget": {"hours": people * 7.5, "money": people * 200.0},
            "seats": places,
        }
    )
    return demands, candidates, params


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
