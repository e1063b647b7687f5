"""Sentences on modules, paths and ways to give out seats, made from their numbers.

All functions return plain text; what shows it escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pandas as pd

from workbench.brief.formatting import (
    MISSING,
    format_count,
    format_interval,
    format_percent,
    format_value,
    is_missing,
    pluralise,
)
from workbench.brief.narrative import join_words

__all__ = [
    "INFEASIBLE",
    "NOTHING",
    "OPTIMAL",
    "Reading",
    "describe_frontier",
    "describe_impact",
    "describe_module",
    "describe_path",
    "describe_policy",
    "read_impact",
    "state_actions",
    "write_cost",
    "write_hours",
    "write_impact",
]

Reading = Literal["gain", "harm", "none", "unclear", "missing"]

OPTIMAL, INFEASIBLE, NOTHING = "optimal", "infeasible", "nothing to learn"
"""How the search for a path can end."""

_UNIT = "thresholds"
_NEGLIGIBLE = 1.0


def read_impact(low: Any, high: Any) -> Reading:
    """Say what an interval of an impact in thresholds shows.

    Returns
    -------
    str
        ``gain`` or ``harm`` where it leaves out 0; ``none`` where it lies within one
        threshold either way, so that no change that matters is left; ``missing``
        without an interval; else ``unclear``.
    """
    if is_missing(low) or is_missing(high):
        return "missing"
    if float(low) > 0:
        return "gain"
    if float(high) < 0:
        return "harm"
    if float(low) > -_NEGLIGIBLE and float(high) < _NEGLIGIBLE:
        return "none"
    return "unclear"


def write_impact(value: Any, low: Any, high: Any) -> str:
    """Write an impact with its unit and interval, or a dash."""
    if is_missing(value):
        return MISSING
    size = format_value(value, 2, signed=True)
    interval = format_interval(low, high, _UNIT)
    within = f" ({interval})" if interval != MISSING else ""
    return f"{size} {_UNIT}{within}"


def write_hours(hours: Any) -> str:
    """Write learning hours: ``1 hour``, ``9.5 hours``."""
    if is_missing(hours):
        return MISSING
    number = f"{round(float(hours), 1):,g}"
    return f"{number} {'hour' if number == '1' else 'hours'}"


def write_cost(cost: Any, currency: Any) -> str:
    """Write an amount of money with its currency: ``EUR 1,200``."""
    if is_missing(cost):
        return MISSING
    code = currency.strip() if isinstance(currency, str) else ""
    return f"{code} {format_count(cost)}".strip()


def describe_impact(row: Mapping[str, Any]) -> str:
    """Say in a clause what an impact shows, for any way it can turn out.

    Parameters
    ----------
    row : mapping
        ``impact``, ``impact_low``, ``impact_high`` in thresholds.
    """
    size = write_impact(*(row.get(f"impact{end}") for end in ("", "_low", "_high")))
    said = {
        "gain": f"a gain of {size}",
        "harm": f"harm of {size}",
        "none": f"no change that matters: {size}",
        "unclear": f"whether it gains anything cannot be told yet: {size}",
        "missing": "what it does is not known",
    }
    return said[read_impact(row.get("impact_low"), row.get("impact_high"))]


def describe_module(row: Mapping[str, Any]) -> str:
    """Say in a clause what one module does, or why that is not said.

    Parameters
    ----------
    row : mapping
        A row of `read_modules`.
    """
    if row.get("suppressed"):
        return "not shown, as too few people took it or went without it"
    if not row.get("identified", True):
        return (
            "part of (nearly) every completion, so it cannot be told apart from the "
            "programme"
        )
    return describe_impact(row)


def describe_path(
    row: Mapping[str, Any], titles: Iterable[str], *, currency: str
) -> str:
    """Say what a path holds, takes and is worth, or why there is none.

    Parameters
    ----------
    row : mapping
        A row of `read_summaries`; its ``text`` says what limits the path.
    titles : iterable of str
        Its modules, in order.
    currency : str
        Of the costs.
    """
    status = str(row.get("status"))
    if status != OPTIMAL:
        return _explain_no_path(status, _text(row.get("text")))
    named = join_words(titles) or "no module"
    takes = [write_hours(row.get("hours"))]
    if not is_missing(row.get("cost")):
        takes.append(write_cost(row.get("cost"), currency))
    text = _text(row.get("text"))
    return (
        f"{named}: {' and '.join(takes)} a person, {describe_impact(row)} a person. "
        f"{text or _count_seats(row)}"
    ).strip()


def describe_policy(row: Mapping[str, Any]) -> str:
    """Say what seats given in the chosen order are worth against current practice.

    Parameters
    ----------
    row : mapping
        The row of the chosen policy in `gather_prescription` of ``policies``.
    """
    share = row.get("share")
    known = not is_missing(share)
    who = f"Seats for {_percent(share)} of people" if known else "These seats"
    value = format_value(row.get("value"), 2, signed=True)
    start = (
        f"{who} on this path are worth {value} {_UNIT} a person of the persona"
        f"{_within(row.get('low'), row.get('high'))}"
    )
    low, high = row.get("gain_low"), row.get("gain_high")
    gain = format_value(row.get("gain_over_current"), 2, signed=True)
    more = f"{gain}{_within(low, high)}"
    if is_missing(low) or is_missing(high):
        return f"{start}; it could not be set against what was done."
    if float(low or 0.0) > 0:
        return f"{start}, more than what was done: {more}."
    if float(high or 0.0) < 0:
        return f"{start}, less than what was done: {more}. Keep what was done."
    return f"{start}; whether that beats what was done cannot be told: {more}."


def describe_frontier(rows: pd.DataFrame, *, floor: float, unit: str) -> str:
    """Say what a floor under equal access costs, attribute by attribute.

    Parameters
    ----------
    rows : DataFrame
        ``attribute``, ``floor``, ``value`` (a seat), ``price`` of one persona.
    floor : float
        The declared floor; of the floors that were computed the nearest is taken.
    unit : str
        Of value and price.
    """
    if rows["price"].isna().all():
        return "the price of equal access could not be computed."
    near = rows.loc[(rows["floor"] - floor).abs().sort_values(kind="stable").index]
    ends = near.drop_duplicates("attribute").sort_index()
    at = f"{ends['floor'].iloc[0]:.3g}"
    unheld = ends[ends["price"].isna()]
    costly = ends[ends["price"].round(2) > 0]
    parts = [
        f"{format_value(row['price'], 2)} of "
        f"{format_value(row['value'] + row['price'], 2)} {unit} a seat by "
        f"{_name_attribute(row['attribute'])}"
        for _, row in costly.iterrows()
    ]
    said = f"costs {join_words(parts)}" if parts else "costs nothing"
    if len(unheld) == len(ends):
        said = "cannot be held with whole seats"
    elif len(unheld):
        names = join_words(map(_name_attribute, unheld["attribute"]))
        said += f"; by {names} it cannot be held with whole seats"
    return f"a floor of {at} {said}."


def state_actions(modules: pd.DataFrame, summaries: pd.DataFrame) -> str:
    """State what the portfolio asks for, for the title of the page.

    Parameters
    ----------
    modules, summaries : DataFrame
        From `read_modules` and `read_summaries`.
    """
    if modules.empty:
        return "Modules could not be valued this quarter"
    shown = modules[~modules["suppressed"].astype(bool)]
    parts = [
        f"{verb} {_name_few(chosen)}"
        for decision, verb in (("retire", "retire"), ("boost", "boost"))
        if len(chosen := shown[shown["decision"] == decision])
    ]
    found = summaries["status"] == OPTIMAL if len(summaries) else pd.Series(dtype=bool)
    if found.any():
        paths = pluralise(int(found.sum()), "path")
        parts.append(f"offer {paths} to {_name_personas(summaries[found])}")
    if not parts:
        return f"No module of {len(modules)} is clearly to boost or to retire yet"
    text = join_words(parts)
    return text[:1].upper() + text[1:]


def _explain_no_path(status: str, why: str) -> str:
    reason = f": {why.rstrip('.')}" if why else ""
    if status == INFEASIBLE:
        return f"No path keeps to all limits{reason}."
    if status == NOTHING:
        return f"{why.rstrip('.') or 'There is nothing left to learn here'}."
    return f"No path was found{reason}."


def _count_seats(row: Mapping[str, Any]) -> str:
    seats, eligible = row.get("seats"), row.get("eligible")
    if is_missing(seats) or is_missing(eligible):
        return ""
    return (
        f"Seats for {format_count(seats)} of "
        f"{pluralise(eligible, 'person', 'people')} who could learn."
    )


def _name_few(rows: pd.DataFrame) -> str:
    if len(rows) > 2:
        return pluralise(len(rows), "module")
    return join_words(f"“{title}”" for title in rows["title"])


def _name_personas(rows: pd.DataFrame) -> str:
    labels = list(dict.fromkeys(rows["label"]))
    return join_words(labels) if len(labels) < 3 else f"{len(labels)} personas"


def _name_attribute(attribute: Any) -> str:
    return "all at once" if attribute == "all" else str(attribute).replace("_", " ")


def _within(low: Any, high: Any) -> str:
    interval = format_interval(low, high, _UNIT)
    return "" if interval == MISSING else f" ({interval})"


def _percent(share: Any) -> str:
    return format_percent(share, digits=0)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
