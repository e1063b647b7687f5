"""Histories: each person's time in a persona, whenever they learnt."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from workbench.cohorts.adjustment import choose_adjustment
from workbench.cohorts.follow_frames import Histories
from workbench.cohorts.follow_values import build_follow_values, write_exit_cause
from workbench.cohorts.target_trial import tidy_frame
from workbench.cohorts.trials import Trial
from workbench.core.params import OrgParams, Outcome, Program

__all__ = ["build_histories"]


def build_histories(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    *,
    program: Program,
    outcome: Outcome,
    trials: Sequence[Trial],
) -> Histories:
    """Build the histories of one persona, programme and outcome of leaving.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``at_risk`` of the persona and programme; see `prepare_program`.
    params : OrgParams
        The organisation's parameters.
    program : Program
        Its completion is what is dated.
    outcome : Outcome
        Source ``exits.voluntary`` or ``exits.any``.
    trials : sequence of Trial
        Those of the follow-up.

    Returns
    -------
    Histories
        Everybody who was in the persona, and had not learnt the programme, at time
        zero of at least one of the trials; from the first such day until they left or
        the data cut, wherever they were placed later. Day 0 of the clock is the first
        day of the first trial.
    """
    found = build_follow_values(con, outcome, trials)
    adjustment = choose_adjustment(params, outcome)
    columns = [name for name in adjustment.covariates if name != "unit"]
    field = outcome.source.split(".")[1]
    query = _HISTORIES.format(
        cause=write_exit_cause(field, row="e"),
        listed="".join(f', e."{name}"' for name in columns),
    )
    first = trials[0].exposure.first_day
    frame = tidy_frame(con.execute(query, [first] * 3).df())
    return Histories(
        frame=frame.astype({"cause": "int64"}),
        covariates=adjustment.covariates,
        causes=found.causes,
        program=program,
        outcome=outcome,
    )


_HISTORIES = """
with entry as (
    select a.*, w.window_ends from at_risk a join windows w using (trial)
    where not a.learnt_before
    qualify row_number() over (partition by a.unit order by a.time_zero) = 1
),
ends as (
    select *, coalesce(exit_date, window_ends) as ended_on from entry
)
select e.unit, e.time_zero - cast(? as date) as entered,
    case when l.learnt_on <= e.ended_on then l.learnt_on - cast(? as date) end
        as learnt,
    e.ended_on - cast(? as date) as ended, {cause} as cause{listed}
from ends e left join learners l using (unit) order by e.unit
"""
