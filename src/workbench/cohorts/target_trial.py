"""Stacked target trials: who is eligible, exposed and followed, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import pandas as pd

from workbench.cohorts.adjustment import choose_adjustment
from workbench.cohorts.assignments import write_count
from workbench.cohorts.at_risk import build_at_risk
from workbench.cohorts.exposure import build_exposure
from workbench.cohorts.facts import Day
from workbench.cohorts.frames import Cohort
from workbench.cohorts.members import build_members
from workbench.cohorts.outcomes import (
    ONLY_FOLLOWED,
    build_outcome,
    find_missing_tables,
    is_only_followed,
    is_supported,
)
from workbench.cohorts.trials import Trial, list_trials, plan_trials
from workbench.core.params import OrgParams, Outcome, Program
from workbench.core.quarters import Quarter
from workbench.core.run_params import RunParams
from workbench.core.store import read_json
from workbench.data.cut import open_cut

__all__ = [
    "CohortSet",
    "Gap",
    "build_cohort",
    "build_cohorts",
    "describe_trials",
    "find_first_quarter",
    "find_gap",
    "list_facts",
    "load_cohorts",
    "prepare_members",
    "prepare_program",
    "tidy_frame",
]

_CATEGORIES = ("role", "level", "job_family", "location", "region", "shift")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A comparison that this quarter's data do not allow, and why."""

    program: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortSet:
    """All comparisons of one persona and quarter, and those that cannot be made."""

    persona: str
    cohorts: tuple[Cohort, ...]
    gaps: tuple[Gap, ...]

    def tabulate(self) -> pd.DataFrame:
        """Count people and trials per comparison.

        Returns
        -------
        DataFrame
            ``program``, ``outcome``, ``trials``, ``learners``, ``others``,
            ``observed``.
        """
        rows = [
            {
                "program": cohort.program.id,
                "outcome": cohort.outcome.id,
                "trials": cohort.frame["trial"].nunique(),
                "learners": int(cohort.frame["treated"].sum()),
                "others": int((~cohort.frame["treated"]).sum()),
                "observed": int(cohort.frame["outcome"].notna().sum()),
            }
            for cohort in self.cohorts
        ]
        columns = ["program", "outcome", "trials", "learners", "others", "observed"]
        return pd.DataFrame(rows, columns=columns)


def load_cohorts(run: RunParams) -> CohortSet:
    """Build every comparison of a run's persona: its programmes times the outcomes.

    Parameters
    ----------
    run : RunParams
        Of a stage that varies by persona.

    Returns
    -------
    CohortSet
        In the order of ``programs.yml`` and ``outcomes.yml``.

    Raises
    ------
    ParamError
        If a parameter file names what the data do not have.
    DesignError
        If anything dated after time zero, or outside an outcome's window, would enter.
    """
    con = open_cut(
        run.workspace.store(run.params.org),
        run.quarter.last_day,
        run.params.workbench.privacy,
    )
    try:
        prepare_members(con, run.params, run.quarter, persona=run.persona)
        return build_cohorts(con, run, run.persona)
    finally:
        con.close()


def prepare_members(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    exposures: Sequence[Quarter] | None = None,
    persona: str | None = None,
) -> None:
    """Build ``facts`` and ``members`` for every exposure quarter of a report.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`.
    params : OrgParams
        The organisation's parameters.
    quarter : Quarter
        The reported quarter.
    exposures : sequence of Quarter, optional
        By default those whose outcome window has closed, of all outcomes that are
        read at one date.
    persona : str, optional
        Only people who may be in this persona get facts, which takes less time; by
        default everybody.
    """
    if exposures is None:
        read = [item for item in params.outcomes if not is_only_followed(item)]
        exposures = list_trials(read, quarter, first=find_first_quarter(params))
    days = [
        Day(trial=str(item), first_day=item.first_day, landmark=item.last_day)
        for item in exposures
    ]
    build_members(con, params, days, persona=persona)


def prepare_program(
    con: duckdb.DuckDBPyConnection, *, persona: str, program: Program
) -> None:
    """Build ``at_risk``: who of a persona could learn a programme, and who did."""
    build_exposure(con, program)
    build_at_risk(con, persona)


def build_cohort(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    persona: str,
    program: Program,
    outcome: Outcome,
) -> Cohort:
    """Build the stacked trials of one persona, programme and outcome.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``at_risk`` of the persona and programme; see `prepare_program`.
    params : OrgParams
        The organisation's parameters.
    quarter : Quarter
        The reported quarter.
    persona : str
        Persona in force at time zero.
    program : Program
        Its completion between time zero and the landmark is the exposure.
    outcome : Outcome
        Read after the landmark.

    Returns
    -------
    Cohort
        People employed and not yet learners at time zero who were still employed at
        the landmark. Who left before the landmark is counted in ``flow``.

    Raises
    ------
    ParamError
        If ``impact.covariates`` names something that is not a fact, or that the
        declared causes forbid; see `workbench.cohorts.adjustment.choose_adjustment`.
    """
    trials = plan_trials(outcome, quarter, first=find_first_quarter(params))
    build_outcome(con, outcome, trials)
    protected = params.workbench.privacy.protected
    adjustment = choose_adjustment(params, outcome)
    covariates = adjustment.covariates
    frame = con.execute(_select_frame(covariates, protected)).df()
    frame = tidy_frame(frame)
    return Cohort(
        quarter=str(quarter),
        persona=persona,
        program=program,
        outcome=outcome,
        frame=frame,
        covariates=covariates,
        protected=tuple(protected),
        clusters=("unit", "team") if program.assigned_by == "team" else ("unit",),
        flow=con.execute(_FLOW).df().drop(columns="position"),
        notes=(
            *describe_trials(
                con,
                frame,
                outcome,
                trials,
                min_group=params.workbench.privacy.min_group,
            ),
            adjustment.text,
        ),
        unmeasured=adjustment.unmeasured_labels,
    )


