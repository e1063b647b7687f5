"""What was known of each person on the day a trial begins, built in DuckDB.

Two tables are left in the connection: ``facts`` (one row per person and day) and, for
each source of facts, the date of the newest record used, so that
`check_nothing_later` can prove that nothing after time zero entered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from workbench.core.errors import DesignError
from workbench.core.params import CohortParams, Privacy
from workbench.core.quarters import Quarter

__all__ = ["FACT_COLUMNS", "Day", "build_facts", "check_nothing_later"]

FACT_COLUMNS: tuple[str, ...] = (
    "role",
    "level",
    "job_family",
    "location",
    "region",
    "shift",
    "manager_id",
    "fte",
    "tenure_days",
    "role_tenure_days",
    "age",
    "prior_rating",
    "prior_kpi",
    "prior_courses",
    "skill_gap",
    "team_size",
    "team_prior_rating",
    "manager_uptake",
)
"""Facts that persona rules and covariates may name, besides protected attributes."""

_KNOWN = ("known_job", "known_rating", "known_kpi", "known_learning", "known_skill")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day on which people are looked at: time zero and landmark of one trial."""

    trial: str
    first_day: date
    landmark: date


def build_facts(
    con: duckdb.DuckDBPyConnection,
    days: Sequence[Day],
    *,
    cohort: CohortParams,
    privacy: Privacy,
    year_starts: int = 1,
    candidates: str = "",
) -> None:
    """Build the table ``facts``: every employed person on every day asked for.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `workbench.data.cut.open_cut`; holds the canonical tables up to the cut.
    days : sequence of Day
        The trials.
    cohort : CohortParams
        ``entry`` decides time zero of people hired within the quarter.
    privacy : Privacy
        ``protected`` names the attributes carried along.
    year_starts : int
        First month of the fiscal year, to date performance periods.
    candidates : str
        From `workbench.cohorts.candidates.write_candidates`: only people who may be
        in one persona get a row, with the same facts. Empty for everybody.

    Raises
    ------
    DesignError
        If any fact is dated after time zero.

    Notes
    -----
    The role, level and manager are those in force on time zero (the row dated on the
    day itself counts). Ratings, learning and skills are strictly earlier. A skill
    never assessed does not count as a gap of its whole requirement: the mean gap is
    taken over assessed skills, and is missing where there are none. Team facts leave
    the person out. Numbers are added in the order of people or skills, so that a fact
    is the same to the last bit for whomever else facts are built.
    """
    _create_days(con, days)
    entry = "greatest(d.first_day, e.hire_date)"
    time_zero = entry if cohort.entry == "hire" else "d.first_day"
    latest_hire = "d.landmark" if cohort.entry == "hire" else "d.first_day"
    con.execute(_BASE.format(time_zero=time_zero, latest_hire=latest_hire))
    con.execute(_JOBS)
    con.execute(_PLACED.format(protected=_protected_sql(con, privacy.protected)))
    wanted = "true"
    if candidates and _choose_teams(con, candidates, privacy.protected):
        wanted = "(b.unit, b.trial) in (select (unit, trial) from wanted)"
    con.execute(_REVIEWS)
    _create_periods(con, year_starts)
    con.execute(_LEARNING, [cohort.prior_learning_days])
    con.execute(_JOINED.format(wanted=wanted))
    con.execute(_SKILLS)
    con.execute(_FACTS)
    for table in ("base", "placed", "reviews", "learning", "joined"):
        con.execute(f"drop table {table}")
    check_nothing_later(con)


