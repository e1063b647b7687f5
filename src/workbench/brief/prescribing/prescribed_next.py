"""What the portfolio asks the sponsor to decide: modules to drop, paths to offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.brief.components import (
    Block,
    Html,
    draw_list,
    escape_html,
    join_blocks,
    write_paragraph,
    write_section,
)
from workbench.brief.formatting import is_missing, pluralise
from workbench.brief.narrative import join_words
from workbench.brief.prescribing.portfolio_words import (
    INFEASIBLE,
    OPTIMAL,
    describe_impact,
    describe_module,
    read_impact,
    write_hours,
)
from workbench.brief.prescribing.prescribed import (
    list_path,
    read_modules,
    read_paths,
    read_summaries,
)
from workbench.brief.results import BriefData

__all__ = ["list_decided", "list_prescribed", "show_prescribed"]

_MOST = 8


def show_prescribed(data: BriefData) -> Block | None:
    """Show what is prescribed next; nothing where no module was valued."""
    items = [
        Html(f"<b>{escape_html(verb)}</b> {escape_html(text)}")
        for verb, text in list_prescribed(data)
    ]
    if not items:
        return None
    return join_blocks(
        write_section("Prescribed next", "prescribed", level=3),
        write_paragraph(
            "Impact is in thresholds: 1 is the smallest change worth having in one "
            "outcome. [The page of actions](actions.ipynb) has the rest.",
            kind="sub",
        ),
        draw_list(items, kind="decisions"),
    )


def list_prescribed(data: BriefData) -> tuple[tuple[str, str], ...]:
    """List what the portfolio asks for: verb, and the sentence that follows it.

    Returns
    -------
    tuple of (str, str)
        At most eight: modules to retire, paths to offer (to try out, where their
        impact is not clear), limits that leave no path, modules to boost. What is
        withheld for privacy is left out.
    """
    retired = _list_modules(data, "retire", "Retire")
    boosted = _list_modules(data, "boost", "Boost")
    return (*retired, *_list_paths(data), *boosted)[:_MOST]


def list_decided(data: BriefData) -> tuple[tuple[str, str], ...]:
    """List the modules to retire and to boost: verb, and the sentence after it."""
    retired = _list_modules(data, "retire", "Retire")
    return (*retired, *_list_modules(data, "boost", "Boost"))


def _list_modules(
    data: BriefData, decision: str, verb: str
) -> Iterator[tuple[str, str]]:
    for row in read_modules(data).to_dict("records"):
        if row["decision"] == decision and not row["suppressed"]:
            named = {str(key): value for key, value in row.items()}
            text = f"“{row['title']}” for {row['label']}: {describe_module(named)}."
            yield verb, text


def _list_paths(data: BriefData) -> Iterator[tuple[str, str]]:
    paths = read_paths(data)
    for row in read_summaries(data).to_dict("records"):
        named = {str(key): value for key, value in row.items()}
        if row["status"] == INFEASIBLE:
            why = str(row["text"]) if isinstance(row["text"], str) else "no path"
            yield "Settle", f"the limits for {row['label']}: {why.rstrip('.')}."
        if row["status"] == OPTIMAL:
            own = list_path(paths, str(row["persona"]), str(row["program"]))
            titles = join_words(f"“{title}”" for title in own.get("title", ()))
            sure = read_impact(row["impact_low"], row["impact_high"]) == "gain"
            yield "Offer" if sure else "Try out", _write_offer(named, titles)


def _write_offer(row: Mapping[str, Any], titles: str) -> str:
    seats = row["seats"]
    whom = str(row["label"])
    if not is_missing(seats):
        whom = f"{pluralise(seats, 'person', 'people')} ({whom})"
    return (
        f"the path of {titles} to {whom}: {write_hours(row['hours'])} each, "
        f"{describe_impact(row)} a person."
    )
