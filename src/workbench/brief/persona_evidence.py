"""How sure a persona's numbers are: the second design, the variants, the groups."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    join_blocks,
    write_paragraph,
    write_section,
)
from workbench.brief.figures import Exhibit
from workbench.brief.formatting import (
    MISSING,
    find_scale,
    format_interval,
    format_p_value,
    format_percent,
    pluralise,
    split_effect,
)
from workbench.brief.labels import label_outcome, list_controls
from workbench.brief.narrative import lower_first
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.brief.triangulated import list_overturns, tabulate_triangulation
from workbench.core.params import Persona

__all__ = [
    "choose_course",
    "choose_groups",
    "show_groups",
    "show_robustness",
    "show_second_design",
]

_HEADLINE = "did_cs"
_PANEL = 3.3
_ON_SCALE = ("estimate", "std_error", "ci_low", "ci_high", "band_low", "band_high")


def show_second_design(data: BriefData, persona: Persona) -> Block:
    """Show matching and before-and-after side by side."""
    stopped = data.stage("did", persona.id).explain()
    return join_blocks(
        write_section("Do two designs agree", "two-designs"),
        write_paragraph(
            "Matching compares learners with colleagues who were alike; it is wrong if "
            "something nobody recorded sets learners apart. Before and after compares "
            "how much learners changed with how much others changed; it is wrong if "
            "they would have moved differently anyway."
        ),
        tabulate_triangulation(data, persona),
        write_paragraph(stopped) if stopped else None,
    )


def choose_course(data: BriefData, persona: Persona) -> Exhibit:
    """Choose the event study: the effect by quarter since learning, per outcome."""
    curves = data.stage("did", persona.id).table("curves")
    empty = Exhibit(empty="No course over time could be drawn for this persona.")
    if curves.empty or "method" not in curves.columns:
        return empty
    own = curves[
        (curves["method"] == _HEADLINE) & ~curves["outcome"].isin(list_controls(data))
    ]
    own = own[own["n_treated"] >= data.min_group]
    panels = tuple(
        (
            f"{label_outcome(data, str(outcome))}, before and after: "
            f"{_state_focus(rows)}",
            _rescale(rows),
        )
        for outcome, rows in (
            (name, part.drop(columns="outcome"))
            for name, part in own.groupby("outcome", sort=False)
        )
    )
    if not panels:
        return empty
    titles = ". ".join(title for title, _ in panels)
    return Exhibit(
        panels=panels,
        caption="The effect by quarter since the quarter of learning, against people "
        "who had not learnt yet. Thick: 95 % intervals; thin: bands that hold all "
        "quarters at once. Quarters before learning should show nothing.",
        alt=f"Event studies, one panel per outcome. {titles}.",
        empty="",
        fixed_height=_PANEL,
    )


def show_robustness(data: BriefData, persona: Persona, effects: pd.DataFrame) -> Block:
    """Show what would overturn each number, and how variants of the analysis read.

    Parameters
    ----------
    data, persona
        Whose numbers.
    effects : DataFrame
        The persona's rows of `select_effects`: what is reported.
    """
    return join_blocks(
        write_section("What would overturn this", "overturn"),
        list_overturns(data, persona, effects),
        _tabulate_variants(data, persona),
    )


def show_groups(data: BriefData, persona: Persona) -> Block:
    """Show how the effect differs between protected groups."""
    table = data.stage("psm", persona.id).table("subgroups")
    if not {"kind", "group", "reference", "estimate"} <= set(table.columns):
        return join_blocks(
            write_section("Who gained", "groups"),
            write_paragraph("Effects by group were not estimated."),
        )
    gaps = table[
        (table["kind"] == "difference")
        & ~table["outcome"].isin(list_controls(data))
        & table["estimate"].notna()
    ]
    rows = [_write_gap(data, row) for row in gaps.to_dict("records")]
    return join_blocks(
        write_section("Who gained", "groups"),
        tabulate_frame(
            rows,
            (
                words("groups", "Groups compared"),
                words("outcome", "Outcome"),
                Field("gap", "Difference of effects", str, numeric=True),
                Field("interval", "95 % interval", str, numeric=True),
                Field("p", "Adjusted p", str, numeric=True),
            ),
            caption="Differences of the effect between groups; a difference that cannot"
            " be told from chance is not equality: the interval says what could be "
            f"missed. Groups with fewer than {data.min_group} people are not shown",
            empty="No two groups were large enough to compare.",
            anchor="tbl-groups",
            most_rows=60,
        ),
    )


def choose_groups(data: BriefData, persona: Persona) -> Exhibit:
    """Choose the effects by group of the first comparison."""
    rows = _find_first(data, persona, "subgroups")
    if rows.empty or "kind" not in rows.columns or not rows["estimate"].notna().any():
        return Exhibit(empty="No group was large enough to show an effect of its own.")
    name = lower_first(label_outcome(data, str(rows["outcome"].iloc[0])))
    return Exhibit(
        panels=(("", rows),),
        caption=f"The effect by group ({name}) with 95 % intervals, and differences "
        "from the largest group. Groups with few people are not shown.",
        alt=f"Forest plot of the effect by group, {name}. The table before it holds "
        "the differences.",
        empty="",
        row_height=0.3,
    )


def _find_first(data: BriefData, persona: Persona, name: str) -> pd.DataFrame:
    """Return the rows of the first comparison in a table of the matching stage."""
    rows = data.stage("psm", persona.id).table(name)
    if rows.empty or not {"program", "outcome"} <= set(rows.columns):
        return pd.DataFrame()
    rows = rows[~rows["outcome"].isin(list_controls(data))]
    if rows.empty:
        return rows
    first = rows.iloc[0]
    own = (rows["program"] == first["program"]) & (rows["outcome"] == first["outcome"])
    return rows[own].reset_index(drop=True)


def _state_focus(rows: pd.DataFrame) -> str:
    """State the effect in the quarter of the headline."""
    focus = rows[rows["focus"].astype(bool)]
    if focus.empty:
        return "not seen in the quarter of the outcome"
    row = focus.iloc[0]
    unit = str(row["unit"])
    value, _ = split_effect(row["estimate"], unit)
    interval = format_interval(row["ci_low"], row["ci_high"], unit)
    return f"{value} ({interval}) {find_scale(unit)[0]}"


def _rescale(rows: pd.DataFrame) -> pd.DataFrame:
    """Write shares of a target in percentage points, as the tables do."""
    name, scale = find_scale(str(rows["unit"].iloc[0]))
    if scale == 1 or (rows["unit"] == "probability").any():
        return rows
    scaled = rows.assign(unit=name)
    scaled[list(_ON_SCALE)] = rows[list(_ON_SCALE)] * scale
    return scaled


def _tabulate_variants(data: BriefData, persona: Persona) -> Block:
    """Count how variants of each comparison read."""
    table = data.stage("psm", persona.id).table("specification")
    if not {"sound", "reading", "headline", "estimate"} <= set(table.columns):
        return Block("")
    made = table[
        table["estimate"].notna() & ~table["outcome"].isin(list_controls(data))
    ]
    rows = [
        _write_variants(data, part)
        for _, part in made.groupby(["program", "outcome"], sort=False)
    ]
    return tabulate_frame(
        rows,
        (
            words("outcome", "Outcome"),
            words("headline", "By itself reads as"),
            Field("same", "Sound variants that read the same", str, numeric=True),
            Field("range", "Their estimates", str, numeric=True),
        ),
        caption="Matching varied: other covariates, calipers, models and errors. "
        "Variants use the same people, so their number proves nothing by itself",
        empty="The analysis was not varied.",
        anchor="tbl-variants",
    )


def _write_variants(data: BriefData, part: pd.DataFrame) -> dict[str, Any]:
    own = part[part["headline"].astype(bool)]
    sound = part[part["sound"].astype(bool)]
    outcome = label_outcome(data, str(part["outcome"].iloc[0]))
    if own.empty or sound.empty:
        return {"outcome": outcome, "headline": MISSING, "same": MISSING}
    reading, unit = str(own["reading"].iloc[0]), str(part["unit"].iloc[0])
    share = float((sound["reading"] == reading).mean())
    low, high = sound["estimate"].min(), sound["estimate"].max()
    many = pluralise(len(sound), "variant")
    return {
        "outcome": outcome,
        "headline": reading,
        "same": f"{format_percent(share, digits=0)} of {many}",
        "range": f"{format_interval(low, high, unit)} {find_scale(unit)[0]}",
    }


def _write_gap(data: BriefData, row: dict[Any, Any]) -> dict[str, Any]:
    unit = str(row["unit"])
    return {
        "groups": f"{row['group']} less {row['reference']}",
        "outcome": label_outcome(data, str(row["outcome"])),
        "gap": f"{split_effect(row['estimate'], unit)[0]} {find_scale(unit)[0]}",
        "interval": format_interval(row["ci_low"], row["ci_high"], unit),
        "p": format_p_value(row["p_adjusted"]),
    }
