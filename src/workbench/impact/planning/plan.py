"""Planning the next experiment: how many people, how long, and what if not enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import pandas as pd

from workbench.cohorts.planning import PlanFacts
from workbench.core.errors import DesignError
from workbench.core.params import Outcome
from workbench.core.quarters import Quarter
from workbench.impact.experiment.crossing import calculate_crossing
from workbench.impact.experiment.power import (
    Precision,
    calculate_power,
    find_detectable,
    find_size,
)
from workbench.impact.experiment.sequential import find_boundary
from workbench.impact.planning.expected_error import (
    dilute_effect,
    expect_cluster,
    expect_individual,
    expect_wedge,
    find_binary_spread,
    plan_waves,
)
from workbench.impact.planning.plan_frames import (
    CURVE_COLUMNS,
    FEWEST,
    LARGE_EFFECT,
    LOOKS,
    MOST_QUARTERS,
    ExperimentPlan,
    PlanRequest,
    check_effect,
    find_largest_effect,
)

__all__ = ["plan_experiment"]

_SHARES = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
_WEDGE_AUTOCORRELATION = 0.8
_CROWD = 1.5


def plan_experiment(facts: PlanFacts, request: PlanRequest) -> ExperimentPlan:
    """Plan an experiment for the quarter asked for, or the next after the data.

    The headline of the later analysis is the unadjusted effect of the offer, so the
    sample is reckoned for it; adjustment for the value before is shown beside it.

    Parameters
    ----------
    facts : PlanFacts
        From `workbench.cohorts.planning.load_plan_facts`.
    request : PlanRequest
        What is wanted.

    Returns
    -------
    ExperimentPlan
        With ``reachable`` false, and all that there is assigned, where that falls
        short.

    Raises
    ------
    DesignError
        If nobody can be assigned, the offer would not change who completes, the mean
        would leave the outcome's scale, or it would begin within the data.
    """
    check_effect(facts, request.effect)
    taken, other, uptake = _choose_uptake(facts, request)
    effect = min(request.effect, find_largest_effect(facts))
    offer = dilute_effect(effect, taken=taken, taken_control=other)
    whole = request.design != "individual"
    supply = _Supply(facts, request, taken)
    sign = 1 if facts.outcome.direction == "up" else -1

    def expect(size: float, effect: float, *, adjusted: bool = False) -> Precision:
        return _expect(facts, request, size, sign * effect, adjusted=adjusted)

    smallest = max(FEWEST[request.design], request.quarters if supply.wedge else 0)
    most = supply.count(request.quarters)
    if most < smallest:
        raise DesignError.build(
            "There are too few to draw from",
            where=f"{facts.persona}, program {facts.program.id}, from {supply.next}",
            rule=f"at least {smallest} {'teams' if whole else 'people'}",
            got=most,
            hint="choose another persona or programme, or other --quarters",
        )
    needed = find_size(
        offer,
        lambda size: expect(size, offer),
        power=request.power,
        alpha=request.alpha,
        smallest=smallest,
    )
    reachable = needed is not None and needed <= most
    size = needed if needed is not None and reachable else most
    gained = taken - other
    found = _detect(partial(expect, size), facts, request, gained)
    quarters = supply.last(size)
    ends_on = supply.next.shift(quarters - 1).last_day
    plain = expect(size, offer)
    doubt = _doubt_icc(facts, request, size, sign * offer) if whole else ()
    return ExperimentPlan(
        request=request,
        facts=facts,
        taken=taken,
        taken_control=other,
        effect=request.effect,
        offer_effect=offer,
        reachable=reachable,
        needed=needed,
        people=round(size * facts.team_size) if whole else size,
        clusters=size,
        quarters=quarters,
        starts_on=supply.next.first_day,
        ends_on=ends_on,
        known_on=_date_outcome(facts.outcome, supply.next.shift(quarters - 1)),
        power=calculate_power(offer, plain, alpha=request.alpha),
        adjusted_power=calculate_power(
            offer, expect(size, offer, adjusted=True), alpha=request.alpha
        ),
        detectable=found / gained,
        offer_detectable=found,
        watched_power=_watch(offer, plain, request),
        curve=_draw_curve(size, smallest, supply, expect, offer, gained),
        notes=(
            *_describe_size(facts, request),
            uptake,
            *supply.describe(size),
            *_describe_design(facts, request),
            *doubt,
        ),
    )


class _Supply:
    """How many people or teams can be assigned by when."""

    def __init__(self, facts: PlanFacts, request: PlanRequest, taken: float) -> None:
        self.facts, self.request = facts, request
        self.next: Quarter = request.start or facts.quarter.shift(1)
        if self.next <= facts.quarter:
            raise DesignError.build(
                "The experiment would begin within the data it is planned with",
                where=f"--start {self.next}",
                rule=f"a quarter after {facts.quarter}, the last one read",
                hint="choose a later --start, or read less with --quarter",
            )
        self.wedge = request.design == "stepped_wedge"
        self.whole = request.design != "individual"
        self.places = facts.learners / taken / request.share
        self.pace = float(request.per_quarter or self.places or math.inf)

    def count(self, quarters: int) -> int:
        """Count those who can have been assigned after so many quarters."""
        if self.whole:
            given = self.request.clusters
            return self.facts.teams if given is None else given
        there = self.facts.eligible + self.facts.arrivals * (quarters - 1)
        return int(min(there, self.pace * quarters))

    def last(self, size: int) -> int:
        """Return the quarter, from 1, in which the last is assigned; 0 for never."""
        if self.wedge:
            return self.request.quarters if size <= self.count(1) else 0
        for quarters in range(1, MOST_QUARTERS + 1):
            if self.count(quarters) >= size:
                return quarters
        return 0

    def describe(self, size: int) -> tuple[str, ...]:
        """Say what the plan assumes about places."""
        learn = (
            f"So far {self.facts.learners:.0f} people complete the programme a quarter"
        )
        if self.whole:
            waves = self.request.quarters if self.wedge else 1
            share = 1.0 if self.wedge else self.request.share
            offered = size * self.facts.team_size * share / waves
            if offered <= _CROWD * self.places * self.request.share:
                return ()
            when = "with each wave" if self.wedge else "at once"
            return (f"{learn}; here {offered:.0f} are offered it {when}.",)
        if self.request.per_quarter:
            return (f"{self.request.per_quarter} people are assigned a quarter.",)
        if math.isinf(self.pace):
            return ("Nobody learnt the programme lately, so no pace is assumed.",)
        return (
            f"{learn}; at that pace {self.pace:.0f} can be assigned a quarter. If there"
            " are more places, say so with --per-quarter.",
        )


def _choose_uptake(facts: PlanFacts, request: PlanRequest) -> tuple[float, float, str]:
    known = facts.uptake
    other = known.taken_control if known else 0.0
    if request.taken is not None:
        return request.taken, other, f"Uptake of {request.taken:.0%} as given."
    if known is None:
        return (
            1.0,
            0.0,
            "Nothing is known about uptake: the plan assumes that all who are offered"
            " the programme complete it, and needs more people if not (--uptake).",
        )
    return (
        known.taken,
        other,
        f"Uptake of {known.taken:.0%} ({other:.0%} of control) as among {known.text}.",
    )


def _expect(
    facts: PlanFacts,
    request: PlanRequest,
    size: float,
    effect: float,
    *,
    adjusted: bool,
    more: float = 0.0,
) -> Precision:
    """Expect the precision of so many people or teams, with `more` added to the ICC."""
    sd, other = _spread(facts, effect)
    left = 1 - facts.attrition
    treated = max(round(size * request.share), 1)
    control = max(size - treated, 1)
    if request.design == "individual":
        return expect_individual(
            sd=sd,
            sd_treated=other,
            treated=treated * left,
            control=control * left,
            correlation=facts.correlation if adjusted else 0.0,
        )
    ratio = facts.adjusted_sd / facts.sd if adjusted else 1.0
    icc = min((facts.adjusted_icc if adjusted else facts.icc) + more, 1.0)
    people = facts.team_size * left
    if request.design == "cluster":
        return expect_cluster(
            sd=sd * ratio,
            sd_treated=other * ratio,
            treated=treated,
            control=control,
            size=people,
            icc=icc,
            size_cv=facts.team_cv,
        )
    starts, periods = plan_waves(int(size), request.quarters)
    whole = min(facts.icc + more, 0.99)
    own = (facts.correlation - whole * _WEDGE_AUTOCORRELATION) / (1 - whole)
    return expect_wedge(
        sd=max(sd, other),
        starts=starts,
        periods=periods,
        size=people,
        icc=whole,
        cluster_autocorrelation=_WEDGE_AUTOCORRELATION,
        person_autocorrelation=min(max(own, 0.0), 0.99) if adjusted else 0.0,
    )


def _spread(facts: PlanFacts, effect: float) -> tuple[float, float]:
    if facts.outcome.kind == "continuous":
        return facts.sd, facts.sd
    return find_binary_spread(facts.mean, effect)


def _detect(
    expect: Callable[[float], Precision],
    facts: PlanFacts,
    request: PlanRequest,
    gained: float,
) -> float:
    """Find the effect of the offer to be found; NaN if completing cannot do so much."""
    highest = find_largest_effect(facts) * gained
    if highest <= 0:
        return math.nan
    return find_detectable(
        expect, power=request.power, alpha=request.alpha, highest=highest
    )


def _watch(effect: float, precision: Precision, request: PlanRequest) -> float:
    """Return the power of the always-valid interval; see `ExperimentPlan`."""
    if request.design != "individual":
        return math.nan
    shares = [look / LOOKS for look in range(1, LOOKS + 1)]
    limits = [find_boundary(share, alpha=request.alpha) for share in shares]
    drift = effect / precision.std_error
    return calculate_crossing(limits, shares=shares, drift=drift)


def _draw_curve(
    size: int,
    smallest: int,
    supply: _Supply,
    expect: Callable[..., Precision],
    offer: float,
    gained: float,
) -> pd.DataFrame:
    """Tabulate power by size around the one planned."""
    facts, request = supply.facts, supply.request
    rows = []
    for count in sorted({max(round(size * share), smallest) for share in _SHARES}):
        found = _detect(partial(expect, count), facts, request, gained)
        rows.append(
            {
                "people": round(count * facts.team_size) if supply.whole else count,
                "clusters": count,
                "quarters": supply.last(count),
                "power": calculate_power(
                    offer, expect(count, offer), alpha=request.alpha
                ),
                "power_adjusted": calculate_power(
                    offer, expect(count, offer, adjusted=True), alpha=request.alpha
                ),
                "detectable": found / gained,
            }
        )
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def _date_outcome(outcome: Outcome, exposure: Quarter) -> date:
    """Return the day on which the outcome of an exposure quarter is known."""
    if outcome.horizon_days is not None:
        return exposure.last_day + timedelta(days=outcome.horizon_days)
    return exposure.shift(outcome.lag_quarters).last_day


def _doubt_icc(
    facts: PlanFacts, request: PlanRequest, size: int, effect: float
) -> tuple[str, ...]:
    """Say what power would be if teams were more alike than they seem."""
    more = facts.icc_error
    worse = _expect(facts, request, size, effect, adjusted=False, more=more)
    power = calculate_power(effect, worse, alpha=request.alpha)
    return (
        "How alike teams are is itself uncertain: were the correlation within teams one"
        f" standard error higher, {facts.icc + more:.3f}, power would be {power:.0%}.",
    )


def _describe_size(facts: PlanFacts, request: PlanRequest) -> tuple[str, ...]:
    """Warn of an effect that is hardly to be believed, and of counts that are old."""
    notes = []
    if facts.outcome.kind == "continuous" and request.effect > LARGE_EFFECT * facts.sd:
        notes.append(
            f"Warning: an effect of {request.effect:.3g} is"
            f" {request.effect / facts.sd:.1f} standard deviations of the outcome."
            " Hardly any programme changes so much: check the unit of --effect."
        )
    counted = facts.quarter.shift(1)
    if request.start is not None and request.start > counted:
        notes.append(
            f"People and teams are counted as of {counted.first_day}, the day after"
            f" the data end; the experiment begins later, on {request.start.first_day}."
        )
    return tuple(notes)


def _describe_design(facts: PlanFacts, request: PlanRequest) -> tuple[str, ...]:
    if request.design == "individual":
        return ()
    if request.design == "cluster":
        return (
            f"Teams have {facts.team_size:.1f} eligible people on average and a"
            f" correlation within teams of {facts.icc:.3f}.",
        )
    return (
        f"One wave of teams starts each quarter, {request.quarters} in all; a quarter"
        " before the first counts as all control. The correlation within a team is"
        f" taken to keep {_WEDGE_AUTOCORRELATION:.0%} of its size from quarter to"
        " quarter. Power with the value before counts the same people being measured"
        " again each quarter.",
    )
