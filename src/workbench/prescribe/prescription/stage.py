"""The prescription stage of one persona: seats, their worth, next best actions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.cohorts.module_records import ModuleRecords
from workbench.cohorts.people_now import PeopleNow
from workbench.core.errors import DesignError
from workbench.core.params import OrgParams
from workbench.core.results import StageResult
from workbench.prescribe.actions.propose import Actions, propose_actions
from workbench.prescribe.modules.followed import choose_cohorts
from workbench.prescribe.modules.portfolio import value_modules
from workbench.prescribe.paths.plan import solve_paths
from workbench.prescribe.portfolio.demands import list_all_candidates, list_demands
from workbench.prescribe.prescription.held_out import (
    HeldOut,
    value_held_out,
)
from workbench.prescribe.prescription.report import (
    STAGE,
    Found,
    list_checks,
    list_facts,
    list_tables,
    stop_stage,
)
from workbench.prescribe.prescription.seating import Seating, give_seats, hold_floor
from workbench.prescribe.rules.language import RuleBook
from workbench.prescribe.targeting.estimates import NO_SHIFT, PathShift
from workbench.prescribe.targeting.examine import Targeting, examine_targeting

__all__ = ["estimate_prescription_stage"]

_NEED = "skill_gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    """What every part of the stage works with."""

    records: ModuleRecords
    people: PeopleNow
    portfolio: StageResult
    params: OrgParams
    consent: frozenset[str]
    seed: int

    @property
    def persona(self) -> str:
        return self.records.persona

    @property
    def alpha(self) -> float:
        return self.params.workbench.impact.alpha

    @property
    def min_group(self) -> int:
        return self.params.workbench.privacy.min_group

    @property
    def summary(self) -> Mapping[str, object]:
        table = self.portfolio.tables["path_summary"]
        found: Mapping[str, object] = (
            table[table["persona"] == self.persona].iloc[0].to_dict()
        )
        return found

    @property
    def candidates(self) -> pd.DataFrame:
        """People who have yet to learn the programme."""
        could = self.people.for_program(self.persona, self.records.program.id)
        return could[~could["learnt"].astype(bool)].reset_index(drop=True)


def estimate_prescription_stage(
    records: Sequence[ModuleRecords],
    people: PeopleNow,
    portfolio: StageResult,
    *,
    rules: RuleBook | None,
    consent: frozenset[str],
    params: OrgParams,
    persona: str,
    seed: int,
) -> StageResult:
    """Decide who of a persona goes first, what that is worth, and what is next.

    Parameters
    ----------
    records : sequence of ModuleRecords
        Of the persona's programmes; the first makes the path.
    people : PeopleNow
        People on the day after the cut.
    portfolio : StageResult
        Of stage ``portfolio``, read back.
    rules : RuleBook or None
        ``rules.yml``; without it nothing is proposed to single people.
    consent : frozenset of str
        Pseudonyms of the people who had agreed by the cut; nobody else gets an action.
    params : OrgParams
        The organisation's parameters.
    persona : str
        Id.
    seed : int
        Of folds and bands.

    Returns
    -------
    StageResult
        Tables ``policies``, ``gains``, ``gain_curve``, ``heterogeneity``, ``frontier``,
        ``access``, ``actions``, ``action_counts``; sentences in the facts. Not
        applicable where the portfolio is, or the persona has no programme.
    """
    if portfolio.status != "done":
        return stop_stage(f"no paths were chosen: {portfolio.reason}")
    if not records:
        return stop_stage(f"{persona} has no programme in programs.yml")
    given = _Inputs(
        records=records[0],
        people=people,
        portfolio=portfolio,
        params=params,
        consent=consent,
        seed=seed,
    )
    held: HeldOut | None = None
    targeting: Targeting | None = None
    refused = ""
    try:
        held, targeting = _examine(given)
    except DesignError as refusal:
        refused = str(refusal).splitlines()[0]
    seating = _seat(given, targeting)
    actions = _propose(given, rules, seating)
    found = Found(
        held=held,
        targeting=targeting,
        seating=seating,
        actions=actions,
        taken_up=_list_uptake(given),
        refused=refused,
        program=given.records.program.id,
    )
    return StageResult(
        stage=STAGE,
        checks=list_checks(found, params),
        tables=list_tables(found, params),
        facts=list_facts(found, params),
    )


def _examine(given: _Inputs) -> tuple[HeldOut, Targeting]:
    """Value the choice of path and of people, each on people it has not seen."""
    cohorts, _ = choose_cohorts(given.records.cohorts, given.records.follow_ups)
    if not all(_NEED in item.frame.columns for item in cohorts):
        raise DesignError.build(
            "The need by which seats are ordered is not known of people in earlier "
            "quarters",
            where=given.persona,
            rule=f"{_NEED} among the covariates of every outcome",
            hint="record skills and what roles need, or add it to graph.yml",
        )
    alone = value_modules(
        [given.records],
        paths=given.params.paths,
        alpha=given.alpha,
        min_group=given.min_group,
        seed=given.seed,
    )
    held = value_held_out(
        given.records,
        alone.values[0],
        lambda rest: _choose_path(rest, given),
        seed=given.seed,
    )
    could, seats = len(given.candidates), _count_seats(given)
    targeting = examine_targeting(
        cohorts,
        paths=given.params.paths,
        seats=seats / could if could and seats else None,
        features=_choose_features(cohorts, given.candidates),
        select=hold_floor(cohorts, given.params.paths, min_group=given.min_group),
        shift=_read_shift(given.summary),
        alpha=given.alpha,
        min_group=given.min_group,
        seed=given.seed,
    )
    return held, targeting


def _read_shift(summary: Mapping[str, object]) -> PathShift:
    """Read what the portfolio says of the path beyond the programme as taken."""
    value, error = (float(str(summary[name])) for name in ("shift", "shift_std_error"))
    known = math.isfinite(value) and math.isfinite(error)
    return PathShift(value=value, std_error=error) if known else NO_SHIFT


def _choose_features(cohorts: Sequence[Cohort], people: pd.DataFrame) -> list[str]:
    """Name the covariates of all outcomes that are known of people today, too."""
    first, *others = (item.covariates for item in cohorts)
    return [
        name
        for name in first
        if name in people.columns and all(name in item for item in others)
    ]


def _choose_path(records: ModuleRecords, given: _Inputs) -> tuple[str, ...]:
    """Choose the persona's path from some of its people, within its own limits."""
    params = given.params
    values = value_modules(
        [records],
        paths=params.paths,
        alpha=given.alpha,
        min_group=given.min_group,
        seed=given.seed,
    )
    plan = solve_paths(
        list_demands([records], values, given.people, params),
        list_all_candidates([records], values, params),
        params.paths,
        alpha=given.alpha,
    )
    return tuple(str(item) for item in plan.paths["module"])


