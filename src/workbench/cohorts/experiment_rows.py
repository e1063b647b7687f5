"""One experiment and outcome: rows with facts before the draw and outcomes after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

from workbench.cohorts.adjustment import choose_adjustment
from workbench.cohorts.assignments import CONTROL, Declared, Draw, write_count
from workbench.cohorts.at_risk import build_at_risk
from workbench.cohorts.exposure import build_exposure
from workbench.cohorts.facts import Day, build_facts
from workbench.cohorts.outcomes import (
    ONLY_FOLLOWED,
    build_outcome,
    find_missing_tables,
    is_only_followed,
    is_supported,
)
from workbench.cohorts.personas import assign_personas
from workbench.cohorts.target_trial import tidy_frame
from workbench.cohorts.trials import Trial, plan_trials
from workbench.core.params import OrgParams, Outcome, Program
from workbench.core.quarters import Quarter

__all__ = ["Rows", "build_people", "build_rows", "find_outcome_gap", "plan_periods"]

_LONGEST_IN_WEDGE = 92
_ALL = 10_000
_EXPERIMENT = "experiment"
_PRIOR = {
    "performance.rating": "prior_rating",
    "performance.kpi_attainment": "prior_kpi",
    "skill_assessments.proficiency": "prior_program_skill",
}
"""Facts that are the outcome's own prior value, which the column ``prior`` holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What `workbench.cohorts.experiment_frames.Experiment` is made of."""

    frame: pd.DataFrame
    periods: tuple[str, ...]
    covariates: tuple[str, ...]
    flow: pd.DataFrame
    notes: tuple[str, ...]


def find_outcome_gap(outcome: Outcome, design: str, tables: Sequence[str]) -> str:
    """Say why an outcome cannot be read in a design, or return an empty text."""
    if is_only_followed(outcome):
        return ONLY_FOLLOWED
    if is_supported(outcome):
        missing = find_missing_tables(outcome, tables)
        if missing:
            return f"The table {', '.join(missing)} is not loaded."
    if design != "stepped_wedge":
        return ""
    if outcome.source.startswith("employees."):
        return "It is read once per person, so it has no quarters to compare."
    if (outcome.horizon_days or 0) > _LONGEST_IN_WEDGE:
        return (
            f"It takes {outcome.horizon_days} days to be known; by then groups that"
            " were waiting have started, so that quarters before and after the start"
            " cannot be told apart."
        )
    return ""


