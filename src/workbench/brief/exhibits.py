"""What each figure of the pages shows, in numbers and in words."""

from __future__ import annotations

import pandas as pd

from workbench.brief.effects import ADJUSTED_GRADE
from workbench.brief.figures import Exhibit
from workbench.brief.formatting import (
    find_scale,
    format_count,
    format_value,
    pluralise,
    split_effect,
)
from workbench.brief.narrative import join_words

__all__ = [
    "METHODS",
    "compare_designs",
    "compare_personas",
    "name_method",
    "show_balance",
    "show_quality",
]

METHODS = {
    "psm_nn": "Matched colleagues",
    "psm_nn_unadjusted": "Matched, unadjusted",
    "psm_change": "Matched, change since before",
    "aipw": "Doubly robust",
    "ols": "Regression",
    "ipw": "Weighted",
    "g_computation": "Standardised",
    "did_cs": "Before and after",
    "did_matched": "Before and after, matched",
    "did_cs_earlier": "Before and after, earlier base",
    "did_2x2": "Before and after, simple",
    "did_twfe": "Two-way fixed effects",
    "did_sun_abraham": "Interaction-weighted",
    "ab_itt": "Experiment: as invited",
    "ab_cuped": "Experiment: as invited, adjusted",
    "ab_iv": "Experiment: of learning",
    "ab_itt_average": "As invited, mean over periods",
    "ab_itt_people": "As invited, within people",
    "km": "Followed over time",
    "km_unadjusted": "Followed, unadjusted",
    "km_regretted": "Without a regretted exit",
    "km_median": "Median days",
    "km_delayed_entry": "Days since the start in the role",
    "rmst": "Mean days",
    "cox": "Hazard ratio",
    "naive": "Raw difference",
}
"""Names of methods for people, in the order of columns."""

_SHOWN = (
    "ab_iv",
    "ab_itt",
    "km",
    "psm_nn",
    "aipw",
    "ols",
    "did_cs",
    "did_matched",
    "did_cs_earlier",
    "naive",
)
_SOURCES = {
    "ab": "by experiment",
    "survival": "followed over time",
    "psm": "against matched colleagues",
    "did": "from before to after",
}
_EVERYBODY = "_all"
_NAIVE = "naive"


def name_method(method: str) -> str:
    """Return a method's name for people."""
    return METHODS.get(method, method.replace("_", " ").capitalize())


def compare_personas(effects: pd.DataFrame) -> Exhibit:
    """Choose the effects by persona: one panel per outcome, one row per persona.

    Parameters
    ----------
    effects : DataFrame
        From `select_effects`; negative controls and rows without number are left out.
    """
    shown = effects[~effects["control"].astype(bool) & effects["estimate"].notna()]
    panels = []
    for _, rows in shown.groupby("outcome", sort=False):
        title = f"{rows['outcome_label'].iloc[0]}: {_count_clear(rows)}"
        named = _rescale(rows).assign(
            method=_name_rows(rows), headline=True, meets_threshold=None
        )
        panels.append((title, named))
    learners = shown.groupby(["persona", "program"])["n_treated"].max().sum()
    words = ". ".join(title for title, _ in panels)
    return Exhibit(
        panels=tuple(panels),
        caption="Effect on learners, the reported estimate per persona, each outcome "
        f"in its own unit, with 95 % intervals; {pluralise(learners, 'learner')}. "
        f"{_count_sources(shown)}",
        alt=f"Forest plot, one panel per outcome, one row per persona. {words}. The "
        "table before it holds every number.",
        empty="There is no effect to draw.",
        row_height=0.27,
        options={"labels": dict.fromkeys(shown["outcome"], "")},
    )


