"""What the two designs say together: which number stands, and where they disagree."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    Html,
    draw_list,
    escape_html,
    join_blocks,
    write_paragraph,
)
from workbench.brief.formatting import (
    MINUS,
    MISSING,
    find_scale,
    format_effect,
    format_interval,
    is_missing,
    split_effect,
)
from workbench.brief.labels import label_outcome, list_controls
from workbench.brief.narrative import join_words, lower_first
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.core.params import Persona

__all__ = [
    "apply_triangulation",
    "describe_disagreements",
    "list_overturns",
    "read_triangulation",
    "tabulate_triangulation",
]

_KEY = ["persona", "program", "outcome"]
_STAGES = {"psm": "matched", "did": "did"}
_STANDS = {"matched": "matching", "did": "before and after"}
_HYPHEN = re.compile(r"(?<![\w.])-(?=\d)")
_OVERTURNS = {
    "ab": "The reported number is that of the experiment. What would overturn it is an "
    "assignment that was not kept to, or people lost on one side more than on the "
    "other; a cause nobody recorded would not.",
    "survival": "The reported number is that of following people over time. What would "
    "overturn it is a cause of learning and of the outcome that nobody recorded; how "
    "strong it would have to be was not worked out.",
}
_AGREE = {
    "yes": "agree",
    "no": "disagree",
    "unclear": "cannot be told",
    "not compared": MISSING,
}


def read_triangulation(data: BriefData, persona: str | None = None) -> pd.DataFrame:
    """Read how matching and before-and-after compare, for every persona.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    persona : str or None
        One persona only.

    Returns
    -------
    DataFrame
        ``persona`` and the columns of `tabulate_triangulations`; empty where the
        stage has not been run.
    """
    tables = [
        item.table("triangulation").assign(persona=owner)
        for (stage, owner), item in data.stages.items()
        if stage == "did"
        and persona in (None, owner)
        and "triangulation" in item.tables
    ]
    if not tables:
        return pd.DataFrame(columns=[*_KEY, "stands", "grade"])
    return pd.concat(tables, ignore_index=True)


def apply_triangulation(estimates: pd.DataFrame, data: BriefData) -> pd.DataFrame:
    """Grade matching and before-and-after together, and mark which of them stands.

    Parameters
    ----------
    estimates : DataFrame
        Headline estimates; other stages' rows stay as they are.
    data : BriefData
        The quarter's results.

    Returns
    -------
    DataFrame
        A copy with ``evidence`` replaced where both designs were held against each
        other, and ``stands`` (bool), False for the design that does not.
    """
    found = read_triangulation(data).drop_duplicates(_KEY).set_index(_KEY)
    made = estimates.copy()
    made["stands"] = True
    for index, row in made.iterrows():
        key = (row["persona"], row["program"], row["outcome"])
        if row["stage"] not in _STAGES or key not in found.index:
            continue
        both = found.loc[key]
        made.loc[index, "stands"] = both["stands"] == _STAGES[row["stage"]]
        if not is_missing(row["evidence"]):
            made.loc[index, "evidence"] = both["grade"]
    return made


def tabulate_triangulation(data: BriefData, persona: Persona) -> Block:
    """Show both designs side by side, with what explains a difference."""
    found = read_triangulation(data, persona.id)
    controls = list_controls(data)
    shown = found[~found["outcome"].isin(controls)]
    rows = [_write_row(data, row) for row in shown.to_dict("records")]
    table = tabulate_frame(
        rows,
        (
            words("outcome", "Outcome"),
            Field("matched", "Matched colleagues", _keep, numeric=True),
            Field("did", "Before and after", _keep, numeric=True),
            Field("difference", "Difference", _keep, numeric=True),
            words("agree", "The designs"),
            words("stands", "Of the two"),
        ),
        caption="Two designs on the same question, with 95 % intervals; they rest on "
        "different assumptions and are never averaged",
        empty="No second design was held against matching.",
        anchor="tbl-triangulation",
    )
    notes = [
        f"{label_outcome(data, str(row['outcome']))}: {text}"
        for row in shown.to_dict("records")
        if (text := " ".join(_list_notes(row)))
    ]
    return join_blocks(table, draw_list(notes) if notes else None)


def describe_disagreements(data: BriefData) -> list[str]:
    """Say, one sentence each, where the designs differ by more than their errors."""
    found = read_triangulation(data)
    if found.empty:
        return []
    apart = found[
        (found["agree"] == "no") & ~found["outcome"].isin(list_controls(data))
    ]
    sentences = []
    for row in apart.to_dict("records"):
        unit = str(row["unit"])
        what = lower_first(label_outcome(data, str(row["outcome"])))
        sentences.append(
            f"{data.label_of(str(row['persona']))}, {what}: matching says "
            f"{format_effect(row['matched'], unit)}, before and after says "
            f"{format_effect(row['did'], unit)}, which differ by more than their "
            f"errors. {_write_minus(row['choice'])} "
            f"{_write_minus(row['explanation'])}".strip()
        )
    return sentences


def list_overturns(data: BriefData, persona: Persona, effects: pd.DataFrame) -> Block:
    """Show what would overturn each number that is reported.

    Parameters
    ----------
    data, persona
        Whose numbers.
    effects : DataFrame
        The persona's rows of `select_effects`. How strong a hidden cause must be is
        known for matching and before-and-after; of other designs it is said in
        general what would overturn them.
    """
    found = read_triangulation(data, persona.id).drop_duplicates(_KEY)
    known = {tuple(row[name] for name in _KEY): row for row in _list_rows(found)}
    said: dict[str, list[str]] = {}
    shown = effects[~effects["control"].astype(bool) & effects["estimate"].notna()]
    for row in _list_rows(shown):
        text = _OVERTURNS.get(str(row["stage"]))
        if row["stage"] in _STAGES:
            text = known.get(tuple(row[name] for name in _KEY), {}).get("overturn")
        if isinstance(text, str) and text:
            names = said.setdefault(text, [])
            if row["outcome_label"] not in names:
                names.append(str(row["outcome_label"]))
    if not said:
        return write_paragraph("No number stands that could be overturned.")
    return draw_list([f"{join_words(who)}: {text}" for text, who in said.items()])


def _list_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): item for key, item in row.items()}
        for row in table.to_dict("records")
    ]


def _write_row(data: BriefData, row: dict[Any, Any]) -> dict[str, Any]:
    unit = str(row["unit"])
    label = escape_html(label_outcome(data, str(row["outcome"])))
    return {
        "outcome": Html(
            f'{label}<br><span class="kpi-ci">{escape_html(find_scale(unit)[0])}</span>'
        ),
        "matched": _write_number(row, "matched", "matched_low", "matched_high"),
        "did": _write_number(row, "did", "did_low", "did_high"),
        "difference": _write_number(row, "difference", "ci_low", "ci_high"),
        "agree": _AGREE.get(str(row["agree"]), MISSING),
        "stands": _STANDS.get(str(row["stands"]), MISSING),
    }


def _write_number(row: dict[Any, Any], value: str, low: str, high: str) -> Any:
    """Write a number without unit over its interval."""
    if is_missing(row[value]):
        return MISSING
    unit = str(row["unit"])
    interval = escape_html(format_interval(row[low], row[high], unit))
    return Html(
        f"{escape_html(split_effect(row[value], unit)[0])}<br>"
        f'<span class="kpi-ci">{interval}</span>'
    )


def _list_notes(row: dict[Any, Any]) -> list[str]:
    """List what to know of a comparison whose designs differ or fail a check."""
    names = ["explanation"]
    if row["agree"] == "no":
        names = ["choice", "explanation", "bracket"]
    elif row["stands"] == "did":
        names = ["choice", "explanation"]
    return [
        _write_minus(row[name])
        for name in names
        if isinstance(row[name], str) and row[name]
    ]


def _write_minus(text: Any) -> str:
    """Write a hyphen before a number, as stages may leave it, as a minus."""
    return _HYPHEN.sub(MINUS, str(text))


def _keep(value: Any) -> Any:
    return MISSING if value is None else value
