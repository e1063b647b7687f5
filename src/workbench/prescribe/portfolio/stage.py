"""The portfolio stage: every module's worth, and the paths that one quarter allows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.cohorts.module_records import ModuleRecords
from workbench.cohorts.people_now import PeopleNow
from workbench.core.params import OrgParams
from workbench.core.results import Check, Estimate, StageResult
from workbench.prescribe.modules.portfolio import PortfolioValues, value_modules
from workbench.prescribe.paths.plan import PathPlan, solve_paths
from workbench.prescribe.portfolio.demands import (
    choose_programmes,
    list_all_candidates,
    list_demands,
)
from workbench.prescribe.portfolio.shifts import shift_of_path

__all__ = ["estimate_portfolio_stage"]

_STAGE = "portfolio"
_ONLY_GAP = 1e-6
_NO_SHIFT = (math.nan, math.nan)
_TABLES = (
    *("modules", "module_effects", "co_taking", "dose"),
    *("paths", "path_summary", "gaps"),
)


def estimate_portfolio_stage(
    records: Sequence[ModuleRecords],
    people: PeopleNow,
    *,
    params: OrgParams,
    seed: int,
) -> StageResult:
    """Estimate what every module is worth, and choose the paths of all personas.

    Parameters
    ----------
    records : sequence of ModuleRecords
        Of every persona and programme.
    people : PeopleNow
        Everybody on the day after the cut.
    params : OrgParams
        Weights, limits, priorities, practice tasks.
    seed : int
        Deals people into folds.

    Returns
    -------
    StageResult
        Tables ``module_effects``, ``modules``, ``co_taking``, ``dose``, ``paths``,
        ``path_summary``, ``gaps``; ``estimates`` hold the effect of each module by
        outcome, as subgroups by ``module``. Not applicable where nobody learnt.
    """
    alpha = params.workbench.impact.alpha
    chosen, left = choose_programmes(records)
    if not any(_count_learners(item) for item in chosen):
        return StageResult(
            stage=_STAGE,
            status="not_applicable",
            reason="nobody completed a programme in the quarters that are read",
            tables={name: pd.DataFrame() for name in _TABLES},
        )
    values = value_modules(
        records,
        paths=params.paths,
        alpha=alpha,
        min_group=params.workbench.privacy.min_group,
        seed=seed,
        currency=params.workbench.currency,
    )
    plan = solve_paths(
        list_demands(chosen, values, people, params),
        list_all_candidates(chosen, values, params),
        params.paths,
        managers=params.managers,
        alpha=alpha,
    )
    return StageResult(
        stage=_STAGE,
        estimates=_list_estimates(values, records),
        checks=(*values.checks, *_check_paths(plan, left)),
        tables={
            **values.tables,
            "paths": plan.paths,
            "path_summary": _add_shifts(plan, values),
            "gaps": values.gaps,
        },
        facts={
            "impact": round(plan.impact, 6),
            "hours": round(plan.hours, 2),
            "money": round(plan.money, 2),
            "currency": params.workbench.currency,
        },
    )


def _count_learners(records: ModuleRecords) -> int:
    frames = [item.frame for item in records.cohorts]
    frames += [item.cohort.frame for item in records.follow_ups]
    return max((int(frame["treated"].sum()) for frame in frames), default=0)


def _check_paths(plan: PathPlan, left: Sequence[ModuleRecords]) -> Iterable[Check]:
    yield Check(
        check="paths_optimal",
        passed=plan.gap <= _ONLY_GAP,
        value=plan.gap,
        limit=_ONLY_GAP,
        text="No other choice of paths and seats within the limits is worth more.",
        advice="raise the limits, or look at what binds in the summary of paths",
    )
    for row in plan.path_summary.itertuples():
        if row.status == "infeasible":
            yield Check(
                check="path_possible",
                passed=False,
                program=str(row.program),
                text=str(row.text),
                advice="change the limit that the text names in paths.yml",
            )
    for item in left:
        yield Check(
            check="one_path_per_persona",
            passed=False,
            program=item.program.id,
            text=f"{item.persona} has a path already; {item.program.id} is valued, "
            "but no path is made of it.",
            advice="put the programme that makes the path first in programs.yml",
        )


def _add_shifts(plan: PathPlan, values: PortfolioValues) -> pd.DataFrame:
    """Add what each path is worth beyond the programme as it was taken."""
    rows = []
    for row in plan.path_summary.itertuples():
        own = plan.paths["persona"] == row.persona
        path = tuple(plan.paths.loc[own, "module"])
        known = [
            item
            for item in values.find_values(str(row.persona))
            if item.program == row.program
        ]
        rows.append(shift_of_path(known[0], path) if known and path else _NO_SHIFT)
    columns = ["shift", "shift_std_error"]
    shifts = pd.DataFrame(rows, columns=columns, index=plan.path_summary.index)
    return plan.path_summary.join(shifts)


def _list_estimates(
    values: PortfolioValues, records: Sequence[ModuleRecords]
) -> tuple[Estimate, ...]:
    """Write the effects of modules as the contract has estimates."""
    table = values.tables["module_effects"]
    quarter = records[0].quarter
    directions = {
        cohort.outcome.id: cohort.outcome.direction
        for item in records
        for cohort in (*item.cohorts, *(follow.cohort for follow in item.follow_ups))
    }
    return tuple(
        _write_estimate(row, quarter, directions) for row in table.to_dict("records")
    )


def _write_estimate(
    row: Mapping[Any, Any], quarter: str, directions: Mapping[str, str]
) -> Estimate:
    outcome = str(row["outcome"])
    return Estimate(
        quarter=quarter,
        persona=str(row["persona"]),
        stage=_STAGE,
        program=str(row["program"]),
        outcome=outcome,
        estimand="ATE",
        method=str(row["method"]),
        unit=str(row["unit"]),
        n_treated=_read_count(row["n_passed"]),
        n_control=_read_count(row["n_skipped"]),
        subgroup_by="module",
        subgroup=str(row["module"]),
        estimate=float(row["estimate"]),
        std_error=float(row["std_error"]),
        ci_low=float(row["ci_low"]),
        ci_high=float(row["ci_high"]),
        p_value=float(row["p_value"]),
        p_adjusted=float(row["p_adjusted"]),
        direction=directions.get(outcome, "up"),
        limitation=str(row["limitation"] or ""),
    )


def _read_count(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
