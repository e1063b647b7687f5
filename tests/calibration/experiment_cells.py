"""Cells for experiments: the offer, completing, few teams, waves."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.calibration.cells import PLAIN, Cell, Measured
from tests.calibration.experiment_draws import (
    TAKEN,
    draw_people,
    draw_teams,
    draw_waves,
)
from workbench.cohorts.experiment_frames import Experiment
from workbench.core.errors import DesignError
from workbench.impact.experiment.compliance import estimate_cace
from workbench.impact.experiment.drawn import read_drawn
from workbench.impact.experiment.lee_bounds import bound_lee
from workbench.impact.experiment.randomised import estimate_adjusted, estimate_itt
from workbench.impact.experiment.stepped_wedge import (
    SteppedWedge,
    estimate_stepped_wedge,
)

Draw = Callable[[int], Experiment]

OFFER = "effect of being offered the programme"
COMPLETING = "effect of completing it on those whom the offer moves"
EXPOSED = "effect of an exposed period"
BEFORE = "a comparison of after with before"
ROWS = "the error that takes every row by itself"
KNOWN = "the difference of those whose outcome is known"
POOLED = "the test that takes both spreads for one"
TWO_STAGE = "the ordinary two-stage interval"
EFFECT = 0.4
STEADY = "wedge_constant_effect"
_NORMAL = 1.959964
_FEW_DRAWS = 99


def measure_offer(
    seed: int, *, draw: Draw, truth: float, adjusted: bool = False, usual: bool = False
) -> Measured:
    """Draw an experiment, and compare the effect of the offer with its truth."""
    drawn = read_drawn(draw(seed))
    plain = estimate_itt(drawn)
    effect = estimate_adjusted(drawn, covariates=()).effect if adjusted else plain
    low, high = effect.interval(0.05)
    half = _NORMAL * plain.plain_error if usual else math.nan
    return Measured(
        estimate=effect.value,
        std_error=effect.std_error,
        ci_low=low,
        ci_high=high,
        truth=truth,
        naive=math.nan,
        warned=False,
        usual_low=plain.value - half,
        usual_high=plain.value + half,
    )


def measure_completing(seed: int, *, draw: Draw, truth: float) -> Measured:
    """Draw an experiment, and compare the effect of completing with its truth.

    The raw difference is that between those who completed and the others.
    """
    drawn = read_drawn(draw(seed))
    found = estimate_cace(drawn, itt_p=estimate_itt(drawn).p_value())
    if found.effect is None:
        raise DesignError.build(found.text)
    learnt = drawn.frame["learnt"].to_numpy(dtype=bool)
    low, high = found.effect.interval(0.05)
    return Measured(
        estimate=found.effect.value,
        std_error=found.effect.std_error,
        ci_low=found.interval[0],
        ci_high=found.interval[1],
        truth=truth,
        naive=float(drawn.outcome[learnt].mean() - drawn.outcome[~learnt].mean()),
        warned=found.weak,
        usual_low=low,
        usual_high=high,
    )


def measure_lost(seed: int, *, draw: Draw) -> Measured:
    """Bound no effect where people of low outcome are lost from one side only.

    The usual way compares those whose outcome is known.
    """
    experiment = draw(seed)
    found = bound_lee(experiment)
    known = estimate_itt(read_drawn(experiment))
    if found is None:
        raise DesignError.build("Nobody was lost")
    low, high = known.interval(0.05)
    return Measured(
        estimate=(found.low + found.high) / 2,
        std_error=(found.ci_high - found.ci_low) / (2 * _NORMAL),
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        truth=0.0,
        naive=math.nan,
        warned=False,
        usual_low=low,
        usual_high=high,
    )


def measure_waves(
    seed: int, *, draw: Draw, truth: float, method: str = "effect", usual: str = ""
) -> Measured:
    """Draw a stepped wedge, and compare its effect with the truth."""
    found = estimate_stepped_wedge(draw(seed), seed=seed % 1000, draws=_FEW_DRAWS)
    effect = found.effect if method == "effect" else found.average
    if effect is None:
        raise DesignError.build("The starts do not allow an average")
    low, high = effect.interval(0.05)
    beside = _read_usual(found, usual)
    failed = sorted(item.check for item in found.checks if item.passed is False)
    return Measured(
        estimate=effect.value,
        std_error=effect.std_error,
        ci_low=low,
        ci_high=high,
        truth=truth,
        naive=found.naive.value,
        warned=STEADY in failed,
        warnings=" ".join(failed),
        usual_low=beside[0],
        usual_high=beside[1],
    )


def _read_usual(found: SteppedWedge, usual: str) -> tuple[float, float]:
    if usual == BEFORE:
        return found.naive.interval(0.05)
    if usual == ROWS:
        row = found.inference.set_index("method").loc["row"]
        return float(row["ci_low"]), float(row["ci_high"])
    return math.nan, math.nan


def _waves(
    name: str,
    design: str,
    *,
    truth: float = 0.0,
    more: dict[str, Any] | None = None,
    **settings: Any,
) -> Cell:
    chosen: dict[str, Any] = more or {}
    draw = partial(draw_waves, **settings)
    return Cell(
        name=name,
        family="ab",
        design=design,
        estimand=EXPOSED,
        measure=partial(
            measure_waves, draw=draw, truth=truth, usual=chosen.get("usual", "")
        ),
        **chosen,
    )


def _list_waves() -> list[Cell]:
    still = {"no_effect": True}
    return [
        _waves("wedge_effect", "12 teams start in four waves", truth=0.3),
        _waves(
            "wedge_no_effect",
            "12 teams start in four waves, no effect, everybody improves with time",
            effect=0.0,
            more={**still, "usual": BEFORE},
        ),
        _waves(
            "wedge_shocks",
            "12 teams with good and bad periods of their own, no effect",
            effect=0.0,
            wobble=0.2,
            more={**still, "usual": ROWS},
        ),
        _waves(
            "wedge_growing",
            "the effect grows with time, and is taken to be constant",
            truth=0.55,
            effect=0.1,
            growth=0.3,
            more={"expect": "fails", "must_warn": True},
        ),
        Cell(
            name="wedge_growing_average",
            family="ab",
            design="the same, averaged over the periods since the start",
            estimand=EXPOSED,
            measure=partial(
                measure_waves,
                draw=partial(draw_waves, effect=0.1, growth=0.3),
                truth=0.55,
                method="average",
            ),
        ),
    ]


def _offer(
    name: str, design: str, draw: Draw, *, truth: float = 0.0, **more: Any
) -> Cell:
    options = {key: more.pop(key) for key in ("adjusted",) if key in more}
    return Cell(
        name=name,
        family="ab",
        design=design,
        estimand=OFFER,
        measure=partial(
            measure_offer, draw=draw, truth=truth, usual="usual" in more, **options
        ),
        **more,
    )


def _completing(
    name: str, design: str, draw: Draw, *, truth: float = EFFECT, **more: Any
) -> Cell:
    return Cell(
        name=name,
        family="ab",
        design=design,
        estimand=COMPLETING,
        measure=partial(measure_completing, draw=draw, truth=truth),
        **more,
    )


def list_experiment_cells() -> list[Cell]:
    """List the cells in the order of the published table."""
    people = partial(draw_people, varied=0.3)
    nothing = partial(draw_people, effect=0.0)
    small = partial(draw_people, people=40, share=0.25, effect=0.0, spread=2.5)
    teams = [
        _offer(
            f"ab_teams_{count}",
            f"half of {count} unequal teams are offered it, no effect",
            partial(draw_teams, teams=count),
            no_effect=True,
            usual=PLAIN,
        )
        for count in (8, 12, 20)
    ]
    offered = partial(draw_teams, teams=24, effect=EFFECT, taken=TAKEN)
    return [
        _offer(
            "ab_people",
            "half of 400 people are offered it, seven in ten complete it",
            people,
            truth=EFFECT * TAKEN,
        ),
        _offer(
            "ab_people_adjusted",
            "the same, adjusted for what was known before",
            people,
            truth=EFFECT * TAKEN,
            adjusted=True,
        ),
        _offer(
            "ab_people_no_effect",
            "half of 400 people are offered it, no effect",
            nothing,
            no_effect=True,
        ),
        _offer(
            "ab_people_unequal",
            "10 of 40 people are offered it and spread wider, no effect",
            small,
            no_effect=True,
            usual=POOLED,
        ),
        _completing(
            "ab_completing", "half of 400 people, seven in ten complete it", people
        ),
        _completing(
            "ab_completing_two_sided",
            "the same, others complete it too",
            partial(draw_people, taken=0.5, always=0.2),
        ),
        _completing(
            "ab_completing_weak",
            "of 400 people the offer moves one in six",
            partial(draw_people, taken=0.17, always=0.2),
            usual=TWO_STAGE,
        ),
        *teams,
        _offer(
            "ab_teams_effect",
            "half of 24 unequal teams are offered it",
            offered,
            truth=EFFECT * TAKEN,
        ),
        _offer(
            "ab_teams_adjusted",
            "the same, adjusted for what was known before",
            offered,
            truth=EFFECT * TAKEN,
            adjusted=True,
        ),
        _completing("ab_teams_completing", "the same, effect of completing", offered),
        Cell(
            name="ab_lost",
            family="ab",
            design="half of those below average are lost from one side, no effect",
            estimand="effect on those whose outcome is known either way",
            measure=partial(
                measure_lost, draw=partial(draw_people, effect=0.0, taken=1.0, lost=0.5)
            ),
            expect="at_least",
            no_effect=True,
            usual=KNOWN,
        ),
        *_list_waves(),
    ]
