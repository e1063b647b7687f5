"""Equal access on the page of actions: prescribed, taken up, and at what price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    Html,
    draw_list,
    escape_html,
    escape_markdown,
    join_blocks,
    write_paragraph,
    write_section,
)
from workbench.brief.figures import Exhibit
from workbench.brief.formatting import (
    MISSING,
    format_count,
    format_percent,
    format_value,
    pluralise,
)
from workbench.brief.persona_profile import write_people
from workbench.brief.prescribing.portfolio_words import describe_frontier
from workbench.brief.prescribing.prescribed import (
    explain_missing,
    find_seat_unit,
    gather_prescription,
)
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.brief.withheld import PRESCRIPTION

__all__ = ["choose_access", "choose_frontier", "list_unequal", "show_access"]

_FRONTIER = 3.2
_SHORT = "falls short"
_KINDS = {"prescribed": "Prescribed", "taken_up": "Taken up"}
_COUNTED = {"prescribed": "People", "taken_up": "Person-quarters"}
_DRAWN = {
    "attribute": "group_by",
    "ratio_low": "ratio_ci_low",
    "ratio_high": "ratio_ci_high",
}


def show_access(data: BriefData) -> Block:
    """Show who would get and who took learning, and the price of equal access."""
    access = gather_prescription(data, "access")
    frontier = gather_prescription(data, "frontier")
    section = write_section("Equal access", "access")
    if access.empty and frontier.empty:
        why = explain_missing(data, PRESCRIPTION)
        nothing = why or "Access was not compared."
        return join_blocks(section, write_paragraph(escape_markdown(nothing)))
    priced = [
        f"{rows['who'].iloc[0]}: {_describe_floor(data, persona, rows)}"
        for persona, rows in _group(frontier)
    ]
    return join_blocks(
        section,
        write_paragraph(escape_markdown(_count_short(data, access)), kind="finding"),
        _tabulate_unequal(data, access),
        write_section("The price of a floor", "floor", level=3) if priced else None,
        draw_list(priced) if priced else None,
    )


def choose_access(data: BriefData) -> Exhibit:
    """Choose the figure of groups whose access differs, prescribed and taken up."""
    rows = list_unequal(gather_prescription(data, "access"))
    if rows.empty:
        return Exhibit(empty="No group's access differs clearly: no figure.")
    panels = tuple(
        (
            f"{name}: {_count_apart(own)}",
            own.rename(columns=_DRAWN).assign(program=kind),
        )
        for kind, name in _KINDS.items()
        if len(own := rows[rows["kind"] == kind])
    )
    return Exhibit(
        panels=panels,
        caption="Share of a group with a prescription, and with a completion, against "
        "that of the largest group of its kind in the persona (1 is equal), with 95 % "
        "intervals; only groups that differ in one of the two.",
        alt="Ratios around 1 on a logarithmic axis, one row per group. "
        f"{'. '.join(title for title, _ in panels)}. The table before it holds the "
        "numbers.",
        empty="",
        options={
            "labels": {item.id: item.label for item in data.params.personas},
            "x_label": "Share against the largest group's (95 % interval)",
        },
    )


def choose_frontier(data: BriefData) -> Exhibit:
    """Choose the figure of worth by floor, for personas where a floor costs."""
    frontier = gather_prescription(data, "frontier")
    costly = _list_costly(frontier)
    if not costly:
        nothing = "A floor under equal access costs nothing: no figure."
        missing = "The price of a floor was not computed."
        return Exhibit(empty=missing if frontier.empty else nothing)
    panels = tuple(
        (
            f"{rows['who'].iloc[0]}: "
            f"{_describe_floor(data, persona, rows).rstrip('.')}",
            rows,
        )
        for persona, rows in costly
    )
    known = any(rows["value_low"].notna().any() for _, rows in costly)
    error = "with 95 % bands" if known else "whose error is not known"
    return Exhibit(
        panels=panels,
        caption="Mean worth of a seat, by the lowest ratio between groups' shares that "
        f"is asked for, {error}: in thresholds where predicted benefit orders "
        "people, in points of skill gap where need does. Personas and attributes for "
        "which some floor costs something. Dotted: the declared floor.",
        alt="Lines of worth by floor, one panel per persona, one line per attribute. "
        f"{'. '.join(title for title, _ in panels)}.",
        empty="",
        fixed_height=_FRONTIER,
        options={"declared": data.params.paths.equity.floor},
    )


def list_unequal(access: pd.DataFrame) -> pd.DataFrame:
    """List the groups whose share differs from the largest group's, of either kind.

    Parameters
    ----------
    access : DataFrame
        ``access`` of `gather_prescription`.

    Returns
    -------
    DataFrame
        Both kinds of each group for which the interval of one leaves out 1.
    """
    if access.empty:
        return access
    shown = access[~access["suppressed"].astype(bool) & access["ratio_low"].notna()]
    apart = (shown["ratio_low"] > 1) | (shown["ratio_high"] < 1)
    keys = ["persona", "attribute", "group"]
    named = pd.MultiIndex.from_frame(shown.loc[apart, keys])
    return shown[pd.MultiIndex.from_frame(shown[keys]).isin(named)]


def _tabulate_unequal(data: BriefData, access: pd.DataFrame) -> Block:
    """Build the table of groups whose share differs from the largest group's."""
    cells: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in list_unequal(access).to_dict("records"):
        key = (str(row["persona"]), str(row["attribute"]), str(row["group"]))
        filled = cells.setdefault(key, {"group": row["group"]})
        filled["by"] = str(row["attribute"]).replace("_", " ")
        filled["persona"] = row["who"]
        kind = str(row["kind"])
        filled[f"{kind}_n"] = write_people(row["n"], data.min_group)
        filled[kind] = _write_ratio(row)
        filled[f"{kind}_rate"] = format_percent(row["rate"], digits=0)
    kinds = [
        field
        for kind, name in _KINDS.items()
        for field in (
            Field(f"{kind}_n", _COUNTED[kind], _keep, numeric=True),
            Field(f"{kind}_rate", name, _keep, numeric=True),
            Field(kind, "Ratio", _keep, numeric=True),
        )
    ]
    return tabulate_frame(
        list(cells.values()),
        (
            words("group", "Group"),
            words("by", "By"),
            words("persona", "Among"),
            *kinds,
        ),
        caption="Groups that differ from the largest group of their kind: share of "
        "people who may learn with a seat prescribed, share of person-quarters in "
        "which a programme was taken up, and their ratios to that group's with 95 % "
        f"interval (1 is equal). Groups with under {data.min_group} people selected or "
        "not selected are not shown",
        empty="",
        anchor="tbl-unequal",
    )


