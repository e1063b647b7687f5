"""Who passed which module of a programme, beside what is read of them afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import pandas as pd

from workbench.cohorts.follow_frames import FollowUp
from workbench.cohorts.follow_up import build_follow_up
from workbench.cohorts.follow_values import takes_time
from workbench.cohorts.frames import Cohort
from workbench.cohorts.module_catalogue import CATALOGUE, read_catalogue
from workbench.cohorts.outcomes import find_missing_tables
from workbench.cohorts.target_trial import (
    Gap,
    build_cohort,
    find_first_quarter,
    find_gap,
    prepare_members,
    prepare_program,
)
from workbench.cohorts.trials import Trial, plan_follow_ups, plan_trials
from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import OrgParams, Outcome, Program
from workbench.core.quarters import Quarter
from workbench.core.run_params import RunParams
from workbench.core.store import read_json
from workbench.data.cut import open_cut
from workbench.data.sql import quote_name, quote_text

__all__ = [
    "ModuleRecords",
    "build_module_records",
    "load_all_records",
    "load_module_records",
    "prepare_records",
]

_KEY = ["unit", "trial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRecords:
    """Modules of one persona and programme: what they are, who passed them, outcomes.

    Attributes
    ----------
    quarter, persona, program
        As in `Cohort`.
    catalogue : DataFrame
        The programme's courses in its order; see `read_catalogue`.
    also : DataFrame
        The same of courses outside the programme that may close a skill gap.
    passed : DataFrame
        One row per person and exposure quarter that any of `cohorts` or `follow_ups`
        reads: ``unit``, ``trial``, and for each course of the programme a bool: passed
        on or before the landmark, as the completion rule counts it.
    hours : DataFrame
        Of the same rows: ``unit``, ``trial``, ``hours`` (learning hours of courses of
        the programme completed or failed between time zero and the landmark; those of
        the catalogue where the minutes were not recorded).
    cohorts : tuple of Cohort
        One per outcome that can be read at one date, over the last
        ``paths.window_quarters`` exposure quarters whose window has closed.
    follow_ups : tuple of FollowUp
        One per outcome that takes time, over the same span up to the cut, also where
        a cohort reads its value at the horizon.
    gaps : tuple of Gap
        Outcomes that have no cohort, and why; those that are only followed are in
        `follow_ups`.

    Raises
    ------
    MissingColumnError
        If a column is missing.
    ContractError
        If a person stands twice in a trial, or a row of a cohort has no modules.
    """

    quarter: str
    persona: str
    program: Program
    catalogue: pd.DataFrame
    passed: pd.DataFrame
    hours: pd.DataFrame
    cohorts: tuple[Cohort, ...]
    follow_ups: tuple[FollowUp, ...] = ()
    gaps: tuple[Gap, ...] = ()
    also: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        wanted = (
            (self.catalogue, CATALOGUE),
            (self.passed, (*_KEY, *self.program.courses)),
            (self.hours, (*_KEY, "hours")),
        )
        for frame, columns in wanted:
            missing = sorted({*columns} - {*frame.columns})
            if missing:
                raise MissingColumnError.build(
                    "Records of modules lack columns",
                    where=f"{self.persona}, {self.program.id}",
                    got=missing,
                )
        known = pd.MultiIndex.from_frame(self.passed[_KEY])
        frames = [item.frame for item in self.cohorts]
        frames += [item.cohort.frame for item in self.follow_ups]
        if not known.is_unique or not all(
            pd.MultiIndex.from_frame(frame[_KEY]).isin(known).all() for frame in frames
        ):
            raise ContractError.build(
                "Modules and outcomes are not of the same people",
                where=f"{self.persona}, {self.program.id}",
                rule="one row of passed per person and trial of every cohort",
            )


def load_module_records(run: RunParams) -> tuple[ModuleRecords, ...]:
    """Read the modules of a run's persona, one item per programme.

    Parameters
    ----------
    run : RunParams
        Of a stage that varies by persona.

    Raises
    ------
    ParamError
        If a parameter file names what the data do not have.
    DesignError
        If anything dated after time zero, or outside an outcome's window, would enter.
    """
    return _load(run, [run.persona], only=run.persona)


def load_all_records(run: RunParams) -> tuple[ModuleRecords, ...]:
    """Read the modules of every persona, in order of priority; see above."""
    return _load(run, [item.id for item in run.params.personas], only=None)


def prepare_records(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    persona: str | None = None,
) -> None:
    """Build ``facts`` and ``members`` for all quarters that tell of modules."""
    plans = [_plan(params, quarter, item) for item in params.outcomes]
    exposures = {trial.exposure for plan in plans for part in plan for trial in part}
    prepare_members(con, params, quarter, exposures=sorted(exposures), persona=persona)


def build_module_records(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    persona: str,
    program: Program,
    tables: Sequence[str],
) -> ModuleRecords:
    """Read the modules of one persona and programme.

    Parameters
    ----------
    con : DuckDBPyConnection
        As left by `prepare_records`.
    params : OrgParams
        ``paths`` says how many quarters are read, and which courses count besides.
    quarter : Quarter
        The reported quarter; its last day is the data cut.
    persona : str
        Persona in force at time zero.
    program : Program
        The programme.
    tables : sequence of str
        Canonical tables that were loaded.
    """
    prepare_program(con, persona=persona, program=program)
    cohorts: list[Cohort] = []
    follow_ups: list[FollowUp] = []
    gaps: list[Gap] = []
    for outcome in params.outcomes:
        closed, followed = _plan(params, quarter, outcome)
        reason = find_gap(outcome, quarter, trials=closed, tables=tables)
        wide = _widen(params, outcome)
        if reason:
            gaps.append(Gap(program=program.id, outcome=outcome.id, reason=reason))
        else:
            cohort = build_cohort(
                con, params, quarter, persona=persona, program=program, outcome=wide
            )
            cohorts.append(replace(cohort, outcome=outcome))
        if followed and not find_missing_tables(outcome, tables):
            follow = build_follow_up(
                con, params, quarter, persona=persona, program=program, outcome=wide
            )
            declared = replace(follow.cohort, outcome=outcome)
            follow_ups.append(replace(follow, cohort=declared))
    min_group = params.workbench.privacy.min_group
    others = [item for item in params.paths.also if item not in program.courses]
    return ModuleRecords(
        quarter=str(quarter),
        persona=persona,
        program=program,
        catalogue=read_catalogue(con, program.courses, min_group=min_group),
        also=read_catalogue(con, others, min_group=min_group),
        passed=_read_passed(con, program),
        hours=con.execute(_HOURS).df().astype({"hours": "float64"}),
        cohorts=tuple(cohorts),
        follow_ups=tuple(follow_ups),
        gaps=tuple(gaps),
    )


def _load(
    run: RunParams, personas: Sequence[str], *, only: str | None
) -> tuple[ModuleRecords, ...]:
    params, store = run.params, run.workspace.store(run.params.org)
    tables = list(read_json(store / "_load.json")["tables"])
    con = open_cut(store, run.quarter.last_day, params.workbench.privacy)
    try:
        prepare_records(con, params, run.quarter, persona=only)
        found = [
            build_module_records(
                con,
                params,
                run.quarter,
                persona=persona,
                program=program,
                tables=tables,
            )
            for persona in personas
            for program in params.find_programs(persona)
        ]
    finally:
        con.close()
    return tuple(_add_threats(item, run) for item in found)


def _add_threats(records: ModuleRecords, run: RunParams) -> ModuleRecords:
    def judge(cohort: Cohort) -> Cohort:
        return replace(cohort, threats=run.list_threats(cohort.outcome.id))

    return replace(
        records,
        cohorts=tuple(judge(item) for item in records.cohorts),
        follow_ups=tuple(
            replace(item, cohort=judge(item.cohort)) for item in records.follow_ups
        ),
    )


def _widen(params: OrgParams, outcome: Outcome) -> Outcome:
    """Give an outcome the exposure quarters that paths are decided on."""
    quarters = params.paths.window_quarters
    return outcome.model_copy(update={"exposure_window_quarters": quarters})


def _plan(
    params: OrgParams, quarter: Quarter, outcome: Outcome
) -> tuple[list[Trial], list[Trial]]:
    """List an outcome's trials: read at one date, and followed to the cut."""
    first, wide = find_first_quarter(params), _widen(params, outcome)
    time = takes_time(outcome) and outcome.horizon_days is not None
    followed = plan_follow_ups(wide, quarter, first=first) if time else []
    return plan_trials(wide, quarter, first=first), followed