def check_nothing_later(con: duckdb.DuckDBPyConnection) -> None:
    """Refuse ``facts`` in which any record used is dated after time zero.

    Raises
    ------
    DesignError
        Naming the kind of fact and how many rows are affected.
    """
    allowed = {"known_job": ">"}
    late = {}
    for column in _KNOWN:
        sign = allowed.get(column, ">=")
        sql = f"select count(*) from facts where {column} {sign} time_zero"
        rows = con.execute(sql).fetchall()[0][0]
        if rows:
            late[column.removeprefix("known_")] = rows
    if late:
        raise DesignError.build(
            "Facts dated after time zero would enter as covariates",
            where=", ".join(f"{kind}: {rows} rows" for kind, rows in late.items()),
            rule="a covariate is known before the trial begins",
            hint="correct the dates in the extract, or the mapping that derives them",
        )


def _create_days(con: duckdb.DuckDBPyConnection, days: Sequence[Day]) -> None:
    con.execute(
        "create or replace temp table days"
        " (trial varchar, first_day date, landmark date)"
    )
    if days:
        rows = [(day.trial, day.first_day, day.landmark) for day in days]
        con.executemany("insert into days values (?, ?, ?)", rows)


def _create_periods(con: duckdb.DuckDBPyConnection, year_starts: int) -> None:
    """Date every performance period by its last day."""
    con.execute("create or replace temp table periods (period varchar, last_day date)")
    found = con.execute("select distinct period from reviews").fetchall()
    rows = [
        (period, Quarter.parse(period, year_starts=year_starts).last_day)
        for (period,) in found
    ]
    if rows:
        con.executemany("insert into periods values (?, ?)", rows)


def _choose_teams(
    con: duckdb.DuckDBPyConnection, candidates: str, protected: Sequence[str]
) -> bool:
    """Keep in ``placed`` candidates and their teams, whom the team's facts need.

    False where the condition cannot be read: `assign_personas` then says why.
    """
    present = {row[0] for row in con.execute("describe placed").fetchall()}
    missing = [name for name in (*FACT_COLUMNS, *protected) if name not in present]
    unknown = "".join(f', cast(null as double) as "{name}"' for name in missing)
    try:
        con.execute(
            "create or replace temp table wanted as select unit, trial, manager_id"
            f" from (select *{unknown} from placed) where {candidates}"
        )
    except duckdb.Error:
        return False
    con.execute(
        "create or replace temp table placed as select p.* from placed p"
        " where (p.trial, p.manager_id) in (select (trial, manager_id) from wanted)"
        " or (p.unit, p.trial) in (select (unit, trial) from wanted)"
    )
    return True


def _protected_sql(con: duckdb.DuckDBPyConnection, protected: Sequence[str]) -> str:
    """Select protected attributes; age bands are derived where none are given."""
    described = con.execute("describe employees").fetchall()
    present = {row[0] for row in described}
    parts = []
    for name in protected:
        if name in present:
            parts.append(f', cast(p."{name}" as varchar) as "{name}"')
        elif name == "age_band":
            parts.append(f", {_AGE_BAND} as age_band")
        else:
            parts.append(f', cast(null as varchar) as "{name}"')
    return "".join(parts)


_AGE_BAND = """case
    when p.birth_year is null then null
    when year(b.time_zero) - p.birth_year < 30 then 'under 30'
    when year(b.time_zero) - p.birth_year < 40 then '30 to 39'
    when year(b.time_zero) - p.birth_year < 50 then '40 to 49'
    else '50 and over' end"""

_BASE = """
create or replace temp table base as
select e.employee_id as unit, d.trial, {time_zero} as time_zero, d.landmark,
    e.hire_date, e.exit_date, e.exit_type
from employees e join days d on e.hire_date <= {latest_hire}
where e.exit_date is null or e.exit_date > {time_zero}
"""

_JOBS = """
create or replace temp table jobs as
with rows as (
    select *, coalesce(
        role is distinct from lag(role) over w, true) as starts
    from job_history
    window w as (partition by employee_id order by effective_date)
)
select *, max(case when starts then effective_date end) over (
    partition by employee_id order by effective_date
    rows between unbounded preceding and current row) as role_since
from rows
"""

