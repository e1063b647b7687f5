"""What the sponsor is asked to decide, derived from the results by fixed rules."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.brief.effects import ADJUSTED_GRADE, adjust_p_values
from workbench.brief.experiments import (
    list_own_rows,
    name_experiment,
    read_experiments,
)
from workbench.brief.formatting import (
    format_effect,
    format_interval,
    format_score,
    format_value,
    is_missing,
)
from workbench.brief.labels import label_outcome
from workbench.brief.narrative import join_words
from workbench.brief.results import BriefData
from workbench.brief.stopped import STOPPED

__all__ = ["Decision", "list_decisions"]

_FOUR_FIFTHS = 0.8
_POOR_SCORE = 60.0
_LEVEL = 0.05
_NOTABLE = 1.1
_MOST = 8


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision asked for: its verb, and the sentence that follows it."""

    verb: str
    text: str


def list_decisions(data: BriefData, effects: pd.DataFrame) -> tuple[Decision, ...]:
    """List the decisions that the quarter's numbers call for, the pressing ones first.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    effects : DataFrame
        From `select_effects`.

    Returns
    -------
    tuple of Decision
        At most eight. An experiment that was stopped asks to be drawn again, one that
        breaks a guardrail for a review. A loss asks for a review; a gain without loss
        to continue, or to confirm where its grade is below 2; outcomes that all stay in
        their thresholds not to extend; anything else to measure again, with how many
        more learners it takes. Sources that score below 60 follow, and groups that
        learn less than four fifths as often as others, beyond chance once all groups
        are counted.
    """
    rows = effects[
        ~effects["control"].astype(bool)
        & ~effects["finding"].isin(["suppressed", "unanswered"])
    ]
    groups = [group for _, group in rows.groupby(["persona", "program"], sort=False)]
    found = [_decide(data, group) for group in groups]
    order = ("Review", "Continue", "Confirm", "Do not extend", "Measure again")
    programs = sorted(found, key=lambda item: order.index(item.verb))
    return (
        *_repeat_tests(data),
        *programs,
        *_repair_sources(data),
        *_open_access(data),
    )[:_MOST]


def _repeat_tests(data: BriefData) -> list[Decision]:
    """Ask to draw stopped experiments again, and to look at broken guardrails."""
    found = []
    for row in read_experiments(data).to_dict("records"):
        named = {str(key): item for key, item in row.items()}
        persona = str(named["persona"])
        what = f"{name_experiment(data, named)} for {data.label_of(persona)}"
        if named["status"] == STOPPED:
            found.append(
                Decision(
                    "Draw again",
                    f"the experiment on {what}, once it is known why its arms do not "
                    "have the sizes they should.",
                )
            )
        broken = [
            label_outcome(data, str(item["outcome"]))
            for item in list_own_rows(data, named, "guardrails", persona)
            if item.get("verdict") == "broken"
        ]
        if broken:
            found.append(
                Decision(
                    "Review",
                    f"{what}: in the experiment {join_words(broken)} got worse by more "
                    "than its guardrail allows.",
                )
            )
    return found


def _decide(data: BriefData, group: pd.DataFrame) -> Decision:
    """Decide on one programme for one persona."""
    what = _name(data, group)
    losses = group[group["finding"] == "loss"]
    gains = group[group["finding"] == "gain"]
    if not losses.empty:
        return Decision(
            "Review",
            f"{what} before the next intake: {_list_clear(losses)}, against what is "
            f"wanted{_add_gains(gains)}.",
        )
    if _is_sound(gains).any():
        return Decision("Continue", f"{what}: {_list_clear(gains)}.")
    if not gains.empty:
        return Decision(
            "Confirm",
            f"{what} with a second design before it is extended: "
            f"{_list_clear(gains)}, from a comparison that fails a check or has too "
            "few people.",
        )
    if (group["finding"] == "none").all():
        outcomes = join_words(group["outcome_label"])
        return Decision(
            "Do not extend", f"{what}: no change that matters in {outcomes}."
        )
    return Decision("Measure again", f"{what}{_need_more(group)}.")


def _add_gains(gains: pd.DataFrame) -> str:
    sound = _is_sound(gains)
    start = "; it gains in " if sound.any() else "; "
    return "" if gains.empty else f"{start}{_list_clear(gains)}"


