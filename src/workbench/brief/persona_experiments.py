"""The part of a persona page on experiments: what chance decided and what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    Html,
    build_note,
    draw_grade,
    draw_list,
    draw_verdict,
    escape_html,
    escape_markdown,
    join_blocks,
    write_paragraph,
    write_section,
)
from workbench.brief.effects import INVITED
from workbench.brief.experiments import (
    LEARNT,
    describe_registration,
    describe_sizes,
    explain_grades,
    list_own_rows,
    read_experiments,
    state_next_test,
    write_p,
)
from workbench.brief.formatting import (
    MISSING,
    find_scale,
    format_count,
    format_date,
    format_effect,
    format_interval,
    format_p_value,
    format_percent,
    is_missing,
    split_effect,
)
from workbench.brief.labels import label_outcome
from workbench.brief.narrative import join_words, lower_first
from workbench.brief.persona_profile import write_people
from workbench.brief.results import BriefData
from workbench.brief.stopped import EXPERIMENTS, STOPPED
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.core.params import Persona

__all__ = ["show_experiments"]

_VERDICTS = {
    "kept": ("good", "kept"),
    "broken": ("bad", "broken"),
    "unclear": ("unsure", "unclear"),
}
_MOST_CAUSES = 6
_LEAD = "Stopped: no effect is read. "
_NONE = "No experiment tested what this persona learns."
_WEDGE = "stepped_wedge"
_CHANCE = {
    "individual": "person by person who was invited",
    "cluster": "team by team who was invited",
    _WEDGE: "in which order teams were invited",
}
_ALL = "everybody"


def show_experiments(data: BriefData, persona: Persona) -> Block:
    """Show what experiments say, or why one says nothing."""
    stage = data.stage(EXPERIMENTS, persona.id)
    found = read_experiments(data, persona.id)
    section = write_section("Tested by experiment", "experiment")
    if found.empty:
        nothing = stage.explain() or _NONE
        if stage.status == "not_applicable":
            nothing = f"{stage.reason[:1].upper()}{stage.reason[1:].rstrip('.')}."
        return join_blocks(section, write_paragraph(escape_markdown(nothing)))
    shown = [
        _show_one(data, persona, {str(key): item for key, item in row.items()}, place)
        for place, row in enumerate(found.to_dict("records"))
    ]
    return join_blocks(section, *shown)


def _show_one(
    data: BriefData, persona: Persona, row: Mapping[str, Any], place: int
) -> Block:
    suffix = f"-{place + 1}" if place else ""
    opening = write_paragraph(escape_markdown(_describe_design(data, persona, row)))
    registered, limits = describe_registration(row)
    if row["status"] == STOPPED:
        return join_blocks(
            opening,
            build_note(
                "Stopped: not read.",
                "This says neither that learning helped nor that it did not. The arms "
                "do not have the sizes that chance gives "
                f"({write_p(row.get('sample_ratio_p'))}). Then nothing is read: "
                "whoever is missing from one arm may differ from the others, and no "
                "analysis repairs that.",
                _text(row.get("text")).removeprefix(_LEAD),
                warn=True,
            ),
            _tabulate_causes(data, persona, row, suffix),
            write_paragraph(
                "The next test needs the cause found first: who was drawn but never "
                "recorded, or recorded in the wrong arm. Then it is drawn again."
            ),
        )
    if row["status"] != "read":
        return join_blocks(
            opening,
            build_note("No answer:", _text(row.get("text")), warn=True),
            write_paragraph(escape_markdown(registered)),
        )
    reasons = explain_grades(data, row, persona.id)
    return join_blocks(
        build_note("Registration.", registered, warn=True) if limits else None,
        opening,
        _tabulate_results(data, persona, row, suffix),
        draw_list(reasons) if reasons else None,
        _tabulate_guardrails(data, persona, row, suffix),
        draw_list(_list_remarks(data, persona, row, "" if limits else registered)),
    )


def _describe_design(data: BriefData, persona: Persona, row: Mapping[str, Any]) -> str:
    """Say what was drawn, when, and how many there were of whom."""
    start, end = (_write_day(row.get(name)) for name in ("started_on", "ended_on"))
    when = f", from {start}" if start else ""
    when += f" to {end}" if end else (", still running" if start else "")
    how = _CHANCE.get(str(row.get("design")), "who was invited")
    arms = [
        f"{write_people(item.get('people'), data.min_group)} in {_name_arm(item)}"
        for item in list_own_rows(data, row, "arms", persona.id)
        if not is_missing(item.get("people"))
    ]
    counted = f" People: {join_words(arms)}." if arms else ""
    program = data.label_program(str(row["program"]))
    return f"Chance decided {how} to “{program}”{when}.{counted}"


def _tabulate_results(
    data: BriefData, persona: Persona, row: Mapping[str, Any], suffix: str
) -> Block:
    table = data.estimates(persona.id)
    own = table[
        (table["stage"] == EXPERIMENTS)
        & (table["program"] == row["program"])
        & table["subgroup_by"].isna()
        & table["period"].isna()
        & table["method"].isin([INVITED, LEARNT])
    ]
    rows = [
        _write_result(data, str(outcome), part)
        for outcome, part in own.groupby("outcome", sort=False)
    ]
    return tabulate_frame(
        rows,
        (
            words("outcome", "Outcome"),
            Field("invited", "Being invited", _keep, numeric=True),
            Field(LEARNT, "Learning itself", _keep, numeric=True),
            Field("grade", "Evidence", _keep),
        ),
        caption="What the experiment shows, with 95 % intervals: the effect of being "
        "invited, whoever came, and, where it is known who came through it, of "
        "learning on them",
        empty="The experiment left no estimate.",
        anchor=f"tbl-experiment{suffix}",
    )


def _write_result(data: BriefData, outcome: str, part: pd.DataFrame) -> dict[str, Any]:
    rows = part.drop_duplicates("method").set_index("method")
    first = rows.iloc[0]
    unit = str(first["unit"])
    label = escape_html(label_outcome(data, outcome))
    grades = rows["evidence"].dropna()
    learnt = {LEARNT: _write_estimate(rows, LEARNT)} if LEARNT in rows.index else {}
    return {
        **learnt,
        "outcome": Html(
            f'{label}<br><span class="kpi-ci">{escape_html(find_scale(unit)[0])}</span>'
        ),
        "invited": _write_estimate(rows, INVITED),
        "grade": draw_grade(int(grades.iloc[0])) if len(grades) else MISSING,
    }


def _write_estimate(rows: pd.DataFrame, method: str) -> Any:
    if method not in rows.index:
        return MISSING
    row = rows.loc[method]
    if bool(row["suppressed"]):
        return "not shown"
    if is_missing(row["estimate"]):
        return "no answer"
    unit = str(row["unit"])
    return _write_number(row["estimate"], row["ci_low"], row["ci_high"], unit)


def _tabulate_guardrails(
    data: BriefData, persona: Persona, row: Mapping[str, Any], suffix: str
) -> Block | None:
    """Show outcomes that must not get worse by more than a margin."""
    units = _list_units(data, persona)
    rows = []
    for item in list_own_rows(data, row, "guardrails", persona.id):
        outcome = str(item["outcome"])
        unit = units.get(outcome, "")
        shown = (
            "no answer"
            if is_missing(item["estimate"])
            else _write_number(item["estimate"], item["low"], item["high"], unit)
        )
        verdict = _VERDICTS.get(str(item["verdict"]), ("none", str(item["verdict"])))
        margin = format_effect(abs(float(item["margin"])), unit, signed=False)
        rows.append(
            {
                "outcome": label_outcome(data, outcome),
                "margin": margin,
                "effect": shown,
                "verdict": draw_verdict(*verdict),
            }
        )
    if not rows:
        return None
    return tabulate_frame(
        rows,
        (
            words("outcome", "Must not suffer"),
            Field("margin", "By more than", str, numeric=True),
            Field("effect", "Being invited", _keep, numeric=True),
            Field("verdict", "Guardrail", _keep),
        ),
        caption="Guardrails: kept if the whole interval stays on the right side of the "
        "margin",
        empty="",
        anchor=f"tbl-guardrails{suffix}",
    )


def _list_remarks(
    data: BriefData, persona: Persona, row: Mapping[str, Any], registered: str
) -> list[str]:
    """List what the numbers stand on, and what the next test needs."""
    ratio = describe_sizes(row.get("sample_ratio_p"))
    units = _list_units(data, persona)
    lost = _describe_lost(data, persona, row, units.get(str(row["outcome"]), ""))
    power = list_own_rows(data, row, "power", persona.id)
    primary = [item for item in power if item.get("outcome") == row["outcome"]]
    following = state_next_test(data, primary, units.get(str(row["outcome"]), ""))
    uptake = _describe_uptake(data, persona, row)
    remarks = (ratio, registered, uptake, lost, following)
    return [item for item in remarks if item]


def _describe_lost(
    data: BriefData, persona: Persona, row: Mapping[str, Any], unit: str
) -> str:
    """Say between which ends the effect lies, whoever is missing (Lee bounds)."""
    for item in list_own_rows(data, row, "bounds", persona.id):
        if item.get("outcome") != row["outcome"]:
            continue
        if is_missing(item.get("low")) or is_missing(item.get("high")):
            return _text(item.get("text"))
        ends = format_interval(item["low"], item["high"], unit)
        outcome = lower_first(label_outcome(data, str(row["outcome"])))
        return (
            f"Some outcomes are missing. Whoever they were, being invited changed "
            f"{outcome} by between {ends.replace(' to ', ' and ')} "
            f"{find_scale(unit)[0]} among people who would be seen either way."
        )
    return ""


def _describe_uptake(data: BriefData, persona: Persona, row: Mapping[str, Any]) -> str:
    """Say how many of each arm learnt, where that is known and means something."""
    if row.get("design") == _WEDGE:
        return ""
    arms = [
        f"{format_percent(item['learnt'], digits=0)} of {_name_arm(item)}"
        for item in list_own_rows(data, row, "arms", persona.id)
        if not is_missing(item.get("learnt"))
        and not is_missing(item.get("people"))
        and float(item["people"]) >= data.min_group
    ]
    return f"Completed the programme: {join_words(arms)}." if arms else ""


def _tabulate_causes(
    data: BriefData, persona: Persona, row: Mapping[str, Any], suffix: str
) -> Block:
    """Show where the arms are out of proportion: overall, and where the cause lies.

    Where everybody is out of proportion so is every large group; only groups of the
    kind that the stage names as the cause are shown.
    """
    said = _text(row.get("text"))
    found = [
        item
        for item in list_own_rows(data, row, "sample_ratio", persona.id)
        if not is_missing(item.get("p_value"))
        and not is_missing(item.get("observed"))
        and min(float(item["observed"]), float(item["expected"])) >= data.min_group
        and (item["dimension"] == _ALL or _is_cause(str(item["dimension"]), said))
    ]
    found.sort(key=lambda item: (item["dimension"] != _ALL, float(item["p_value"])))
    rows = [
        {
            "where": _name_place(item),
            "arm": _name_arm(item),
            "observed": format_count(item["observed"]),
            "expected": format_count(item["expected"]),
            "p": format_p_value(item["p_value"]),
        }
        for item in found[:_MOST_CAUSES]
    ]
    return tabulate_frame(
        rows,
        (
            words("where", "Where"),
            words("arm", "Arm"),
            Field("observed", "Found", str, numeric=True),
            Field("expected", "Expected", str, numeric=True),
            Field("p", "Adjusted p", str, numeric=True),
        ),
        caption="The sizes of the arms, for everybody and, where a kind of group "
        "stands out, its groups: found, and as chance would give. p of groups is "
        "adjusted for all groups looked at",
        empty="The groups are too small to show where it comes from.",
        anchor=f"tbl-sample-ratio{suffix}",
    )


def _is_cause(dimension: str, said: str) -> bool:
    """Tell whether the stage names a dimension as that in which arms differ."""
    if dimension == "outcome":
        return "whose outcome is missing" in said
    return f" differs by {dimension} " in said


def _list_units(data: BriefData, persona: Persona) -> dict[str, str]:
    """Map outcomes to the units of their effects in experiments."""
    table = data.estimates(persona.id)
    own = table[table["stage"] == EXPERIMENTS].drop_duplicates("outcome")
    return dict(zip(own["outcome"], own["unit"].astype(str), strict=True))


def _write_number(value: Any, low: Any, high: Any, unit: str) -> Html:
    number = escape_html(split_effect(value, unit)[0])
    interval = escape_html(format_interval(low, high, unit))
    return Html(f'{number}<br><span class="kpi-ci">{interval}</span>')


def _name_place(item: Mapping[str, Any]) -> str:
    dimension = str(item["dimension"])
    if dimension == _ALL:
        return "Everybody"
    return f"{dimension.replace('_', ' ')}: {item['level']}"


def _name_arm(item: Mapping[str, Any]) -> str:
    return str(item.get("arm")).replace("_", " ")


def _write_day(value: Any) -> str:
    """Write an ISO date in words; nothing where there is none."""
    text = _text(value)
    try:
        return format_date(date.fromisoformat(text[:10])) if text else ""
    except ValueError:
        return text


def _keep(value: Any) -> Any:
    return MISSING if value is None else value


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
