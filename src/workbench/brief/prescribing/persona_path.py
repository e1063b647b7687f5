"""The part of a persona page on what comes next: path, practice, coaching prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    Html,
    build_note,
    draw_list,
    escape_html,
    escape_markdown,
    join_blocks,
    write_paragraph,
    write_section,
)
from workbench.brief.formatting import MISSING, format_count
from workbench.brief.prescribing.portfolio_tables import write_range, write_under
from workbench.brief.prescribing.portfolio_words import (
    INFEASIBLE,
    OPTIMAL,
    describe_module,
    describe_path,
    describe_policy,
    write_cost,
    write_hours,
)
from workbench.brief.prescribing.prescribed import (
    explain_missing,
    gather_prescription,
    list_path,
    list_targeting,
    read_modules,
    read_paths,
    read_summaries,
)
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.brief.withheld import PORTFOLIO
from workbench.core.params import Persona

__all__ = ["show_path", "show_paths"]

_VERBS = {"retire": "Retire", "boost": "Boost"}
_UNIT = (
    "Impact is in thresholds: 1 is the smallest change worth having in one outcome, "
    "summed over outcomes."
)


def show_path(data: BriefData, persona: Persona) -> Block:
    """Show what a persona should learn next, and what makes it stick at work."""
    section = write_section("What to learn next", "path")
    stopped = explain_missing(data, PORTFOLIO)
    if stopped:
        return join_blocks(section, write_paragraph(escape_markdown(stopped)))
    modules = read_modules(data, persona.id)
    paths = show_paths(data, persona, anchor="tbl-path")
    return join_blocks(
        section,
        write_paragraph(_UNIT, kind="sub"),
        paths or write_paragraph("No path was looked for."),
        _list_decisions(modules),
        _show_policy(data, persona),
    )


def show_paths(data: BriefData, persona: Persona, *, anchor: str) -> Block | None:
    """Show the paths of a persona: in a sentence, as a table, and at work.

    Parameters
    ----------
    data, persona
        Whose paths.
    anchor : str
        Address of the first table; further ones are numbered.

    Returns
    -------
    Block or None
        None where no path was looked for.
    """
    summaries = read_summaries(data, persona.id)
    if summaries.empty:
        return None
    paths = read_paths(data, persona.id)
    shown = []
    for place, row in enumerate(summaries.to_dict("records")):
        named = {str(key): value for key, value in row.items()}
        own = list_path(paths, persona.id, str(named["program"]))
        suffix = f"-{place + 1}" if place else ""
        shown.append(_show_one(data, named, own, f"{anchor}{suffix}"))
    return join_blocks(*shown)


def _show_one(
    data: BriefData, row: Mapping[str, Any], path: pd.DataFrame, anchor: str
) -> Block:
    currency = data.params.workbench.currency
    said = describe_path(row, _list_titles(path), currency=currency)
    if row["status"] == INFEASIBLE:
        return build_note("No path.", said, warn=True)
    if row["status"] != OPTIMAL:
        return write_paragraph(escape_markdown(said))
    return join_blocks(
        write_paragraph(escape_markdown(said)),
        _tabulate_path(data, path, anchor),
        _list_practice(data, path),
    )


def _tabulate_path(data: BriefData, path: pd.DataFrame, anchor: str) -> Block:
    rows = [_write_step(data, row) for row in path.to_dict("records")]
    return tabulate_frame(
        rows,
        (
            words("title", "Module"),
            Field("takes", "Takes", _keep, numeric=True),
            Field("impact", "Impact", _keep, numeric=True),
            words("reason", "Why it is in the path"),
        ),
        caption="The path in its order: hours and cost for one person, impact of each "
        "module in thresholds with 95 % interval",
        empty="The path holds no module.",
        anchor=anchor,
    )


def _write_step(data: BriefData, row: Mapping[Any, Any]) -> dict[str, Any]:
    impact = write_range(row["impact"], row["impact_low"], row["impact_high"])
    explore = '<br><span class="kpi-ci">explore</span>' if row["explore"] else ""
    cost = write_cost(row["cost"], data.params.workbench.currency)
    return {
        "title": write_under(
            f"{format_count(row['position'])}. {_name(row)}",
            _text(row["modality"]).replace("_", " "),
        ),
        "takes": write_under(write_hours(row["effort_hours"]), cost),
        "impact": Html(f"{escape_html(impact)}{explore}"),
        "reason": row["reason"],
    }


def _list_practice(data: BriefData, path: pd.DataFrame) -> Block | None:
    """List what learners do at work after each module, and what managers ask."""
    items = [
        Html(f"<b>{escape_html(_name(row))}.</b> {escape_html(said)}")
        for row in path.to_dict("records")
        if (said := _describe_practice(data, row))
    ]
    if not items:
        return write_paragraph("No practice is declared for these modules.")
    return join_blocks(
        write_paragraph("At work, module by module:", kind="finding"),
        draw_list(items),
    )


def _describe_practice(data: BriefData, row: Mapping[Any, Any]) -> str:
    task, prompt = (_text(row[name]) for name in ("practice", "coaching_prompt"))
    if task and task == prompt:
        return f"{task.rstrip('.')}."
    parts = [f"On the job: {task}"] if task else []
    if prompt:
        behaviour = _label_behaviour(data, _text(row["behaviour"]))
        by = f" ({behaviour})" if behaviour else ""
        parts.append(f"The manager{by}: “{prompt}”")
    return " ".join(parts)


def _label_behaviour(data: BriefData, behaviour: str) -> str:
    """Return a behaviour's name for people, in lower case as within a sentence."""
    managers = data.params.managers
    known = {item.id: item.label for item in managers.behaviours} if managers else {}
    return known.get(behaviour, behaviour.replace("_", " ")).lower()


def _list_decisions(modules: pd.DataFrame) -> Block | None:
    """List what is to be retired and boosted of what this persona learns."""
    items = [
        Html(
            f"<b>{_VERBS[str(row['decision'])]}</b> “{escape_html(_name(row))}”: "
            f"{escape_html(describe_module(row))}."
        )
        for row in _records(modules)
        if row["decision"] in _VERBS and not row["suppressed"]
    ]
    if not items:
        return None
    return join_blocks(
        draw_list(items),
        write_paragraph("All modules are on [the page of actions](../actions.ipynb)."),
    )


def _show_policy(data: BriefData, persona: Persona) -> Block | None:
    """Say who comes first, what that is worth on people held out, and which rule."""
    told = list_targeting(data, persona.id)
    if told:
        return join_blocks(
            write_section("Who should come first", "first", level=3), draw_list(told)
        )
    table = gather_prescription(data, "policies")
    if table.empty:
        return None
    own = table[(table["persona"] == persona.id) & (table["policy"] == "chosen")]
    rows = [describe_policy(row) for row in _records(own)]
    return write_paragraph(*map(escape_markdown, rows))


def _list_titles(path: pd.DataFrame) -> list[str]:
    return [f"“{_name(row)}”" for row in path.to_dict("records")]


def _name(row: Mapping[Any, Any]) -> str:
    return _text(row["title"]) or str(row["module"])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): value for key, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _keep(value: Any) -> Any:
    return MISSING if value is None else value


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
