"""The tables of a persona page: designs, exclusions, access and checks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.brief.components import Block, draw_grade
from workbench.brief.effects import label_outcome
from workbench.brief.exhibits import name_method
from workbench.brief.formatting import (
    MISSING,
    format_count,
    format_effect,
    format_interval,
    format_p_value,
    format_percent,
    format_value,
    is_missing,
)
from workbench.brief.persona_profile import write_people
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, count, status, tabulate_frame, words
from workbench.core.params import Persona

__all__ = [
    "tabulate_access",
    "tabulate_checks",
    "tabulate_designs",
    "tabulate_flow",
]


def tabulate_designs(data: BriefData, persona: Persona) -> Block:
    """Build the table of every overall estimate; those withheld say so."""
    table = data.estimates(persona.id)
    overall = table[table["subgroup_by"].isna() & table["period"].isna()]
    rows = [_write_estimate(data, row) for row in overall.to_dict("records")]
    return tabulate_frame(
        pd.DataFrame(rows),
        (
            words("outcome", "Outcome"),
            words("design", "Design"),
            Field("effect", "Effect", str, numeric=True),
            Field("interval", "95 % interval", str, numeric=True),
            Field("p", "p", str, numeric=True),
            count("learners", "Learners"),
            count("others", "Others"),
            Field("grade", "Evidence", lambda value: value),
        ),
        caption="All estimates of this persona; those with a grade are reported",
        empty="No estimate was made for this persona.",
        anchor="tbl-designs",
        most_rows=60,
    )


def tabulate_flow(data: BriefData, persona: Persona) -> Block:
    """Build the table of who remains after each exclusion, per outcome."""
    flow = _label(data, data.stage("psm", persona.id).table("flow"))

    def write(value: Any) -> str:
        return write_people(value, data.min_group)

    return tabulate_frame(
        flow,
        (
            words("outcome", "Outcome"),
            words("step", "Still in"),
            Field("n_treated", "Learners", write, numeric=True),
            Field("n_control", "Others", write, numeric=True),
        ),
        caption="What remains after each step; others may stand in several quarters",
        empty="No stage left a count of who was left out.",
        anchor="tbl-flow",
        most_rows=60,
    )


def tabulate_access(data: BriefData, persona: Persona) -> Block:
    """Build the table of uptake by group; small groups are marked."""
    access = data.stage("personas").table("access")
    own = access[access["persona"] == persona.id] if len(access) else access
    rows = [_write_access(data, row) for row in own.to_dict("records")]
    return tabulate_frame(
        pd.DataFrame(rows),
        (
            words("who", "Group"),
            words("by", "By"),
            words("program", "Programme"),
            Field("people", "Could learn", str, numeric=True),
            Field("uptake", "Learnt", str, numeric=True),
            Field("ratio", "Against the others", str, numeric=True),
            Field("interval", "95 % interval", str, numeric=True),
        ),
        caption="Uptake by group, and its ratio to that of everybody else in the "
        f"persona (1 is equal). Not shown: under {data.min_group} people, or a second "
        "group that would give such a one away",
        empty="The personas stage left no table of access for this persona.",
        anchor="tbl-access",
        most_rows=60,
    )


def tabulate_checks(data: BriefData, persona: Persona) -> Block:
    """Build the table of the checks of every comparison."""
    checks = _label(data, data.stage("psm", persona.id).table("diagnostics"))
    return tabulate_frame(
        checks,
        (
            Field("check", "Check", lambda value: str(value).replace("_", " ")),
            words("outcome", "Outcome"),
            status("status"),
            words("text", "Finding"),
            words("advice", "What to do"),
        ),
        caption="Checks of every comparison of this persona",
        empty="No checks were left for this persona.",
        anchor="tbl-checks",
        most_rows=100,
    )


def _write_estimate(data: BriefData, row: dict[Any, Any]) -> dict[str, Any]:
    unit = str(row["unit"])
    graded = not is_missing(row["evidence"])
    hidden = bool(row["suppressed"])
    return {
        "outcome": label_outcome(data, str(row["outcome"])),
        "design": name_method(str(row["method"])),
        "effect": "not shown" if hidden else format_effect(row["estimate"], unit),
        "interval": format_interval(row["ci_low"], row["ci_high"], unit),
        "p": format_p_value(row["p_value"]),
        "learners": row["n_treated"],
        "others": row["n_control"],
        "grade": draw_grade(int(row["evidence"])) if graded else MISSING,
    }


def _write_access(data: BriefData, row: dict[Any, Any]) -> dict[str, Any]:
    """Write one group's uptake and ratio; a suppressed one says so."""
    named = {
        "who": row.get("group"),
        "by": str(row.get("group_by", "")).replace("_", " "),
        "program": data.label_program(str(row.get("program", ""))),
    }
    if row.get("suppressed"):
        hidden = dict.fromkeys(("uptake", "ratio", "interval"), MISSING)
        return {**named, "people": "not shown", **hidden}
    low, high = row["ratio_ci_low"], row["ratio_ci_high"]
    known = not is_missing(low) and not is_missing(high)
    interval = (
        f"{format_value(low, 2)} to {format_value(high, 2)}" if known else MISSING
    )
    return {
        **named,
        "people": format_count(row["n_eligible"]),
        "uptake": format_percent(row["uptake"], digits=0),
        "ratio": format_value(row["ratio"], 2),
        "interval": interval,
    }


def _label(data: BriefData, table: pd.DataFrame) -> pd.DataFrame:
    """Write the outcomes of a table as people name them."""
    if "outcome" in table.columns:
        table["outcome"] = [
            label_outcome(data, item) if isinstance(item, str) and item else MISSING
            for item in table["outcome"]
        ]
    return table
