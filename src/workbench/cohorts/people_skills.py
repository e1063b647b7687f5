"""Which skills people of today lack, and for how long they have."""

from __future__ import annotations

import duckdb
import pandas as pd

__all__ = ["read_gaps"]


def read_gaps(con: duckdb.DuckDBPyConnection, *, year_starts: int = 1) -> pd.DataFrame:
    """Read every skill that a person's role asks for today.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``chosen`` and ``skill_days``, which `build_facts` leaves.
    year_starts : int
        First month of the fiscal year: quarters are those of the organisation.

    Returns
    -------
    DataFrame
        ``unit``, ``skill``, ``required``, ``proficiency``, ``gap``, ``assessed_days``
        and ``gap_quarters``; see `PeopleNow`. Earlier assessments are held against
        what the role asks for today.
    """
    frame = con.execute(_GAPS, {"shift": (year_starts - 1) % 3}).df()
    numbers = ("required", "proficiency", "gap", "assessed_days")
    return frame.astype(dict.fromkeys(numbers, "float64") | {"gap_quarters": "int64"})


_GAPS = """
with needs as (
    select c.unit, c.time_zero, r.skill, r.required
    from chosen c join role_skills r
        on r.role = c.role and (r.level is null or r.level = c.level)
    qualify row_number() over (
        partition by c.unit, r.skill order by r.level nulls last) = 1
),
quarters as (
    select n.unit, n.skill,
        date_trunc('quarter', s.known_on - to_months($shift)) as quarter,
        max(s.known_on) as known_on,
        arg_max(s.proficiency, s.known_on) as proficiency,
        n.required - arg_max(s.proficiency, s.known_on) > 0 as short
    from needs n join skill_days s
        on s.employee_id = n.unit and s.skill = n.skill and s.known_on < n.time_zero
    group by n.unit, n.skill, n.required, quarter
),
runs as (
    select *, max(case when not short then quarter end) over (
        partition by unit, skill) as last_closed
    from quarters
),
newest as (
    select unit, skill, max(known_on) as known_on,
        arg_max(proficiency, known_on) as proficiency,
        count(*) filter (short and coalesce(quarter > last_closed, true))
            as gap_quarters
    from runs group by all
)
select n.unit, n.skill, n.required, w.proficiency,
    case when w.proficiency is not null
        then greatest(0, n.required - w.proficiency) end as gap,
    n.time_zero - w.known_on as assessed_days,
    coalesce(w.gap_quarters, 0) as gap_quarters
from needs n left join newest w using (unit, skill)
order by n.unit, n.skill
"""
