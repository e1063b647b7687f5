"""What an action is expected to do: with interval and unit, or in words not known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.prescribe.rules.language import Expected

__all__ = ["NOT_KNOWN", "PATH_THRESHOLDS", "THRESHOLDS", "Effect", "Effects"]

NOT_KNOWN = "not known"
"""Unit of an effect that nobody estimated."""

THRESHOLDS = "thresholds"
"""Unit of module values: 1 is one smallest worthwhile change."""

PATH_THRESHOLDS = "thresholds, for the whole path"
"""Unit of the value of a path, which one of its modules does not have by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An expected effect; NaN where it is not known, and ``text`` says why."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    unit: str = NOT_KNOWN
    text: str = NOT_KNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Where effects are looked up.

    Attributes
    ----------
    modules : DataFrame
        The persona's rows of ``modules``: ``module``, ``impact``, ``impact_low``,
        ``impact_high`` (thresholds), ``identified``, ``explore``.
    paths : DataFrame
        The persona's rows of ``paths``: ``program``, ``module``.
    summary : DataFrame or None
        The persona's rows of ``path_summary``: ``program`` and the same numbers.
    """

    modules: pd.DataFrame
    paths: pd.DataFrame
    summary: pd.DataFrame | None = None

    def find(self, expected: Expected, module: str) -> Effect:
        """Return the effect of an action.

        Parameters
        ----------
        expected : Expected
            Where the rule looks for it.
        module : str
            The module proposed; empty for other actions.

        Returns
        -------
        Effect
            Never made up: without an estimate it is not known, with the reason.
        """
        if expected.source == "declared":
            return _declare(expected)
        if expected.source == "module":
            return self._find_module(module)
        if expected.source == "path":
            return self._find_path(module)
        return _unknown(expected.citation)

    def _find_module(self, module: str) -> Effect:
        rows = self.modules[self.modules["module"] == module]
        if rows.empty:
            return _unknown("the module belongs to no programme that was compared")
        row = rows.iloc[0]
        if not bool(row["identified"]):
            return _unknown("it cannot be told from the effect of the whole programme")
        return _read(row, THRESHOLDS, "the module's estimate of this quarter")

    def _find_path(self, module: str) -> Effect:
        rows = self.paths[self.paths["module"] == module]
        if self.summary is None or rows.empty:
            return _unknown("the path was not valued")
        own = self.summary[self.summary["program"] == rows["program"].iloc[0]]
        if own.empty:
            return _unknown("the path was not valued")
        return _read(
            own.iloc[0], PATH_THRESHOLDS, "the path's estimate of this quarter"
        )


def _read(row: Any, unit: str, words: str) -> Effect:
    """Read impact and interval, if they are numbers."""
    value, low, high = (
        float(row[name]) for name in ("impact", "impact_low", "impact_high")
    )
    if not all(map(math.isfinite, (value, low, high))):
        return _unknown("this quarter's data do not give an estimate")
    return _state(value, low, high, unit, words)


def _declare(expected: Expected) -> Effect:
    """Return an effect that the file declares; all its numbers were checked there."""
    value, low, high = (
        math.nan if number is None else number
        for number in (expected.value, expected.low, expected.high)
    )
    return _state(value, low, high, expected.unit, f"declared: {expected.citation}")


def _state(value: float, low: float, high: float, unit: str, words: str) -> Effect:
    none = "; it may be none" if low <= 0 <= high else ""
    text = f"{value:.2f} {unit} ({low:.2f} to {high:.2f}){none}; {words}"
    return Effect(value=value, low=low, high=high, unit=unit, text=text)


def _unknown(reason: str) -> Effect:
    return Effect(text=f"{NOT_KNOWN}: {reason}" if reason else NOT_KNOWN)
