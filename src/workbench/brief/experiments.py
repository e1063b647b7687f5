"""Experiments as the pages see them: what was tested, whether it may be read, how."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.brief.effects import INVITED
from workbench.brief.formatting import (
    format_count,
    format_effect,
    format_interval,
    format_p_value,
    format_value,
    is_missing,
)
from workbench.brief.labels import label_outcome
from workbench.brief.narrative import join_words, lower_first
from workbench.brief.results import BriefData
from workbench.brief.stopped import EXPERIMENTS, STOPPED

__all__ = [
    "LEARNT",
    "describe_experiments",
    "describe_invitations",
    "describe_registration",
    "describe_sizes",
    "explain_grades",
    "list_own_rows",
    "name_experiment",
    "read_experiments",
    "state_next_test",
    "write_p",
]

LEARNT = "ab_iv"
"""Method whose effect is that of learning, on those who came as they were invited."""

_DOUBTFUL = 0.01
_NEEDED = {"program", "outcome", "experiment", "status", "text"}


def read_experiments(data: BriefData, persona: str | None = None) -> pd.DataFrame:
    """Read the experiments of all personas, or of one.

    Returns
    -------
    DataFrame
        ``persona`` and the columns of the table ``experiments``; each experiment once
        per persona.
    """
    tables = [
        item.table("experiments").assign(persona=owner)
        for (stage, owner), item in data.stages.items()
        if stage == EXPERIMENTS
        and item.status == "done"
        and persona in (None, owner)
        and set(item.table("experiments").columns) >= _NEEDED
    ]
    tables = [table for table in tables if not table.empty]
    if not tables:
        return pd.DataFrame(columns=["persona", *sorted(_NEEDED)])
    found = pd.concat(tables, ignore_index=True)
    return found.drop_duplicates(["persona", "experiment"]).reset_index(drop=True)


def list_own_rows(
    data: BriefData, row: Mapping[str, Any], table: str, persona: str
) -> list[dict[str, Any]]:
    """List the rows of a table that belong to one experiment of a persona."""
    found = data.stage(EXPERIMENTS, persona).table(table)
    if "experiment" not in found.columns:
        return []
    own = found[found["experiment"] == row["experiment"]]
    return [
        {str(key): item for key, item in each.items()}
        for each in own.to_dict("records")
    ]


def name_experiment(data: BriefData, row: Mapping[str, Any]) -> str:
    """Name an experiment for people: by what was offered."""
    return f"“{data.label_program(str(row['program']))}”"


def write_p(value: Any) -> str:
    """Write a p-value as an equation or, below 0.001, an inequality."""
    shown = format_p_value(value)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def describe_sizes(p_value: Any) -> str:
    """Say whether the arms of an experiment that was read have the sizes drawn."""
    if is_missing(p_value):
        return ""
    if float(p_value) < _DOUBTFUL:
        return (
            f"Chance hardly gives arms of these sizes ({write_p(p_value)}): people may "
            "be missing from one of them, and the evidence is graded one lower."
        )
    return f"The arms have the sizes that chance gives ({write_p(p_value)})."


def describe_registration(row: Mapping[str, Any]) -> tuple[str, bool]:
    """Say whether an experiment was registered, and where it differs.

    Returns
    -------
    tuple of str and bool
        The sentence, and whether it limits the reading.
    """
    deviations = _text(row.get("deviations"))
    if is_missing(row.get("registered")) or not bool(row.get("registered")):
        return (
            "It was not registered before it began, so outcome and window could have "
            "been chosen afterwards.",
            True,
        )
    if deviations:
        return f"It differs from its registration: {deviations.rstrip('.')}.", True
    return "It was registered before it began and is read as registered.", False


def state_next_test(
    data: BriefData, power: Sequence[Mapping[str, Any]], unit: str
) -> str:
    """State what the next test of the same question needs.

    The people needed grow with the square of how much smaller an effect is to be seen.
    """
    known = [item for item in power if not is_missing(item.get("achieved_mde"))]
    if not known:
        return ""
    first = known[0]
    reached = float(first["achieved_mde"])
    size = format_effect(reached, unit, signed=False)
    outcome = lower_first(label_outcome(data, str(first.get("outcome", ""))))
    said = f"This test had four chances in five to see {size} in {outcome}."
    planned = first.get("planned_effect")
    if is_missing(planned) or float(planned or 0) <= 0:
        return f"{said} The smallest effect worth having was not written down."
    wanted = format_effect(planned, unit, signed=False)
    times = (reached / float(planned or 1)) ** 2
    if times <= 1:
        return f"{said} That is enough for the {wanted} it was planned to see."
    what, counted = "people with a known outcome", ""
    if not is_missing(first.get("clusters")):
        what = "teams"
        needed = format_count(math.ceil(float(first["clusters"]) * times))
        counted = f": about {needed}, where this one had "
        counted += format_count(first["clusters"])
    elif not is_missing(first.get("n")):
        counted = f": about {_round_up(float(first['n']) * times)}, where this one had "
        counted += format_count(first["n"])
    return (
        f"{said} To see the {wanted} it was planned for, the next one needs "
        f"{format_value(times, 1)} times as many {what}{counted}."
    )


def describe_experiments(data: BriefData) -> list[str]:
    """Say what limits the reading of experiments, one sentence each."""
    sentences = []
    for row in read_experiments(data).to_dict("records"):
        named = {str(key): item for key, item in row.items()}
        what = f"The experiment on {name_experiment(data, named)}"
        if row["status"] == STOPPED:
            p_value = write_p(named.get("sample_ratio_p"))
            sentences.append(
                f"{what} is not read: its arms do not have the sizes that chance gives "
                f"({p_value}), so they may not be alike. That says neither that "
                "learning helped nor that it did not."
            )
            continue
        if row["status"] != "read":
            why = _text(row["text"]).rstrip(".")
            sentences.append(f"{what} has no answer: {lower_first(why)}.")
            continue
        said, limits = describe_registration(named)
        if limits:
            sentences.append(f"{what}: {lower_first(said)}")
    without = [
        data.label_of(owner)
        for (stage, owner), item in data.stages.items()
        if stage == EXPERIMENTS and item.status == "not_applicable"
    ]
    if without:
        sentences.append(f"No experiment tested what {join_words(without)} learn.")
    return sentences


def describe_invitations(data: BriefData) -> list[str]:
    """Say what being invited changed, one sentence per experiment that was read.

    The primary outcome comes first, then the others; numbers that are withheld or
    missing are left out.
    """
    sentences = []
    for row in read_experiments(data).to_dict("records"):
        named = {str(key): item for key, item in row.items()}
        effects = _list_invited(data, named) if row["status"] == "read" else []
        if not effects:
            continue
        who = data.label_of(str(row["persona"]))
        primary = [item for item in effects if item["outcome"] == row["outcome"]]
        other = [item for item in effects if item["outcome"] != row["outcome"]]
        start = f"The experiment on {name_experiment(data, named)} for {who}"
        parts = []
        if primary:
            parts.append(f"being invited changed {_write_invited(data, primary)}")
        if other:
            more = "in other outcomes" if primary else "being invited changed"
            parts.append(f"{more} {_write_invited(data, other)}")
        sentences.append(
            f"{start}: {'; '.join(parts)}. That is the effect of the invitation, "
            "whoever came, not that of learning."
        )
    return sentences


def explain_grades(data: BriefData, row: Mapping[str, Any], persona: str) -> list[str]:
    """Explain the evidence grades of an experiment, outcomes with one reason together.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    row : mapping
        The experiment, a row of `read_experiments`.
    persona : str
        Whose.
    """
    reasons: dict[str, list[str]] = {}
    for item in data.stage(EXPERIMENTS, persona).facts.get("answers") or []:
        reason = _text(item.get("evidence"))
        if item.get("experiment") == row["experiment"] and reason:
            name = label_outcome(data, str(item.get("outcome")))
            named = reasons.setdefault(reason, [])
            named.append(lower_first(name) if named else name)
    return [
        f"{join_words(dict.fromkeys(names))}: evidence grade {reason.rstrip('.')}."
        for reason, names in reasons.items()
    ]


def _list_invited(data: BriefData, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the effects of being invited in an experiment that may be shown."""
    table = data.estimates(str(row["persona"]))
    own = table[
        (table["stage"] == EXPERIMENTS)
        & (table["program"] == row["program"])
        & (table["method"] == INVITED)
        & table["subgroup_by"].isna()
        & table["period"].isna()
        & table["estimate"].notna()
        & table["ci_low"].notna()
        & ~table["suppressed"].astype(bool)
    ].drop_duplicates("outcome")
    return [
        {str(key): item for key, item in each.items()}
        for each in own.to_dict("records")
    ]


def _write_invited(data: BriefData, effects: Sequence[Mapping[str, Any]]) -> str:
    """Write effects of being invited with interval and grade."""
    parts = []
    for item in effects:
        unit = str(item["unit"])
        low, high = float(item["ci_low"]), float(item["ci_high"])
        said = f"{format_effect(item['estimate'], unit)} "
        said += f"({format_interval(low, high, unit)}"
        said += ", not beyond the error" if low <= 0 <= high else ""
        graded = not is_missing(item["evidence"])
        said += f", evidence {int(item['evidence'])})" if graded else ")"
        outcome = lower_first(label_outcome(data, str(item["outcome"])))
        parts.append(f"{outcome} by {said}")
    return join_words(parts)


def _round_up(people: float) -> str:
    return format_count(math.ceil(people / 10) * 10)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
