"""The answers of the brief: did learning pay, where, and what would mislead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.brief.effects import ADJUSTED_GRADE
from workbench.brief.formatting import (
    format_change,
    format_count,
    format_effect,
    format_percent_range,
    is_missing,
)
from workbench.brief.narrative import compare_naive, join_words, lower_first
from workbench.brief.scorecard import Kpi

__all__ = ["count_findings", "state_answer", "state_findings", "state_measures"]

_RANDOMISED = 4
_COMPARED = "Learners did better than like colleagues"


def state_answer(effects: pd.DataFrame, cards: Sequence[Kpi], *, quarter: str) -> str:
    """State in one sentence whether learning paid, and whether it was enough.

    Parameters
    ----------
    effects : DataFrame
        From `select_effects`.
    cards : sequence of Kpi
        The scorecard.
    quarter : str
        As it is to be read.

    Returns
    -------
    str
        Plain text without a full stop, fit for a title: in how many personas learners
        did better or worse, counting gains of evidence grade 2 or more, and how many of
        the playbook's targets are met. "Learning helped" is said of randomised evidence
        only; otherwise learners are compared with colleagues.
    """
    answered = _list_answered(effects)
    if answered.empty:
        return f"What learning changed cannot be said for {quarter}"
    grades = pd.to_numeric(answered["evidence"]).fillna(-1)
    gains = answered[(answered["finding"] == "gain") & (grades >= ADJUSTED_GRADE)]
    better, worse = set(gains["persona"]), set(_lose(answered)["persona"])
    total = _several(len(set(answered["persona"])), "persona")
    if better:
        chance = bool((grades[gains.index] >= _RANDOMISED).all())
        verb = "Learning helped" if chance else _COMPARED
        start = f"{verb} in {len(better)} of {total}"
        start += f", worse in {len(worse)}" if worse else ""
    elif worse:
        start = f"{_COMPARED.replace('better', 'worse')} in {len(worse)} of {total}"
    else:
        start = f"In none of {total} did learners do better beyond the error"
    return f"{start}; {_count_targets(cards)}"


def state_measures(cards: Sequence[Kpi]) -> str:
    """State in one sentence what each measure shows over all personas.

    A gain whose evidence grade is below 2 is called a hint. Empty without a number.
    """
    groups: dict[str, list[Kpi]] = {}
    for card in cards:
        if card.pooled is not None:
            groups.setdefault(card.finding, []).append(card)
    parts = [
        *_answer_gains(groups.get("gain", [])),
        _answer_losses(groups.get("loss", [])),
        *_answer_rest(groups),
    ]
    sentence = "; ".join(item for item in parts if item)
    return f"Over all personas {sentence}." if sentence else ""


def state_findings(effects: pd.DataFrame, cards: Sequence[Kpi]) -> tuple[str, ...]:
    """State the quarter's findings in three sentences.

    Parameters
    ----------
    effects : DataFrame
        From `select_effects`; negative controls are left out here.
    cards : sequence of Kpi
        The scorecard.

    Returns
    -------
    tuple of str
        What each measure shows over all personas, where the largest gain lies and who
        gained nothing, and what a comparison with everybody else would have shown.
    """
    answered = _list_answered(effects)
    if answered.empty:
        return ("No comparison of learners with others could be shown this quarter.",)
    sentences = [state_measures(cards), _locate_findings(answered)]
    sentences.append(compare_naive(_largest_selection(answered)))
    return tuple(item for item in sentences if item)


def count_findings(effects: pd.DataFrame) -> str:
    """Count what the comparisons show; empty where there are none."""
    rows = _list_answered(effects)
    if rows.empty:
        return ""
    counts = {
        key: int((rows["finding"] == key).sum())
        for key in ("gain", "loss", "none", "unclear")
    }
    show = "shows" if counts["gain"] == 1 else "show"
    are = "is" if counts["unclear"] == 1 else "are"
    personas, outcomes = len(set(rows["persona"])), len(set(rows["outcome"]))
    total = (
        f"{len(rows)} comparisons ({_several(personas, 'persona')}, "
        f"{_several(outcomes, 'outcome')})"
    )
    grades = pd.to_numeric(rows["evidence"]).fillna(0).astype(float)
    weak = int(((rows["finding"] == "gain") & (grades < ADJUSTED_GRADE)).sum())
    hint = f" ({format_count(weak)} of them only a hint)" if weak else ""
    return (
        f"Of {total}, {format_count(counts['gain'])} {show} a gain{hint}, "
        f"{format_count(counts['loss'])} a loss and {format_count(counts['none'])} no "
        f"change that matters; {format_count(counts['unclear'])} {are} unclear."
    )


def _lose(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["finding"] == "loss"]


def _count_targets(cards: Sequence[Kpi]) -> str:
    """Count the playbook's targets that are met, among those measured."""
    judged = [item for item in cards if item.measure.main and item.verdict]
    met = [item for item in judged if item.verdict == "yes"]
    if not judged:
        return "no target could be judged"
    if not met:
        return "no target is met yet"
    verb = "is" if len(met) == 1 else "are"
    return f"{len(met)} of {_several(len(judged), 'target')} {verb} met"


