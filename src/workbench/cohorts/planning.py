"""What an organisation's own data say about its next experiment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from workbench.cohorts.at_risk import build_at_risk
from workbench.cohorts.experiment_frames import ExperimentDesign
from workbench.cohorts.experiment_rows import find_outcome_gap
from workbench.cohorts.exposure import build_exposure
from workbench.cohorts.outcomes import ONLY_FOLLOWED, build_outcome, is_only_followed
from workbench.cohorts.target_trial import find_first_quarter, prepare_members
from workbench.cohorts.trials import Trial, plan_trials
from workbench.core.errors import DesignError, NoVariationError, TooFewUnitsError
from workbench.core.params import OrgParams, Outcome, Program
from workbench.core.quarters import Quarter, list_quarters
from workbench.core.store import Workspace, read_json
from workbench.data.cut import open_cut

__all__ = ["PlanFacts", "Uptake", "load_plan_facts"]

_PRIORS = {
    "performance.rating": "prior_rating",
    "performance.kpi_attainment": "prior_kpi",
    "skill_assessments.proficiency": "prior_program_skill",
}
_SCALE = "rating_scale_max"
_RECENT = 4
_FEWEST_PAIRS = 30
_FEWEST_OFFERED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptake:
    """How many of those offered a programme complete it.

    ``taken`` and ``taken_control`` are shares of those offered it and of control,
    ``text`` says where they come from.
    """

    taken: float
    taken_control: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """What planning needs to know, read up to the data cut of a quarter.

    Attributes
    ----------
    quarter : Quarter
        The last one read; the experiment begins with the next.
    persona : str
        Whom the experiment is for.
    program, outcome
        What is offered and what is compared.
    people : int
        Observations behind `mean`, `sd` and the correlations.
    mean, sd : float
        Of the outcome among people of the persona who had not learnt, over the last
        quarters whose outcome is known, each quarter around its own mean.
    icc, icc_error : float
        Intracluster correlation of the outcome by team, at least 0, and its standard
        error, as if each team had been seen in one quarter only.
    correlation : float
        Of the outcome with the value before the quarter, counting people of the last
        quarter without such a value as not helped; 0 where no such value is kept.
    adjusted_sd, adjusted_icc : float
        The same after adjustment for the value before.
    attrition : float
        Share of those eligible at the start of a quarter whose outcome was not seen.
    eligible : int
        People who could be assigned on the first day of the next quarter.
    arrivals, learners : float
        People who become eligible, and who complete the programme, per quarter.
    teams, team_size, team_cv : int, float, float
        Teams among those eligible, their mean size and its coefficient of variation.
    uptake : Uptake or None
        None where neither experiments nor enrolments tell.
    scale : tuple of float or None
        Lowest and highest value that the outcome can have, where that is known.
    """

    quarter: Quarter
    persona: str
    program: Program
    outcome: Outcome
    people: int
    mean: float
    sd: float
    icc: float
    icc_error: float
    correlation: float
    adjusted_sd: float
    adjusted_icc: float
    attrition: float
    eligible: int
    arrivals: float
    learners: float
    teams: int
    team_size: float
    team_cv: float
    uptake: Uptake | None
    scale: tuple[float, float] | None = None


def load_plan_facts(
    params: OrgParams,
    workspace: Workspace,
    quarter: Quarter,
    *,
    persona: str,
    program: Program,
    outcome: Outcome,
    design: ExperimentDesign,
) -> PlanFacts:
    """Read what planning an experiment needs from an organisation's own data.

    Parameters
    ----------
    params, workspace
        The organisation and its project.
    quarter : Quarter
        The last quarter read; its last day is the data cut.
    persona : str
        Persona in force at the start of each quarter.
    program, outcome
        What is offered, and what is compared.
    design : {"individual", "cluster", "stepped_wedge"}
        Some outcomes cannot be read in a stepped wedge.

    Returns
    -------
    PlanFacts
        See there.

    Raises
    ------
    DesignError
        If the outcome cannot be read from the data or no window has closed.
    TooFewUnitsError
        If fewer people than ``privacy.min_group`` have a known outcome.
    NoVariationError
        If all have the same outcome.
    """
    store = workspace.store(params.org)
    con = open_cut(store, quarter.last_day, params.workbench.privacy)
    try:
        present = list(read_json(store / "_load.json")["tables"])
        _check_readable(outcome, design, present)
        trials = _list_closed(params, quarter, outcome)
        _prepare(con, params, quarter)
        build_exposure(con, program)
        build_at_risk(con, persona)
        frame = _read_outcomes(con, outcome, trials)
        _check_enough(frame, params, persona=persona, outcome=outcome)
        return PlanFacts(
            quarter=quarter,
            persona=persona,
            program=program,
            outcome=outcome,
            **_describe_outcome(frame),
            **_describe_people(con, quarter),
            uptake=_read_uptake(con, quarter),
            scale=_read_scale(con, outcome),
        )
    finally:
        con.close()


def _check_readable(
    outcome: Outcome, design: ExperimentDesign, present: list[str]
) -> None:
    followed = is_only_followed(outcome)
    gap = ONLY_FOLLOWED if followed else find_outcome_gap(outcome, design, present)
    if gap:
        raise DesignError.build(
            f"An experiment cannot be planned on {outcome.id}",
            where=f"design {design}",
            got=gap,
            hint="choose another outcome with --outcome, or another --design",
        )


def _prepare(con: duckdb.DuckDBPyConnection, params: OrgParams, cut: Quarter) -> None:
    """Build personas of every quarter so far, and of the first day of the next."""
    every = list_quarters(find_first_quarter(params), cut.shift(1))
    prepare_members(con, params, cut, exposures=every)


def _list_closed(params: OrgParams, cut: Quarter, outcome: Outcome) -> list[Trial]:
    """List the quarters whose outcome window has closed; refuse where there is none."""
    trials = plan_trials(outcome, cut, first=find_first_quarter(params))
    if not trials:
        raise DesignError.build(
            f"No quarter's window of {outcome.id} has closed by {cut}",
            where=str(params.folder / "outcomes.yml"),
            hint="choose an outcome with a shorter window, or load more quarters",
        )
    return trials


def _read_outcomes(
    con: duckdb.DuckDBPyConnection, outcome: Outcome, trials: list[Trial]
) -> pd.DataFrame:
    """Read outcomes of the eligible: one row per person and closed quarter."""
    build_outcome(con, outcome, trials)
    prior = _PRIORS.get(outcome.source, "null")
    return con.execute(
        "select r.unit, r.trial, coalesce(r.manager_id, r.unit) as team, r.treated,"
        f" v.outcome, cast({prior} as double) as prior from at_risk r"
        " join windows w using (trial)"
        " left join outcome_values v on v.unit = r.unit and v.trial = r.trial"
        " where not r.learnt_before order by r.trial, r.unit"
    ).df()


def _read_scale(
    con: duckdb.DuckDBPyConnection, outcome: Outcome
) -> tuple[float, float] | None:
    """Find the lowest and the highest value that an outcome can have, if known."""
    if outcome.kind != "continuous":
        return 0.0, 1.0
    if outcome.source == "skill_assessments.proficiency":
        return 0.0, 100.0
    if outcome.source != "performance.rating":
        return None
    columns = con.execute("describe performance").df()["column_name"]
    if _SCALE not in set(columns):
        return None
    rows = con.execute(f"select max({_SCALE}) from performance").fetchall()
    return (0.0, float(rows[0][0])) if rows[0][0] else None


def _check_enough(
    frame: pd.DataFrame, params: OrgParams, *, persona: str, outcome: Outcome
) -> None:
    where = f"{persona}, {outcome.id}"
    floor = params.workbench.privacy.min_group
    known = frame.loc[frame["outcome"].notna() & ~frame["treated"], "outcome"]
    if len(known) < floor:
        raise TooFewUnitsError.build(
            "Too few people have a known outcome to plan with",
            where=where,
            rule=f"at least {floor}",
            hint="choose another outcome or persona",
        )
    if known.nunique() < 2:
        raise NoVariationError.build(
            "Everybody has the same outcome, so no experiment can change it",
            where=where,
        )


def _describe_outcome(frame: pd.DataFrame) -> dict[str, Any]:
    """Describe the outcome of those who did not learn, within quarters."""
    others = frame[~frame["treated"]]
    known = others[others["outcome"].notna()]
    within = known["outcome"] - known.groupby("trial")["outcome"].transform("mean")
    cells = known["trial"] + "|" + known["team"].astype("str")
    slope, correlation = _relate(known, within)
    prior = known["prior"] - known.groupby("trial")["prior"].transform("mean")
    left = within - slope * prior.fillna(0.0)
    icc = _estimate_icc(within, cells)
    teams, size = known["team"].nunique(), len(known) / cells.nunique()
    return {
        "people": len(known),
        "mean": float(known["outcome"].mean()),
        "sd": float(within.std(ddof=known["trial"].nunique())),
        "icc": icc,
        "icc_error": _doubt_icc(icc, teams, size),
        "correlation": correlation,
        "adjusted_sd": float(left.std(ddof=known["trial"].nunique())),
        "adjusted_icc": _estimate_icc(left, cells),
        "attrition": float(frame["outcome"].isna().mean()),
    }


def _relate(known: pd.DataFrame, within: pd.Series) -> tuple[float, float]:
    """Return slope and correlation of the outcome on the value before."""
    prior = known["prior"] - known.groupby("trial")["prior"].transform("mean")
    both = prior.notna()
    if both.sum() < _FEWEST_PAIRS or prior[both].std() == 0:
        return 0.0, 0.0
    cross = np.cov(within[both], prior[both])
    if cross[0, 0] == 0:
        return 0.0, 0.0
    correlation = cross[0, 1] / np.sqrt(cross[0, 0] * cross[1, 1])
    latest = known["trial"] == known["trial"].max()
    helped = abs(float(correlation)) * float(np.sqrt(both[latest].mean()))
    return float(cross[0, 1] / cross[1, 1]), helped


def _estimate_icc(values: pd.Series, cells: pd.Series) -> float:
    """Estimate the intracluster correlation by analysis of variance, at least 0."""
    grouped = values.groupby(cells)
    sizes = grouped.size()
    total, groups = float(sizes.sum()), len(sizes)
    if groups < 2 or total <= groups:
        return 0.0
    grand = values.mean()
    between = float((sizes * (grouped.mean() - grand) ** 2).sum()) / (groups - 1)
    inside = float(((values - grouped.transform("mean")) ** 2).sum()) / (total - groups)
    size = (total - float((sizes**2).sum()) / total) / (groups - 1)
    spread = between + (size - 1) * inside
    return float(np.clip((between - inside) / spread, 0.0, 1.0)) if spread > 0 else 0.0


def _doubt_icc(icc: float, teams: int, size: float) -> float:
    """Return the standard error of an ICC by Swiger's formula, at most 1."""
    people = teams * size
    if teams < 2 or people - teams < 1:
        return 1.0
    spread = (1 - icc) * (1 + (size - 1) * icc) / size
    error = spread * np.sqrt(2 * (people - 1) / ((people - teams) * (teams - 1)))
    return float(min(error, 1.0))