def build_cohorts(
    con: duckdb.DuckDBPyConnection, run: RunParams, persona: str
) -> CohortSet:
    """Build every comparison of one persona; see `load_cohorts`.

    Parameters
    ----------
    con : DuckDBPyConnection
        As left by `prepare_members`.
    run : RunParams
        Names the organisation, the quarter and the store.
    persona : str
        The persona.
    """
    cohorts: list[Cohort] = []
    gaps: list[Gap] = []
    store = run.workspace.store(run.params.org)
    present = list(read_json(store / "_load.json")["tables"])
    for program in run.params.find_programs(persona):
        prepare_program(con, persona=persona, program=program)
        for outcome in run.params.outcomes:
            trials = plan_trials(
                outcome, run.quarter, first=find_first_quarter(run.params)
            )
            reason = find_gap(outcome, run.quarter, trials=trials, tables=present)
            if reason:
                gaps.append(Gap(program=program.id, outcome=outcome.id, reason=reason))
                continue
            cohorts.append(
                build_cohort(
                    con,
                    run.params,
                    run.quarter,
                    persona=persona,
                    program=program,
                    outcome=outcome,
                )
            )
    judged = [
        replace(item, threats=run.list_threats(item.outcome.id)) for item in cohorts
    ]
    return CohortSet(persona=persona, cohorts=tuple(judged), gaps=tuple(gaps))


def find_gap(
    outcome: Outcome,
    quarter: Quarter,
    *,
    trials: Sequence[Trial],
    tables: Sequence[str],
) -> str:
    """Say why an outcome cannot be read this quarter, or return an empty text."""
    if is_only_followed(outcome):
        return ONLY_FOLLOWED
    if is_supported(outcome):
        missing = find_missing_tables(outcome, tables)
        if missing:
            return f"the table {', '.join(missing)} is not loaded"
    if not trials:
        return f"no exposure quarter's outcome window has closed by {quarter}"
    return ""


def find_first_quarter(params: OrgParams) -> Quarter:
    """Return the first quarter with data; no earlier exposure is read."""
    span = params.workbench.quarter
    return Quarter.parse(span.first, year_starts=span.fiscal_year_starts)


def list_facts(
    covariates: Sequence[str], protected: Sequence[str], *, values: str
) -> str:
    """Write the columns of a frame: of ``at_risk``, named ``r``, and the `values`."""
    columns = dict.fromkeys([*covariates, *protected])
    own = {"unit", "trial", "site"}
    listed = "".join(f', r."{name}"' for name in columns if name not in own)
    return (
        "r.unit, r.trial, coalesce(r.manager_id, r.unit) as team, r.location as site,"
        f" r.time_zero, r.landmark, r.treated, {values}{listed}"
    )


def _select_frame(covariates: Sequence[str], protected: Sequence[str]) -> str:
    values = (
        "v.outcome, case when v.outcome is not null then null"
        " when r.exit_date <= w.window_ends then 'left'"
        " else 'not recorded' end as lost"
    )
    return f"""
        select {list_facts(covariates, protected, values=values)}
        from at_risk r join windows w using (trial)
        left join outcome_values v on v.unit = r.unit and v.trial = r.trial
        where r.stayed order by r.trial, r.unit
    """


def tidy_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Give categories and numbers the types that the estimators expect."""
    numbers = frame.select_dtypes("number").columns
    kinds: dict[str, str] = dict.fromkeys(numbers, "float64")
    kinds |= {name: "category" for name in _CATEGORIES if name in frame.columns}
    kinds |= {"unit": "str", "trial": "str", "team": "str", "treated": "bool"}
    return frame.astype({k: v for k, v in kinds.items() if k in frame.columns})


def describe_trials(
    con: duckdb.DuckDBPyConnection,
    frame: pd.DataFrame,
    outcome: Outcome,
    trials: Sequence[Trial],
    *,
    min_group: int,
) -> tuple[str, ...]:
    """Say which quarters are read, and how much learning there was among others."""
    quarters = ", ".join(str(trial.exposure) for trial in trials)
    partly = con.execute(
        "select count(*) from at_risk join windows using (trial)"
        " where stayed and not treated and partly"
    ).fetchall()[0][0]
    notes = [f"Exposure quarters {quarters}."]
    if partly:
        notes.append(
            f"{write_count(partly, min_group)} of {int((~frame['treated']).sum())}"
            " others completed a part of the programme within the exposure quarter."
        )
    if outcome.horizon_days is not None:
        notes.append(
            f"Others may learn later within the {outcome.horizon_days} days, which"
            " makes the difference smaller than against never learning."
        )
    return tuple(notes)


_FLOW = """
with rows as (
    select a.*, v.outcome is not null as observed
    from at_risk a join windows w using (trial)
    left join outcome_values v on v.unit = a.unit and v.trial = a.trial
)
select 1 as position, 'in the persona and employed at time zero' as step,
    count(*) filter (treated) as n_treated,
    count(*) filter (not treated) as n_control from rows
union all select 2, 'had not learnt the programme before',
    count(*) filter (treated and not learnt_before),
    count(*) filter (not treated and not learnt_before) from rows
union all select 3, 'still employed at the landmark',
    count(*) filter (treated and stayed), count(*) filter (not treated and stayed)
    from rows
union all select 4, 'outcome observed',
    count(*) filter (treated and stayed and observed),
    count(*) filter (not treated and stayed and observed) from rows
order by position
"""
