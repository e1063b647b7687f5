"""Panels: people of a persona over quarters, for comparisons before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import pandas as pd

from workbench.cohorts.adjustment import choose_adjustment
from workbench.cohorts.frames import Panel
from workbench.cohorts.outcomes import (
    ONLY_FOLLOWED,
    find_missing_tables,
    is_only_followed,
)
from workbench.cohorts.target_trial import (
    Gap,
    find_first_quarter,
    prepare_members,
    prepare_program,
    tidy_frame,
)
from workbench.cohorts.trials import Trial, plan_trials
from workbench.core.params import OrgParams, Outcome, Program
from workbench.core.quarters import Quarter, list_quarters
from workbench.core.run_params import RunParams
from workbench.core.store import read_json
from workbench.data.cut import open_cut

__all__ = [
    "MOST_QUARTERS_BEFORE",
    "PanelSet",
    "build_panel",
    "build_panels",
    "load_panels",
]

MOST_QUARTERS_BEFORE = 8
"""Quarters before the first exposure that a panel reads at most."""

_REPEATED = ("performance", "skill_assessments")
_NO_BEFORE = (
    "It is read once per person, so there is no before to compare with; matching"
    " and the survival stage answer it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelSet:
    """All panels of one persona and quarter, and the outcomes that have none."""

    persona: str
    panels: tuple[Panel, ...]
    gaps: tuple[Gap, ...]

    def tabulate(self, *, min_group: int = 0) -> pd.DataFrame:
        """Count people and quarters per comparison.

        Parameters
        ----------
        min_group : int
            Smaller counts of people are left out.

        Returns
        -------
        DataFrame
            ``program``, ``outcome``, ``quarters``, ``learners`` (of the exposure
            quarters that the headline reads), ``later_learners``, ``others``.
        """
        columns = [
            "program",
            "outcome",
            "quarters",
            "learners",
            "later_learners",
            "others",
        ]
        counts = pd.DataFrame([_count(panel) for panel in self.panels], columns=columns)
        people = counts[columns[3:]].astype("Int64")
        counts[columns[3:]] = people.mask(people < min_group)
        return counts


def load_panels(run: RunParams) -> PanelSet:
    """Build every panel of a run's persona: its programmes times the outcomes.

    Parameters
    ----------
    run : RunParams
        Of a stage that varies by persona.

    Returns
    -------
    PanelSet
        In the order of ``programs.yml`` and ``outcomes.yml``. Outcomes that are read
        once per person are gaps, with the reason.

    Raises
    ------
    ParamError
        If a parameter file names what the data do not have.
    DesignError
        If a fact dated after time zero would enter as a covariate.
    """
    con = open_cut(
        run.workspace.store(run.params.org),
        run.quarter.last_day,
        run.params.workbench.privacy,
    )
    try:
        prepare_members(con, run.params, run.quarter, persona=run.persona)
        present = read_json(run.workspace.store(run.params.org) / "_load.json")
        found = build_panels(
            con,
            run.params,
            run.quarter,
            persona=run.persona,
            tables=list(present["tables"]),
        )
    finally:
        con.close()
    judged = [
        replace(item, threats=run.list_threats(item.outcome.id))
        for item in found.panels
    ]
    return replace(found, panels=tuple(judged))


def build_panels(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    persona: str,
    tables: Sequence[str],
) -> PanelSet:
    """Build every panel of one persona; see `load_panels`.

    Parameters
    ----------
    con : DuckDBPyConnection
        As left by `prepare_members`.
    params : OrgParams
        The organisation's parameters.
    quarter : Quarter
        The reported quarter.
    persona : str
        The persona.
    tables : sequence of str
        Canonical tables that were loaded.
    """
    panels: list[Panel] = []
    gaps: list[Gap] = []
    for program in params.find_programs(persona):
        prepare_program(con, persona=persona, program=program)
        for outcome in params.outcomes:
            reason = _find_gap(params, outcome, quarter, tables)
            if reason:
                gaps.append(Gap(program=program.id, outcome=outcome.id, reason=reason))
                continue
            panels.append(
                build_panel(
                    con,
                    params,
                    quarter,
                    persona=persona,
                    program=program,
                    outcome=outcome,
                )
            )
    return PanelSet(persona=persona, panels=tuple(panels), gaps=tuple(gaps))


def build_panel(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    persona: str,
    program: Program,
    outcome: Outcome,
) -> Panel:
    """Build the panel of one persona, programme and outcome.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``at_risk`` of the persona and programme; see `prepare_program`.
    params : OrgParams
        The organisation's parameters.
    quarter : Quarter
        The reported quarter; no later outcome is read.
    persona : str
        Persona in force at the start of an exposure quarter.
    program : Program
        Its completion is the exposure.
    outcome : Outcome
        Read in every quarter from `MOST_QUARTERS_BEFORE` before the first exposure.

    Returns
    -------
    Panel
        People who were in the persona, and had not learnt the programme, at the start
        of at least one exposure quarter, with all their outcomes. Covariates are the
        facts of their first such quarter that no earlier outcome has shaped: past
        outcomes are what the comparison takes differences of. Who learnt while in
        another persona counts as not having learnt, with the outcomes before it only.
    """
    trials = plan_trials(outcome, quarter, first=find_first_quarter(params))
    exposures = [trial.exposure for trial in trials]
    quarters = list_quarters(exposures[0].shift(-MOST_QUARTERS_BEFORE), quarter)
    _date_quarters(con, quarters, exposures)
    con.execute(_PEOPLE)
    _read_outcomes(con, outcome)
    adjustment = choose_adjustment(params, outcome)
    protected = params.workbench.privacy.protected
    frame = con.execute(_select_rows(adjustment.fixed, protected)).df()
    start = quarters.index(exposures[0]) + 1
    first = min(start, int(frame["period"].min())) if len(frame) else start
    frame = tidy_frame(frame)
    for name in ("period", "first_treat"):
        shifted = (frame[name].astype("int64") - first + 1).clip(lower=0)
        frame[name] = shifted.where(frame[name] > 0, 0)
    return Panel(
        quarter=str(quarter),
        persona=persona,
        program=program,
        outcome=outcome,
        frame=frame,
        periods=tuple(str(item) for item in quarters[first - 1 :]),
        exposures=tuple(quarters.index(item) - first + 2 for item in exposures),
        lag=outcome.lag_quarters,
        covariates=adjustment.fixed,
        protected=tuple(protected),
        clusters=("unit", "team") if program.assigned_by == "team" else ("unit",),
        flow=con.execute(_FLOW, [outcome.lag_quarters]).df().drop(columns="place"),
        notes=_describe(con, exposures),
    )


def _find_gap(
    params: OrgParams, outcome: Outcome, quarter: Quarter, tables: Sequence[str]
) -> str:
    """Say why an outcome has no panel this quarter, or return an empty text."""
    if is_only_followed(outcome):
        return ONLY_FOLLOWED
    table = outcome.source.split(".")[0]
    if table not in _REPEATED or outcome.horizon_days is not None:
        return _NO_BEFORE
    missing = find_missing_tables(outcome, tables)
    if missing:
        return f"The table {', '.join(missing)} is not loaded."
    trials: list[Trial] = plan_trials(
        outcome, quarter, first=find_first_quarter(params)
    )
    if not trials:
        return f"No exposure quarter's outcome window has closed by {quarter}."
    return ""


def _count(panel: Panel) -> dict[str, object]:
    people = panel.frame.drop_duplicates("unit")["first_treat"]
    return {
        "program": panel.program.id,
        "outcome": panel.outcome.id,
        "quarters": len(panel.periods),
        "learners": int(people.isin(panel.exposures).sum()),
        "later_learners": int((~people.isin((0, *panel.exposures))).sum()),
        "others": int((people == 0).sum()),
    }


def _date_quarters(
    con: duckdb.DuckDBPyConnection,
    quarters: Sequence[Quarter],
    exposures: Sequence[Quarter],
) -> None:
    con.execute(
        "create or replace temp table panel_quarters (period integer, label varchar,"
        " first_day date, last_day date, exposure boolean)"
    )
    rows = [
        (place, str(item), item.first_day, item.last_day, item in exposures)
        for place, item in enumerate(quarters, start=1)
    ]
    con.executemany("insert into panel_quarters values (?, ?, ?, ?, ?)", rows)


def _read_outcomes(con: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    """Build ``panel_outcomes``: every outcome of the panel's people by quarter."""
    table, field = outcome.source.split(".")
    source = _SKILLS if table == "skill_assessments" else _RATINGS
    con.execute(source.format(field=field))


