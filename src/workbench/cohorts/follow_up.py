"""Following people until something happens: every outcome that takes time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import pandas as pd

from workbench.cohorts.adjustment import choose_adjustment
from workbench.cohorts.follow_counts import (
    FOLLOWED_ROWS,
    count_followed,
    describe_followed,
)
from workbench.cohorts.follow_frames import FollowUp, Histories
from workbench.cohorts.follow_values import (
    DETAILS,
    build_follow_values,
    takes_time,
)
from workbench.cohorts.frames import Cohort
from workbench.cohorts.histories import build_histories
from workbench.cohorts.outcomes import find_missing_tables
from workbench.cohorts.practice import (
    Practice,
    build_practice,
    list_practice_quarters,
)
from workbench.cohorts.target_trial import (
    Gap,
    describe_trials,
    find_first_quarter,
    list_facts,
    prepare_members,
    prepare_program,
    tidy_frame,
)
from workbench.cohorts.trials import Trial, plan_follow_ups
from workbench.core.params import OrgParams, Outcome, Program
from workbench.core.quarters import Quarter
from workbench.core.run_params import RunParams
from workbench.core.store import read_json
from workbench.data.cut import open_cut

__all__ = [
    "FollowUpSet",
    "build_follow_up",
    "build_follow_ups",
    "load_follow_ups",
    "prepare_follow_ups",
]

_TAKES_NO_TIME = (
    "It is a value and not something that happens sooner or later, so there is nothing"
    " to follow; the stages before this one compare it."
)
_NO_HORIZON = "It has no horizon_days in outcomes.yml, so that it could be followed."


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpSet:
    """All follow-ups of one persona and quarter, and the outcomes that have none.

    Attributes
    ----------
    persona : str
        Id of the persona.
    follow_ups : tuple of FollowUp
        In the order of ``programs.yml`` and ``outcomes.yml``.
    histories : tuple of Histories
        For each of them whose outcome is leaving.
    practice : tuple of Practice
        One per programme.
    gaps : tuple of Gap
        Outcomes that are not followed, with the reason.
    """

    persona: str
    follow_ups: tuple[FollowUp, ...]
    histories: tuple[Histories, ...]
    practice: tuple[Practice, ...]
    gaps: tuple[Gap, ...]

    def tabulate(self, *, min_group: int = 0) -> pd.DataFrame:
        """Count people and events per comparison.

        Parameters
        ----------
        min_group : int
            Counts of fewer different people are left out.

        Returns
        -------
        DataFrame
            ``program``, ``outcome``, ``trials``, ``learners``, ``others``, ``events``
            (of interest, within the horizon) and ``followed`` (to the horizon, or to
            the end of their follow-up), the last four in person-quarters.
        """
        columns = ["program", "outcome", "trials", "learners", "others", "events"]
        columns += ["followed"]
        rows = [_count(item, min_group) for item in self.follow_ups]
        counts = pd.DataFrame(rows, columns=columns)
        return counts.astype(dict.fromkeys(columns[3:], "Int64"))


def load_follow_ups(run: RunParams) -> FollowUpSet:
    """Follow the people of a run's persona: its programmes times what takes time.

    Parameters
    ----------
    run : RunParams
        Of a stage that varies by persona.

    Returns
    -------
    FollowUpSet
        Follow-ups, histories of leaving, answers and follow-ups by managers.

    Raises
    ------
    ParamError
        If a parameter file names what the data do not have.
    DesignError
        If a fact dated after time zero would enter as a covariate.
    """
    params, store = run.params, run.workspace.store(run.params.org)
    con = open_cut(store, run.quarter.last_day, params.workbench.privacy)
    try:
        prepare_follow_ups(con, params, run.quarter, persona=run.persona)
        tables = list(read_json(store / "_load.json")["tables"])
        found = build_follow_ups(
            con, params, run.quarter, persona=run.persona, tables=tables
        )
    finally:
        con.close()
    judged = [_add_threats(item, run) for item in found.follow_ups]
    return replace(found, follow_ups=tuple(judged))


def _add_threats(follow: FollowUp, run: RunParams) -> FollowUp:
    threats = run.list_threats(follow.cohort.outcome.id)
    return replace(follow, cohort=replace(follow.cohort, threats=threats))


def prepare_follow_ups(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    persona: str,
) -> None:
    """Build ``facts`` and ``members`` for all quarters that the stage reads."""
    first = find_first_quarter(params)
    exposures = {*list_practice_quarters(quarter, first=first)}
    for outcome in params.outcomes:
        if takes_time(outcome) and outcome.horizon_days is not None:
            trials = plan_follow_ups(outcome, quarter, first=first)
            exposures |= {item.exposure for item in trials}
    prepare_members(con, params, quarter, exposures=sorted(exposures), persona=persona)


def build_follow_ups(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    persona: str,
    tables: Sequence[str],
) -> FollowUpSet:
    """Build every follow-up of one persona; see `load_follow_ups`.

    Parameters
    ----------
    con : DuckDBPyConnection
        As left by `prepare_follow_ups`.
    params : OrgParams
        The organisation's parameters.
    quarter : Quarter
        The reported quarter.
    persona : str
        The persona.
    tables : sequence of str
        Canonical tables that were loaded.
    """
    follow_ups: list[FollowUp] = []
    histories: list[Histories] = []
    practice: list[Practice] = []
    gaps: list[Gap] = []
    first = find_first_quarter(params)
    quarters = list_practice_quarters(quarter, first=first)
    for program in params.find_programs(persona):
        prepare_program(con, persona=persona, program=program)
        for outcome in params.outcomes:
            trials = plan_follow_ups(outcome, quarter, first=first)
            reason = _find_gap(outcome, trials, tables)
            if reason:
                gaps.append(Gap(program=program.id, outcome=outcome.id, reason=reason))
                continue
            made = build_follow_up(
                con,
                params,
                quarter,
                persona=persona,
                program=program,
                outcome=outcome,
            )
            follow_ups.append(made)
            if outcome.source.startswith("exits."):
                histories.append(
                    build_histories(
                        con, params, program=program, outcome=outcome, trials=trials
                    )
                )
        practice.append(
            build_practice(
                con,
                params,
                quarter,
                program=program,
                quarters=quarters,
                tables=tables,
            )
        )
    return FollowUpSet(
        persona=persona,
        follow_ups=tuple(follow_ups),
        histories=tuple(histories),
        practice=tuple(practice),
        gaps=tuple(gaps),
    )


def build_follow_up(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    persona: str,
    program: Program,
    outcome: Outcome,
) -> FollowUp:
    """Follow the people of one persona and programme until an outcome happens.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``at_risk`` of the persona and programme; see `prepare_program`.
    params : OrgParams
        The organisation's parameters.
    quarter : Quarter
        The reported quarter; its last day is the data cut.
    persona : str
        Persona in force at time zero.
    program : Program
        Its completion between time zero and the landmark is the exposure.
    outcome : Outcome
        One that takes time, with ``horizon_days``.

    Returns
    -------
    FollowUp
        People employed and not yet learners at time zero who were still employed at
        the landmark, followed from there. For days to proficiency, those of them who
        were on the way on the first day, and still on the way at the landmark: the
        days are those of people whom the quarter of learning left with some to go.
        Who was left out is counted in ``flow``.
    """
    trials = plan_follow_ups(outcome, quarter, first=find_first_quarter(params))
    found = build_follow_values(con, outcome, trials)
    protected = params.workbench.privacy.protected
    adjustment = choose_adjustment(params, outcome)
    horizon = int(outcome.horizon_days or 0)
    listed = list_facts(
        adjustment.covariates, protected, values=_VALUES.format(horizon=horizon)
    )
    frame = tidy_frame(con.execute(_FRAME.format(listed=listed)).df())
    frame = frame.astype({"cause": "int64", "detail": "int64"})
    judged = bool(frame["detail"].between(1, 2).any())
    if not (detailed := judged and outcome.source == "exits.voluntary"):
        frame = frame.drop(columns="detail")
    cohort = Cohort(
        quarter=str(quarter),
        persona=persona,
        program=program,
        outcome=outcome,
        frame=frame,
        covariates=adjustment.covariates,
        protected=tuple(protected),
        clusters=("unit", "team") if program.assigned_by == "team" else ("unit",),
        flow=count_followed(con, found),
        notes=(
            *describe_trials(
                con,
                frame,
                outcome,
                trials,
                min_group=params.workbench.privacy.min_group,
            ),
            *describe_followed(con, found, trials, params.workbench.privacy.min_group),
            adjustment.text,
        ),
        unmeasured=adjustment.unmeasured_labels,
    )
    return FollowUp(
        cohort=cohort,
        causes=found.causes,
        horizon=horizon,
        origin=found.origin,
        details=DETAILS if detailed else (),
    )


def _find_gap(outcome: Outcome, trials: Sequence[Trial], tables: Sequence[str]) -> str:
    """Say why an outcome is not followed, or return an empty text."""
    if not takes_time(outcome):
        return _TAKES_NO_TIME
    if outcome.horizon_days is None:
        return _NO_HORIZON
    missing = find_missing_tables(outcome, tables)
    if missing:
        return f"The table {', '.join(missing)} is not loaded."
    if not trials:
        return "No exposure quarter has ended before the data cut."
    return ""


def _count(follow: FollowUp, min_group: int) -> dict[str, object]:
    frame = follow.cohort.frame
    chosen = {
        "learners": frame["treated"],
        "others": ~frame["treated"],
        "events": frame["outcome"] > 0,
        "followed": (frame["cause"] > 0) | (frame["duration"] >= follow.horizon),
    }
    return {
        "program": follow.cohort.program.id,
        "outcome": follow.cohort.outcome.id,
        "trials": frame["trial"].nunique(),
        **{
            name: int(rows.sum())
            if frame.loc[rows, "unit"].nunique() >= min_group
            else pd.NA
            for name, rows in chosen.items()
        },
    }


_VALUES = (
    "cast(v.cause = 1 and v.duration <= {horizon} as double) as outcome,"
    " cast(null as varchar) as lost, v.duration, v.cause, v.detail, v.elapsed"
)


_FRAME = "select {listed}" + FOLLOWED_ROWS + "where v.followed order by r.trial, r.unit"
