"""Paths chosen on the demo organisation, held against its truth, seed by seed.

``python -m tests.calibration.demo_paths --seeds 20`` makes the organisation anew with
each seed, lets stages ``portfolio`` and ``prescription`` choose, and reads in the truth
what that is worth, beside a random choice, those worst off first, and what was done.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.e2e.project import ROOT, copy_project, run_workbench

PLACE = ROOT / "src" / "workbench" / "brief" / "proofs" / "paths.json"
QUARTER = "2026Q3"
HARMFUL = "acct-3"
EMPTY = "l1-4"
_KINDS = {
    "performance_rating": "rating",
    "kpi_attainment": "kpi",
    "skill_proficiency": "skill",
    "retention_12m": "exit",
    "internal_mobility_12m": "move",
    "ramp_days": "ramp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """True worth of modules in thresholds, by persona and module."""

    modules: Mapping[str, Mapping[str, float]]
    taken: Mapping[str, Mapping[str, float]]

    def value(self, persona: str, path: Iterable[str]) -> float:
        """Return what a path is worth to a learner of usual need."""
        return sum(self.modules[persona].get(item, 0.0) for item in path)

    def value_as_taken(self, persona: str) -> float:
        """Return what the programme is worth with the modules as learners take them."""
        shares = self.taken[persona]
        return sum(shares[item] * self.modules[persona][item] for item in shares)


def read_truth(folder: Path, params: Any) -> Truth:
    """Turn the parameters of the truth into thresholds."""
    modules = pd.read_parquet(folder / "truth_modules.parquet")
    effects = pd.read_parquet(folder / "truth_effects.parquet")
    pooled = effects[effects["exposure_quarter"] == "reported"]
    worth: dict[str, dict[str, float]] = {}
    taken: dict[str, dict[str, float]] = {}
    for persona, rows in modules.groupby("persona"):
        own = pooled[pooled["persona"] == persona].set_index("outcome")
        for course, kinds in rows.groupby("course_id"):
            parameter = kinds.set_index("effect")["parameter"]
            worth.setdefault(persona, {})[course] = sum(
                _value(outcome, parameter[kind], own, rows, params)
                for outcome, kind in _KINDS.items()
                if outcome in own.index
            )
            counts = kinds["n_learners"].iloc[0]
            taken.setdefault(persona, {})[course] = counts / rows["n_learners"].max()
    return Truth(modules=worth, taken=taken)


def _value(
    outcome: str, parameter: float, own: pd.DataFrame, rows: pd.DataFrame, params: Any
) -> float:
    declared = params.find_outcome(outcome)
    weight = params.paths.weights.get(outcome, 1.0)
    threshold, base = declared.threshold, float(own.loc[outcome, "untreated"])
    if outcome == "ramp_days":
        kinds = rows[rows["effect"] == "ramp"]
        passed = kinds["n_learners"] / kinds["n_learners"].max()
        total = float((kinds["parameter"] * passed).sum())
        change = float(own.loc[outcome, "att"]) * parameter / total if total else 0.0
        # days from role start to proficiency without learning, from the settings
        base = 210.0
    elif outcome == "retention_12m":
        change = base ** np.exp(parameter) - base
    elif outcome == "internal_mobility_12m":
        change = 1 - (1 - base) ** np.exp(parameter) - base
    else:
        change = parameter
    smallest = threshold.absolute or threshold.relative * base
    sign = 1.0 if declared.direction == "up" else -1.0
    return float(weight * sign * change / smallest)


def measure_need(gap: pd.Series, persona: str) -> np.ndarray:
    """Return the factor by which the demo's effects grow with a person's need."""
    from workbench.data.demo.settings import PERSONAS

    usual = next(item.usual_gap for item in PERSONAS if item.id == persona)
    known = gap.astype("float64").fillna(float(gap.astype("float64").median()))
    return np.asarray(1.0 + 0.5 * np.tanh((known - usual) / 8.0))


def run_seed(seed: int, employees: int = 4000) -> dict[str, Any]:
    """Choose on one organisation, and read in its truth what that is worth."""
    folder = copy_project(Path(tempfile.mkdtemp(prefix="paths-")))
    try:
        for arguments in (
            ("demo", "--seed", str(seed), "--employees", str(employees)),
            ("load", "--org", "demo"),
        ):
            done = run_workbench(folder, *arguments)
            if done.returncode:
                raise RuntimeError(done.stdout + done.stderr)
        os.environ["WORKBENCH_PROJECT"] = str(folder)
        return {"seed": seed, "employees": employees} | _choose(folder, seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _choose(folder: Path, seed: int) -> dict[str, Any]:
    from workbench.cohorts.module_records import load_all_records
    from workbench.cohorts.people_now import load_people_now
    from workbench.core.results import StageResult
    from workbench.core.run_params import RunParams
    from workbench.prescribe.portfolio.stage import estimate_portfolio_stage

    run = RunParams.create("portfolio", org="demo", quarter=QUARTER, seed=seed)
    records, people = load_all_records(run), load_people_now(run)
    estimate_portfolio_stage(records, people, params=run.params, seed=run.seed).save(
        run.folder
    )
    portfolio = StageResult.read(run.folder)
    truth = read_truth(folder / "extracts" / "demo_truth", run.params)
    rows = [_judge(item, people, portfolio, truth, run, seed) for item in records]
    best = _choose_best(records, people, truth, run)
    decisions = portfolio.tables["modules"].set_index("module")["decision"]
    paths = portfolio.tables["paths"]
    served = portfolio.tables["path_summary"].set_index("persona")["seats"]
    offered = paths[paths["persona"].map(served) > 0]
    return {
        "personas": rows,
        "best": best,
        "harmful": str(decisions[HARMFUL]),
        "empty": str(decisions[EMPTY]),
        "harmful_in_path": bool((paths["module"] == HARMFUL).any()),
        "paths": {
            str(name): list(own["module"]) for name, own in offered.groupby("persona")
        },
    }


def _judge(
    records: Any, people: Any, portfolio: Any, truth: Truth, run: Any, seed: int
) -> dict[str, Any]:
    """Value one persona's seats by the truth, beside three other ways."""
    from workbench.prescribe.prescription.stage import estimate_prescription_stage

    persona = records.persona
    could = people.for_program(persona, records.program.id)
    could = could[~could["learnt"].astype(bool)].reset_index(drop=True)
    need = measure_need(could["skill_gap"], persona)
    summary = portfolio.tables["path_summary"].set_index("persona").loc[persona]
    paths = portfolio.tables["paths"]
    path = list(paths.loc[paths["persona"] == persona, "module"])
    seats = int(summary["seats"])
    limit = run.params.paths.for_persona(persona).people or len(could)
    given = min(limit, len(could))
    found = estimate_prescription_stage(
        [records],
        people,
        portfolio,
        rules=None,
        params=run.params,
        persona=persona,
        seed=seed,
        consent=frozenset(people.frame["unit"]),
    )
    chosen = found.tables["seats"]
    mine = could["unit"].isin(chosen["unit"]).to_numpy()
    worst = np.argsort(could["prior_rating"].fillna(np.inf).to_numpy())[:given]
    usual = truth.value_as_taken(persona)
    value = truth.value(persona, path)
    return {
        "persona": persona,
        "seats": seats,
        "path": path,
        "chosen": float(need[mine].sum() * value),
        "random": float(given * need.mean() * _average_path(records, truth, run)),
        "top_risk": float(need[worst].sum() * usual),
        "current": float(given * need.mean() * usual),
        "ranking": str(found.facts.get("ranking", "")),
    }


