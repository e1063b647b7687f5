"""Stage 02: who the personas are, how stable they are, and who got to learn."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import duckdb
import pandas as pd

from workbench.cohorts.access import tabulate_access
from workbench.cohorts.causal_tables import check_causes, tabulate_causes
from workbench.cohorts.facts import Day, build_facts
from workbench.cohorts.personas import assign_personas
from workbench.cohorts.segments import suggest_segments
from workbench.cohorts.target_trial import (
    CohortSet,
    build_cohorts,
    prepare_members,
    prepare_program,
)
from workbench.core.params import OrgParams, Outcome, Persona, Program
from workbench.core.quarters import Quarter
from workbench.core.results import Check, StageResult
from workbench.core.run_params import RunParams
from workbench.data.cut import open_cut

__all__ = ["describe_personas"]

_STABLE_SHARE = 0.7
_PROFILE = ("tenure_days", "skill_gap", "prior_rating", "prior_kpi", "prior_courses")
_GROUPS = ("shift", "region")


def describe_personas(run: RunParams) -> StageResult:
    """Describe every persona at the data cut, and access to its programmes.

    Parameters
    ----------
    run : RunParams
        Of the stage ``personas``.

    Returns
    -------
    StageResult
        Tables ``personas`` (size, overlap, stability, profile, priority), ``profile``
        (skill gap per persona and skill), ``baseline`` (each outcome among the people
        not yet learners, with threshold), ``access`` (uptake by group), ``segments``
        (suggestions), and ``graph_nodes``, ``graph_arrows`` and ``adjustment`` (the
        declared causes, see `workbench.cohorts.causal_tables`). Numbers of personas
        smaller than ``privacy.min_group`` are blanked.
    """
    params = run.params
    con = open_cut(
        run.workspace.store(params.org), run.quarter.last_day, params.workbench.privacy
    )
    try:
        now = _snapshot(con, params, run.quarter)
        gaps = con.execute(_SKILL_GAPS).df()
        before = _snapshot(con, params, run.quarter.shift(-1))
        prepare_members(con, params, run.quarter)
        sets = {
            persona.id: build_cohorts(con, run, persona.id)
            for persona in params.personas
        }
        access = _collect_access(con, run)
    finally:
        con.close()
    personas = _tabulate_personas(params, now, before)
    outside = now[now["persona"].isna()]
    floor = params.workbench.privacy.min_group
    return StageResult(
        stage="personas",
        checks=(*_check_personas(params, personas), *check_causes(params)),
        tables={
            "personas": _blank_small(personas, floor),
            "profile": _blank_profile(gaps, floor),
            "baseline": _tabulate_baseline(sets, floor),
            "access": access,
            "segments": suggest_segments(outside, min_people=3 * floor, seed=run.seed),
            **tabulate_causes(params),
        },
        facts={
            "people": len(now),
            "in_personas": int(now["persona"].notna().sum()),
            "in_several_rules": int((now["matches"] > 1).sum()),
            "first_day_after_cut": str(run.quarter.last_day + timedelta(days=1)),
        },
    )


def _snapshot(
    con: duckdb.DuckDBPyConnection, params: OrgParams, quarter: Quarter
) -> pd.DataFrame:
    """Return everybody employed on the morning after a quarter, with persona."""
    day = quarter.last_day + timedelta(days=1)
    build_facts(
        con,
        [Day(trial=str(quarter), first_day=day, landmark=day)],
        cohort=params.workbench.cohort.model_copy(update={"entry": "quarter_start"}),
        privacy=params.workbench.privacy,
        year_starts=params.workbench.quarter.fiscal_year_starts,
    )
    assign_personas(con, params.personas, path=params.folder / "personas.yml")
    return con.execute("select * from members order by unit").df()


def _tabulate_personas(
    params: OrgParams, now: pd.DataFrame, before: pd.DataFrame
) -> pd.DataFrame:
    still = before[before["unit"].isin(now["unit"]) & before["persona"].notna()]
    moved = still.merge(
        now[["unit", "persona"]], on="unit", suffixes=("", "_now"), validate="1:1"
    )
    rows = [
        _describe_persona(persona, now, before, moved) for persona in params.personas
    ]
    return pd.DataFrame(rows)


def _describe_persona(
    persona: Persona, now: pd.DataFrame, before: pd.DataFrame, moved: pd.DataFrame
) -> dict[str, Any]:
    members = now[now["persona"] == persona.id]
    earlier = moved[moved["persona"] == persona.id]
    kept = (earlier["persona_now"] == persona.id).mean() if len(earlier) else math.nan
    profile = {
        f"mean_{name}": members[name].astype("float64").mean() for name in _PROFILE
    }
    return {
        "persona": persona.id,
        "label": persona.label,
        "rule": persona.where,
        "priority": persona.priority,
        "business_priority": persona.business_priority,
        "people": len(members),
        "people_last_quarter": int((before["persona"] == persona.id).sum()),
        "also_match_other_rules": int((members["matches"] > 1).sum()),
        "share_kept": float(kept),
        **profile,
    }


def _tabulate_baseline(sets: dict[str, CohortSet], floor: int) -> pd.DataFrame:
    """Summarise each outcome among people who are not yet learners."""
    columns = ["persona", "program", "outcome", "n", "mean", "sd", "unit", "threshold"]
    rows = []
    for persona, cohort_set in sets.items():
        for cohort in cohort_set.cohorts:
            values = cohort.frame.loc[~cohort.frame["treated"], "outcome"].dropna()
            mean = float(values.mean()) if len(values) >= floor else math.nan
            rows.append(
                {
                    "persona": persona,
                    "program": cohort.program.id,
                    "outcome": cohort.outcome.id,
                    "n": len(values),
                    "mean": mean,
                    "sd": float(values.std()) if len(values) >= floor else math.nan,
                    "unit": cohort.outcome.unit,
                    "threshold": _threshold(cohort.outcome, persona, mean),
                }
            )
    return pd.DataFrame(rows, columns=columns)


def _threshold(outcome: Outcome, persona: str, baseline: float) -> float:
    """Return the smallest effect worth having, on the outcome's scale."""
    threshold = outcome.threshold_for(persona)
    if threshold is None:
        return math.nan
    if threshold.absolute is not None:
        return threshold.absolute
    return (threshold.relative or math.nan) * baseline


