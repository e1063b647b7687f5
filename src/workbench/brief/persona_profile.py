"""Who a persona is: rule in words, size, means, and where its outcomes stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from workbench.brief.components import Block, write_paragraph
from workbench.brief.formatting import (
    format_count,
    format_effect,
    format_level,
    format_percent,
    format_value,
    is_missing,
    pluralise,
)
from workbench.brief.labels import label_outcome, list_controls
from workbench.brief.narrative import join_words
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.core.params import Persona

__all__ = [
    "describe_rule",
    "list_facts",
    "state_size",
    "tabulate_baseline",
    "write_people",
]

_OPERATORS = (
    (r"\s*<=\s*", " at most "),
    (r"\s*>=\s*", " at least "),
    (r"\s*(?:<>|!=)\s*", " is not "),
    (r"\s*<\s*", " below "),
    (r"\s*>\s*", " above "),
    (r"\s*=\s*", " is "),
    (r"(?i)\bis\s+not\s+null\b", "is known"),
    (r"(?i)\bis\s+null\b", "is not known"),
    (r"(?i)\bin\s*\(", "is one of ("),
)
_PROFILE: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("mean_tenure_days", "tenure", lambda v: format_effect(v, "days", signed=False)),
    ("mean_skill_gap", "skill gap", lambda v: f"{format_value(v, 1)} points of 100"),
    ("mean_prior_rating", "latest rating", lambda v: format_value(v, 2)),
    ("mean_prior_kpi", "latest KPI attainment", format_percent),
    ("mean_prior_courses", "courses in the past year", lambda v: format_value(v, 1)),
)


def describe_rule(where: str) -> str:
    """Write a persona's rule, SQL over facts, so that it reads as words.

    Examples
    --------
    >>> describe_rule("role = 'support_l1' and tenure_days < 365")
    'role is support_l1 and tenure days below 365'
    """
    parts = re.split(r"('[^']*')", where)
    for index in range(0, len(parts), 2):
        text = parts[index]
        for pattern, said in _OPERATORS:
            text = re.sub(pattern, said, text)
        parts[index] = re.sub(r"(?<=[a-z0-9])_(?=[a-z0-9])", " ", text)
    parts[1::2] = [item.strip("'") for item in parts[1::2]]
    return " ".join("".join(parts).split())


def state_size(data: BriefData, persona: Persona) -> str:
    """State how many people belong to a persona, and how many stayed in it."""
    row = _find_row(data, persona)
    if is_missing(row.get("people")):
        return "How many people belong to this persona is not known."
    if float(row["people"]) < data.min_group:
        return f"Fewer than {data.min_group} people belong to this persona."
    people = pluralise(row["people"], "person", "people")
    kept = row.get("share_kept")
    if is_missing(kept):
        return f"{people} belong to this persona."
    return (
        f"{people} belong to this persona. Of those who did last quarter and are still "
        f"employed, {format_percent(kept, digits=0)} do so now."
    )


def list_facts(data: BriefData, persona: Persona) -> list[str]:
    """List a persona's rule, priority, programmes and mean facts as sentences."""
    programs = data.params.find_programs(persona.id)
    named = join_words(data.label_program(item.id) for item in programs) or "none"
    facts = [
        f"Rule: {describe_rule(persona.where)}.",
        f"Business priority: {persona.business_priority}.",
        f"Programmes: {named}.",
    ]
    row = _find_row(data, persona)
    if not row:
        why = data.stage("personas").explain()
        return [*facts, why or "No profile was left."]
    if row.get("suppressed"):
        return [*facts, f"Means are not shown under {data.min_group} people."]
    means = [
        f"{name} {write(row[key])}"
        for key, name, write in _PROFILE
        if not is_missing(row.get(key))
    ]
    return [*facts, f"On average: {join_words(means)}."] if means else facts


def tabulate_baseline(data: BriefData, persona: Persona) -> Block:
    """Build the table of where outcomes stand among people who had not learnt."""
    baseline = data.stage("personas").table("baseline")
    if "persona" not in baseline.columns:
        return write_paragraph("No baseline was left for this persona.")
    own = baseline[
        (baseline["persona"] == persona.id)
        & ~baseline["outcome"].isin(list_controls(data))
    ]
    several = len(set(own["program"])) > 1
    rows = [
        {
            "outcome": label_outcome(data, str(row["outcome"])),
            "program": data.label_program(str(row["program"])),
            "level": format_level(row["mean"], _find_unit(data, row)),
            "people": write_people(row["n"], data.min_group),
        }
        for row in own.to_dict("records")
    ]
    return tabulate_frame(
        rows,
        (
            words("outcome", "Outcome"),
            *((words("program", "Programme"),) if several else ()),
            Field("level", "Mean without learning", str, numeric=True),
            Field("people", "Observations", str, numeric=True),
        ),
        caption="Where the outcomes stand among people who had not learnt",
        empty="No baseline was left for this persona.",
        anchor="tbl-baseline",
    )


def write_people(value: Any, floor: int) -> str:
    """Write a count of people, or that it is below the privacy floor."""
    if not is_missing(value) and 0 < float(value) < floor:
        return f"under {floor}"
    return format_count(value)


def _find_row(data: BriefData, persona: Persona) -> dict[str, Any]:
    """Return the persona's row of the table of personas, or an empty one."""
    table = data.stage("personas").table("personas")
    if "persona" not in table.columns:
        return {}
    rows = table[table["persona"] == persona.id].to_dict("records")
    return {str(key): value for key, value in rows[0].items()} if rows else {}


def _find_unit(data: BriefData, row: dict[Any, Any]) -> str:
    """Return the unit of an outcome as estimates have it."""
    kinds = {item.id: item.kind for item in data.params.outcomes}
    if kinds.get(str(row["outcome"]), "continuous") != "continuous":
        return "probability"
    return str(row.get("unit") or "points")
