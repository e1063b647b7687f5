"""What of an action a decision rests on, as a number that tells changes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pandas as pd

__all__ = ["digest_actions"]

_TEXTS = (
    *("action", "course_id", "skill", "behaviour", "title", "reason"),
    *("expected_unit", "expected_text"),
)
_NUMBERS = ("effort_hours", "expected_effect", "expected_low", "expected_high")
_DAYS = ("expires_on",)
_LENGTH = 16


def digest_actions(actions: pd.DataFrame) -> pd.Series:
    """Return a digest of each action as whoever decides on it sees it.

    Parameters
    ----------
    actions : DataFrame
        With ``action_id``; of the other columns of actions, those that are there.

    Returns
    -------
    Series of str
        By ``action_id``: the first 16 hexadecimal digits of the SHA-256 of what is
        proposed (``action``, ``course_id``, ``skill``, ``behaviour``), in which words
        (``title``, ``reason``), at what effort, until when, and to what expected
        effect. Numbers count to six digits, days without their time.
    """
    parts = actions.reindex(columns=[*_TEXTS, *_NUMBERS, *_DAYS])
    columns = [
        *([_write_text(item) for item in parts[name]] for name in _TEXTS),
        *([_write_number(item) for item in parts[name]] for name in _NUMBERS),
        *([_write_day(item) for item in parts[name]] for name in _DAYS),
    ]
    digests = [_digest(values) for values in zip(*columns, strict=True)]
    return pd.Series(digests, index=pd.Index(actions["action_id"]), dtype="str")


def _digest(values: tuple[str | None, ...]) -> str:
    text = json.dumps(values, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def _write_text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


def _write_number(value: Any) -> str | None:
    return None if pd.isna(value) else f"{value:.6g}"


def _write_day(value: Any) -> str | None:
    return None if pd.isna(value) else str(pd.Timestamp(value).date())
