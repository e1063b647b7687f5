"""Recommended actions on the page: counts, the calendar, and how managers follow up."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from workbench.brief.action_counts import OTHER
from workbench.brief.components import (
    Block,
    escape_markdown,
    join_blocks,
    write_paragraph,
    write_section,
)
from workbench.brief.formatting import (
    MISSING,
    format_count,
    format_date,
    is_missing,
    pluralise,
)
from workbench.brief.levels import pool_level, read_levels, write_level
from workbench.brief.narrative import join_words
from workbench.brief.prescribing.prescribed import explain_missing, gather_prescription
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.brief.withheld import PRESCRIPTION

__all__ = ["show_adherence", "show_calendar", "show_counts"]

_FOLLOWED = "manager_actions"
_HIDDEN = "not shown"
_ACTIONS = {
    "path_module": "Module of the path",
    "micro_module": "Micro-module",
    "coaching_task": "Coaching task",
    "practice": "Practice at work",
    "assessment": "Assessment",
    OTHER: "Other, each under the limit",
}


def show_counts(data: BriefData) -> Block:
    """Show how many people are recommended what, and why."""
    counts = gather_prescription(data, "action_counts")
    section = write_section("Next best actions", "next-actions")
    if counts.empty:
        why = explain_missing(data, PRESCRIPTION) or "No action is recommended."
        return join_blocks(section, write_paragraph(escape_markdown(why)))
    return join_blocks(
        section,
        write_paragraph(escape_markdown(_state_signed(data)), kind="finding"),
        _tabulate_counts(data, counts),
    )


def show_calendar(data: BriefData) -> Block:
    """Show how many people may be reminded in which week, by kind of action."""
    weeks = gather_prescription(data, "action_weeks")
    section = write_section("Calendar of reminders", "calendar")
    if weeks.empty:
        return join_blocks(section, write_paragraph("No reminder is due."))
    rows: dict[str, dict[str, Any]] = {}
    for row in _add_up(weeks, ["week", "action"]).itertuples():
        first = format_date(date.fromisoformat(str(row.week)))
        rows.setdefault(first, {"week": first})[str(row.action)] = _write_count(row)
    kinds = [item for item in _ACTIONS if item in set(weeks["action"])]
    kinds += sorted(set(map(str, weeks["action"])) - set(kinds))
    return join_blocks(
        section,
        tabulate_frame(
            list(rows.values()),
            (
                words("week", "Week from"),
                *(Field(kind, _name(kind), _keep, numeric=True) for kind in kinds),
            ),
            caption="People with an open recommendation in the week, by kind: from the "
            f"day it takes effect until it expires. Groups under {data.min_group} "
            "people of a persona are not counted: there are more",
            empty="",
            anchor="tbl-calendar",
        ),
        write_paragraph(escape_markdown(_state_limits(data)), kind="sub"),
    )


def show_adherence(data: BriefData) -> Block:
    """Show how many completions managers followed up, by persona."""
    section = write_section("Do managers follow up", "adherence")
    table = read_levels(data)
    shown = table[(table["measure"] == _FOLLOWED) & (table["period"] == "")]
    if shown.empty:
        return join_blocks(
            section, write_paragraph("Managers' actions were not read this quarter.")
        )
    managers = data.params.managers
    days = f" within {managers.within_days} days" if managers else ""
    pooled = pool_level(data, _FOLLOWED)
    told = (
        f"{pooled.write_value()} ({pooled.write_interval()}) of completions were "
        f"followed up by the manager{days}. {pooled.write_target()}."
        if pooled
        else "Too few completions to say how often managers follow up."
    )
    rows = [
        {
            "persona": data.label_of(str(row["persona"])),
            "program": data.label_program(str(row["program"])),
            **write_level(row),
            "n": MISSING if is_missing(row["value"]) else format_count(row["n"]),
        }
        for row in shown.to_dict("records")
    ]
    return join_blocks(
        section,
        write_paragraph(escape_markdown(told), kind="finding"),
        tabulate_frame(
            rows,
            (
                words("persona", "Persona"),
                words("program", "Programme"),
                Field("value", "Followed up", str, numeric=True),
                Field("interval", "95 % interval", str, numeric=True),
                Field("n", "Completions", str, numeric=True),
            ),
            caption="Completions of the last four quarters after which the manager "
            f"coached{days}: a level, no effect. Errors clustered by manager",
            empty="",
            anchor="tbl-adherence",
        ),
    )


def _tabulate_counts(data: BriefData, counts: pd.DataFrame) -> Block:
    """Build the matrix of actions and reasons by personas; many people first."""
    ordered = counts.assign(
        _last=counts["action"] == OTHER,
        _all=counts.groupby(["action", "reason_code"])["people"].transform("sum"),
    ).sort_values(
        ["_last", "_all", "action", "reason_code"],
        ascending=[True, False, True, True],
        kind="stable",
    )
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for row in ordered.to_dict("records"):
        key = (str(row["action"]), str(row["reason_code"]))
        filled = cells.setdefault(key, {"action": _name(key[0])})
        filled["reason"] = MISSING if key[1] == OTHER else key[1].replace("_", " ")
        filled[str(row["persona"])] = (
            _HIDDEN if row["suppressed"] else format_count(row["people"])
        )
    labels = dict(zip(counts["persona"], counts["who"], strict=True))
    return tabulate_frame(
        list(cells.values()),
        (
            words("action", "Action"),
            words("reason", "Because of"),
            *(
                Field(str(persona), str(label), _keep, numeric=True)
                for persona, label in labels.items()
            ),
        ),
        caption="People by recommended action and its reason, persona by persona; "
        f"somebody may have several. Those for under {data.min_group} people of a "
        "persona are added up in the last row; what would tell of so few, such as "
        "nearly all with a seat, is not shown",
        empty="",
        anchor="tbl-next-actions",
        most_rows=60,
    )


def _state_signed(data: BriefData) -> str:
    """Say how many people's recommendations are signed off, as far as shown."""
    status = _add_up(gather_prescription(data, "action_status"), ["status"])
    told = dict(
        zip(status["status"], map(_write_count, status.itertuples()), strict=True)
    )
    parts = [
        f"{name} for {told[name]} people"
        for name in ("proposed", "approved", "declined")
        if told.get(name, _HIDDEN) != _HIDDEN
    ]
    if not parts:
        return "Recommendations are not shown by status."
    return f"Recommendations are {join_words(parts)}; none acts by itself."


def _add_up(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Add up people over personas; ``suppressed`` where a part is not known."""
    if table.empty:
        return pd.DataFrame(columns=[*keys, "people", "suppressed"])
    grouped = table.groupby(keys, sort=True)
    return pd.DataFrame(
        {
            "people": grouped["people"].sum(min_count=1),
            "suppressed": grouped["suppressed"].any(),
        }
    ).reset_index()


def _write_count(row: Any) -> str:
    """Write people of all personas, of which small groups are not counted."""
    if is_missing(row.people):
        return _HIDDEN
    more = " or more" if row.suppressed else ""
    return f"{format_count(row.people)}{more}"


def _state_limits(data: BriefData) -> str:
    """Say how often anybody may be reminded, as declared."""
    if data.params.nudges is None:
        return "No limits on reminders are declared (nudges.yml)."
    calendar = data.params.nudges.calendar
    return (
        f"Nobody gets more than {pluralise(calendar.per_week, 'reminder')} in a week, "
        f"nor two of them less than {pluralise(calendar.days_apart, 'day')} apart."
    )


def _name(action: str) -> str:
    return _ACTIONS.get(action) or action.replace("_", " ").capitalize()


def _keep(value: Any) -> Any:
    return MISSING if value is None else value
