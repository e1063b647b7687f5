"""The declared causes on the methods page: what each comparison is adjusted for."""

from __future__ import annotations

import pandas as pd

from workbench.brief.components import (
    Block,
    Html,
    draw_verdict,
    escape_markdown,
    join_blocks,
    write_paragraph,
    write_section,
)
from workbench.brief.figures import Exhibit
from workbench.brief.formatting import pluralise
from workbench.brief.labels import label_outcome
from workbench.brief.narrative import join_words, lower_first
from workbench.brief.results import BriefData
from workbench.brief.tables import tabulate_frame, words

__all__ = ["choose_causes", "list_adjusted", "show_causes"]

_NODES = {"graph", "node", "label", "kind", "measured"}
_ARROWS = {"graph", "cause", "effect"}
_ADJUSTMENT = {"outcome", "graph", "identified", "adjusted", "unmeasured", "text"}
_NONE = (
    "No causes are declared (graph.yml): comparisons are adjusted for the usual facts, "
    "and nothing says what they miss."
)
_NO_GRAPH = "There is no graph of causes to draw."


def show_causes(data: BriefData) -> Block:
    """Show what each outcome is adjusted for, and what nobody measured."""
    section = write_section("What is believed to cause what", "causes")
    table = _read(data, "adjustment", _ADJUSTMENT)
    reason = data.stage("personas").explain()
    if table.empty:
        return join_blocks(section, write_paragraph(escape_markdown(reason or _NONE)))
    if table["graph"].isna().all():
        return join_blocks(section, write_paragraph(escape_markdown(_NONE)))
    keys = ["graph", "adjusted", "unmeasured"]
    rows = [
        _describe_row(data, part)
        for _, part in table.groupby(keys, sort=False, dropna=False)
    ]
    return join_blocks(
        section,
        write_paragraph(
            "What may cause learning and each outcome is declared (graph.yml), not "
            "found in the data. From it follows what learners and others must be "
            "alike in. Causes of learning alone are left out: to "
            "hold them alike costs precision and can strengthen what bias there is. "
            "What lies after the start of the quarter is never held alike, because "
            "learning may have changed it. Where something is needed that nobody "
            "measured, the data alone do not identify the effect: how strong such a "
            "cause would have to be to overturn a result is part of its evidence."
        ),
        tabulate_frame(
            rows,
            (
                words("outcomes", "Outcome"),
                words("adjusted", "Held alike"),
                words("unmeasured", "Needed as well, measured by nobody"),
                words("identified", "Identified by what is measured"),
            ),
            caption="What the declared causes ask for, by outcome",
            empty=_NONE,
            anchor="tbl-causes",
        ),
        _write_choices(table),
    )


def choose_causes(data: BriefData) -> Exhibit:
    """Choose the graphs: one panel per distinct graph, with the outcomes it is of.

    The plot's titles state the finding; `Exhibit.options` hold the arrows of all.
    """
    nodes = _read(data, "graph_nodes", _NODES)
    arrows = _read(data, "graph_arrows", _ARROWS)
    table = _read(data, "adjustment", _ADJUSTMENT)
    if nodes.empty or arrows.empty or table.empty:
        return Exhibit(empty=_NO_GRAPH)
    panels = []
    parts = []
    for number, rows in nodes.groupby("graph", sort=True):
        names = _list_outcomes(data, table[table["graph"] == number])
        panels.append(("", _name_outcomes(rows, names)))
        hidden = list(rows.loc[rows["kind"] == "unmeasured", "label"])
        held = int((rows["kind"] == "adjusted").sum())
        missing = join_words(map(lower_first, hidden))
        parts.append(
            f"{join_words(names)}: {pluralise(held, 'cause')} held alike, "
            + (f"{missing} not measured" if hidden else "nothing needed is unmeasured")
        )
    return Exhibit(
        panels=tuple(panels),
        caption="Declared causes, one graph for outcomes that share it, in the order "
        "of time from left to right. Dashed and round: measured by nobody; cut "
        "corners: after the start, and left alone. Arrows say that there may be an "
        "effect; those within a box are not drawn.",
        alt=f"Causal graphs. {'. '.join(parts)}. The table before the figure lists "
        "the causes.",
        empty=_NO_GRAPH,
        row_height=0.28,
        options={"arrows": arrows},
    )


def list_adjusted(data: BriefData) -> str:
    """List in words what the first outcome is adjusted for, or nothing."""
    table = _read(data, "adjustment", _ADJUSTMENT)
    if table.empty or not table["adjusted"].iloc[0]:
        return ""
    return join_words(map(lower_first, str(table["adjusted"].iloc[0]).split("; ")))


def _read(data: BriefData, name: str, columns: set[str]) -> pd.DataFrame:
    """Return a table of the personas stage, empty if it lacks columns."""
    table = data.stage("personas").table(name)
    return table if columns <= set(table.columns) else pd.DataFrame()


def _list_outcomes(data: BriefData, rows: pd.DataFrame) -> list[str]:
    return [label_outcome(data, str(item)) for item in rows["outcome"]]


def _name_outcomes(nodes: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Write the outcomes' own names into the box of the outcome."""
    last = nodes[nodes["kind"] == "outcome"]
    rest = nodes[nodes["kind"] != "outcome"]
    named = [
        last.assign(label=name, node=last["node"] if place == 0 else f"outcome {name}")
        for place, name in enumerate(names)
    ]
    return pd.concat([rest, *named], ignore_index=True)


def _describe_row(data: BriefData, rows: pd.DataFrame) -> dict[str, str | Html]:
    """Describe outcomes that are adjusted for the same causes."""
    first = rows.iloc[0]
    if pd.isna(first["identified"]):
        identified: str | Html = draw_verdict("none", "not declared")
    elif first["identified"]:
        identified = draw_verdict("good", "yes")
    else:
        identified = draw_verdict("unsure", "no")
    return {
        "outcomes": join_words(_list_outcomes(data, rows)),
        "adjusted": join_words(map(lower_first, str(first["adjusted"]).split("; "))),
        "unmeasured": str(first["unmeasured"]).replace("; ", ", ") or "nothing",
        "identified": identified,
    }


def _write_choices(table: pd.DataFrame) -> Block:
    """Say what was left out by choice, and how control outcomes are treated."""
    sentences = []
    for key, text in (
        ("left_out", "Measured, but not used by choice: {}."),
        ("instruments", "Left out, as they decide on learning alone: {}."),
    ):
        found = table[key] if key in table.columns else pd.Series(dtype="str")
        names = dict.fromkeys(
            item for cell in found for item in str(cell).split("; ") if item
        )
        if names:
            listed = join_words(item.replace("_", " ") for item in names)
            sentences.append(text.format(listed))
    if "control_of" in table.columns and (table["control_of"] != "").any():
        sentences.append(
            "A control outcome is compared as the first outcome is: it tests that "
            "comparison."
        )
    return write_paragraph(*(escape_markdown(item) for item in sentences), kind="sub")