def compare_designs(estimates: pd.DataFrame, labels: dict[str, str]) -> Exhibit:
    """Choose one persona's estimates of all designs: one panel per outcome.

    Parameters
    ----------
    estimates : DataFrame
        Overall estimates of one persona; ``headline`` marks the one that is reported.
    labels : dict of str to str
        Names of outcomes.
    """
    shown = estimates[estimates["estimate"].notna() & estimates["method"].isin(_SHOWN)]
    panels = tuple(
        (
            f"{labels.get(str(outcome), str(outcome))}: {_state_reported(rows)}",
            _rescale(rows),
        )
        for outcome, rows in shown.groupby("outcome", sort=False)
    )
    words = ". ".join(title for title, _ in panels)
    return Exhibit(
        panels=panels,
        caption="The effect on learners by design, with 95 % intervals. Filled: the "
        "estimate that is reported. The raw difference is shown to be compared with, "
        "not to be believed. Further designs are in the appendix.",
        alt=f"Forest plot by design, one panel per outcome. {words}. The table before "
        "it holds every number.",
        empty="No design gave a number for this persona.",
        row_height=0.27,
        options={"labels": dict.fromkeys(shown["outcome"], "")},
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
    none = Exhibit(empty="There is no table of balance to draw.")
    if balance.empty or not {"stage", "smd", "site", "term"} <= set(balance.columns):
        return none
    rows = balance[balance["site"] == _EVERYBODY]
    largest = rows["smd"].abs().groupby(rows["stage"]).max()
    if not {"before", "after"} <= set(largest.index):
        return none
    terms = min(len(set(rows["term"])), 20)
    return Exhibit(
        panels=(("", rows),),
        caption="Standardised mean differences between learners and others before and "
        f"after matching, in standard deviations of the learners; {name}. Up to 0.05 "
        "nothing is left to adjust; up to 0.25 adjustment takes care of it.",
        alt="Love plot of covariates. The largest difference is "
        f"{format_value(largest['before'], 2)} before matching and "
        f"{format_value(largest['after'], 2)} after it.",
        empty="",
        fixed_height=1.9 + 0.29 * terms,
    )


def show_quality(quality: pd.DataFrame) -> Exhibit:
    """Choose the shares of good rows per table and dimension."""
    if not {"table", "dimension", "value", "status"} <= set(quality.columns):
        return Exhibit(empty="There is no table of quality to draw.")
    tables = len(set(quality["table"]))
    warned = int(quality["status"].isin(["warn", "fail"]).sum())
    return Exhibit(
        panels=(("", quality),) if tables else (),
        caption="Share of good rows per table and dimension; ! is a warning, ✗ a "
        "failure. The score is a weighted mean, capped where a dimension warns or "
        "fails.",
        alt=f"Matrix of {pluralise(tables, 'table')} and five dimensions of quality; "
        f"{pluralise(warned, 'cell')} of it warn or fail.",
        empty="There is no table of quality to draw.",
        fixed_height=1.2 + 0.36 * tables,
    )


def _count_clear(rows: pd.DataFrame) -> str:
    """Count the gains and losses of an outcome, hints of them apart."""
    weak = pd.to_numeric(rows["evidence"]).lt(ADJUSTED_GRADE).fillna(False).astype(bool)
    gains, losses = (rows["finding"] == key for key in ("gain", "loss"))
    sound = int((gains & ~weak).sum())
    parts = [f"{format_count(sound) if sound else 'none'} of {len(rows)} with a gain"]
    parts += [
        f"{format_count(chosen.sum())} {what}"
        for chosen, what in (
            (gains & weak, "a hint of one"),
            (losses & ~weak, "a loss"),
            (losses & weak, "a hint of a loss"),
        )
        if chosen.any()
    ]
    return ", ".join(parts)


def _count_sources(rows: pd.DataFrame) -> str:
    """Count the designs that the reported estimates come from."""
    counted = [
        f"{format_count((rows['stage'] == stage).sum())} {words}"
        for stage, words in _SOURCES.items()
        if (rows["stage"] == stage).any()
    ]
    if not counted:
        return ""
    return f"Of {pluralise(len(rows), 'estimate')}: {join_words(counted)}."


def _rescale(rows: pd.DataFrame) -> pd.DataFrame:
    """Write shares of a target in percentage points, as the tables do."""
    scaled = rows.copy()
    for unit in set(rows["unit"]):
        name, scale = find_scale(str(unit))
        chosen = (rows["unit"] == unit) & (rows["unit"] != "probability")
        if scale != 1:
            columns = ["estimate", "std_error", "ci_low", "ci_high"]
            scaled.loc[chosen, columns] = rows.loc[chosen, columns] * scale
            scaled.loc[chosen, "unit"] = name
    return scaled


def _name_rows(rows: pd.DataFrame) -> list[str]:
    """Name rows by persona, with the programme where a persona has several."""
    several = rows["persona"].duplicated(keep=False)
    return [
        f"{row.label}, {row.program}" if double else str(row.label)
        for row, double in zip(rows.itertuples(), several, strict=True)
    ]


def _state_reported(rows: pd.DataFrame) -> str:
    """State the reported effect and what no adjustment would have shown."""
    unit = str(rows["unit"].iloc[0])
    reported = rows[rows["headline"].astype(bool)]["estimate"]
    naive = rows[rows["method"] == _NAIVE]["estimate"]
    parts = []
    if len(reported):
        parts.append(split_effect(reported.iloc[0], unit)[0])
    if len(naive):
        parts.append(f"{split_effect(naive.iloc[0], unit)[0]} without adjustment")
    return ", ".join(parts) or "not reported"
