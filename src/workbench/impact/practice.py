"""What learners say of a programme, and whether managers follow up on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from workbench.cohorts.practice import Practice
from workbench.impact.levels import Level, measure_nps, measure_share, tabulate_levels

__all__ = ["FOLLOW_UP", "LEARNER_NPS", "measure_practice"]

LEARNER_NPS = "learner_nps"
FOLLOW_UP = "manager_actions"

_NPS_NOTE = "Answers of those who chose to answer; a level, not an effect."
_SHARE_NOTE = (
    "Learners whose manager took a coaching action within {days} days of the "
    "completion; a level, not an effect."
)
_OVERALL = ""

_Rows = Callable[[pd.DataFrame], Level]


def measure_practice(
    practice: Iterable[Practice], *, alpha: float = 0.05, min_group: int = 10
) -> pd.DataFrame:
    """Measure learner NPS and how often managers follow up, per programme.

    Both are levels: nobody is compared with anybody.

    Parameters
    ----------
    practice : iterable of Practice
        Of one persona, one per programme.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Fewest different people; below, the row has neither value nor count, nor have
        rows by which it could be told from the total.

    Returns
    -------
    DataFrame
        As `tabulate_levels`: ``measure`` (``learner_nps`` in points from -100 to 100,
        ``manager_actions`` as a share from 0 to 1), ``program``, ``period`` (empty for
        all quarters shown together, then each of them), ``value``, ``low``, ``high``,
        ``std_error``, ``n``, ``unit``, ``target`` (missing where none is set) and
        ``note``. The error of NPS is clustered by person, that of the share by
        manager. A measure whose tables were not loaded has no rows.
    """
    return tabulate_levels(
        [
            row
            for item in practice
            for row in (
                *_measure_answers(item, alpha, min_group),
                *_measure_completions(item, alpha, min_group),
            )
        ]
    )


def _measure_answers(
    practice: Practice, alpha: float, min_group: int
) -> Iterator[dict[str, object]]:
    if practice.answers is None:
        return

    def measure(rows: pd.DataFrame) -> Level:
        return measure_nps(rows, alpha=alpha, min_group=min_group)

    shared = {"unit": "points", "target": math.nan, "note": _NPS_NOTE}
    yield from _list_rows(
        practice, practice.answers, measure, min_group, LEARNER_NPS, shared
    )


def _measure_completions(
    practice: Practice, alpha: float, min_group: int
) -> Iterator[dict[str, object]]:
    if practice.completions is None or practice.managers is None:
        return

    def measure(rows: pd.DataFrame) -> Level:
        return measure_share(
            rows, "followed", cluster="manager", alpha=alpha, min_group=min_group
        )

    target = practice.managers.target
    shared = {
        "unit": "share",
        "target": math.nan if target is None else target,
        "note": _SHARE_NOTE.format(days=practice.managers.within_days),
    }
    yield from _list_rows(
        practice, practice.completions, measure, min_group, FOLLOW_UP, shared
    )


def _list_rows(
    practice: Practice,
    frame: pd.DataFrame,
    measure: _Rows,
    min_group: int,
    name: str,
    shared: dict[str, Any],
) -> Iterator[dict[str, object]]:
    """Yield the row of all quarters together, then one per quarter."""
    levels = {
        period: measure(frame[frame["period"] == period]) for period in practice.periods
    }
    hidden = _hide_small(levels, min_group)
    levels = {_OVERALL: measure(frame), **levels}
    for period, level in levels.items():
        shown = period not in hidden and level.people >= min_group
        yield {
            "measure": name,
            "program": practice.program.id,
            "period": period,
            "value": level.value if shown else math.nan,
            "low": level.low if shown else math.nan,
            "high": level.high if shown else math.nan,
            "std_error": level.std_error if shown else math.nan,
            "n": level.n if shown else None,
            **shared,
        }


def _hide_small(levels: Mapping[str, Level], min_group: int) -> set[str]:
    """Choose quarters to keep back, so that the total does not give away a small one.

    What is kept back together holds at least `min_group` people in two quarters or
    more, or nothing is.
    """
    by_size = sorted(levels, key=lambda period: (levels[period].people, period))
    sizes = [period for period in by_size if levels[period].people > 0]
    if not sizes or levels[sizes[0]].people >= min_group:
        return set()
    hidden: list[str] = []
    for period in sizes:
        small = levels[period].people < min_group
        if small or len(hidden) < 2 or _count(levels, hidden) < min_group:
            hidden.append(period)
    return set(hidden)


def _count(levels: Mapping[str, Level], periods: Iterable[str]) -> int:
    return sum(levels[period].people for period in periods)
