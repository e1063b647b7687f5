"""Who is followed: counted step by step, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd

from workbench.cohorts.follow_values import ROLE_START, Followable
from workbench.cohorts.trials import Trial

__all__ = ["FOLLOWED_ROWS", "count_followed", "describe_followed"]

FOLLOWED_ROWS = """
from at_risk r join windows w using (trial)
left join follow_values v on v.unit = r.unit and v.trial = r.trial
"""
"""Everybody at risk with what happened to them; ``r`` and ``v`` in SQL."""


def count_followed(con: duckdb.DuckDBPyConnection, found: Followable) -> pd.DataFrame:
    """Count who remains after each exclusion."""
    steps = [
        ("in the persona and employed at time zero", "true"),
        ("had not learnt the programme before", "not r.learnt_before"),
        ("still employed at the landmark", "r.stayed"),
        *(
            (step, f"r.stayed and coalesce(v.{name}, false)")
            for step, name in found.counted
        ),
    ]
    counts = ", ".join(
        f"count(*) filter ({side} and {holds})"
        for _, holds in steps
        for side in ("r.treated", "not r.treated")
    )
    row = con.execute(f"select {counts} {FOLLOWED_ROWS}").fetchall()[0]
    return pd.DataFrame(
        {
            "step": [step for step, _ in steps],
            "n_treated": row[0::2],
            "n_control": row[1::2],
        }
    )


def describe_followed(
    con: duckdb.DuckDBPyConnection,
    found: Followable,
    trials: Sequence[Trial],
    min_group: int,
) -> tuple[str, ...]:
    """Say until when people are followed, and who of them is left out."""
    notes = [f"Followed until the data cut, {trials[-1].window_ends:%Y-%m-%d}."]
    if found.origin == ROLE_START:
        notes += [
            "People enter at the landmark with the days they had been in the role by"
            " then; the days are those of people still on the way at the landmark.",
            _describe_early(con, min_group),
        ]
    return tuple(notes)


def _describe_early(con: duckdb.DuckDBPyConnection, min_group: int) -> str:
    """Say how many became proficient before the landmark, and are not followed."""
    rows = con.execute(_EARLY).fetchall()
    found = {bool(treated): counts for treated, *counts in rows}
    text = "Who became proficient within the quarter of learning is left out"
    after = (
        "; an effect that came that early is not seen, and makes the later difference"
        " look smaller, as those it sped up most are no longer among the learners."
    )
    if len(found) < 2 or min(people for people, *_ in found.values()) < min_group:
        return text + after
    learners, others = (
        f"{early / there:.0%}" for _, there, early in (found[True], found[False])
    )
    return f"{text} ({learners} of learners, {others} of others){after}"


_EARLY = f"""
select r.treated, count(distinct r.unit) as people, count(*) as there,
    count(*) filter (not v.followed) as early
{FOLLOWED_ROWS} where v.in_role group by all
"""