_PLACED = """
create or replace temp table placed as
select b.unit, b.trial, b.time_zero, b.landmark, b.exit_date, b.exit_type,
    j.role, j.level, j.job_family, j.location, j.region, j.shift, j.manager_id,
    j.fte, b.time_zero - b.hire_date as tenure_days,
    b.time_zero - j.role_since as role_tenure_days,
    year(b.time_zero) - p.birth_year as age{protected},
    j.effective_date as known_job
from base b join employees p on p.employee_id = b.unit
asof left join jobs j on b.unit = j.employee_id and b.time_zero >= j.effective_date
"""

_REVIEWS = """
create or replace temp table reviews as
select employee_id, period, rating, kpi_attainment from performance
where employee_id in (select unit from placed)
    and (rating is not null or kpi_attainment is not null)
"""

_LEARNING = """
create or replace temp table learning as
select b.unit, b.trial, count(distinct n.course_id) as prior_courses,
    max(cast(n.completed_at as date)) as known_learning
from placed b join enrollments n on n.employee_id = b.unit
    and n.status = 'completed'
    and cast(n.completed_at as date) < b.time_zero
    and cast(n.completed_at as date) >= b.time_zero - cast(? as integer)
group by all
"""

_JOINED = """
create or replace temp table joined as
with rated as (
    select r.employee_id, r.rating, d.last_day from reviews r
    join periods d using (period) where r.rating is not null
),
attained as (
    select r.employee_id, r.kpi_attainment, d.last_day from reviews r
    join periods d using (period) where r.kpi_attainment is not null
),
known as (
    select b.*, r.rating as prior_rating, k.kpi_attainment as prior_kpi,
        coalesce(l.prior_courses, 0) as prior_courses,
        r.last_day as known_rating, k.last_day as known_kpi, l.known_learning
    from placed b
    asof left join rated r on b.unit = r.employee_id and b.time_zero > r.last_day
    asof left join attained k on b.unit = k.employee_id and b.time_zero > k.last_day
    left join learning l on l.unit = b.unit and l.trial = b.trial
),
teams as (
    select trial, manager_id, count(*) as people, count(prior_rating) as rated,
        sum(prior_rating order by unit) as ratings,
        count(*) filter (prior_courses > 0) as learning
    from known where manager_id is not null group by all
)
select b.*, t.people - 1 as team_size,
    (t.ratings - coalesce(b.prior_rating, 0))
        / nullif(t.rated - cast(b.prior_rating is not null as integer), 0)
        as team_prior_rating,
    (t.learning - cast(b.prior_courses > 0 as integer)) / nullif(t.people - 1, 0)
        as manager_uptake
from known b
left join teams t on t.trial = b.trial and t.manager_id = b.manager_id
where {wanted}
"""

_SKILLS = """
create or replace temp table skill_days as
select employee_id, skill, cast(assessed_at as date) as known_on,
    arg_max(proficiency, assessed_at) as proficiency
from skill_assessments where employee_id in (select unit from joined)
group by all
"""

_FACTS = """
create or replace temp table facts as
with needs as (
    select b.unit, b.trial, b.time_zero, r.skill, r.required
    from joined b join role_skills r
        on r.role = b.role and (r.level is null or r.level = b.level)
    qualify row_number() over (
        partition by b.unit, b.trial, r.skill order by r.level nulls last) = 1
),
gaps as (
    select n.unit, n.trial, max(s.known_on) as known_skill,
        avg(greatest(0, n.required - s.proficiency) order by n.skill) as skill_gap
    from needs n asof join skill_days s
        on n.unit = s.employee_id and n.skill = s.skill and n.time_zero > s.known_on
    group by all
)
select b.* exclude (known_job, known_rating, known_kpi, known_learning,
        team_size, team_prior_rating, manager_uptake),
    g.skill_gap, b.known_job, b.known_rating, b.known_kpi, b.known_learning,
    g.known_skill, b.team_size, b.team_prior_rating, b.manager_uptake
from joined b left join gaps g on g.unit = b.unit and g.trial = b.trial
order by b.trial, b.unit
"""