def plan_periods(
    outcome: Outcome, declared: Declared, draw: Draw, quarter: Quarter
) -> list[Trial] | str:
    """Date the exposure quarters of an experiment whose outcome windows have closed.

    Parameters
    ----------
    outcome : Outcome
        Its lag or horizon dates the window.
    declared : Declared
        A stepped wedge is read from the quarter before its start (nobody is exposed
        in it) to the one in which it ended.
    draw : Draw
        Other designs are read in the quarters of the draw.
    quarter : Quarter
        The reported quarter.

    Returns
    -------
    list of Trial, or str
        Oldest first; or why there is none.
    """
    starts = quarter.year_starts
    drawn = sorted(
        Quarter.parse(item, year_starts=starts) for item in set(draw.frame["quarter"])
    )
    wedge = declared.design == "stepped_wedge"
    first = drawn[0]
    if wedge:
        begins = Quarter.of_day(declared.started_on, year_starts=starts)
        first = begins.shift(-1)
    every = outcome.model_copy(update={"exposure_window_quarters": _ALL})
    closed = plan_trials(every, quarter, first=first)
    if wedge and declared.ended_on is not None:
        last = Quarter.of_day(declared.ended_on, year_starts=starts)
        closed = [trial for trial in closed if trial.exposure <= last]
    if not wedge:
        closed = [trial for trial in closed if trial.exposure in drawn]
    if len(closed) > int(wedge):
        return closed
    later = quarter.shift(8 + (outcome.horizon_days or 0) // 80 + outcome.lag_quarters)
    due = plan_trials(every, later, first=first)[int(wedge)]
    return (
        f"No outcome window has closed by the end of {quarter}; the first closes on"
        f" {due.window_ends.isoformat()}."
    )


def build_people(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    draw: Draw,
    days: Sequence[Day],
    program: Program,
    persona: str,
) -> tuple[str, ...]:
    """Build ``drawn`` and ``known_people``: everybody drawn, and their facts.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `workbench.data.cut.open_cut`.
    params : OrgParams
        Persona rules and how far back learning counts.
    draw : Draw
        With the column ``day``.
    days : sequence of Day
        As `workbench.cohorts.assignments.list_days` gives them.
    program : Program
        Its completion counts as learnt.
    persona : str
        Of the report.

    Returns
    -------
    tuple of str
        Notes.
    """
    workbench = params.workbench
    build_facts(
        con,
        days,
        cohort=workbench.cohort.model_copy(update={"entry": "hire"}),
        privacy=workbench.privacy,
        year_starts=workbench.quarter.fiscal_year_starts,
    )
    assign_personas(con, params.personas, path=params.folder / "personas.yml")
    build_exposure(con, program)
    con.register("draw_frame", draw.frame)
    con.execute(_DRAWN)
    con.unregister("draw_frame")
    con.execute(_KNOWN)
    elsewhere, unknown, before = con.execute(_ODD, [persona]).fetchall()[0]
    floor, total = workbench.privacy.min_group, len(draw.frame)
    notes = []
    if elsewhere:
        notes.append(
            f"{write_count(elsewhere, floor)} of {total} people were not in the persona"
            " when they were drawn; they stay in the comparison, as they were drawn."
        )
    if unknown:
        notes.append(
            f"{write_count(unknown, floor)} of {total} people were hired after the day"
            " for which facts are known; their covariates are missing."
        )
    if before:
        notes.append(
            f"{write_count(before, floor)} of {total} people had learnt the programme"
            " before they were drawn; they stay in the comparison."
        )
    return tuple(notes)


def build_rows(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    declared: Declared,
    draw: Draw,
    outcome: Outcome,
    trials: Sequence[Trial],
) -> Rows:
    """Build the rows of one outcome.

    Parameters
    ----------
    con : DuckDBPyConnection
        As left by `build_people`.
    params : OrgParams
        Say which facts are covariates, and which attributes are protected.
    declared : Declared
        The experiment.
    draw : Draw
        Who was drawn.
    outcome : Outcome
        Read after the exposure quarter of each row.
    trials : sequence of Trial
        As `plan_periods` gives them.

    Returns
    -------
    Rows
        One per person, or per person and period.
    """
    wedge = declared.design == "stepped_wedge"
    con.execute(
        "create or replace temp table exposures"
        " (trial varchar, place integer, landmark date)"
    )
    con.executemany(
        "insert into exposures values (?, ?, ?)",
        [
            (str(trial.exposure), place, trial.exposure.last_day)
            for place, trial in enumerate(trials, start=1)
        ],
    )
    con.execute(_MEMBERS.format(on="true" if wedge else "q.trial = d.quarter"))
    build_at_risk(con, _EXPERIMENT)
    build_outcome(con, outcome, trials)
    chosen = choose_adjustment(params, outcome).covariates
    own = _PRIOR.get(outcome.source, "")
    covariates = tuple(name for name in chosen if name != own)
    protected = params.workbench.privacy.protected
    sql = _select_rows(outcome, covariates, protected)
    frame = tidy_frame(con.execute(sql).df())
    frame["learnt"] = frame["learnt"].astype("bool")
    if wedge:
        frame = _add_periods(frame, trials)
    else:
        frame["assigned"] = frame["arm"] != CONTROL
    waiting = len(draw.frame) - frame["unit"].nunique()
    return Rows(
        frame=frame.drop(columns=["place", "exposed_from"]),
        periods=tuple(str(trial.period) for trial in trials) if wedge else (),
        covariates=covariates,
        flow=_count_flow(frame, draw, wedge),
        notes=(
            _describe_periods(frame, trials) if wedge else _describe_draws(trials),
            *_describe_waiting(waiting, params.workbench.privacy.min_group),
        ),
    )


def _add_periods(frame: pd.DataFrame, trials: Sequence[Trial]) -> pd.DataFrame:
    """Write the period of each row and the one in which its group starts."""
    exposures = [trial.exposure for trial in trials]
    starts: dict[pd.Timestamp, int] = {}
    for day in frame["exposed_from"].dropna().unique():
        begins = Quarter.of_day(day.date(), year_starts=exposures[0].year_starts)
        place = sum(item < begins for item in exposures) + 1
        starts[day] = place if place <= len(exposures) else 0
    begins = frame["exposed_from"].map(starts).fillna(0).astype("int64")
    period = frame["place"].astype("int64")
    exposed = (begins > 0) & (period >= begins)
    return frame.assign(period=period, starts=begins, exposed=exposed, assigned=exposed)


def _count_flow(frame: pd.DataFrame, draw: Draw, wedge: bool) -> pd.DataFrame:
    """Count the people left after each step, exposed and not."""

    def count(rows: pd.DataFrame) -> tuple[int, int]:
        ours = rows["assigned"]
        return rows.loc[ours, "unit"].nunique(), rows.loc[~ours, "unit"].nunique()

    closed = "with a quarter whose outcome window has closed"
    steps = [
        *draw.flow,
        (closed if wedge else "outcome window closed", *count(frame)),
        ("outcome observed", *count(frame[frame["outcome"].notna()])),
    ]
    return pd.DataFrame(steps, columns=["step", "n_treated", "n_control"])


def _describe_draws(trials: Sequence[Trial]) -> str:
    return f"People drawn in {', '.join(str(trial.exposure) for trial in trials)}."


def _describe_periods(frame: pd.DataFrame, trials: Sequence[Trial]) -> str:
    quarters = ", ".join(str(trial.period) for trial in trials)
    first = frame.loc[frame["period"] == 1, "exposed"]
    waits = "some groups are exposed" if first.any() else "nobody is exposed"
    return f"Outcomes of {quarters}; in the first of them {waits}."


def _describe_waiting(waiting: int, min_group: int) -> tuple[str, ...]:
    if not waiting:
        return ()
    return (
        f"{write_count(waiting, min_group)} people were drawn too late for their"
        " outcome to be known; they are not in this comparison yet.",
    )


def _select_rows(
    outcome: Outcome, covariates: Sequence[str], protected: Sequence[str]
) -> str:
    own = {"unit", "trial", "team", "site", "arm", "cluster", "outcome", "prior"}
    columns = dict.fromkeys([*covariates, *protected])
    listed = "".join(f', r."{name}"' for name in columns if name not in own)
    table, field = outcome.source.split(".")
    if table == "performance":
        prior, source = "r.prior_outcome", _PRIOR_PERFORMANCE.format(field=field)
    elif table == "skill_assessments":
        prior, source = "r.prior_program_skill", "select r.* from at_risk r"
    else:
        prior, source = "null", "select r.* from at_risk r"
    return _ROWS.format(source=source, prior=prior, listed=listed)


_DRAWN = """
create or replace temp table drawn as
select unit, arm, cluster, cast(assigned_on as date) as assigned_on,
    cast(exposed_from as date) as exposed_from, quarter, day from draw_frame
"""

_KNOWN = """
create or replace temp table known_people as
select m.*, d.unit is not null as drawn_then
from members m join drawn d on d.unit = m.unit and d.day = m.trial
where m.time_zero <= d.assigned_on
"""

_ODD = """
select count(*) filter (k.unit is not null and k.persona is distinct from ?),
    count(*) filter (k.unit is null), count(*) filter (l.learnt_on < d.assigned_on)
from drawn d left join known_people k on k.unit = d.unit
left join learners l on l.unit = d.unit
"""

_MEMBERS = """
create or replace temp table members as
select d.unit, q.trial, q.place, d.quarter, d.arm, d.cluster, d.assigned_on,
    d.exposed_from, d.assigned_on as time_zero, q.landmark, e.exit_date,
    'experiment' as persona,
    k.* exclude (unit, trial, time_zero, landmark, exit_date, persona)
from drawn d join exposures q on {on}
join employees e on e.employee_id = d.unit
left join known_people k on k.unit = d.unit
"""

_PRIOR_PERFORMANCE = """
    select r.*, p.prior_outcome from at_risk r asof left join (
        select employee_id, last_day, cast("{field}" as double) as prior_outcome
        from performance join periods using (period) where "{field}" is not null
    ) p on p.employee_id = r.unit and r.time_zero > p.last_day
"""

_ROWS = """
with people as ({source})
select r.unit, r.quarter as trial, r.arm, r.cluster, r.assigned_on, r.exposed_from,
    r.place, v.seen_on as known_on,
    coalesce(l.learnt_on <= r.landmark, false) as learnt, v.outcome,
    cast({prior} as double) as prior,
    case when v.outcome is not null then null
        when r.exit_date <= w.window_ends then 'left'
        else 'not recorded' end as lost,
    coalesce(r.manager_id, r.unit) as team, r.location as site{listed}
from people r join windows w using (trial)
left join outcome_values v on v.unit = r.unit and v.trial = r.trial
left join learners l on l.unit = r.unit
order by r.unit, r.place
"""
