"""Cells for matching: cohorts of known effect on the learners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tests.calibration.cells import PLAIN, Cell, Measured, take_plain_error
from tests.impact.simulate import (
    ROLES,
    make_cohort,
    make_outcome,
    simulate_frame,
)
from workbench.cohorts.frames import Cohort
from workbench.impact.inference import regress_on_treatment
from workbench.impact.psm.analysis import PsmResult, estimate_psm

EFFECT = 0.5
DESIGN_CHECKS = (
    "aipw_agrees",
    "balance",
    "common_support",
    "effective_sample_size",
    "matched_share",
    "positivity",
    "separation_unpenalised",
    "thin_support",
)
"""Diagnostics that say something of the comparison, not of its size."""

ATT = "effect on the learners who found a match"

Draw = Callable[[int], Cohort]


def measure(seed: int, *, draw: Draw, **options: Any) -> Measured:
    """Draw a cohort, match it, and compare with the truth of the matched learners."""
    cohort = draw(seed)
    found = estimate_psm(cohort, seed=seed % 1000, **options)
    headline = found.headline
    naive = next(item for item in found.estimates if item.method == "naive")
    failed = sorted(
        item.check
        for item in found.checks
        if item.check in DESIGN_CHECKS and item.passed is False
    )
    return Measured(
        estimate=headline.estimate,
        std_error=headline.std_error,
        ci_low=headline.ci_low,
        ci_high=headline.ci_high,
        truth=_find_truth(cohort.frame, found),
        naive=naive.estimate,
        warned=bool(failed),
        warnings=" ".join(failed),
        **_cluster_plainly(found),
    )


def _cluster_plainly(found: PsmResult) -> dict[str, float]:
    """Return the interval of the plain cluster error (CR1, 1.96), where teams learn."""
    sample, pairs = found.compared.sample, found.compared.matches.pairs
    if "team" not in sample.clusters:
        return {}
    place = pairs["row"].to_numpy(dtype="int64")
    fitted = regress_on_treatment(
        sample.outcome[place],
        sample.treated[place],
        found.compared.design.matrix()[place],
        weights=pairs["weight"].to_numpy(dtype="float64"),
    )
    low, high = take_plain_error(
        fitted, sample.clusters["team"][place], value=found.headline.estimate
    )
    return {"usual_low": low, "usual_high": high}


def _find_truth(frame: pd.DataFrame, found: PsmResult) -> float:
    learners = found.pairs.loc[found.pairs["treated"], ["unit", "trial"]]
    return float(learners.merge(frame, on=["unit", "trial"])["truth"].mean())


def draw_plain(seed: int, **settings: float) -> Cohort:
    """Draw people who choose learning by what is measured."""
    return make_cohort(
        simulate_frame(seed, **({"people": 800, "effect": EFFECT} | settings))  # type: ignore[arg-type]
    )


def draw_teams(seed: int, *, teams: int) -> Cohort:
    """Give learning to half of the teams, at random, without an effect.

    Some 25 people per team; people of a team share a level (SD 0.3 against 0.8 of a
    person within it), so that errors lie in teams.
    """
    frame = simulate_frame(
        seed, people=25 * teams, effect=0.0, team_sd=0.3, teams=teams, by_team=True
    )
    chosen = np.random.default_rng(seed + 1).permutation(teams)[: teams // 2]
    frame["treated"] = frame["team"].isin([f"t{number}" for number in chosen])
    return make_cohort(frame, clusters=("unit", "team"))


def draw_yes_or_no(seed: int) -> Cohort:
    """Draw a yes-or-no outcome; the truth is each row's difference of probabilities."""
    frame = simulate_frame(seed, people=1000, effect=0.0)
    role = ROLES[frame["role"].cat.codes.to_numpy()]
    level = (0.5 * frame["x1"] + 0.3 * frame["x2"] + role - 0.4).to_numpy()
    without, learnt = (1 / (1 + np.exp(-level - push)) for push in (0.0, 0.7))
    chance = np.where(frame["treated"], learnt, without)
    draws = np.random.default_rng(seed + 1).random(len(frame))
    frame["outcome"] = (draws < chance).astype("float64")
    frame["truth"] = learnt - without
    outcome = make_outcome(
        id="retention_12m", source="employees.exit_date", kind="binary", unit=""
    )
    return make_cohort(frame, outcome=outcome)


def draw_hidden(seed: int) -> Cohort:
    """Draw people who choose by something that is not among the covariates."""
    frame = simulate_frame(seed, people=800, effect=EFFECT)
    return make_cohort(frame, covariates=("x1", "role"))


def _cell(
    name: str,
    design: str,
    draw: Draw,
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> Cell:
    return Cell(
        name=name,
        family="psm",
        design=design,
        estimand=ATT,
        measure=partial(measure, draw=draw, **(options or {})),
        **more,
    )


def list_matching_cells() -> list[Cell]:
    """List the cells in the order of the published table."""
    plain = partial(partial, draw_plain)
    teams = [
        _cell(
            f"psm_teams_{count}",
            f"half of {count} teams of 25 learn, no effect, people of a team alike",
            partial(draw_teams, teams=count),
            no_effect=True,
            usual=PLAIN,
        )
        for count in (8, 12, 20)
    ]
    return [
        _cell("psm_confounded", "800 people choose by what is measured", plain()),
        _cell(
            "psm_no_effect", "the same, no effect", plain(effect=0.0), no_effect=True
        ),
        _cell("psm_heterogeneous", "effects differ between people", plain(varied=0.4)),
        _cell(
            "psm_two_percent",
            "some 24 of 1,500 people learn, under 2 %",
            plain(people=1500, start=-4.6),
        ),
        _cell("psm_half", "half of 600 people learn", plain(people=600, start=0.0)),
        _cell("psm_weak_overlap", "strong choice, weak overlap", plain(strength=2.0)),
        *teams,
        _cell(
            "psm_stacked",
            "400 people in three stacked quarters, who serve repeatedly",
            plain(people=400, trials=3, person_sd=1.0),
        ),
        _cell("psm_ratio_two", "two others per learner", plain(), {"ratio": 2}),
        _cell(
            "psm_with_replacement",
            "an other may serve several learners",
            plain(),
            {"replace": True},
        ),
        _cell("psm_yes_or_no", "a yes-or-no outcome, 1,000 people", draw_yes_or_no),
        _cell(
            "psm_hidden_cause",
            "people choose by something nobody measured: intervals must fail, and no "
            "diagnostic of the design can see it",
            draw_hidden,
            expect="fails",
        ),
    ]
