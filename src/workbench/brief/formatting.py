"""The only place of the brief that rounds: numbers as executives read them."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from workbench.core.quarters import Quarter

__all__ = [
    "MINUS",
    "MISSING",
    "find_scale",
    "format_change",
    "format_count",
    "format_date",
    "format_effect",
    "format_interval",
    "format_level",
    "format_p_value",
    "format_percent",
    "format_percent_range",
    "format_quality",
    "format_quarter",
    "format_score",
    "format_share",
    "format_step",
    "format_value",
    "is_missing",
    "pluralise",
    "split_effect",
]

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"
_NO_BREAK = "\N{NO-BREAK SPACE}"
_PROBABILITY = {"probability", "share of people"}
_SHARE = {"share", "share of target", "ratio to target", "attainment"}
_WHOLE_PERCENT_FROM = 0.2
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, NA or infinite, so cannot be shown."""
    if value is None:
        return True
    try:
        return not math.isfinite(float(value))
    except (TypeError, ValueError):
        return True


def format_value(value: Any, digits: int, *, signed: bool = False) -> str:
    """Write a number with fixed decimals, thousands commas and a true minus sign."""
    if is_missing(value):
        return MISSING
    rounded = round(float(value), digits)
    if rounded == 0:
        return f"{0:.{digits}f}"
    text = f"{abs(rounded):,.{digits}f}"
    if rounded < 0:
        return MINUS + text
    return f"+{text}" if signed else text


def format_count(value: Any) -> str:
    """Write a count of people or rows: ``3,412``."""
    return format_value(value, 0)


def pluralise(count: Any, one: str, many: str | None = None) -> str:
    """Write a count with its noun: ``1 learner``, ``3,412 learners``."""
    noun = one if format_count(count) == "1" else many or f"{one}s"
    return f"{format_count(count)}{_NO_BREAK}{noun}"


def format_percent(share: Any, *, signed: bool = False, digits: int = 1) -> str:
    """Write a share (0.056) as per cent: ``5.6 %``."""
    if is_missing(share):
        return MISSING
    number = format_value(float(share) * 100, digits, signed=signed)
    return f"{number}{_NO_BREAK}%"


def format_score(score: Any) -> str:
    """Write a score of 100, rounded down, so that 100 means no fault."""
    return MISSING if is_missing(score) else str(math.floor(float(score)))


def format_quality(share: Any) -> str:
    """Write a share of good rows, rounded down, so that 100 % means all."""
    if is_missing(share):
        return MISSING
    return f"{math.floor(float(share) * 1000) / 10:g}{_NO_BREAK}%"


def format_share(part: Any, whole: Any) -> str:
    """Write a part of a whole as per cent, without decimals from 10 % on."""
    if is_missing(part) or is_missing(whole) or float(whole) == 0:
        return MISSING
    share = float(part) / float(whole)
    return format_percent(share, digits=0 if share >= 0.1 or share == 0 else 1)


def format_percent_range(low: Any, high: Any) -> str:
    """Write two signed shares as one range: ``+2.0 to +9.1 %``."""
    if is_missing(low) or is_missing(high):
        return MISSING
    digits = _percent_digits(low, high)
    left = format_value(float(low) * 100, digits, signed=True)
    right = format_value(float(high) * 100, digits, signed=True)
    return f"{left} to {right}{_NO_BREAK}%"


def format_change(share: Any, low: Any = None, high: Any = None) -> str:
    """Write a relative effect with as many decimals as its interval bears."""
    shown = [item for item in (share, low, high) if not is_missing(item)]
    return format_percent(share, signed=True, digits=_percent_digits(*shown))


def format_effect(value: Any, unit: str, *, signed: bool = True) -> str:
    """Write an effect in its own unit.

    Parameters
    ----------
    value : float
        On the outcome's natural scale; a probability difference as a share.
    unit : str
        The unit of the result table: ``probability`` becomes "of 100 people", a
        share of a target becomes percentage points, others follow the number.
    signed : bool
        Whether a positive number bears a plus sign.

    Returns
    -------
    str
        The number with its unit, or an en dash where it is missing.
    """
    if is_missing(value):
        return MISSING
    scale, digits, words = _unit_words(unit)
    number = format_value(float(value) * scale, digits, signed=signed)
    return f"{number}{_NO_BREAK}{words}" if words else number


def find_scale(unit: str) -> tuple[str, float]:
    """Return the unit that an effect is shown in, and the factor that leads there."""
    scale, _, words = _unit_words(unit)
    return words, scale


def split_effect(value: Any, unit: str) -> tuple[str, str]:
    """Write an effect as number and short unit: ``+4.6`` and ``of 100``."""
    number, _, words = format_effect(value, unit).partition(_NO_BREAK)
    if unit in _PROBABILITY:
        return number, "of 100"
    return number, words.replace("percentage ", "").partition(" of ")[0]


def format_level(value: Any, unit: str) -> str:
    """Write a level, not a difference: ``81.9 of 100 people``, ``3.21 rating points``.

    A share of a target is written as per cent.
    """
    if unit in _SHARE:
        return format_percent(value)
    return format_effect(value, unit, signed=False)


def format_step(before: Any, after: Any, unit: str) -> str:
    """Write two levels, the unit once: ``from 81.9 to 86.5 of 100 people``."""
    if is_missing(before) or is_missing(after):
        return MISSING
    first = format_level(before, unit).partition(_NO_BREAK)[0]
    return f"from {first} to {format_level(after, unit)}"


def format_interval(low: Any, high: Any, unit: str) -> str:
    """Write an interval in its own unit, the unit once: ``0.02 to 0.24``."""
    if is_missing(low) or is_missing(high):
        return MISSING
    scale, digits, _ = _unit_words(unit)
    left = format_value(float(low) * scale, digits, signed=True)
    right = format_value(float(high) * scale, digits, signed=True)
    return f"{left} to {right}"


def format_p_value(value: Any) -> str:
    """Write a p-value: three decimals, ``< 0.001`` below that."""
    if is_missing(value):
        return MISSING
    number = float(value)
    return f"<{_NO_BREAK}0.001" if number < 0.001 else f"{number:.3f}"


def format_date(day: date) -> str:
    """Write a day in words: ``30 September 2026``."""
    return f"{day.day}{_NO_BREAK}{_MONTHS[day.month - 1]} {day.year}"


def format_quarter(quarter: Quarter | str) -> str:
    """Write a quarter for reading: ``2026 Q3``."""
    text = str(quarter)
    return f"{text[:4]}{_NO_BREAK}{text[4:]}"


def _percent_digits(*shares: Any) -> int:
    """Return one decimal, or none once every part of the number reaches 20 %."""
    largest = max((abs(float(item)) for item in shares), default=0.0)
    return 0 if largest >= _WHOLE_PERCENT_FROM else 1


def _unit_words(unit: str) -> tuple[float, int, str]:
    """Return scale, decimals and words of a unit."""
    if unit in _PROBABILITY:
        return 100.0, 1, f"of 100{_NO_BREAK}people"
    if unit in _SHARE:
        return 100.0, 1, "percentage points"
    if unit == "days":
        return 1.0, 0, "days"
    if "points" in unit and "rating" not in unit:
        return 1.0, 1, unit
    return 1.0, 2, unit