def _count_seats(given: _Inputs) -> int:
    return int(str(given.summary["seats"]))


def _seat(given: _Inputs, targeting: Targeting | None) -> Seating | None:
    seats = _count_seats(given)
    if targeting is None or seats < 1:
        return None
    return give_seats(
        targeting,
        given.candidates,
        seats=seats,
        paths=given.params.paths,
        min_group=given.min_group,
    )


def _propose(
    given: _Inputs, rules: RuleBook | None, seating: Seating | None
) -> Actions | None:
    if rules is None:
        return None
    frame = given.people.frame
    seated = seating.units if seating else frozenset()
    marked = replace(
        given.people, frame=frame.assign(seat=frame["unit"].isin(seated).to_numpy())
    )
    tables = given.portfolio.tables
    return propose_actions(
        marked,
        rules=rules,
        modules=tables["modules"],
        paths=tables["paths"],
        path_summary=tables["path_summary"],
        catalogue=_list_courses(given.records),
        persona=given.persona,
        quarter=given.people.quarter,
        as_of=given.people.as_of,
        consent=given.consent,
        managers=given.params.managers,
        min_group=given.min_group,
    )


def _list_uptake(given: _Inputs) -> pd.DataFrame:
    """List who could learn in the quarters that are read, and who did."""
    records = given.records
    frames = [item.cohort.frame for item in records.follow_ups]
    frames += [item.frame for item in records.cohorts]
    longest = max(frames, key=len, default=pd.DataFrame(columns=["unit", "treated"]))
    return longest.assign(selected=longest["treated"].astype(bool))


def _list_courses(records: ModuleRecords) -> pd.DataFrame:
    parts = [records.catalogue, records.also]
    return pd.concat([part for part in parts if part is not None], ignore_index=True)
