"""What each figure of the pages shows, in numbers and in words."""

from __future__ import annotations

import pandas as pd

from workbench.brief.figures import Exhibit
from workbench.brief.formatting import (
    format_count,
    format_effect,
    format_value,
    pluralise,
)
from workbench.brief.narrative import join_words

__all__ = [
    "compare_designs",
    "compare_personas",
    "name_method",
    "show_balance",
    "show_overlap",
]

_METHODS = {
    "psm_nn": "matched and adjusted",
    "psm_nn_unadjusted": "matched only",
    "aipw": "doubly robust",
    "ols": "regression",
    "ipw": "weighted",
    "naive": "naive: everybody else",
}
_GOOD, _USABLE = 0.05, 0.25
_EVERYBODY = "_all"


def name_method(method: str) -> str:
    """Return a method's name for people."""
    return _METHODS.get(method, method.replace("_", " "))


def compare_personas(effects: pd.DataFrame) -> Exhibit:
    """Choose the effects by persona: one panel per outcome.

    Parameters
    ----------
    effects : DataFrame
        From `select_effects`; negative controls and rows without number are left out.
    """
    shown = effects[~effects["control"].astype(bool) & effects["estimate"].notna()]
    panels = []
    words = []
    for _, rows in shown.groupby("outcome", sort=False):
        name = str(rows["outcome_label"].iloc[0])
        gains = int((rows["finding"] == "gain").sum())
        finding = f"{gains} of {pluralise(len(rows), 'comparison')} show a gain"
        frame = rows.assign(row=_name_rows(rows), filled=True)
        panels.append((f"{name}: {finding}", frame))
        words.append(f"{name}: {finding}")
    learners = shown.groupby(["persona", "program"])["n_treated"].max().sum()
    return Exhibit(
        panels=tuple(panels),
        caption="Effect on learners against like colleagues, one estimate per persona, "
        f"each outcome in its own unit, 95 % intervals; {format_count(learners)} "
        "learners. Methods: matching on the propensity score unless another design "
        "carries a higher evidence grade.",
        alt=f"Forest plot, one panel per outcome. {'. '.join(words)}. The table before "
        "it holds every number.",
        empty="There is no effect to draw.",
        label="",
    )


def compare_designs(estimates: pd.DataFrame, labels: dict[str, str]) -> Exhibit:
    """Choose one persona's estimates of all designs: one panel per outcome.

    Parameters
    ----------
    estimates : DataFrame
        Overall estimates of one persona.
    labels : dict of str to str
        Names of outcomes.
    """
    shown = estimates[estimates["estimate"].notna()]
    panels = []
    words = []
    for outcome, rows in shown.groupby("outcome", sort=False):
        name = labels.get(str(outcome), str(outcome))
        panels.append(
            (
                f"{name}: {_state_spread(rows)}",
                rows.assign(
                    row=[name_method(str(item)) for item in rows["method"]],
                    filled=rows["headline"].astype(bool),
                ),
            )
        )
        words.append(f"{name}: {_state_spread(rows)}")
    return Exhibit(
        panels=tuple(panels),
        caption="Every estimate of the effect on learners, by design, with 95 % "
        "intervals. Filled: the one that is reported. The comparison with everybody "
        "else is shown to be distrusted.",
        alt=f"Forest plot by design, one panel per outcome. {'. '.join(words)}. The "
        "table after it holds every number.",
        empty="No design gave a number for this persona.",
    )


def show_balance(balance: pd.DataFrame, name: str) -> Exhibit:
    """Choose the standardised differences of one comparison before and after matching.

    Parameters
    ----------
    balance : DataFrame
        ``term``, ``site``, ``stage`` (before, after) and ``smd`` of one comparison.
    name : str
        The comparison, for the caption.
    """
    none = Exhibit(
        panels=(), caption="", alt="", empty="There is no table of balance to draw."
    )
    if balance.empty or not {"stage", "smd", "site"} <= set(balance.columns):
        return none
    rows = balance[balance["site"] == _EVERYBODY]
    largest = rows["smd"].abs().groupby(rows["stage"]).max()
    if not {"before", "after"} <= set(largest.index):
        return none
    before, after = float(largest["before"]), float(largest["after"])
    return Exhibit(
        panels=((f"After matching {_state_band(after)}", rows),),
        caption="Standardised mean differences between learners and others before and "
        f"after matching, in standard deviations of the learners; {name}. Up to 0.05 "
        "nothing is left to adjust; up to 0.25 adjustment takes care of it.",
        alt=f"Love plot. The largest difference is {format_value(before, 2)} before "
        f"matching and {format_value(after, 2)} after it.",
        empty="",
        row_height=0.13,
    )


def show_overlap(overlap: pd.DataFrame, name: str) -> Exhibit:
    """Choose the estimated chances of learning of one comparison, as `show_balance`."""
    if overlap.empty:
        return Exhibit(
            panels=(), caption="", alt="", empty="There is no table of overlap to draw."
        )
    return Exhibit(
        panels=(("Could learners have been others, and others learners?", overlap),),
        caption="Estimated chance of learning among learners and others, as shares of "
        f"each group; {name}. Where only one group has people, there is nobody to "
        "compare with.",
        alt="Histogram of the estimated chance of learning of learners, of others and "
        "of matched others.",
        empty="",
        fixed_height=3.0,
    )


def _name_rows(rows: pd.DataFrame) -> list[str]:
    """Name rows by persona, with the programme where a persona has several."""
    several = rows["persona"].duplicated(keep=False)
    return [
        f"{row.label}, {row.program}" if double else str(row.label)
        for row, double in zip(rows.itertuples(), several, strict=True)
    ]


def _state_band(largest: float) -> str:
    """Say within which band the largest difference lies."""
    if largest <= _GOOD:
        return "all differences are within 0.05"
    if largest <= _USABLE:
        return f"the largest difference is {format_value(largest, 2)}, to be adjusted"
    return f"a difference of {format_value(largest, 2)} is left, too large to adjust"


def _state_spread(rows: pd.DataFrame) -> str:
    """Say from where to where the adjusted designs reach."""
    adjusted = rows[rows["method"] != "naive"]
    chosen = adjusted if not adjusted.empty else rows
    unit = str(chosen["unit"].iloc[0])
    low, high = chosen["estimate"].min(), chosen["estimate"].max()
    ends = [format_effect(low, unit), format_effect(high, unit)]
    if len(chosen) == 1 or ends[0] == ends[1]:
        return f"{ends[0]}"
    return f"designs say {join_words(ends)}"
