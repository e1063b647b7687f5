"""What evidence grades are computed from, as a table that other stages can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

import pandas as pd

from workbench.impact.evidence import Findings

__all__ = ["read_findings", "tabulate_findings"]

_LISTS = ("failed_checks", "threats")
_TRUTHS = ("designs_agree", "pretrend_powered", "robust")
_BETWEEN = "; "


def tabulate_findings(found: Iterable[tuple[str, str, Findings]]) -> pd.DataFrame:
    """Return one row per programme and outcome.

    Parameters
    ----------
    found : iterable of tuple
        Programme, outcome and the findings.

    Returns
    -------
    DataFrame
        ``program``, ``outcome`` and the fields of `Findings`; lists are joined by
        semicolons, what was not examined is missing.
    """
    names = [item.name for item in fields(Findings)]
    rows = []
    for program, outcome, findings in found:
        row: dict[str, Any] = asdict(findings)
        row |= {name: _BETWEEN.join(row[name]) for name in _LISTS}
        rows.append({"program": program, "outcome": outcome, **row})
    table = pd.DataFrame(rows, columns=["program", "outcome", *names])
    return table.astype(dict.fromkeys(_TRUTHS, "boolean"))


def read_findings(table: pd.DataFrame) -> Mapping[tuple[str, str], Findings]:
    """Read the findings of a stage back, by programme and outcome."""
    found = {}
    for row in table.to_dict("records"):
        key = str(row.pop("program")), str(row.pop("outcome"))
        row |= {name: _split(row[name]) for name in _LISTS}
        row |= {name: _read_truth(row[name]) for name in _TRUTHS}
        found[key] = Findings(**{str(name): value for name, value in row.items()})
    return found


def _split(text: object) -> tuple[str, ...]:
    return tuple(text.split(_BETWEEN)) if isinstance(text, str) and text else ()


def _read_truth(value: object) -> bool | None:
    return None if value is None or value is pd.NA else bool(value)