def _describe(
    con: duckdb.DuckDBPyConnection, exposures: Sequence[Quarter]
) -> tuple[str, ...]:
    elsewhere = con.execute(
        "select count(*) from panel_people where cut_off is not null"
    ).fetchall()[0][0]
    notes = [f"Exposure quarters {', '.join(str(item) for item in exposures)}."]
    if elsewhere:
        notes.append(
            "Some people learnt the programme while in another persona; their"
            " outcomes from then on are left out."
        )
    return tuple(notes)


def _select_rows(covariates: Sequence[str], protected: Sequence[str]) -> str:
    own = {"unit", "site", "team"}
    columns = dict.fromkeys([*covariates, *protected])
    listed = "".join(f', p."{name}"' for name in columns if name not in own)
    return f"""
        select p.unit, o.period, o.outcome, p.first_treat,
            coalesce(p.manager_id, p.unit) as team, p.location as site{listed}
        from panel_people p join panel_outcomes o using (unit)
        order by p.unit, o.period
    """


_PEOPLE = """
create or replace temp table panel_people as
with entry as (
    select a.* from at_risk a join panel_quarters q on q.label = a.trial and q.exposure
    where not a.learnt_before
    qualify row_number() over (partition by a.unit order by a.time_zero) = 1
),
learning as (
    select l.unit, q.period, q.exposure,
        exists (select 1 from at_risk a
            where a.unit = l.unit and a.trial = q.label and a.treated) as in_persona
    from learners l join panel_quarters q
        on l.learnt_on between q.first_day and q.last_day
)
select e.*,
    coalesce(case when l.in_persona or not l.exposure then l.period end, 0)
        as first_treat,
    case when l.exposure and not l.in_persona then l.period end as cut_off
from entry e left join learning l using (unit)
"""

