"""Does the interval of the headline hold the truth as often as it says?"""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from tests.impact.simulate import make_cohort, simulate_frame
from workbench.impact.design_matrix import build_design
from workbench.impact.matched import estimate_matched
from workbench.impact.matching import match_nearest
from workbench.impact.propensity import fit_propensity
from workbench.impact.sample import prepare_sample

RUNS = 200
EFFECT = 0.5


def test_two_way_clustered_interval_covers_within_the_binomial_band() -> None:
    """Some 220 people in three stacked trials, strong lasting differences between them.

    The person's own level (standard deviation 1, noise 0.6) makes rows of one person
    alike, so that a person who serves in several sets matters.
    """
    covered, errors, gaps = [], [], []
    for run in range(RUNS):
        frame = simulate_frame(
            9000 + run, people=220, trials=3, person_sd=1.0, effect=EFFECT
        )
        sample = prepare_sample(make_cohort(frame))
        design = build_design(sample.frame, covariates=["x1", "x2", "role"])
        matrix = design.matrix()
        scores = fit_propensity(matrix, sample.treated)
        matches = match_nearest(sample.frame.assign(score=scores.logit))
        found = estimate_matched(sample, matches, covariates=matrix)
        low, high = found.interval(0.05)
        covered.append(low <= EFFECT <= high)
        errors.append(found.std_error)
        gaps.append(found.value - EFFECT)
    band = binom.ppf([0.005, 0.995], RUNS, 0.95) / RUNS
    assert band[0] <= np.mean(covered) <= band[1]
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / np.sqrt(RUNS)
    assert 0.85 < np.sqrt(np.mean(np.square(errors))) / np.std(gaps) < 1.15