def _collect_access(con: duckdb.DuckDBPyConnection, run: RunParams) -> pd.DataFrame:
    """Tabulate access to every programme for each of its personas."""
    tables = [
        _tabulate_access(con, run, persona.id, program)
        for persona in run.params.personas
        for program in run.params.find_programs(persona.id)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _tabulate_access(
    con: duckdb.DuckDBPyConnection, run: RunParams, persona: str, program: Program
) -> pd.DataFrame:
    prepare_program(con, persona=persona, program=program)
    privacy = run.params.workbench.privacy
    return tabulate_access(
        con,
        persona=persona,
        program=program.id,
        groups=tuple(dict.fromkeys([*privacy.protected, *_GROUPS])),
        min_group=privacy.min_group,
        alpha=run.params.workbench.impact.alpha,
    )


def _check_personas(params: OrgParams, personas: pd.DataFrame) -> list[Check]:
    floor = params.workbench.privacy.min_group
    checks = []
    for row in personas.itertuples():
        checks.append(
            Check(
                check=f"size of {row.persona}",
                passed=bool(row.people >= floor),
                value=float(row.people),
                limit=float(floor),
                advice="join it with a neighbouring persona, or widen its rule",
            )
        )
        known = not math.isnan(row.share_kept)
        checks.append(
            Check(
                check=f"stability of {row.persona}",
                passed=bool(row.share_kept >= _STABLE_SHARE) if known else None,
                value=row.share_kept,
                limit=_STABLE_SHARE,
                text="" if known else "nobody was in the persona last quarter",
                advice="a persona whose people change every quarter is hard to serve",
            )
        )
    return checks


def _blank_small(personas: pd.DataFrame, floor: int) -> pd.DataFrame:
    small = personas["people"] < floor
    table = personas.assign(suppressed=small)
    blank = [name for name in table.columns if name.startswith(("mean_", "share_"))]
    table.loc[small, blank] = math.nan
    return table


def _blank_profile(gaps: pd.DataFrame, floor: int) -> pd.DataFrame:
    table = gaps.assign(suppressed=gaps["people"] < floor)
    table.loc[table["suppressed"], ["mean_gap", "share_with_gap"]] = math.nan
    return table


_SKILL_GAPS = """
with needs as (
    select m.persona, m.unit, m.time_zero, r.skill, r.required
    from members m join role_skills r
        on r.role = m.role and (r.level is null or r.level = m.level)
    where m.persona is not null
    qualify row_number() over (
        partition by m.unit, r.skill order by r.level nulls last) = 1
)
select n.persona, n.skill, count(distinct n.unit) as people,
    avg(n.required) as mean_required, avg(s.proficiency) as mean_proficiency,
    avg(greatest(0, n.required - s.proficiency)) as mean_gap,
    avg(cast(s.proficiency < n.required as double)) as share_with_gap
from needs n asof join skill_days s
    on n.unit = s.employee_id and n.skill = s.skill and n.time_zero > s.known_on
group by all order by n.persona, n.skill
"""
