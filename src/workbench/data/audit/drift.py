"""Whether this quarter's volumes and distributions moved away from the last one's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from workbench.core.quarters import Quarter
from workbench.data.audit.volume import create_quarters, judge_volume, match_quarter
from workbench.data.contract import find_table
from workbench.data.sql import quote_name

__all__ = ["DRIFT_COLUMNS", "judge_psi", "judge_shift", "measure_drift"]

DRIFT_COLUMNS = [
    "kind",
    "table",
    "column",
    "quarter",
    "previous",
    "n",
    "n_previous",
    "value",
    "std_error",
    "limit",
    "status",
    "text",
]

_MEASURES = (
    ("enrollments", "score", "completed_at", ""),
    ("enrollments", "minutes", "completed_at", ""),
    ("lms_events", "duration_s", "event_at", ""),
    ("performance", "rating", "period", ""),
    ("performance", "kpi_attainment", "period", ""),
    ("skill_assessments", "proficiency", "assessed_at", ""),
    ("surveys", "score", "asked_at", "learner_nps"),
    ("surveys", "score", "asked_at", "manager_nps"),
    ("surveys", "score", "asked_at", "engagement"),
)
"""Table, column, its date, and the survey instrument, of all that is compared."""

_SHIFT = 0.20
_PSI = 0.10
_CUTS = [step / 10 for step in range(1, 10)]
_Z = 1.96


def measure_drift(
    con: duckdb.DuckDBPyConnection,
    *,
    volume: pd.DataFrame,
    quarter: Quarter,
    min_group: int,
) -> pd.DataFrame:
    """Compare the reported quarter with the one before.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`, consenting people only.
    volume : DataFrame
        As `count_volume` returns it.
    quarter : Quarter
        The reported quarter.
    min_group : int
        A distribution of fewer people, in either quarter, is not compared.

    Returns
    -------
    DataFrame
        ``kind`` is ``volume`` (logarithm of the ratio of rows), ``shift`` (difference
        of means over the spread of single people) or ``psi`` (population stability
        index over the tenths of the quarter before); ``n`` and ``n_previous`` are
        rows, or people; ``status`` is ``warn`` where ``value`` is beyond ``limit``,
        which includes the statistic's own error.

    Notes
    -----
    One person counts once per quarter, with the mean of the values: repeated records
    of one person would make the error too small. The errors take the quarters as
    independent; as many people stand in both, they are rather too large.
    """
    previous = quarter.shift(-1)
    create_quarters(con, [previous, quarter])
    rows: list[dict[str, Any]] = judge_volume(volume)
    for table, column, day, instrument in _MEASURES:
        name = f"{column} ({instrument})" if instrument else column
        head = {
            "table": table,
            "column": name,
            "quarter": str(quarter),
            "previous": str(previous),
        }
        _collect(con, table, column, day, instrument)
        rows += [head | row for row in _compare(con, head, min_group)]
    return pd.DataFrame(rows, columns=DRIFT_COLUMNS).astype(
        {"n": "Int64", "n_previous": "Int64"}
    )


def judge_shift(
    moments: tuple[int, float, float], previous: tuple[int, float, float]
) -> dict[str, Any]:
    r"""Judge the difference of two means in units of the spread of single people.

    Parameters
    ----------
    moments, previous : tuple
        Number of people, mean and standard deviation, of this quarter and the last.

    Returns
    -------
    dict
        ``value`` :math:`d`, ``std_error``, ``limit`` and ``status``.

    Notes
    -----
    :math:`d = (\bar x_1 - \bar x_0) / \sqrt{(s_1^2 + s_0^2)/2}` with the error
    :math:`\sqrt{1/n_1 + 1/n_0 + d^2 / 2(n_1 + n_0)}`; the limit is 0.20 plus 1.96
    errors.
    """
    (n, mean, sd), (n_before, mean_before, sd_before) = moments, previous
    spread = math.sqrt((sd**2 + sd_before**2) / 2)
    if spread == 0:
        same = mean == mean_before
        value, error = (0.0, 0.0) if same else (math.inf, 0.0)
    else:
        value = (mean - mean_before) / spread
        error = math.sqrt(1 / n + 1 / n_before + value**2 / (2 * (n + n_before)))
    limit = _SHIFT + _Z * error
    status = "pass" if abs(value) <= limit else "warn"
    text = f"mean {mean_before:.4g} to {mean:.4g}"
    return _state("shift", value, error, limit, status, text)


def judge_psi(counts: Sequence[int], previous: Sequence[int]) -> dict[str, Any]:
    r"""Judge the population stability index of two histograms over the same bins.

    Parameters
    ----------
    counts, previous : sequence of int
        People per bin, of this quarter and the last.

    Returns
    -------
    dict
        ``value``, ``std_error``, ``limit`` and ``status``.

    Notes
    -----
    :math:`\sum_b (p_b - q_b) \log (p_b / q_b)`, half a person being added to each bin.
    Without any change the index is about :math:`(1/n_1 + 1/n_0) \chi^2_{B-1}`, so the
    limit is the customary 0.10 plus the 95 % quantile of that; the error is that
    distribution's standard deviation.
    """
    from scipy.stats import chi2

    now, before = (np.asarray(item, dtype=float) for item in (counts, previous))
    bins = len(now)
    shares, old = ((item + 0.5) / (item.sum() + 0.5 * bins) for item in (now, before))
    value = float(((shares - old) * np.log(shares / old)).sum())
    scale = 1 / now.sum() + 1 / before.sum()
    limit = _PSI + float(chi2.ppf(0.95, bins - 1)) * scale if bins > 1 else _PSI
    error = math.sqrt(2 * (bins - 1)) * scale
    status = "pass" if value <= limit else "warn"
    return _state("psi", value, error, limit, status, f"{bins} bins")


def _collect(
    con: duckdb.DuckDBPyConnection, table: str, column: str, day: str, instrument: str
) -> None:
    """Fill ``audit_values``: one mean per person and quarter."""
    kind = find_table(table).column(day).kind
    chosen = f" and instrument = '{instrument}'" if instrument else ""
    con.execute(
        "create or replace temp table audit_values as"
        f" select q.quarter, t.employee_id as unit, avg({quote_name(column)}) as value"
        f" from {table} t join audit_quarters q on {match_quarter(day, kind)}"
        f" where {quote_name(column)} is not null{chosen} group by all order by all"
    )


def _compare(
    con: duckdb.DuckDBPyConnection, head: dict[str, str], min_group: int
) -> list[dict[str, Any]]:
    """Judge ``audit_values``; nothing where neither quarter has values."""
    names = (head["quarter"], head["previous"])
    now, before = (_read_moments(con, name) for name in names)
    if now[0] == before[0] == 0:
        return []
    if min(now[0], before[0]) < min_group:
        text = f"fewer than {min_group} people in one of the quarters"
        blank = _state("shift", math.nan, math.nan, math.nan, "not_applicable", text)
        return [blank]
    people = {"n": now[0], "n_previous": before[0]}
    edges = _read_edges(con, names[1])
    counts, previous = (_read_counts(con, name, edges) for name in names)
    return [judge_shift(now, before) | people, judge_psi(counts, previous) | people]


def _read_moments(
    con: duckdb.DuckDBPyConnection, quarter: str
) -> tuple[int, float, float]:
    sql = (
        "select count(*), coalesce(avg(value), 0), coalesce(stddev_samp(value), 0)"
        " from audit_values where quarter = ?"
    )
    count, mean, sd = con.execute(sql, [quarter]).fetchall()[0]
    return int(count), float(mean), float(sd)


def _read_edges(con: duckdb.DuckDBPyConnection, quarter: str) -> list[float]:
    """Return the upper edges of the tenths; equal ones are one edge."""
    sql = f"select quantile_disc(value, {_CUTS}) from audit_values where quarter = ?"
    edges = con.execute(sql, [quarter]).fetchall()[0][0] or []
    return sorted({float(edge) for edge in edges})


def _read_counts(
    con: duckdb.DuckDBPyConnection, quarter: str, edges: Sequence[float]
) -> list[int]:
    """Count people per bin; a bin holds its upper edge."""
    above = " + ".join(f"cast(value > {edge!r} as integer)" for edge in edges)
    sql = (
        f"select {above} as bin, count(*) from audit_values"
        " where quarter = ? group by 1"
    )
    found = dict(con.execute(sql, [quarter]).fetchall())
    return [int(found.get(index, 0)) for index in range(len(edges) + 1)]


def _state(
    kind: str, value: float, error: float, limit: float, status: str, text: str
) -> dict[str, Any]:
    return {
        "kind": kind,
        "value": value,
        "std_error": error,
        "limit": limit,
        "status": status,
        "text": text,
    }
