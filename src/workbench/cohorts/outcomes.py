"""Reading outcomes after the landmark, one SQL query per kind of source."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from workbench.cohorts.trials import Trial
from workbench.core.errors import DesignError, ParamError
from workbench.core.params import Outcome

__all__ = [
    "FOLLOWED_SOURCES",
    "ONLY_FOLLOWED",
    "OUTCOME_SOURCES",
    "build_outcome",
    "date_windows",
    "find_missing_tables",
    "is_only_followed",
    "is_supported",
]

OUTCOME_SOURCES: dict[str, tuple[str, ...]] = {
    "performance": ("rating", "kpi_attainment", "okr_attainment"),
    "exits": ("voluntary", "any"),
    "job_history": ("internal_move", "promotion"),
    "skill_assessments": ("proficiency",),
}
"""What ``outcomes.yml`` may name as ``source``, besides ``employees.<column>``."""

FOLLOWED_SOURCES: dict[str, tuple[str, ...]] = {"proficiency_dates": ("days",)}
"""Sources of what is a time itself: read by following people, never at one date."""

ONLY_FOLLOWED = (
    "It is a time until something happens: it is followed over time in the survival"
    " stage."
)
"""Why a stage that reads values has none of such an outcome."""

_TABLES = {"exits": "employees"}


def is_supported(outcome: Outcome) -> bool:
    """Tell whether the source of an outcome can be read."""
    table, field = outcome.source.split(".")
    return table == "employees" or field in OUTCOME_SOURCES.get(table, ())


def is_only_followed(outcome: Outcome) -> bool:
    """Tell whether an outcome is a time, which nobody has a value of at one date."""
    table, field = outcome.source.split(".")
    return field in FOLLOWED_SOURCES.get(table, ())


def find_missing_tables(outcome: Outcome, present: Sequence[str]) -> list[str]:
    """List the canonical tables an outcome needs that are not loaded."""
    table = outcome.source.split(".")[0]
    needed = _TABLES.get(table, table)
    return [] if needed in present else [needed]


def build_outcome(
    con: duckdb.DuckDBPyConnection, outcome: Outcome, trials: Sequence[Trial]
) -> None:
    """Build ``outcome_values``: ``unit``, ``trial``, ``outcome`` and ``seen_on``.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``at_risk`` and, for skills, ``program_courses``.
    outcome : Outcome
        ``performance.*`` is read in the period of the trial; ``exits.*`` is 1 for
        people who stayed and 0 for those who left so within the horizon;
        ``job_history.*`` is 1 for people who moved; ``skill_assessments`` is the mean
        over the programme's skills of the last assessment in the window;
        ``employees.<column>`` is the column as a number.
    trials : sequence of Trial
        As `plan_trials` dates them.

    Raises
    ------
    ParamError
        If the source is unknown.
    DesignError
        If a value is dated before the landmark or after the trial's window.
    """
    date_windows(con, trials)
    table, field = outcome.source.split(".")
    reader = _READERS.get(table)
    if reader is None or not is_supported(outcome):
        known = [
            f"{key}.{item}" for key, items in OUTCOME_SOURCES.items() for item in items
        ]
        raise ParamError.build(
            f"The source of outcome {outcome.id} is unknown",
            rule="one of " + ", ".join([*known, "employees.<column>"]),
            got=outcome.source,
        )
    reader(con, field)
    _check_window(con, outcome)


def date_windows(con: duckdb.DuckDBPyConnection, trials: Sequence[Trial]) -> None:
    """Build ``windows``: ``trial``, ``landmark``, ``period`` and ``window_ends``."""
    con.execute(
        "create or replace temp table windows (trial varchar, landmark date,"
        " period varchar, window_ends date)"
    )
    rows = [
        (str(t.exposure), t.exposure.last_day, str(t.period), t.window_ends)
        for t in trials
    ]
    con.executemany("insert into windows values (?, ?, ?, ?)", rows)


def _check_window(con: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    """Refuse outcome values dated on or before the landmark, or after the window."""
    outside = con.execute(
        "select count(*) from outcome_values v join windows w using (trial)"
        " where v.seen_on <= w.landmark or v.seen_on > w.window_ends"
    ).fetchall()[0][0]
    if outside:
        raise DesignError.build(
            f"{outside} values of {outcome.id} lie outside the outcome window",
            rule="an outcome is dated after the landmark and within its window",
        )


def _read_performance(con: duckdb.DuckDBPyConnection, field: str) -> None:
    con.execute(
        "create or replace temp table outcome_values as"
        f' select m.unit, m.trial, cast(p."{field}" as double) as outcome,'
        " w.window_ends as seen_on from at_risk m join windows w using (trial)"
        " join performance p on p.employee_id = m.unit and p.period = w.period"
        f' where p."{field}" is not null'
    )


def _read_exits(con: duckdb.DuckDBPyConnection, field: str) -> None:
    kind = "true" if field == "any" else "e.exit_type = 'voluntary'"
    con.execute(
        "create or replace temp table outcome_values as"
        " select m.unit, m.trial, cast(coalesce(not ("
        f" {kind} and e.exit_date <= w.window_ends), true) as double) as outcome,"
        " w.window_ends as seen_on"
        " from at_risk m join windows w using (trial)"
        " join employees e on e.employee_id = m.unit"
    )


def _read_moves(con: duckdb.DuckDBPyConnection, field: str) -> None:
    events = "('promotion')" if field == "promotion" else "('promotion', 'transfer')"
    con.execute(
        "create or replace temp table outcome_values as"
        " select m.unit, m.trial, cast(count(j.employee_id) > 0 as double) as outcome,"
        " w.window_ends as seen_on from at_risk m join windows w using (trial)"
        " left join job_history j on j.employee_id = m.unit"
        f" and j.event in {events}"
        " and j.effective_date > w.landmark and j.effective_date <= w.window_ends"
        " group by all"
    )


def _read_skills(con: duckdb.DuckDBPyConnection, _field: str) -> None:
    con.execute(
        "create or replace temp table outcome_values as"
        " with latest as (select m.unit, m.trial, s.skill,"
        " arg_max(s.proficiency, s.assessed_at) as proficiency,"
        " max(cast(s.assessed_at as date)) as seen_on"
        " from at_risk m join windows w using (trial)"
        " join skill_assessments s on s.employee_id = m.unit"
        " and cast(s.assessed_at as date) > w.landmark"
        " and cast(s.assessed_at as date) <= w.window_ends"
        " where s.skill in (select c.skill from course_skills c"
        " join program_courses using (course_id)) group by all)"
        " select unit, trial, avg(proficiency) as outcome, max(seen_on) as seen_on"
        " from latest group by all"
    )


def _read_employees(con: duckdb.DuckDBPyConnection, field: str) -> None:
    present = {row[0] for row in con.execute("describe employees").fetchall()}
    if field not in present:
        raise ParamError.build(
            "An outcome names a column that employees does not have",
            rule="one of " + ", ".join(sorted(present)),
            got=field,
        )
    con.execute(
        "create or replace temp table outcome_values as"
        f' select m.unit, m.trial, try_cast(e."{field}" as double) as outcome,'
        " w.window_ends as seen_on from at_risk m join windows w using (trial)"
        " join employees e on e.employee_id = m.unit"
        f' where try_cast(e."{field}" as double) is not null'
    )


_READERS: dict[str, Callable[[duckdb.DuckDBPyConnection, str], None]] = {
    "performance": _read_performance,
    "exits": _read_exits,
    "job_history": _read_moves,
    "skill_assessments": _read_skills,
    "employees": _read_employees,
}
