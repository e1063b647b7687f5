"""The tables of modules, paths and policies on the page of actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.brief.components import Block, Html, draw_verdict, escape_html
from workbench.brief.formatting import (
    MISSING,
    format_count,
    format_interval,
    format_percent,
    format_value,
    is_missing,
)
from workbench.brief.persona_profile import write_people
from workbench.brief.prescribing.portfolio_words import (
    OPTIMAL,
    describe_module,
    write_cost,
    write_hours,
)
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words

__all__ = [
    "tabulate_modules",
    "tabulate_policies",
    "tabulate_summaries",
    "write_range",
    "write_under",
]

_DECISIONS = {
    "boost": ("good", "boost"),
    "keep": ("none", "keep"),
    "retire": ("bad", "retire"),
    "watch": ("unsure", "watch"),
}
_POLICIES = {
    "chosen": "As chosen",
    "current": "As at present",
    "random": "By lot",
    "top_risk": "Highest risk first",
    "everyone": "Everyone",
}
_UNIT = "thresholds"


def write_range(value: Any, low: Any, high: Any, unit: str = _UNIT) -> Any:
    """Write a number over its interval, or a dash."""
    if is_missing(value):
        return MISSING
    number = escape_html(format_value(value, 2, signed=True))
    interval = escape_html(format_interval(low, high, unit))
    return Html(f'{number}<br><span class="kpi-ci">{interval}</span>')


def write_under(text: Any, more: Any) -> Html:
    """Write a text over a smaller one."""
    below = f'<span class="kpi-ci">{escape_html(more)}</span>'
    return Html(f"{escape_html(text)}<br>{below}")


def tabulate_modules(data: BriefData, modules: pd.DataFrame, *, anchor: str) -> Block:
    """Build the table of one persona's modules, with decisions and reasons.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    modules : DataFrame
        From `read_modules`.
    anchor : str
        Address of the table within the page.
    """
    rows = [_write_module(data, row) for row in modules.to_dict("records")]
    return tabulate_frame(
        rows,
        (
            Field("module", "Module", _keep),
            Field("decision", "Decision", _keep),
            Field("ratio", "Per 10 hours", _keep, numeric=True),
            Field("impact", "Impact", _keep, numeric=True),
            words("reason", "Why"),
        ),
        caption="Modules: what they take of a learner, learners who passed them and "
        "who did not; impact in thresholds, by itself and per 10 hours, with 95 % "
        "intervals",
        empty="No module could be valued.",
        anchor=anchor,
        most_rows=60,
    )


def tabulate_summaries(
    data: BriefData, summaries: pd.DataFrame, paths: pd.DataFrame
) -> Block:
    """Build the table of paths: modules in order, hours, cost, impact, seats."""
    rows = [_write_summary(data, row, paths) for row in summaries.to_dict("records")]
    return tabulate_frame(
        rows,
        (
            words("persona", "For"),
            words("path", "Path, in order"),
            Field("impact", "Impact", _keep, numeric=True),
            Field("takes", "Takes", _keep, numeric=True),
            Field("seats", "Seats of", str, numeric=True),
        ),
        caption="Hours, cost and impact for one person; impact in thresholds with 95 % "
        "interval; seats of those who could learn. All paths are chosen at once under "
        "the common budgets, as the exact best by the estimated impacts",
        empty="No path was looked for.",
        anchor="tbl-paths",
    )


def tabulate_policies(policies: pd.DataFrame) -> Block:
    """Build the matrix of personas by policies: value and interval."""
    cells: dict[str, dict[str, Any]] = {}
    for row in policies.to_dict("records"):
        filled = cells.setdefault(str(row["who"]), {})
        filled.setdefault("persona", row["who"])
        filled[str(row["policy"])] = write_range(row["value"], row["low"], row["high"])
        if row["policy"] == "chosen":
            filled["share"] = format_percent(row["share"], digits=0)
            filled["gain"] = write_range(
                row["gain_over_current"], row["gain_low"], row["gain_high"]
            )
    return tabulate_frame(
        list(cells.values()),
        (
            words("persona", "Persona"),
            Field("gain", "Chosen over present", _keep, numeric=True),
            *(Field(key, name, _keep, numeric=True) for key, name in _POLICIES.items()),
            Field("share", "Seats for", _keep, numeric=True),
        ),
        caption="Value per person of the persona in thresholds with 95 % intervals, on "
        "people who had no part in making the rule (doubly robust, cross-fitted). "
        "By lot and highest risk first give out as many seats as chosen",
        empty="No way to give out seats was valued.",
        anchor="tbl-policies",
    )


def _write_module(data: BriefData, row: Mapping[Any, Any]) -> dict[str, Any]:
    hidden = bool(row["suppressed"])
    decision = draw_verdict(
        *_DECISIONS.get(str(row["decision"]), ("none", str(row["decision"])))
    )
    unsure = row["explore"] and row["decision"] == "watch"
    explore = '<br><span class="kpi-ci">explore</span>' if unsure else ""
    few = f"under {data.min_group}"
    counts = (
        few if is_missing(row[name]) else format_count(row[name])
        for name in ("n_passed", "n_skipped")
    )
    reason = _text(row["reason"])
    told = f"{describe_module(row)}."
    return {
        "module": write_under(
            _text(row["title"]) or row["module"],
            f"{write_hours(row['effort_hours'])}, "
            f"{write_cost(row['cost'], row['currency'])}; "
            + (few if hidden else " / ".join(counts)),
        ),
        "decision": MISSING if hidden else Html(f"{decision}{explore}"),
        "ratio": write_range(row["ratio"], row["ratio_low"], row["ratio_high"]),
        "impact": write_range(row["impact"], row["impact_low"], row["impact_high"]),
        "reason": told[:1].upper() + told[1:] if hidden or not reason else reason,
    }


def _write_summary(
    data: BriefData, row: Mapping[Any, Any], paths: pd.DataFrame
) -> dict[str, Any]:
    own = paths
    if len(paths):
        same = paths["persona"] == row["persona"]
        own = paths[same & (paths["program"] == row["program"])]
    found = row["status"] == OPTIMAL
    titles = [str(title) for title in own["title"]] if found and len(own) else []
    cost = write_cost(row["cost"], data.params.workbench.currency)
    seats, eligible = (
        MISSING if is_missing(row[name]) else write_people(row[name], data.min_group)
        for name in ("seats", "eligible")
    )
    return {
        "persona": row["label"],
        "path": " → ".join(titles) or "none",
        "takes": write_under(write_hours(row["hours"]), cost) if found else MISSING,
        "impact": write_range(row["impact"], row["impact_low"], row["impact_high"])
        if found
        else MISSING,
        "seats": f"{seats} of {eligible}" if found else MISSING,
    }


def _keep(value: Any) -> Any:
    return MISSING if value is None else value


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