def _describe_people(con: duckdb.DuckDBPyConnection, cut: Quarter) -> dict[str, Any]:
    """Count who can be assigned next, who arrives, and who learns, per quarter."""
    rows = con.execute(
        "select unit, trial, coalesce(manager_id, unit) as team, treated from at_risk"
        " where not learnt_before"
    ).df()
    upcoming = str(cut.shift(1))
    ready = rows[rows["trial"] == upcoming]
    sizes = ready.groupby("team").size()
    recent = [str(cut.shift(-back)) for back in range(_RECENT)]
    seen = sorted(set(rows["trial"]))
    first = rows.groupby("unit")["trial"].min()
    newly = [item for item in [*recent, upcoming] if item in seen[1:]]
    learnt = rows[rows["treated"] & rows["trial"].isin(recent)]
    return {
        "eligible": len(ready),
        "arrivals": float(first.isin(newly).sum()) / max(len(newly), 1),
        "learners": len(learnt) / max(len(set(recent) & set(seen)), 1),
        "teams": len(sizes),
        "team_size": float(sizes.mean()) if len(sizes) else 0.0,
        "team_cv": float(sizes.std(ddof=0) / sizes.mean()) if len(sizes) else 0.0,
    }


def _read_uptake(con: duckdb.DuckDBPyConnection, cut: Quarter) -> Uptake | None:
    """Read completion of those offered the programme: of experiments, else of all."""
    drawn = con.execute(_ASSIGNED).df()
    if len(drawn):
        ends = [_end_of(day, cut) for day in pd.to_datetime(drawn["offered_on"])]
        drawn["taken"] = pd.to_datetime(drawn["learnt_on"]).between(
            pd.to_datetime(drawn["offered_on"]), pd.to_datetime(pd.Series(ends))
        )
        closed = pd.to_datetime(pd.Series(ends)).dt.date <= cut.last_day
        offered = drawn[closed & drawn["offered"]]["taken"]
        control = drawn[closed & ~drawn["offered"]]["taken"]
        if len(offered) >= _FEWEST_OFFERED:
            return Uptake(
                taken=float(offered.mean()),
                taken_control=float(control.mean()) if len(control) else 0.0,
                text=f"{len(offered)} people offered it in earlier experiments",
            )
    began, finished = con.execute(_STARTED, [cut.shift(-1).last_day]).fetchall()[0]
    if began < _FEWEST_OFFERED:
        return None
    return Uptake(
        taken=finished / began,
        taken_control=0.0,
        text=f"{began} people who enrolled of their own accord or were sent",
    )


def _end_of(day: pd.Timestamp, cut: Quarter) -> date:
    return Quarter.of_day(day.date(), year_starts=cut.year_starts).last_day


_ASSIGNED = """
select cast(coalesce(a.exposed_from, a.assigned_at) as date) as offered_on,
    a.arm <> 'control' as offered, l.learnt_on
from assignments a
join experiments e using (experiment_id)
join (select unit from at_risk group by unit) r on r.unit = a.employee_id
left join learners l on l.unit = a.employee_id
where list_has_any(e.course_ids, (select list(course_id) from program_courses))
order by experiment_id, a.employee_id
"""

_STARTED = """
select count(*), count(l.unit) from (
    select employee_id as unit, min(cast(enrolled_at as date)) as began
    from enrollments join program_courses using (course_id)
    where employee_id in (select unit from at_risk) group by employee_id
) s left join learners l on l.unit = s.unit where s.began <= ?
"""