def _read_passed(con: duckdb.DuckDBPyConnection, program: Program) -> pd.DataFrame:
    courses = tuple(dict.fromkeys(program.courses))
    columns = ", ".join(
        f"coalesce(bool_or(d.course_id = {quote_text(item)}), false)"
        f" as {quote_name(item)}"
        for item in courses
    )
    frame = con.execute(_PASSED.format(columns=columns)).df()
    return frame.astype(dict.fromkeys(courses, "bool"))


_PASSED = """
select a.unit, a.trial, {columns}
from at_risk a left join modules_done d
    on d.unit = a.unit and d.done_on <= a.landmark
where a.stayed group by a.unit, a.trial order by a.trial, a.unit
"""

_HOURS = """
with spent as (
    select n.employee_id as unit, cast(n.completed_at as date) as done_on,
        coalesce(n.minutes / 60, c.effort_hours) as hours, n.enrollment_id
    from enrollments n join program_courses p using (course_id)
    left join courses c using (course_id) where n.completed_at is not null
)
select a.unit, a.trial,
    coalesce(sum(s.hours order by s.enrollment_id), 0) as hours
from at_risk a left join spent s
    on s.unit = a.unit and s.done_on between a.time_zero and a.landmark
where a.stayed group by a.unit, a.trial order by a.trial, a.unit
"""