_RATINGS = """
create or replace temp table panel_outcomes as
select p.unit, q.period, cast(r."{field}" as double) as outcome
from panel_people p join performance r on r.employee_id = p.unit
join panel_quarters q on q.label = r.period
where r."{field}" is not null and q.period < coalesce(p.cut_off, 1000)
"""

_SKILLS = """
create or replace temp table panel_outcomes as
with latest as (
    select p.unit, q.period, s.skill,
        arg_max(s."{field}", s.assessed_at) as proficiency
    from panel_people p join skill_assessments s on s.employee_id = p.unit
    join panel_quarters q
        on cast(s.assessed_at as date) between q.first_day and q.last_day
    where q.period < coalesce(p.cut_off, 1000) and s.skill in (
        select c.skill from course_skills c join program_courses using (course_id))
    group by all
)
select unit, period, avg(proficiency) as outcome from latest group by all
"""

_FLOW = """
with rows as (
    select a.unit, a.treated, a.learnt_before, a.stayed,
        b.unit is not null as before, f.unit is not null as after
    from at_risk a join panel_quarters q on q.label = a.trial and q.exposure
    left join panel_outcomes b on b.unit = a.unit and b.period = q.period - 1
    left join panel_outcomes f on f.unit = a.unit and f.period = q.period + ?
)
select 1 as place, 'in the persona and employed at time zero' as step,
    count(*) filter (treated) as n_treated,
    count(*) filter (not treated) as n_control from rows
union all select 2, 'had not learnt the programme before',
    count(*) filter (treated and not learnt_before),
    count(*) filter (not treated and not learnt_before) from rows
union all select 3, 'outcome seen in the quarter before',
    count(*) filter (treated and not learnt_before and before),
    count(*) filter (not treated and not learnt_before and before) from rows
union all select 4, 'still employed at the landmark',
    count(*) filter (treated and stayed and before),
    count(*) filter (not treated and stayed and before) from rows
union all select 5, 'outcome seen in the quarter of the outcome',
    count(*) filter (treated and stayed and before and after),
    count(*) filter (not treated and stayed and before and after) from rows
order by place
"""
