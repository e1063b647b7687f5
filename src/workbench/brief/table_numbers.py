"""Numbers of portfolio, prediction and prescription as entries of ``brief.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.brief.withheld import PRESCRIBING, SHOWN, withhold_tables
from workbench.core.store import read_parquet

__all__ = ["list_table_numbers"]

_THRESHOLDS = "thresholds"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """How rows of a table become numbers: which columns hold what.

    ``outcome``, ``estimand``, ``method``, ``group_by`` and ``group`` name a column
    where they start with ``@``, else they stand for themselves; ``unit`` likewise.
    """

    value: str
    outcome: str
    estimand: str
    method: str
    group_by: str = ""
    group: str = ""
    low: str = ""
    high: str = ""
    error: str = ""
    p_value: str = ""
    treated: str = ""
    control: str = ""
    unit: str = _THRESHOLDS


_MODULE: Mapping[str, str] = {
    "estimand": "module",
    "group_by": "module",
    "group": "@module",
    "treated": "n_passed",
    "control": "n_skipped",
}
_ENTRIES: Mapping[str, tuple[_Entry, ...]] = {
    "modules": (
        _Entry(
            **_MODULE,
            value="impact",
            low="impact_low",
            high="impact_high",
            outcome="impact",
            method="shrunk",
        ),
        _Entry(
            **_MODULE,
            value="raw_impact",
            error="raw_std_error",
            outcome="impact",
            method="raw",
        ),
        _Entry(
            **_MODULE,
            value="ratio",
            low="ratio_low",
            high="ratio_high",
            outcome="impact per 10 hours",
            method="shrunk",
            unit="thresholds per 10 hours",
        ),
    ),
    "dose": (
        _Entry(
            value="estimate",
            low="ci_low",
            high="ci_high",
            outcome="@outcome",
            estimand="dose",
            method="dose_response",
            group_by="modules passed",
            group="@dose",
            treated="n",
            unit="",
        ),
    ),
    "path_summary": tuple(
        _Entry(
            value=value,
            low=f"{value}_low",
            high=f"{value}_high",
            outcome=value,
            estimand="path",
            method="milp",
            unit=unit,
        )
        for value, unit in (
            ("impact", _THRESHOLDS),
            ("hours", "hours"),
            ("cost", "money"),
        )
    ),
    "scores": (
        _Entry(
            value="value",
            low="low",
            high="high",
            outcome="@target",
            estimand="@metric",
            method="@model",
            treated="n",
            unit="",
        ),
    ),
    "outlook": (
        _Entry(
            value="expected",
            low="low",
            high="high",
            outcome="@target",
            estimand="expected",
            method="prediction",
            treated="n",
            unit="@unit",
        ),
    ),
    "policies": (
        _Entry(
            value="value",
            low="low",
            high="high",
            error="std_error",
            outcome="policy value",
            estimand="@policy",
            method="aipw",
            unit="@unit",
        ),
        _Entry(
            value="gain_over_current",
            low="gain_low",
            high="gain_high",
            outcome="gain over current practice",
            estimand="@policy",
            method="aipw",
            unit="@unit",
        ),
    ),
    "heterogeneity": (
        _Entry(
            value="value",
            error="std_error",
            p_value="p_value",
            outcome="heterogeneity",
            estimand="@test",
            method="held_out",
            unit="",
        ),
    ),
    "frontier": (
        _Entry(
            value="value",
            low="value_low",
            high="value_high",
            outcome="policy value",
            estimand="@floor",
            method="floor",
            group_by="@attribute",
        ),
    ),
    "access": tuple(
        _Entry(
            value=value,
            low=f"{value}_low",
            high=f"{value}_high",
            outcome=outcome,
            estimand="@kind",
            method=value,
            group_by="@attribute",
            group="@group",
            unit="share",
        )
        for value, outcome in (("rate", "access"), ("ratio", "selection ratio"))
    ),
    "action_counts": (
        _Entry(
            value="people",
            outcome="people with a recommendation",
            estimand="@action",
            method="count",
            group_by="reason",
            group="@reason_code",
            unit="people",
        ),
    ),
}


def list_table_numbers(
    folder: Path, *, stage: str, persona: str, min_group: int
) -> Iterator[dict[str, Any]]:
    """List the numbers of a stage's tables, in the columns of estimates.

    Parameters
    ----------
    folder : Path
        The stage's results.
    stage : str
        Its name; nothing is listed for stages that prescribe nothing.
    persona : str
        Whose results they are; rows that name a persona are that one's.
    min_group : int
        Fewest people of a number that is not blanked.

    Yields
    ------
    dict
        One per number; ``suppressed`` where too few people stand behind it.

    Raises
    ------
    SourceError
        If a table is damaged.
    """
    if stage not in PRESCRIBING:
        return
    tables = {
        name: read_parquet(path)
        for name in SHOWN
        if (path := folder / f"{name}.parquet").is_file()
    }
    shown = withhold_tables(stage, tables, min_group=min_group)
    for name, entries in _ENTRIES.items():
        for row in shown.get(name, pd.DataFrame()).to_dict("records"):
            named = {str(key): value for key, value in row.items()}
            for entry in entries:
                yield _make(entry, named, stage=stage, persona=persona)


def _make(
    entry: _Entry, row: Mapping[str, Any], *, stage: str, persona: str
) -> dict[str, Any]:
    """Make one number of a row."""
    return {
        "persona": row.get("persona", persona),
        "stage": stage,
        "program": row.get("program"),
        "outcome": _read(row, entry.outcome),
        "estimand": _read(row, entry.estimand),
        "method": _read(row, entry.method),
        "subgroup_by": _read(row, entry.group_by) or None,
        "subgroup": _read(row, entry.group) or None,
        "estimate": row[entry.value],
        "std_error": row.get(entry.error),
        "ci_low": row.get(entry.low),
        "ci_high": row.get(entry.high),
        "p_value": row.get(entry.p_value),
        "n_treated": row.get(entry.treated),
        "n_control": row.get(entry.control),
        "unit": _read(row, entry.unit) or None,
        "suppressed": bool(row.get("suppressed", False)),
    }


def _read(row: Mapping[str, Any], name: str) -> str:
    """Read a column, or take the name itself; a whole number has no decimals."""
    if not name.startswith("@"):
        return name
    value = row.get(name[1:])
    return f"{value:g}" if isinstance(value, float) else str(value)
