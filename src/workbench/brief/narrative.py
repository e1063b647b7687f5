"""Sentences built from numbers: direction, size, certainty, threshold, nothing more.

All functions return plain text; what shows it escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.brief.formatting import (
    format_effect,
    format_interval,
    format_p_value,
    is_missing,
)

__all__ = [
    "compare_naive",
    "describe_contradiction",
    "describe_effect",
    "join_words",
    "lower_first",
]

_AGAINST = {"did": "against the change of others", "ab": "by chance assignment"}
_CHANCE = {
    "ab_itt": "among those invited by chance than among the others",
    "ab_iv": "than it would be without learning, by chance assignment",
}


def join_words(words: Iterable[str]) -> str:
    """Join words as in a sentence: ``a, b and c``."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def lower_first(text: str) -> str:
    """Lower the first letter, unless the first word is an abbreviation."""
    first = text.split(" ")[0] if text else ""
    if len(first) > 1 and first.upper() == first:
        return text
    return text[:1].lower() + text[1:]


def describe_effect(row: Mapping[str, Any], *, subject: str | None = None) -> str:
    """Write one sentence on one estimate, for any way it can turn out.

    Parameters
    ----------
    row : mapping
        A row of `select_effects`.
    subject : str or None
        Who or what the sentence begins with; by default the persona's label, nothing
        if it is empty.

    Returns
    -------
    str
        Direction, size with interval, and what it means against the threshold; or
        why there is nothing to say.
    """
    who = str(row.get("label", "")) if subject is None else subject
    what = str(row.get("outcome_label", row.get("outcome", "")))
    start = f"{who}: {lower_first(what)}" if who else what
    writers = {
        "gain": _write_clear,
        "loss": _write_clear,
        "none": _write_none,
        "unclear": _write_unclear,
    }
    finding = str(row.get("finding"))
    if finding == "suppressed":
        return f"{start} is not shown, as the comparison rests on too few people."
    if finding == "unanswered":
        why = _text(row.get("limitation")) or "no number could be computed"
        why = why.removeprefix("Not answerable: ").replace("_", " ")
        return f"{start} could not be answered: {lower_first(why.rstrip('.'))}."
    return f"{start} {writers[finding](row)}"


def compare_naive(row: Mapping[str, Any] | None) -> str:
    """Set the plain difference beside the matched one, for one estimate.

    Parameters
    ----------
    row : mapping or None
        A row of `select_effects`.

    Returns
    -------
    str
        Where the plain difference lies outside the matched interval it is called
        selection; otherwise the two are said to agree. Empty without both numbers.
    """
    if row is None or is_missing(row.get("naive")) or is_missing(row.get("estimate")):
        return ""
    unit = str(row["unit"])
    plain = format_effect(row["naive"], unit)
    matched = format_effect(row["estimate"], unit)
    what = lower_first(str(row["outcome_label"]))
    low, high = float(row["ci_low"]), float(row["ci_high"])
    where = f"in {what} of {row['label']}"
    interval = format_interval(low, high, unit)
    against = _AGAINST.get(str(row.get("stage")), "against like colleagues")
    if low <= float(row["naive"]) <= high:
        return (
            f"Comparing learners with everybody else {where} would have shown {plain}, "
            f"which lies within the interval {against} ({matched}, "
            f"{interval})."
        )
    return (
        f"Comparing learners with everybody else {where} would have shown {plain}; "
        f"{against} it is {matched} ({interval}). The difference is "
        "selection: who learns, not what learning did."
    )


def describe_contradiction(row: Mapping[str, Any]) -> str:
    """Say that two designs disagree beyond their errors, and show both."""
    unit = str(row["unit"])
    return (
        f"{row['label']}, {lower_first(str(row['outcome_label']))}: matching says "
        f"{format_effect(row['matched'], unit)}, the doubly robust estimate "
        f"{format_effect(row['doubly_robust'], unit)}. They differ by more than their "
        "errors allow, so neither should be relied on alone."
    )


def _write_clear(row: Mapping[str, Any]) -> str:
    """Write a gain or a loss, and how it stands to the threshold."""
    way = "higher" if float(row["estimate"]) > 0 else "lower"
    wanted = "" if row["finding"] == "gain" else ", against what is wanted"
    if row.get("stage") == "did":
        size = f"changed for the {'better' if row['finding'] == 'gain' else 'worse'}"
        return f"{size} by {_size(row)} against others, before to after{_reach(row)}."
    than = _CHANCE.get(str(row.get("method")), "than among like colleagues")
    return f"is {way} by {_size(row)} {than}{wanted}{_reach(row)}."


def _write_none(row: Mapping[str, Any]) -> str:
    threshold = format_effect(row["threshold"], str(row["unit"]), signed=False)
    return (
        f"did not change by as much as matters: {_size(row, signed=True)} lies within "
        f"{threshold} either way."
    )


def _write_unclear(row: Mapping[str, Any]) -> str:
    low, high = float(row["ci_low"]), float(row["ci_high"])
    size = _size(row, signed=True)
    if low > 0 or high < 0:
        adjusted = format_p_value(row["p_adjusted"])
        return (
            f"is unclear: {size} excludes zero by itself, but not once all comparisons "
            f"are counted (adjusted p = {adjusted})."
        )
    return f"is unclear: {size} leaves room for more, for less and for no change."


def _reach(row: Mapping[str, Any]) -> str:
    """Write how a clear effect stands to its threshold."""
    if row["finding"] != "gain" or is_missing(row.get("threshold")):
        return ""
    threshold = format_effect(row["threshold"], str(row["unit"]), signed=False)
    words = {
        "yes": f"; the whole interval reaches the threshold of {threshold}",
        "no": f"; that stays short of the threshold of {threshold}",
        "unclear": f"; whether it reaches the threshold of {threshold} is open",
    }
    return words.get(_text(row.get("meets_threshold")), "")


def _size(row: Mapping[str, Any], *, signed: bool = False) -> str:
    """Write estimate and interval; unsigned ones run from the smaller size up."""
    unit = str(row["unit"])
    estimate, low, high = (float(row[key]) for key in ("estimate", "ci_low", "ci_high"))
    if signed:
        size = format_effect(estimate, unit)
        return f"{size} ({format_interval(low, high, unit)})"
    if estimate < 0:
        estimate, low, high = -estimate, -high, -low
    interval = format_interval(low, high, unit).replace("+", "")
    return f"{format_effect(estimate, unit, signed=False)} ({interval})"


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
