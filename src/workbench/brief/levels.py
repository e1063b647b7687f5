"""Levels on the pages: survey scores and shares, which are no effects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.brief.components import Block, write_paragraph
from workbench.brief.formatting import (
    MINUS,
    MISSING,
    format_count,
    format_percent,
    format_value,
    is_missing,
)
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.core.params import Persona

__all__ = [
    "LevelCard",
    "pool_level",
    "read_levels",
    "tabulate_levels",
    "write_level",
]

_STAGE = "survival"
_WIDE = 1.959963984540054
_SHARE = "share"
_LABELS = {
    "learner_nps": "Learner NPS",
    "manager_actions": "Managers who follow up",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCard:
    """How things stand over all personas.

    ``unit`` is ``share`` for values from 0 to 1, else the words after the number;
    ``target`` is NaN where none is set.
    """

    value: float
    low: float
    high: float
    n: int
    unit: str
    target: float
    note: str

    @property
    def counted(self) -> str:
        """What ``n`` counts."""
        return "learner" if self.unit == _SHARE else "answer"

    @property
    def verdict(self) -> str:
        """``yes``, ``no`` or ``unclear`` against the target; empty without one."""
        if math.isnan(self.target):
            return ""
        if self.low >= self.target:
            return "yes"
        return "no" if self.high < self.target else "unclear"

    def write_value(self) -> str:
        """Write the number with its unit."""
        return _write(self.value, self.unit)

    def write_interval(self) -> str:
        """Write the interval."""
        return _write_range(self.low, self.high, self.unit)

    def write_target(self) -> str:
        """Write the target, or that none is set."""
        if math.isnan(self.target):
            return "No target set"
        return f"Target: {_write(self.target, self.unit)} or more"


def read_levels(data: BriefData, persona: str | None = None) -> pd.DataFrame:
    """Read the levels of all personas, or of one.

    Returns
    -------
    DataFrame
        ``persona`` and the columns of `workbench.impact.levels.tabulate_levels`.
    """
    tables = [
        item.table("levels").assign(persona=owner)
        for (stage, owner), item in data.stages.items()
        if stage == _STAGE and persona in (None, owner) and "levels" in item.tables
    ]
    tables = [table for table in tables if not table.empty]
    if not tables:
        return pd.DataFrame(columns=["persona", "measure", "period", "value"])
    return pd.concat(tables, ignore_index=True)


def pool_level(data: BriefData, measure: str) -> LevelCard | None:
    """Average a level over personas, weighted by answers.

    Personas are taken as independent; those with too few people are left out. None
    where nobody has a number.
    """
    table = read_levels(data)
    rows = table[(table["measure"] == measure) & (table["period"] == "")]
    rows = rows[rows["value"].notna()] if len(rows) else rows
    if rows.empty:
        return None
    count = rows["n"].to_numpy(dtype="float64")
    share = count / count.sum()
    value = float(rows["value"].to_numpy(dtype="float64") @ share)
    error = float(
        np.sqrt(((share * rows["std_error"].to_numpy(dtype="float64")) ** 2).sum())
    )
    unit = str(rows["unit"].iloc[0])
    floor, ceiling = (0.0, 1.0) if unit == _SHARE else (-math.inf, math.inf)
    return LevelCard(
        value=value,
        low=max(floor, value - _WIDE * error),
        high=min(ceiling, value + _WIDE * error),
        n=int(count.sum()),
        unit=unit,
        target=float(rows["target"].iloc[0]),
        note=str(rows["note"].iloc[0]),
    )


def tabulate_levels(data: BriefData, persona: Persona) -> Block:
    """Show what learners of a persona say, and how often managers follow up."""
    table = read_levels(data, persona.id)
    shown = table[table["period"] == ""] if len(table) else table
    if shown.empty:
        return write_paragraph(
            "Neither surveys nor managers' actions were read for this persona."
        )
    several = len(set(shown["program"])) > 1
    rows = [
        {
            "measure": _LABELS.get(str(row["measure"]), str(row["measure"])),
            "program": data.label_program(str(row["program"])),
            **write_level(row),
            "n": MISSING if is_missing(row["value"]) else format_count(row["n"]),
            "note": str(row["note"]),
        }
        for row in shown.to_dict("records")
    ]
    return tabulate_frame(
        rows,
        (
            words("measure", "Level"),
            *((words("program", "Programme"),) if several else ()),
            Field("value", "Value", str, numeric=True),
            Field("interval", "95 % interval", str, numeric=True),
            Field("n", "Answers or learners", str, numeric=True),
            words("note", "What it is"),
        ),
        caption="Levels of the last four quarters: no comparison, so no effect",
        empty="",
        anchor="tbl-levels",
    )


def write_level(row: Mapping[Any, Any]) -> dict[str, str]:
    """Write the ``value`` and ``interval`` of a row of `read_levels`."""
    unit = str(row["unit"])
    return {
        "value": _write(row["value"], unit),
        "interval": _write_range(row["low"], row["high"], unit),
    }


def _write(value: float, unit: str) -> str:
    if is_missing(value):
        return MISSING
    if unit == _SHARE:
        return format_percent(value, digits=0)
    shown = format_value(value, 0)
    one = shown.lstrip(MINUS) == "1"
    return f"{shown} {unit.removesuffix('s') if one else unit}"


def _write_range(low: float, high: float, unit: str) -> str:
    if is_missing(low):
        return MISSING
    if unit == _SHARE:
        return f"{format_value(100 * low, 0)} to {format_percent(high, digits=0)}"
    return f"{format_value(low, 0)} to {format_value(high, 0)}"