def _answer_gains(cards: Sequence[Kpi]) -> list[str]:
    """Name the measures that gained, those on weak evidence apart."""
    sound = [item for item in cards if _grade(item) >= ADJUSTED_GRADE]
    weak = [item for item in cards if _grade(item) < ADJUSTED_GRADE]
    parts = []
    if sound:
        parts.append(f"learners did better in {_name_changes(sound)}")
    if weak:
        parts.append(
            f"a gain in {_name_changes(weak)} is a hint only, as part of the "
            "comparison fails a check or has too few people"
        )
    return parts


def _answer_losses(cards: Sequence[Kpi]) -> str:
    return f"learners did worse in {_name_changes(cards)}" if cards else ""


def _answer_rest(groups: Mapping[str, Sequence[Kpi]]) -> list[str]:
    """Name what did not change and what is unclear."""
    parts = []
    if "none" in groups:
        parts.append(f"{_names(groups['none'])} did not change enough to matter")
    if "unclear" in groups:
        verb = "is" if len(groups["unclear"]) == 1 else "are"
        parts.append(f"{_names(groups['unclear'])} {verb} unclear")
    return parts


def _name_changes(cards: Sequence[Kpi]) -> str:
    return join_words(f"{lower_first(item.label)} ({_change(item)})" for item in cards)


def _grade(card: Kpi) -> int:
    """Return a card's evidence grade, -1 where it has none."""
    if card.pooled is None or card.pooled.evidence is None:
        return -1
    return card.pooled.evidence


def _change(card: Kpi) -> str:
    effect, low, high = card.shown
    if card.relative:
        return format_change(effect, low, high)
    return format_effect(effect, card.unit)


def _names(cards: Sequence[Kpi]) -> str:
    return join_words(lower_first(item.label) for item in cards)


def _list_answered(effects: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a number to show, without negative controls."""
    hidden = effects["finding"].isin(["suppressed", "unanswered"])
    return effects[~effects["control"].astype(bool) & ~hidden]


def _locate_findings(rows: pd.DataFrame) -> str:
    """Name the largest gain, every loss, and the personas that gained nothing."""
    parts = []
    gains = rows[rows["finding"] == "gain"]
    if not gains.empty:
        parts.append(_name_largest(gains))
    parts += [
        f"{row.label} did worse in {lower_first(str(row.outcome_label))} "
        f"({format_effect(row.estimate, str(row.unit))})"
        for row in _lose(rows).itertuples()
    ]
    with_gain = set(gains["label"])
    without = [item for item in dict.fromkeys(rows["label"]) if item not in with_gain]
    if without and with_gain:
        parts.append(f"{join_words(without)} gained in no measure beyond the error")
    elif without:
        parts.append("No persona gained in any measure beyond the error")
    return "; ".join(parts) + "." if parts else ""


def _name_largest(gains: pd.DataFrame) -> str:
    """Name the largest gain with its interval; a hint only where there is no other."""
    grades = pd.to_numeric(gains["evidence"]).fillna(-1).astype(float)
    sound = gains[grades >= ADJUSTED_GRADE]
    named = gains if sound.empty else sound
    size = named["relative_effect"].astype(float).abs()
    best = named.loc[size.idxmax()] if size.notna().any() else named.iloc[0]
    low, high = best["relative_ci_low"], best["relative_ci_high"]
    change = format_change(best["relative_effect"], low, high)
    if not is_missing(low) and not is_missing(high):
        change += f" ({format_percent_range(low, high)})"
    what = "gain against its baseline" + (", a hint only," if sound.empty else "")
    where = f"{lower_first(str(best['outcome_label']))} of {best['label']}"
    return f"The largest {what} is {change} in {where}"


def _largest_selection(rows: pd.DataFrame) -> Mapping[str, Any] | None:
    """Return the row whose plain difference is farthest off, in standard errors.

    Rows where it would have announced an effect that is not there come first.
    """
    both = rows[rows["naive"].notna() & (rows["std_error"].astype(float) > 0)]
    if both.empty:
        return None
    outside = (both["naive"] < both["ci_low"]) | (both["naive"] > both["ci_high"])
    announced = (both["naive_low"] > 0) | (both["naive_high"] < 0)
    false = both[outside & announced & both["finding"].isin(["none", "unclear"])]
    both = both if false.empty else false
    off = (both["naive"] - both["estimate"]).astype(float).abs()
    chosen = both.loc[(off / both["std_error"].astype(float)).idxmax()]
    return {str(key): value for key, value in chosen.items()}


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
