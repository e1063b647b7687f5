"""The tables of a persona page: designs, exclusions, access and checks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    Html,
    draw_grade,
    escape_html,
    join_blocks,
    write_paragraph,
)
from workbench.brief.effects import drop_other_naive
from workbench.brief.exhibits import METHODS, name_method
from workbench.brief.formatting import (
    MISSING,
    find_scale,
    format_count,
    format_interval,
    format_p_value,
    format_percent,
    format_value,
    is_missing,
    split_effect,
)
from workbench.brief.labels import label_outcome
from workbench.brief.persona_profile import write_people
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, count, tabulate_frame, words
from workbench.core.params import Persona

__all__ = [
    "tabulate_access",
    "tabulate_checks",
    "tabulate_designs",
    "tabulate_flow",
    "tabulate_reported",
]

_BESIDE = ("ab_itt", "km", "psm_nn", "aipw", "ols", "ipw", "did_cs", "naive")
_DESIGNS = {
    "ab": " (experiment)",
    "survival": " (followed over time)",
    "did": " (before and after)",
}
_SIGNS = {
    "pass": ("good", "✓", "passed"),
    "warn": ("unsure", "?", "warning"),
    "fail": ("bad", "✗", "failed"),
    "not_applicable": ("none", "–", "does not apply"),
}


def tabulate_reported(data: BriefData, effects: pd.DataFrame) -> Block:
    """Build the table of the estimates that are reported; those withheld say so.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    effects : DataFrame
        The persona's rows of `select_effects`.
    """
    rows = [_write_reported(data, row) for row in effects.to_dict("records")]
    return tabulate_frame(
        rows,
        (
            words("outcome", "Outcome"),
            Field("effect", "Effect", str, numeric=True),
            Field("interval", "95 % interval", str, numeric=True),
            Field("p", "Adjusted p", str, numeric=True),
            count("learners", "Learners"),
            count("others", "Colleagues"),
            Field("grade", "Evidence", lambda value: value),
        ),
        caption="The reported estimates: by experiment where one may be read, over "
        "time where the outcome takes time, else of learners against matched "
        "colleagues or, where that fails a check, of changes from before to after",
        empty="No estimate was made for this persona.",
        anchor="tbl-reported",
    )


def tabulate_designs(data: BriefData, persona: Persona, effects: pd.DataFrame) -> Block:
    """Build the matrix of outcomes by the designs that are not reported.

    Parameters
    ----------
    data, persona
        Whose designs.
    effects : DataFrame
        The persona's rows of `select_effects`: what is reported.
    """
    table = data.estimates(persona.id)
    overall = table["subgroup_by"].isna() & table["period"].isna()
    other = table["method"].isin(_BESIDE)
    key = ["program", "outcome", "method"]
    reported = pd.MultiIndex.from_frame(effects[key])
    beside = ~pd.MultiIndex.from_frame(table[key]).isin(reported)
    rows = table[overall & other & beside & table["estimate"].notna()]
    rows = drop_other_naive(rows, effects)
    methods = [item for item in METHODS if item in set(rows["method"])]
    cells: dict[str, dict[str, Any]] = {}
    for row in rows.to_dict("records"):
        outcome = label_outcome(data, str(row["outcome"]))
        named = _name_outcome(outcome, str(row["unit"]))
        filled = cells.setdefault(outcome, {"outcome": named})
        filled[str(row["method"])] = _write_cell(row)
    return tabulate_frame(
        list(cells.values()),
        (
            words("outcome", "Outcome"),
            *(Field(item, name_method(item), _keep, numeric=True) for item in methods),
        ),
        caption="The same by other designs, with 95 % intervals; the raw difference is "
        "shown to be compared with, not to be believed",
        empty="No other design was tried.",
        anchor="tbl-designs",
    )


def tabulate_flow(data: BriefData, persona: Persona) -> Block:
    """Build the matrix of outcomes by steps: who remains after each exclusion."""
    flow = data.stage("psm", persona.id).table("flow")
    if not {"outcome", "step", "n_treated", "n_control"} <= set(flow.columns):
        return write_paragraph("No stage left a count of who was left out.")
    cells: dict[str, dict[str, Any]] = {}
    for row in flow.to_dict("records"):
        outcome = label_outcome(data, str(row["outcome"]))
        learners, others = (
            write_people(row[key], data.min_group) for key in ("n_treated", "n_control")
        )
        filled = cells.setdefault(outcome, {"outcome": outcome})
        filled[str(row["step"])] = f"{learners} / {others}"
    return tabulate_frame(
        list(cells.values()),
        (
            words("outcome", "Outcome"),
            *(
                Field(item, item.capitalize(), _keep, numeric=True)
                for item in dict.fromkeys(map(str, flow["step"]))
            ),
        ),
        caption="Learners / others that remain after each step, from left to right; "
        "others may stand in several quarters",
        empty="No stage left a count of who was left out.",
        anchor="tbl-flow",
    )


def tabulate_access(data: BriefData, persona: Persona) -> Block:
    """Build the table of uptake by group; small groups are marked."""
    access = data.stage("personas").table("access")
    own = access[access["persona"] == persona.id] if len(access) else access
    rows = [_write_access(data, row) for row in own.to_dict("records")]
    several = len({row["program"] for row in rows}) > 1
    return tabulate_frame(
        rows,
        (
            words("who", "Group"),
            words("by", "By"),
            *((words("program", "Programme"),) if several else ()),
            Field("people", "Could learn", str, numeric=True),
            Field("uptake", "Learnt", str, numeric=True),
            Field("ratio", "Against the others", str, numeric=True),
            Field("interval", "95 % interval", str, numeric=True),
        ),
        caption="Uptake by group, and its ratio to that of everybody else in the "
        f"persona (1 is equal). Not shown: under {data.min_group} people, or a second "
        "group that would give such a one away",
        empty="The personas stage left no table of access for this persona.",
        anchor="tbl-access",
        most_rows=60,
    )


def tabulate_checks(data: BriefData, persona: Persona) -> Block:
    """Build the matrix of checks by outcomes, and the findings of those not passed."""
    checks = data.stage("psm", persona.id).table("diagnostics")
    if not {"check", "outcome", "status"} <= set(checks.columns) or checks.empty:
        return write_paragraph("No checks were left for this persona.")
    checks["outcome"] = [
        label_outcome(data, item) if isinstance(item, str) and item else "All"
        for item in checks["outcome"]
    ]
    outcomes = list(dict.fromkeys(checks["outcome"]))
    cells: dict[str, dict[str, Any]] = {}
    for row in checks.to_dict("records"):
        name = str(row["check"]).replace("_", " ")
        cells.setdefault(name, {"check": name})[row["outcome"]] = row["status"]
    matrix = tabulate_frame(
        list(cells.values()),
        (
            words("check", "Check"),
            *(Field(item, item, _draw_sign) for item in outcomes),
        ),
        caption="Checks of every comparison of this persona: ✓ passed, ? warning, "
        "✗ failed, – does not apply",
        empty="",
        anchor="tbl-checks",
    )
    open_checks = checks[checks["status"].isin(["warn", "fail"])]
    findings = tabulate_frame(
        open_checks,
        (
            Field("check", "Check", lambda value: str(value).replace("_", " ")),
            words("outcome", "Outcome"),
            words("text", "Finding"),
            words("advice", "What to do"),
        ),
        caption="What the checks that warn or fail found",
        empty="Every check passed or does not apply.",
        anchor="tbl-warnings",
        most_rows=60,
    )
    return join_blocks(matrix, findings)


def _write_reported(data: BriefData, row: dict[Any, Any]) -> dict[str, Any]:
    unit = str(row["unit"])
    graded = not is_missing(row["evidence"])
    hidden = bool(row["suppressed"])
    control = " (control)" if row["control"] else ""
    control += _DESIGNS.get(str(row["stage"]), "")
    return {
        "outcome": _name_outcome(
            label_outcome(data, str(row["outcome"])) + control, unit
        ),
        "effect": "not shown" if hidden else split_effect(row["estimate"], unit)[0],
        "interval": format_interval(row["ci_low"], row["ci_high"], unit),
        "p": format_p_value(row["p_adjusted"]),
        "learners": row["n_treated"],
        "others": row["n_control"],
        "grade": draw_grade(int(row["evidence"])) if graded else MISSING,
    }


def _write_cell(row: dict[Any, Any]) -> Html:
    """Write an estimate without unit over its interval."""
    unit = str(row["unit"])
    number, _ = split_effect(row["estimate"], unit)
    interval = format_interval(row["ci_low"], row["ci_high"], unit)
    return Html(
        f'{escape_html(number)}<br><span class="kpi-ci">{escape_html(interval)}</span>'
    )


def _name_outcome(label: str, unit: str) -> Html:
    """Write an outcome over the unit of its effect."""
    shown = escape_html(find_scale(unit)[0])
    return Html(f'{escape_html(label)}<br><span class="kpi-ci">{shown}</span>')


def _draw_sign(value: Any) -> Html:
    """Draw a status as its sign, with its name for readers."""
    if value not in _SIGNS:
        return Html("")
    kind, sign, name = _SIGNS[value]
    return Html(
        f'<span class="verdict {kind}" role="img" aria-label="{name}">{sign}</span>'
    )


def _keep(value: Any) -> Any:
    """Return a cell as it is; a gap in a matrix is a dash."""
    return MISSING if value is None else value


def _write_access(data: BriefData, row: dict[Any, Any]) -> dict[str, Any]:
    """Write one group's uptake and ratio; a suppressed one says so."""
    named = {
        "who": row.get("group"),
        "by": str(row.get("group_by", "")).replace("_", " "),
        "program": data.label_program(str(row.get("program", ""))),
    }
    if row.get("suppressed"):
        hidden = dict.fromkeys(("uptake", "ratio", "interval"), MISSING)
        return {**named, "people": "not shown", **hidden}
    low, high = row["ratio_ci_low"], row["ratio_ci_high"]
    known = not is_missing(low) and not is_missing(high)
    interval = (
        f"{format_value(low, 2)} to {format_value(high, 2)}" if known else MISSING
    )
    return {
        **named,
        "people": format_count(row["n_eligible"]),
        "uptake": format_percent(row["uptake"], digits=0),
        "ratio": format_value(row["ratio"], 2),
        "interval": interval,
    }
