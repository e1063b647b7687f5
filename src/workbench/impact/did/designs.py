"""Every before-and-after design of one panel: the headline and those beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import ConvergenceError, DesignError
from workbench.core.results import Check
from workbench.impact.did.aggregate import (
    aggregate_at_lag,
    aggregate_calendar,
    aggregate_dynamic,
    aggregate_group,
    aggregate_simple,
)
from workbench.impact.did.averages import Aggregate, Family
from workbench.impact.did.doubly_robust import Method
from workbench.impact.did.event_study import EventStudy, estimate_event_study
from workbench.impact.did.group_time import (
    MIN_GROUP,
    GroupTime,
    estimate_group_time,
)
from workbench.impact.did.matched_change import estimate_matched_change
from workbench.impact.did.sun_abraham import estimate_sun_abraham
from workbench.impact.did.two_by_two import TwoByTwo, estimate_two_by_two
from workbench.impact.effects import Effect

__all__ = [
    "HEADLINE",
    "Designs",
    "estimate_designs",
    "estimate_headline",
    "refuse_gently",
]

HEADLINE = "did_cs"
_METHODS: tuple[Method, ...] = ("dr", "reg")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Designs:
    """What every design says.

    Attributes
    ----------
    group_time : GroupTime
        Effects by exposure quarter and quarter, behind the headline.
    headline : Aggregate
        Effect in the quarter of the outcome, over the exposure quarters.
    effects : mapping of str to Effect
        By method, headline first.
    dynamic, course, calendar : Family or None
        Effects by quarters since exposure: steps from one quarter to the next before
        it, and all measured from the last quarter before it; and by quarter.
    event_studies : mapping of str to EventStudy
        By method: ``did_event_study`` and ``did_sun_abraham``, where they could be
        estimated.
    two_by_two : TwoByTwo or None
        The plain comparison of changes.
    refused : tuple of Check
        Designs that could not be estimated, with the reason.
    """

    group_time: GroupTime
    headline: Aggregate
    effects: Mapping[str, Effect]
    dynamic: Family | None
    course: Family | None
    calendar: Family | None
    event_studies: Mapping[str, EventStudy]
    two_by_two: TwoByTwo | None
    refused: tuple[Check, ...]


def estimate_designs(
    panel: Panel, *, pairs: pd.DataFrame | None, min_group: int, alpha: float
) -> Designs:
    """Estimate the headline, and what stands beside it.

    The headline is doubly robust in the panel's fixed covariates, with people who have
    not learnt yet as controls; where that would lose learners it is
    adjusted by regression alone, or not at all, and a check says so.

    Parameters
    ----------
    panel : Panel
        People over quarters.
    pairs : DataFrame, optional
        Matched pairs of the same programme and outcome; see `estimate_matched_change`.
    min_group : int
        Fewest people in an arm of any comparison.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    Designs
        A design beside the headline that fails is listed with its reason.

    Raises
    ------
    DesignError
        Or one of its kinds, if the headline cannot be estimated.
    """
    refused: list[Check] = []
    group_time, headline, fallback = estimate_headline(panel, min_group=min_group)
    refused += fallback
    two_by_two = refuse_gently("did_2x2", lambda: estimate_two_by_two(panel), refused)
    studies = {
        "did_event_study": refuse_gently(
            "did_event_study",
            lambda: estimate_event_study(panel, alpha=alpha),
            refused,
        ),
        "did_sun_abraham": refuse_gently(
            "did_sun_abraham",
            lambda: estimate_sun_abraham(panel, alpha=alpha),
            refused,
        ),
    }
    found = {name: study for name, study in studies.items() if study is not None}
    dynamic = refuse_gently(
        "did_cs_dynamic", lambda: aggregate_dynamic(group_time), refused
    )
    course = refuse_gently(
        "did_cs_course",
        lambda: aggregate_dynamic(
            _estimate(
                panel,
                min_group,
                method=group_time.method,
                covariates=group_time.covariates,
                base="universal",
            )
        ),
        refused,
    )
    calendar = refuse_gently(
        "did_cs_calendar", lambda: aggregate_calendar(group_time), refused
    )
    effects = {HEADLINE: headline.effect(method=HEADLINE)}
    effects |= _vary(panel, pairs, group_time, min_group, refused)
    if two_by_two is not None:
        effects["did_2x2"] = two_by_two.effect
    effects |= _summarise(group_time, dynamic, calendar, refused)
    effects |= {item.overall.method: item.overall for item in found.values()}
    return Designs(
        group_time=group_time,
        headline=headline,
        effects=effects,
        dynamic=dynamic,
        course=course,
        calendar=calendar,
        event_studies=found,
        two_by_two=two_by_two,
        refused=tuple(refused),
    )


def refuse_gently(
    method: str, estimate: Callable[[], _T], refused: list[Check]
) -> _T | None:
    """Estimate, or write down why it cannot be done and return None."""
    try:
        return estimate()
    except (DesignError, ConvergenceError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        refused.append(
            Check(check=method, passed=None, text=f"Not estimated: {reason}.")
        )
        return None


def estimate_headline(
    panel: Panel, *, min_group: int = MIN_GROUP
) -> tuple[GroupTime, Aggregate, list[Check]]:
    """Estimate doubly robustly, or by regression where that would lose learners.

    Where a covariate tells the learners of a quarter apart from everybody else, no
    chance of learning can be estimated, and doubly robust effects do not exist. The
    choice depends on who learnt and on the covariates, never on the outcome.

    Parameters
    ----------
    panel : Panel
        People over quarters.
    min_group : int
        Fewest people in an arm of a cell.

    Returns
    -------
    tuple of GroupTime, Aggregate, list of Check
        Effects by group and period, their average in the quarter of the outcome, and
        a check where they are not doubly robust.

    Raises
    ------
    DesignError
        Or one of its kinds, if there is no effect in the quarter of the outcome.
    """
    plain = _estimate(panel, min_group, covariates=())
    most = _read_headline(panel, plain)
    if not panel.covariates:
        return plain, most, []
    for method in _METHODS:
        try:
            group_time = _estimate(panel, min_group, method=method)
            headline = _read_headline(panel, group_time)
        except (DesignError, ConvergenceError):
            continue
        if headline.n_treated == most.n_treated:
            return group_time, headline, _say_method(method)
    return plain, most, _say_method("none")


def _estimate(panel: Panel, min_group: int, **options: Any) -> GroupTime:
    """Estimate group-time effects with errors that hold for small groups too."""
    return estimate_group_time(panel, min_group=min_group, small_sample=True, **options)


def _say_method(method: str) -> list[Check]:
    """Return a check where the headline is not doubly robust."""
    if method == "dr":
        return []
    instead = (
        "Adjusted by regression alone"
        if method == "reg"
        else "Estimated without covariates"
    )
    return [
        Check(
            check="doubly_robust",
            passed=False,
            text=f"{instead}: some covariates tell the learners of a quarter apart from"
            " all others, so that no chance of learning can be estimated.",
            advice="The adjustment then rests on straight lines."
            if method == "reg"
            else "Trends are assumed to be parallel for all kinds of people alike.",
        )
    ]


def _read_headline(panel: Panel, group_time: GroupTime) -> Aggregate:
    return aggregate_at_lag(group_time, exposures=panel.exposures, lag=panel.lag)


def _vary(
    panel: Panel,
    pairs: pd.DataFrame | None,
    main: GroupTime,
    min_group: int,
    refused: list[Check],
) -> dict[str, Effect]:
    """Estimate variants of the headline, each changing one choice."""
    used, form = main.covariates, main.method

    def read(method: str, group_time: GroupTime) -> Effect:
        return _read_headline(panel, group_time).effect(method=method)

    variants: dict[str, Callable[[], Effect]] = {
        "did_cs_earlier": lambda: read(
            "did_cs_earlier",
            _estimate(panel, min_group, method=form, covariates=used, anticipation=1),
        ),
        "did_cs_never": lambda: read(
            "did_cs_never",
            _estimate(panel, min_group, method=form, covariates=used, control="never"),
        ),
    }
    if used:
        variants["did_cs_unadjusted"] = lambda: read(
            "did_cs_unadjusted",
            _estimate(panel, min_group, covariates=()),
        )
    if pairs is not None and len(pairs):
        variants["did_matched"] = lambda: estimate_matched_change(
            panel, pairs, min_group=min_group
        )
    made = {
        name: refuse_gently(name, estimate, refused)
        for name, estimate in variants.items()
    }
    return {name: effect for name, effect in made.items() if effect is not None}


def _summarise(
    group_time: GroupTime,
    dynamic: Family | None,
    calendar: Family | None,
    refused: list[Check],
) -> dict[str, Effect]:
    """Return the four overall averages of the group-time effects."""
    simple = refuse_gently(
        "did_cs_simple", lambda: aggregate_simple(group_time), refused
    )
    group = refuse_gently("did_cs_group", lambda: aggregate_group(group_time), refused)
    averages = {
        "did_cs_simple": simple,
        "did_cs_dynamic": dynamic.overall if dynamic else None,
        "did_cs_group": group.overall if group else None,
        "did_cs_calendar": calendar.overall if calendar else None,
    }
    return {
        name: item.effect(method=name)
        for name, item in averages.items()
        if item is not None
    }
