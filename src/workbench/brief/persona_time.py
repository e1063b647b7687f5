"""What happened to a persona's learners over time: staying, moving, getting there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    Html,
    build_note,
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
    format_interval,
    format_percent,
    format_value,
    is_missing,
    split_effect,
)
from workbench.brief.labels import label_outcome, list_controls
from workbench.brief.levels import tabulate_levels
from workbench.brief.narrative import lower_first
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.core.params import Persona

__all__ = ["choose_curves", "show_over_time"]

_STAGE = "survival"
_HEADLINE, _MEAN, _MEDIAN, _RATIO = "km", "rmst", "km_median", "cox"
_DATINGS = ("naive", "time-varying")
_REGRETTED, _REGRETS = "km_regretted", ", counting regretted exits only"
_PANEL = 4.6


def show_over_time(data: BriefData, persona: Persona) -> Block:
    """Show outcomes that take time: at the horizon, on the way, and expected."""
    stopped = data.stage(_STAGE, persona.id).explain()
    return join_blocks(
        write_section("Over time", "over-time"),
        write_paragraph(
            "Learners and matched colleagues are followed from the end of the quarter "
            "of learning, recent ones for as long as they can be. Earlier days count "
            "for nobody, as learners had to be there to complete."
        ),
        build_note("Not followed:", stopped, warn=True) if stopped else None,
        _tabulate_outcomes(data, persona),
        _note_datings(data, persona),
        _tabulate_expected(data, persona),
        _tabulate_skills(data, persona),
        tabulate_levels(data, persona),
    )


def choose_curves(data: BriefData, persona: Persona) -> Exhibit:
    """Choose the curves of staying, with numbers at risk, or else the first outcome.

    What the stage extrapolates is left out: it is in its own table.
    """
    curves = data.stage(_STAGE, persona.id).table("curves")
    empty = Exhibit(empty="Nobody of this persona could be followed over time.")
    if curves.empty or "kind" not in curves.columns:
        return empty
    curves = curves[
        ~curves["outcome"].isin(list_controls(data))
        & ~curves["extrapolated"].astype("boolean").fillna(False).astype(bool)
        & curves["estimate"].notna()
    ]
    kinds = curves["kind"] == "survival"
    rows = curves[kinds] if kinds.any() else curves
    if rows.empty:
        return empty
    first = rows.iloc[0]
    same = (rows["program"] == first["program"]) & (rows["outcome"] == first["outcome"])
    same &= rows["cause"] == first["cause"]
    shown = rows[same].reset_index(drop=True)
    name = label_outcome(data, str(first["outcome"]))
    title = f"{name}: {_state_end(shown)}"
    return Exhibit(
        panels=((title, shown.drop(columns=["program", "outcome"])),),
        caption=f"{name} of matched learners and others (Aalen-Johansen), with "
        "pointwise 95 % intervals (dark), bands that hold the whole curve (pale) and "
        "the number of people still followed. Curves end where fewer than "
        f"{data.min_group} people are left.",
        alt=f"Two step curves with bands. {title}. The table before it holds the "
        "difference with its interval.",
        empty="",
        fixed_height=_PANEL,
    )


def _state_end(rows: pd.DataFrame) -> str:
    """State the share of either arm on the last day on which both are known."""
    last = rows.groupby("arm")["time"].max()
    if {"learners", "others"} - set(last.index):
        return "known for one of the groups only"
    day = last.min()
    ends = rows[rows["time"] == day].set_index("arm")["estimate"]
    said = (
        f"{format_percent(ends['learners'], digits=0)} of learners, "
        f"{format_percent(ends['others'], digits=0)} of matched others after "
        f"{format_count(day)} days"
    )
    short = day < rows["horizon"].iloc[0]
    return f"{said}; later too few are left" if short else said


def _tabulate_outcomes(data: BriefData, persona: Persona) -> Block:
    table = data.estimates(persona.id)
    rows = table[(table["stage"] == _STAGE) & table["subgroup_by"].isna()]
    rows = rows[~rows["outcome"].isin(list_controls(data))]
    shown = []
    several = len(set(rows["program"])) > 1
    for (program, outcome), part in rows.groupby(["program", "outcome"], sort=False):
        methods = part.drop_duplicates("method").set_index("method")
        if _HEADLINE not in methods.index:
            continue
        key = (str(program), str(outcome))
        named = data.label_program(key[0]) if several else ""
        shown.append(_write_outcome(data, key[1], methods, named))
        if _REGRETTED in methods.index:
            regretted = methods.rename(index={_REGRETTED: _HEADLINE, _HEADLINE: ""})
            regretted = regretted.loc[[_HEADLINE]]
            shown.append(_write_outcome(data, key[1], regretted, named, more=_REGRETS))
    return tabulate_frame(
        shown,
        (
            words("outcome", "Outcome"),
            Field("level", "Matched others", str, numeric=True),
            Field("effect", "Learners differ by", _keep, numeric=True),
            Field("days", "Days until then differ by", _keep, numeric=True),
            Field("ratio", "Hazard ratio", _keep, numeric=True),
        ),
        caption="Outcomes that take time: difference at the horizon, and in days until "
        "then (means up to the horizon, or medians), with 95 % intervals. A hazard "
        "ratio below 1: it happens less often, or later",
        empty="No outcome of this persona was followed over time.",
        anchor="tbl-over-time",
    )


def _write_outcome(
    data: BriefData,
    outcome: str,
    methods: pd.DataFrame,
    program: str,
    *,
    more: str = "",
) -> dict[str, Any]:
    row = methods.loc[_HEADLINE]
    unit = str(row["unit"])
    label = escape_html(label_outcome(data, outcome) + more)
    if program:
        label = Html(f'{label}<br><span class="kpi-ci">{escape_html(program)}</span>')
    return {
        "outcome": label,
        "level": _write_level(row["baseline"], unit),
        "effect": _write_number(row, unit),
        "days": _write_days(methods),
        "ratio": _write_ratio(methods.loc[_RATIO])
        if _RATIO in methods.index
        else MISSING,
    }


def _write_level(value: Any, unit: str) -> str:
    if is_missing(value):
        return MISSING
    if unit == "probability":
        return format_percent(value, digits=0)
    return f"{format_value(value, 0)} {unit}"


def _write_number(row: pd.Series, unit: str) -> Any:
    if bool(row["suppressed"]):
        return "not shown"
    if is_missing(row["estimate"]):
        return "no answer"
    number, name = split_effect(row["estimate"], unit)
    interval = escape_html(format_interval(row["ci_low"], row["ci_high"], unit))
    return Html(
        f"{escape_html(number)} {escape_html(name)}<br>"
        f'<span class="kpi-ci">{interval}</span>'
    )


def _write_days(methods: pd.DataFrame) -> Any:
    """Write the difference of mean days or, where the outcome is days, of medians."""
    if _MEAN in methods.index:
        return _name_average(_write_number(methods.loc[_MEAN], "days"), "mean")
    if _MEDIAN in methods.index and not is_missing(methods.loc[_MEDIAN, "estimate"]):
        return _name_average(_write_number(methods.loc[_MEDIAN], "days"), "median")
    return MISSING


def _name_average(number: str, average: str) -> Html:
    """Say behind a number of days which average it is a difference of."""
    return Html(number.replace(" days", f" days, {average}", 1))


def _write_ratio(row: pd.Series) -> Any:
    if is_missing(row["estimate"]):
        return MISSING
    low, high = format_value(row["ci_low"], 2), format_value(row["ci_high"], 2)
    return Html(
        f"{format_value(row['estimate'], 2)}<br>"
        f'<span class="kpi-ci">{low} to {high}</span>'
    )


def _note_datings(data: BriefData, persona: Persona) -> Block | None:
    """Say what counting learners from their first day would have claimed."""
    table = data.stage(_STAGE, persona.id).table("datings")
    if table.empty or not {"dating", "hazard_ratio"} <= set(table.columns):
        return None
    first = table[table["outcome"] == table["outcome"].iloc[0]]
    rows = first.drop_duplicates("dating").set_index("dating")
    if not set(_DATINGS) <= set(rows.index):
        return None
    ratios = [_write_dating(rows.loc[name]) for name in _DATINGS]
    if MISSING in ratios:
        return None
    name = label_outcome(data, str(table["outcome"].iloc[0]))
    return build_note(
        "Why not from the day of the course?",
        f"{name}: counted as learners from their first day, people who learnt would "
        f"show a hazard ratio of {ratios[0]}, part of which is only that they were "
        f"still there to learn; from the day they had learnt it is {ratios[1]}.",
    )


def _write_dating(row: pd.Series) -> str:
    ends = [row["hazard_ratio"], row["ratio_low"], row["ratio_high"]]
    if any(map(is_missing, ends)):
        return MISSING
    value, low, high = (format_value(item, 2) for item in ends)
    return f"{value} ({low} to {high})"


def _tabulate_expected(data: BriefData, persona: Persona) -> Block | None:
    """Show what is expected of recent learners, marked as what it is."""
    table = data.stage(_STAGE, persona.id).table("extrapolated")
    if table.empty or "predicted" not in table.columns:
        return None
    cells: dict[str, dict[str, Any]] = {}
    for row in table.to_dict("records"):
        if is_missing(row["predicted"]) or row.get("suppressed"):
            continue
        trial = str(row["trial"])
        known = f"{format_count(row['observed_days'])} days"
        filled = cells.setdefault(trial, {"trial": trial, "seen": known})
        filled[str(row["arm"])] = _write_expected(row)
    if not cells:
        return None
    return tabulate_frame(
        list(cells.values()),
        (
            words("trial", "Learnt in"),
            Field("seen", "Seen so far", str, numeric=True),
            Field("learners", "Learners, predicted", _keep, numeric=True),
            Field("others", "Others, predicted", _keep, numeric=True),
        ),
        caption="Predicted, not observed: share expected to stay until the horizon, "
        "with 95 % interval, if recent people go on as earlier ones did. Part of no "
        "other number here",
        empty="",
        anchor="tbl-expected",
    )


def _write_expected(row: Mapping[Any, Any]) -> Html:
    shown = escape_html(format_percent(row["predicted"], digits=0))
    if is_missing(row["low"]):
        return Html(shown)
    low, high = (format_value(100 * row[name], 0) for name in ("low", "high"))
    return Html(f'{shown}<br><span class="kpi-ci">{low} to {high} %</span>')


def _tabulate_skills(data: BriefData, persona: Persona) -> Block | None:
    """Show skills before and after, of learners and their matches."""
    table = data.stage("psm", persona.id).table("changes")
    if table.empty or "change" not in table.columns:
        return None
    several = len(set(table["outcome"])) > 1
    rows = []
    for row in table.to_dict("records"):
        low, high = format_value(row["low"], 1), format_value(row["high"], 1)
        rows.append(
            {
                "who": _name_arm(data, row, several=several),
                "before": format_value(row["before"], 1),
                "after": format_value(row["after"], 1),
                "change": f"{format_value(row['change'], 1, signed=True)} "
                f"({low} to {high})",
            }
        )
    name = lower_first(label_outcome(data, str(table["outcome"].iloc[0])))
    return tabulate_frame(
        rows,
        (
            words("who", "Who"),
            Field("before", "Before", str, numeric=True),
            Field("after", "After", str, numeric=True),
            Field("change", "Change, 95 % interval", str, numeric=True),
        ),
        caption=f"Before and after learning: {escape_markdown(name)} of learners and "
        "of matched others with both values",
        empty="",
        anchor="tbl-skills",
    )


def _name_arm(data: BriefData, row: Mapping[Any, Any], *, several: bool) -> str:
    arm = "Learners" if row["arm"] == "learners" else "Matched others"
    if not several:
        return arm
    return f"{label_outcome(data, str(row['outcome']))}: {lower_first(arm)}"


def _keep(value: Any) -> Any:
    return MISSING if value is None else value