def _average_path(records: Any, truth: Truth, run: Any) -> float:
    """Average the worth of all paths that the persona's own limits allow."""
    limits = run.params.paths.for_persona(records.persona)
    hours = records.catalogue.set_index("course_id")["effort_hours"]
    courses = list(records.program.courses)
    rule = records.program.complete.at_least
    fewest, most = max(limits.modules[0], rule), limits.modules[1]
    needed = records.catalogue.set_index("course_id")["prerequisites"]
    values = [
        truth.value(records.persona, path)
        for size in range(fewest, min(most, len(courses)) + 1)
        for path in itertools.combinations(courses, size)
        if sum(hours[item] for item in path) <= (limits.hours_per_person or np.inf)
        and all({*needed[item]} <= {*path} for item in path)
    ]
    return float(np.mean(values))


def _choose_best(records: Any, people: Any, truth: Truth, run: Any) -> float:
    """Return the most that any feasible choice of paths and people is worth."""
    from workbench.prescribe.modules.portfolio import value_modules
    from workbench.prescribe.paths.plan import solve_paths
    from workbench.prescribe.portfolio.demands import (
        list_all_candidates,
        list_demands,
    )

    params = run.params
    options = {"alpha": 0.05, "min_group": 10, "seed": 1}
    values = value_modules(records, paths=params.paths, **options)
    known = [
        replace(
            item,
            impact=worth,
            low=worth,
            high=worth,
            always=False,
            decision="watch",
        )
        if not item.outside
        else item
        for item in list_all_candidates(records, values, params)
        for worth in [truth.modules[item.persona].get(item.module, 0.0)]
    ]
    demands = [
        replace(item, priority=1.0, base=0.0, covariance=None)
        for item in list_demands(records, values, people, params)
    ]
    plan = solve_paths(demands, known, params.paths)
    total = 0.0
    for row in plan.path_summary.itertuples():
        could = people.for_program(row.persona, row.program)
        could = could[~could["learnt"].astype(bool)]
        need = np.sort(measure_need(could["skill_gap"], row.persona))[::-1]
        path = plan.paths.loc[plan.paths["persona"] == row.persona, "module"]
        total += need[: int(row.seats)].sum() * truth.value(row.persona, path)
    return float(total)


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Add the personas of each seed up, and compare."""
    sums = [
        {
            name: sum(item[name] for item in row["personas"])
            for name in ("chosen", "random", "top_risk", "current")
        }
        | {"best": row["best"]}
        for row in rows
    ]
    share = [item["chosen"] / item["best"] for item in sums]
    return {
        "seeds": len(rows),
        "share_of_best": share,
        "beats_random": sum(item["chosen"] > item["random"] for item in sums),
        "beats_top_risk": sum(item["chosen"] > item["top_risk"] for item in sums),
        "beats_current": sum(item["chosen"] > item["current"] for item in sums),
        "harmful_in_path": sum(row["harmful_in_path"] for row in rows),
        "harmful_retired": sum(row["harmful"] == "retire" for row in rows),
        "empty_boosted": sum(row["empty"] == "boost" for row in rows),
        "values": sums,
    }


def main() -> None:
    """Run the seeds and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=201)
    parser.add_argument("--employees", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    rows: list[dict[str, Any]] = []
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        waiting = [
            pool.submit(run_seed, seed, given.employees)
            for seed in range(given.first, given.first + given.seeds)
        ]
        for done in as_completed(waiting):
            rows.append(done.result())
            print(json.dumps(rows[-1]), flush=True)  # noqa: T201
    rows.sort(key=lambda row: row["seed"])
    written = {
        "date": dt.date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "employees": given.employees,
        "summary": summarise(rows),
        "rows": rows,
    }
    PLACE.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