def _describe_floor(data: BriefData, persona: str, rows: pd.DataFrame) -> str:
    return describe_frontier(
        rows,
        floor=data.params.paths.equity.floor,
        unit=find_seat_unit(data, persona),
    )


def _count_short(data: BriefData, access: pd.DataFrame) -> str:
    """Count the groups that fall short of the floor, of those compared."""
    if access.empty:
        return "Access was not compared by group."
    shown = access[access["ratio_low"].notna()]
    parts = [
        f"{name.lower()} {format_count((own['verdict'] == _SHORT).sum())} of "
        f"{pluralise(len(own), 'group')}"
        for kind, name in _KINDS.items()
        if len(own := shown[shown["kind"] == kind])
    ]
    if not parts:
        return "No group is large enough to compare access."
    floor = data.params.paths.equity.floor
    most = f" or above {1 / floor:.3g}" if floor else ""
    return (
        f"Groups whose share is beyond chance below {floor:g}{most} times the largest "
        f"group's: {'; '.join(parts)}."
    )


def _list_costly(frontier: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """List, by persona, the attributes for which some floor costs something."""
    if frontier.empty:
        return []
    price = frontier.groupby(["persona", "attribute"])["price"].transform("max")
    return _group(frontier[price.round(2) > 0])


def _group(frontier: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Split the frontier by persona; nothing where it is empty."""
    if frontier.empty:
        return []
    grouped = frontier.groupby("persona", sort=False)
    return [(str(persona), rows) for persona, rows in grouped]


def _count_apart(rows: pd.DataFrame) -> str:
    more, less = rows["ratio_low"].gt(1).sum(), rows["ratio_high"].lt(1).sum()
    return f"{format_count(more)} more, {format_count(less)} less"


def _write_ratio(row: Mapping[Any, Any]) -> Html:
    value = escape_html(format_value(row["ratio"], 2))
    low, high = (format_value(row[name], 2) for name in ("ratio_low", "ratio_high"))
    return Html(f'{value}<br><span class="kpi-ci">{low} to {high}</span>')


def _keep(value: Any) -> Any:
    return MISSING if value is None else value
