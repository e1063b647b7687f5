"""Everybody on the day after the data cut: for whom paths and actions are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb
import pandas as pd

from workbench.cohorts.members import build_members, name_today
from workbench.cohorts.people_skills import read_gaps
from workbench.cohorts.people_state import (
    OPEN_DAYS,
    build_chosen,
    read_actions,
    read_done,
    read_people,
    read_standing,
)
from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.run_params import RunParams
from workbench.core.store import ALL_PERSONAS, read_json
from workbench.data.cut import open_cut

__all__ = ["OPEN_DAYS", "PeopleNow", "build_people_now", "load_people_now"]

_FRAME = (
    *("unit", "persona", "team", "site", "region", "role", "level", "shift", "fte"),
    *("tenure_days", "role_tenure_days", "skill_gap", "prior_rating", "prior_kpi"),
    *("prior_courses", "learnt", "in_progress", "last_completed_days"),
    *("completions_90d", "manager_actions_90d", "coaching_90d", "one_to_one_days"),
)
_GAPS = ("unit", "skill", "required", "proficiency", "gap", "assessed_days")
_STANDING = ("unit", "program", "learnt_on", "prior_modules", "prior_program_skill")
_OWN_STANDING = ["prior_modules", "prior_program_skill"]
_ACTIONS = ("unit", "action", "count_90d", "days")


def _make_standing() -> pd.DataFrame:
    return pd.DataFrame(columns=list(_STANDING))


def _make_actions() -> pd.DataFrame:
    return pd.DataFrame(columns=list(_ACTIONS))


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleNow:
    """People employed on the day after the data cut, who may be read of.

    Attributes
    ----------
    quarter : str
        Reported quarter; its last day is the data cut.
    as_of : date
        The day after the cut.
    frame : DataFrame
        One row per person, ordered by ``unit``: ``persona`` (missing where no rule
        holds), ``trial`` (the quarter that begins), ``team`` (pseudonym of the
        manager; missing where there is none, a label that joins to nobody where the
        manager may not be read of), ``site`` (location), every fact of
        `FACT_COLUMNS`, the protected attributes, and ``learnt`` (bool: every programme
        of the persona; false where it has none), ``in_progress`` (list of courses
        begun or enrolled in within `OPEN_DAYS` and not completed since),
        ``last_completed_days`` (days since the last completion of any course),
        ``completions_90d``, ``manager_actions_90d``, ``coaching_90d`` (actions within
        90 days; coaching as ``managers.yml`` says) and ``one_to_one_days`` (days since
        the last action of the manager, of any kind). What no table tells is missing.
    gaps : DataFrame
        One row per person and skill that the role asks for: ``unit``, ``skill``,
        ``required``, ``proficiency`` (last), ``gap`` (points, 0 where there is none),
        ``assessed_days`` (days since the last assessment) and ``gap_quarters`` (int:
        how many quarters with an assessment in a row, up to the last one, ended with a
        gap). A skill never assessed has 0 of them, and the others missing.
    done : DataFrame
        ``unit``, ``course_id`` and ``passed_on`` (last day), of every course that was
        completed; one of a programme with the score that its rule asks for.
    standing : DataFrame
        One row per person and programme of the persona: ``unit``, ``program``,
        ``learnt_on`` (missing where not yet), ``prior_modules`` and
        ``prior_program_skill``, the covariates that depend on the programme.
    actions : DataFrame
        One row per person and behaviour of the manager that was ever logged: ``unit``,
        ``action``, ``count_90d`` and ``days`` (since the last).

    Raises
    ------
    MissingColumnError
        If a table lacks a column.
    ContractError
        If a person stands twice.
    """

    quarter: str
    as_of: date
    frame: pd.DataFrame
    gaps: pd.DataFrame
    done: pd.DataFrame
    standing: pd.DataFrame = field(default_factory=_make_standing)
    actions: pd.DataFrame = field(default_factory=_make_actions)

    def __post_init__(self) -> None:
        for name, frame, wanted in (
            ("frame", self.frame, _FRAME),
            ("gaps", self.gaps, (*_GAPS, "gap_quarters")),
            ("done", self.done, ("unit", "course_id", "passed_on")),
            ("standing", self.standing, _STANDING),
            ("actions", self.actions, _ACTIONS),
        ):
            missing = sorted({*wanted} - {*frame.columns})
            if missing:
                raise MissingColumnError.build(
                    "People of today lack columns", where=name, got=missing
                )
        if self.frame["unit"].duplicated().any():
            raise ContractError.build("A person stands twice among those of today")

    def for_program(self, persona: str, program: str) -> pd.DataFrame:
        """Return who could be given a programme, with the facts cohorts have.

        Parameters
        ----------
        persona, program : str
            Ids.

        Returns
        -------
        DataFrame
            Rows of ``frame`` of the persona, with ``prior_modules``,
            ``prior_program_skill`` and ``learnt`` of this programme.
        """
        own = self.standing[self.standing["program"] == program].set_index("unit")
        chosen = self.frame[self.frame["persona"] == persona]
        joined = chosen.join(own[[*_OWN_STANDING, "learnt_on"]], on="unit")
        return joined.assign(learnt=joined.pop("learnt_on").notna())


def load_people_now(run: RunParams) -> PeopleNow:
    """Read the people of a run's persona, or everybody where it has none.

    Parameters
    ----------
    run : RunParams
        The run.

    Raises
    ------
    ParamError
        If a parameter file names what the data do not have.
    """
    store = run.workspace.store(run.params.org)
    con = open_cut(store, run.quarter.last_day, run.params.workbench.privacy)
    try:
        return build_people_now(
            con,
            run.params,
            run.quarter,
            persona=None if run.persona == ALL_PERSONAS else run.persona,
            tables=list(read_json(store / "_load.json")["tables"]),
        )
    finally:
        con.close()


def build_people_now(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    persona: str | None = None,
    tables: Sequence[str],
) -> PeopleNow:
    """Read people on the day after the cut; see `load_people_now`.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`.
    params : OrgParams
        The organisation's parameters.
    quarter : Quarter
        The reported quarter.
    persona : str, optional
        Only people of this persona.
    tables : sequence of str
        Canonical tables that were loaded.
    """
    today = name_today(quarter)
    build_members(con, params, [today], persona=persona)
    build_chosen(con, persona)
    standing = read_standing(con, params, persona=persona)
    starts = params.workbench.quarter.fiscal_year_starts
    return PeopleNow(
        quarter=str(quarter),
        as_of=today.first_day,
        frame=read_people(con, params, tables=tables),
        gaps=read_gaps(con, year_starts=starts),
        done=read_done(con, params),
        standing=standing,
        actions=read_actions(con),
    )