def _is_sound(rows: pd.DataFrame) -> pd.Series:
    """Tell which effects pass their checks; the others are hints."""
    return pd.to_numeric(rows["evidence"]).fillna(-1).astype(float) >= ADJUSTED_GRADE


def _list_clear(rows: pd.DataFrame) -> str:
    """Write clear effects, those that are hints as hints and last."""
    sound = _is_sound(rows)
    parts = [_list_effects(rows[sound])] if sound.any() else []
    if not sound.all():
        hints = rows[~sound]
        finding = str(hints["finding"].iloc[0])
        parts.append(f"only a hint of a {finding} in {_list_effects(hints)}")
    return "; ".join(parts)


def _name(data: BriefData, group: pd.DataFrame) -> str:
    first = group.iloc[0]
    program = data.label_program(str(first["program"]))
    return f"“{program}” for {first['label']}"


def _list_effects(rows: pd.DataFrame) -> str:
    """Write effects with interval and grade, one after another."""
    parts = []
    for _, row in rows.iterrows():
        unit = str(row["unit"])
        size = format_effect(row["estimate"], unit)
        interval = format_interval(row["ci_low"], row["ci_high"], unit)
        grade = (
            "" if is_missing(row["evidence"]) else f", evidence {int(row['evidence'])}"
        )
        parts.append(f"{row['outcome_label']} {size} ({interval}{grade})")
    return join_words(parts)


def _need_more(group: pd.DataFrame) -> str:
    """Say how many times as many learners bring an interval down to the threshold.

    The width of an interval falls with the root of the number of learners.
    """
    open_rows = group[group["finding"] == "unclear"]
    half = (open_rows["ci_high"] - open_rows["ci_low"]).astype(float) / 2
    ratio = (half / open_rows["threshold"].astype(float)) ** 2
    ratio = ratio[ratio.notna() & (ratio > _NOTABLE) & (ratio < math.inf)]
    if ratio.empty:
        return ": no effect beyond the error yet"
    outcome = open_rows.loc[ratio.idxmin(), "outcome_label"]
    times = format_value(ratio.min(), 1)
    return (
        f": no effect beyond the error yet; with {times} times as many learners the "
        f"interval for {outcome} would be no wider than its threshold either way"
    )


def _repair_sources(data: BriefData) -> list[Decision]:
    """Ask for the repair of sources whose score fails."""
    quality = data.stage("audit").table("quality")
    if not {"source", "source_score"} <= set(quality.columns):
        return []
    scores = quality.groupby("source", sort=False)["source_score"].min()
    poor = scores[scores < _POOR_SCORE].sort_values()
    return [
        Decision(
            "Repair",
            f"the source {name}: it scores {format_score(score)} of 100, see data "
            "quality.",
        )
        for name, score in poor.items()
    ]


def _test_ratios(access: pd.DataFrame) -> pd.Series:
    """Return p-values of equal access, from the intervals of the log ratios."""
    from scipy.stats import norm

    logs = np.log(access[["ratio", "ratio_ci_low", "ratio_ci_high"]].astype(float))
    errors = (logs["ratio_ci_high"] - logs["ratio_ci_low"]) / (2 * norm.ppf(0.975))
    return pd.Series(2 * norm.sf(logs["ratio"].abs() / errors), index=access.index)


def _open_access(data: BriefData) -> list[Decision]:
    """Ask why groups take part less, the largest difference first."""
    access = data.stage("personas").table("access")
    if not {"ratio", "ratio_ci_high", "suppressed"} <= set(access.columns):
        return []
    shown = access[~access["suppressed"].astype(bool) & access["ratio"].gt(0)]
    unequal = adjust_p_values(_test_ratios(shown)) <= _LEVEL
    low = shown[(shown["ratio"] < _FOUR_FIFTHS) & unequal]
    return [
        Decision(
            "Find out",
            f"why {row['group']} ({str(row['group_by']).replace('_', ' ')}) among "
            f"{data.label_of(str(row['persona']))} learn "
            f"{format_value(row['ratio'], 2)} times as often as others "
            f"({format_value(row['ratio_ci_low'], 2)} to "
            f"{format_value(row['ratio_ci_high'], 2)}).",
        )
        for _, row in low.sort_values("ratio").head(2).iterrows()
    ]
