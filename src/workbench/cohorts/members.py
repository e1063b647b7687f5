"""People on given days with their facts and their persona."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from workbench.cohorts.candidates import write_candidates
from workbench.cohorts.facts import FACT_COLUMNS, Day, build_facts
from workbench.cohorts.personas import assign_personas
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter

__all__ = ["build_members", "name_today"]


def build_members(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    days: Sequence[Day],
    *,
    persona: str | None = None,
) -> None:
    """Build ``facts`` and ``members``: everybody employed on each of some days.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `workbench.data.cut.open_cut`.
    params : OrgParams
        The organisation's parameters.
    days : sequence of Day
        The days people are looked at.
    persona : str, optional
        Only people who may be in this persona get facts, which takes less time; by
        default everybody.

    Raises
    ------
    ParamError
        If the rule of a persona cannot be read.
    DesignError
        If a fact is dated after the day.
    """
    privacy = params.workbench.privacy
    columns = (*FACT_COLUMNS, *privacy.protected)
    build_facts(
        con,
        days,
        cohort=params.workbench.cohort,
        privacy=privacy,
        year_starts=params.workbench.quarter.fiscal_year_starts,
        candidates=""
        if persona is None
        else write_candidates(params.personas, persona, columns=columns),
    )
    assign_personas(con, params.personas, path=params.folder / "personas.yml")


def name_today(quarter: Quarter) -> Day:
    """Date the day after the data cut, on which actions are planned.

    Its trial is the quarter that begins; it has no landmark of its own, as nothing
    after it is known.
    """
    following = quarter.shift(1)
    first = following.first_day
    return Day(trial=str(following), first_day=first, landmark=first)
