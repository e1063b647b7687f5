"""The part of the methods page on modules, paths, who comes first, and predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.brief.components import (
    Block,
    Html,
    draw_list,
    draw_verdict,
    escape_markdown,
    join_blocks,
    write_paragraph,
    write_section,
)
from workbench.brief.formatting import (
    MISSING,
    format_count,
    format_p_value,
    format_percent,
    format_value,
    is_missing,
)
from workbench.brief.prescribing.predictions import show_cards
from workbench.brief.prescribing.prescribed import explain_missing, gather_prescription
from workbench.brief.results import BriefData
from workbench.brief.tables import Field, tabulate_frame, words
from workbench.brief.validation import read_path_draws
from workbench.brief.withheld import PRESCRIPTION

__all__ = ["PRESCRIBING_TEXTS", "describe_path_draws", "show_prescribing"]

_ENOUGH = 0.9

PRESCRIBING_TEXTS: tuple[tuple[str, str], ...] = (
    (
        "One unit.",
        "The impact of a module adds up its effects on the outcomes, each divided by "
        "the smallest change worth having and turned so that more is better: 1 "
        "threshold is one such change. Weights are declared before; without them all "
        "outcomes count alike.",
    ),
    (
        "A module's effect.",
        "Learners of the programme who passed a module are compared with those who "
        "did not, alike in what was recorded before and in the other modules they took "
        "(doubly robust, cross-fitted, only where both kinds of people are found). A "
        "regression with all modules at once stands beside it. A module that nearly "
        "everybody passes cannot be told apart from the programme, and is said to be "
        "so.",
    ),
    (
        "Drawn together.",
        "Estimates of many modules spread more than the modules do. So each is drawn "
        "towards the mean of its programme, the more the less is known of it; both "
        "numbers are kept.",
    ),
    (
        "Keep, boost, retire, watch.",
        "Boost: the whole interval per hour lies above 0, and the module is among the "
        "better ones of its programme. Retire: the whole interval lies below 0, or the "
        "module is shown to be worth next to nothing. Watch: it cannot be told yet. "
        "A module in a path without a clear gain is marked “explore”.",
    ),
    (
        "Paths.",
        "All paths are chosen at once by exact optimisation: the largest impact within "
        "learner hours, money, seats, prerequisites and the skill gaps to be closed. "
        "Where no path keeps to all limits, those that conflict are named.",
    ),
    (
        "Who comes first.",
        "By default the largest skill gap. A predicted benefit decides only if it "
        "sorts people on data that were held out: those it names first must gain more "
        "than the mean beyond the error. The value of a rule is measured on people who "
        "had no part in making it, and set against lot, everyone, highest risk and "
        "current practice.",
    ),
    (
        "Equal access.",
        "The share of each group with a prescription, and with a completion, is set "
        "against that of the others. A floor under the ratio can be held; what it "
        "costs in impact is shown.",
    ),
    (
        "What it cannot say.",
        "Modules were not dealt out by lot. A reason to skip one that nobody recorded "
        "may still explain a part; paths that nobody took so far are sums of their "
        "modules.",
    ),
)
"""How modules are valued and paths chosen: lead and text."""

_PASSED = {True: ("good", "holds"), False: ("unsure", "no sign of it")}


def show_prescribing(data: BriefData) -> Block:
    """Show how modules are valued, whether effects differ, and the model cards."""
    return join_blocks(
        write_section("Modules, paths, and who comes first", "prescribing"),
        draw_list([Html(f"<b>{lead}</b> {text}") for lead, text in PRESCRIBING_TEXTS]),
        write_paragraph(describe_path_draws(read_path_draws())),
        _show_heterogeneity(data),
        show_cards(data),
    )


def describe_path_draws(found: Mapping[str, Any]) -> str:
    """Say what chosen paths were worth where the truth is known.

    Parameters
    ----------
    found : mapping
        From `read_path_draws`.
    """
    told = found["summary"]
    shares = told["share_of_best"]
    low = sum(share < _ENOUGH for share in shares)
    return (
        f"On {told['seeds']} draws of a synthetic organisation of "
        f"{format_count(found['employees'])} people, read in its truth, the chosen "
        f"paths and seats beat lot in {told['beats_random']}, those worst off first in "
        f"{told['beats_top_risk']} and what was done in {told['beats_current']}. They "
        f"were worth {format_percent(sum(shares) / len(shares), digits=0)} of the best "
        f"possible on average, {format_percent(min(shares), digits=0)} at the least, "
        f"and under {format_percent(_ENOUGH, digits=0)} in {low}. The module that "
        f"harms was in a path in {told['harmful_in_path']} and retired in "
        f"{told['harmful_retired']}; the empty one was boosted in "
        f"{told['empty_boosted']}. {found['date']}, {found['machine']}."
    )


def _show_heterogeneity(data: BriefData) -> Block:
    """Show the tests of whether people gain differently, persona by persona."""
    table = gather_prescription(data, "heterogeneity")
    section = write_section("Do people gain differently", "heterogeneity", level=3)
    if table.empty:
        why = explain_missing(data, PRESCRIPTION) or "No such test was made."
        return join_blocks(section, write_paragraph(escape_markdown(why)))
    rows = [
        {
            "persona": row["who"],
            "test": str(row["test"]).replace("_", " "),
            "value": _write_value(row["value"], row["std_error"]),
            "p": format_p_value(row["p_value"]),
            "passed": _draw_passed(row["passed"]),
            "text": row["text"],
        }
        for row in table.to_dict("records")
    ]
    return join_blocks(
        section,
        tabulate_frame(
            rows,
            (
                words("persona", "Persona"),
                words("test", "Test"),
                Field("value", "Value (error)", str, numeric=True),
                Field("p", "p", str, numeric=True),
                Field("passed", "On held-out data", _keep),
                words("text", "What it says"),
            ),
            caption="Whether a predicted benefit sorts people, on data held out, in "
            "thresholds; where it does not, it ranks nobody",
            empty="",
            anchor="tbl-heterogeneity",
            most_rows=60,
        ),
    )


def _write_value(value: Any, error: Any) -> str:
    shown = format_value(value, 2)
    return shown if is_missing(error) else f"{shown} ({format_value(error, 2)})"


def _draw_passed(value: Any) -> Any:
    if is_missing(value):
        return MISSING
    return draw_verdict(*_PASSED[bool(value)])


def _keep(value: Any) -> Any:
    return MISSING if value is None else value
