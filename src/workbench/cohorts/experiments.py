"""Experiments of one persona: what was drawn, learnt and read, up to the cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import pandas as pd

from workbench.cohorts.assignments import (
    Declared,
    Draw,
    count_assignments,
    find_program,
    is_for,
    list_arms,
    list_days,
    read_declared,
    read_draw,
)
from workbench.cohorts.experiment_frames import Experiment
from workbench.cohorts.experiment_rows import (
    build_people,
    build_rows,
    find_outcome_gap,
    plan_periods,
)
from workbench.core.params import OrgParams, Outcome, Program
from workbench.core.quarters import Quarter
from workbench.core.registration import Registration
from workbench.core.run_params import RunParams
from workbench.core.store import read_json
from workbench.data.cut import open_cut

__all__ = [
    "ExperimentGap",
    "ExperimentSet",
    "build_experiments",
    "load_experiments",
]

_COUNTED = ["experiment", "design", "program", "outcome", "primary"]
_COUNTED += ["registered", "people", "clusters", "observed"]
_NO_COMPLETIONS = "The table enrollments is not loaded, so it is not known who learnt."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentGap:
    """An experiment, or one outcome of it, that cannot be read, and why.

    Attributes
    ----------
    experiment, design : str
        As in the data, or as registered where the data do not hold it.
    program : str
        Id; empty where its courses belong to no programme.
    outcome : str
        Id, as the data or the registration name it.
    primary : bool
        Whether it is the primary outcome.
    reason : str
        One sentence.
    started_on, ended_on : Timestamp or None
        None where it has not started, or not ended.
    arms : tuple of str
        As drawn.
    people, clusters : int
        Drawn, and readable.
    registration : Registration or None
        What was written down before.
    notes : tuple of str
        Sentences on the draw.
    """

    experiment: str
    design: str
    program: str
    outcome: str
    primary: bool
    reason: str
    started_on: pd.Timestamp | None = None
    ended_on: pd.Timestamp | None = None
    arms: tuple[str, ...] = ()
    people: int = 0
    clusters: int = 0
    registration: Registration | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSet:
    """All experiments of one persona, and those that cannot be read."""

    persona: str
    experiments: tuple[Experiment, ...]
    gaps: tuple[ExperimentGap, ...]

    def tabulate(self, *, min_group: int = 0) -> pd.DataFrame:
        """Count people per experiment and outcome.

        Parameters
        ----------
        min_group : int
            Smaller counts of people are left out.

        Returns
        -------
        DataFrame
            ``experiment``, ``design``, ``program``, ``outcome``, ``primary``,
            ``registered``, ``people``, ``clusters``, ``observed`` (people with at
            least one outcome).
        """
        table = pd.DataFrame(
            [_count(item) for item in self.experiments], columns=_COUNTED
        )
        people = table[["people", "observed"]].astype("Int64")
        table[["people", "observed"]] = people.mask(people < min_group)
        return table


def load_experiments(run: RunParams) -> ExperimentSet:
    """Read every experiment of a run's persona as known at the end of the quarter.

    Parameters
    ----------
    run : RunParams
        Of a stage that varies by persona.

    Returns
    -------
    ExperimentSet
        Experiments drawn for the persona, and those drawn for none whose programme is
        meant for it; the oldest first, each for its primary outcome, the registered
        secondary outcomes and the guardrails. Everybody drawn stays in, whatever
        persona they were in and whatever they learnt.

    Raises
    ------
    ParamError
        If a parameter file names what the data do not have.
    DesignError
        If a fact dated after the draw, or an outcome outside its window, would enter.
    """
    store = run.workspace.store(run.params.org)
    cut, privacy = run.quarter.last_day, run.params.workbench.privacy
    everybody = open_cut(store, cut, privacy, consented_only=False)
    try:
        assigned = count_assignments(everybody)
    finally:
        everybody.close()
    con = open_cut(store, cut, privacy)
    try:
        found = build_experiments(
            con,
            run.params,
            run.quarter,
            persona=run.persona,
            tables=list(read_json(store / "_load.json")["tables"]),
            assigned=assigned,
        )
    finally:
        con.close()
    judged = [
        replace(item, threats=run.list_threats(item.outcome.id))
        for item in found.experiments
    ]
    return replace(found, experiments=tuple(judged))


def build_experiments(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    persona: str,
    tables: Sequence[str],
    assigned: Mapping[str, Mapping[str, int]] | None = None,
) -> ExperimentSet:
    """Read the experiments of one persona; see `load_experiments`.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`.
    params : OrgParams
        The organisation's parameters.
    quarter : Quarter
        The reported quarter; its last day is the cut.
    persona : str
        The persona.
    tables : sequence of str
        Canonical tables that were loaded.
    assigned : mapping of str to mapping of str to int, optional
        Assignments of each experiment by arm, also of people who may not be read.
    """
    experiments: list[Experiment] = []
    gaps: list[ExperimentGap] = []
    known = read_declared(con)
    for declared in known:
        program, notes = find_program(params, declared)
        if not is_for(params, declared, program, persona):
            continue
        reader = _Reader(con, params, quarter, persona, declared, tables)
        found, missing = reader.read(program, notes, assigned or {})
        experiments += found
        gaps += missing
    gaps += _list_unstarted(params, quarter, persona, {item.id for item in known})
    return ExperimentSet(
        persona=persona, experiments=tuple(experiments), gaps=tuple(gaps)
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """What reading one experiment needs at every step."""

    con: duckdb.DuckDBPyConnection
    params: OrgParams
    quarter: Quarter
    persona: str
    declared: Declared
    tables: Sequence[str]

    def read(
        self,
        program: Program | None,
        notes: Sequence[str],
        assigned: Mapping[str, Mapping[str, int]],
    ) -> tuple[list[Experiment], list[ExperimentGap]]:
        """Return one experiment, or one gap, per outcome."""
        workbench = self.params.workbench
        draw = read_draw(
            self.con,
            self.declared,
            assigned=assigned.get(self.declared.id, {}),
            year_starts=workbench.quarter.fiscal_year_starts,
            min_group=workbench.privacy.min_group,
        )
        draw = replace(draw, notes=(*notes, *draw.notes))
        named = self._list_outcomes()
        reason = draw.fault
        if program is None:
            reason = "Its courses belong to no programme of programs.yml."
        if program is None or reason:
            name = program.id if program else ""
            return [], [
                self._gap(draw, name, outcome, reason, primary=primary)
                for outcome, primary in named
            ]
        days, labels = list_days(draw)
        draw = replace(draw, frame=draw.frame.assign(day=labels))
        told = build_people(self.con, self.params, draw, days, program, self.persona)
        if "enrollments" not in self.tables:
            told = (*told, _NO_COMPLETIONS)
        draw = replace(draw, notes=(*draw.notes, *told))
        experiments, gaps = [], []
        for outcome, primary in named:
            made = self._read_outcome(draw, program, outcome, primary)
            if isinstance(made, str):
                gaps.append(self._gap(draw, program.id, outcome, made, primary=primary))
            else:
                experiments.append(made)
        return experiments, gaps

    def _read_outcome(
        self, draw: Draw, program: Program, name: str, primary: bool
    ) -> Experiment | str:
        """Read one outcome, or say why it cannot be read."""
        known: list[Outcome] = [o for o in self.params.outcomes if o.id == name]
        if not known:
            return "Its primary outcome is not one of outcomes.yml."
        outcome, design = known[0], self.declared.design
        reason = find_outcome_gap(outcome, design, self.tables)
        if reason:
            return reason
        periods = plan_periods(outcome, self.declared, draw, self.quarter)
        if isinstance(periods, str):
            return periods
        rows = build_rows(self.con, self.params, self.declared, draw, outcome, periods)
        return Experiment(
            quarter=str(self.quarter),
            persona=self.persona,
            id=self.declared.id,
            design=design,
            program=program,
            outcome=outcome,
            primary=primary,
            registration=self.registration,
            frame=self._know_learning(rows.frame),
            arms=list_arms(draw.arms, self.registration, design),
            periods=rows.periods,
            covariates=rows.covariates,
            protected=tuple(self.params.workbench.privacy.protected),
            flow=rows.flow,
            unread=draw.unread,
            started_on=pd.Timestamp(self.declared.started_on),
            ended_on=_stamp(self.declared.ended_on),
            notes=(*draw.notes, *rows.notes),
        )

    def _know_learning(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Take away who learnt where completions were not loaded."""
        if "enrollments" in self.tables:
            return frame
        return frame.assign(learnt=pd.array([pd.NA] * len(frame), dtype="boolean"))

    @property
    def registration(self) -> Registration | None:
        """What was written down before, if anything was."""
        return next(
            (
                item
                for item in self.params.registrations
                if item.experiment == self.declared.id
            ),
            None,
        )

    def _list_outcomes(self) -> list[tuple[str, bool]]:
        """List the outcomes to read: the primary one, then the registered ones."""
        names = [self.declared.primary_outcome]
        written = self.registration
        if written is not None:
            names += written.outcomes
        return [(name, place == 0) for place, name in enumerate(dict.fromkeys(names))]

    def _gap(
        self, draw: Draw, program: str, outcome: str, reason: str, *, primary: bool
    ) -> ExperimentGap:
        return ExperimentGap(
            experiment=self.declared.id,
            design=self.declared.design,
            program=program,
            outcome=outcome,
            primary=primary,
            reason=reason,
            started_on=pd.Timestamp(self.declared.started_on),
            ended_on=_stamp(self.declared.ended_on),
            arms=draw.arms,
            people=len(draw.frame),
            clusters=int(draw.frame["cluster"].nunique()),
            registration=self.registration,
            notes=draw.notes,
        )


def _list_unstarted(
    params: OrgParams, quarter: Quarter, persona: str, known: set[str]
) -> list[ExperimentGap]:
    """List experiments that were registered by the cut and are not in the data."""
    gaps = []
    for item in params.registrations:
        if item.experiment in known or item.persona != persona:
            continue
        if item.written_on > quarter.last_day:
            continue
        reason = (
            f"It is registered to start on {item.starts_on.isoformat()} and has not"
            f" started by the end of {quarter}."
        )
        if item.starts_on <= quarter.last_day:
            reason = (
                f"It is registered to have started on {item.starts_on.isoformat()}, but"
                " the table experiments does not hold it."
            )
        gaps.append(
            ExperimentGap(
                experiment=item.experiment,
                design=item.design,
                program=item.program,
                outcome=item.primary_outcome,
                primary=True,
                reason=reason,
                registration=item,
            )
        )
    return gaps


def _stamp(day: object) -> pd.Timestamp | None:
    return None if day is None else pd.Timestamp(str(day))


def _count(item: Experiment) -> dict[str, object]:
    seen = item.frame.loc[item.frame["outcome"].notna(), "unit"]
    return {
        "experiment": item.id,
        "design": item.design,
        "program": item.program.id,
        "outcome": item.outcome.id,
        "primary": item.primary,
        "registered": item.registration is not None,
        "people": item.frame["unit"].nunique(),
        "clusters": item.frame["cluster"].nunique(),
        "observed": seen.nunique(),
    }
