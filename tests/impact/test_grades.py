"""Multiplicity and the evidence grade."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from tests.impact.simulate import make_cohort, simulate_frame
from tests.impact.test_effects import make_effect
from workbench.impact.effects import make_estimate
from workbench.impact.evidence import Findings, grade_evidence
from workbench.impact.multiplicity import adjust_family, adjust_p_values

P_VALUES = st.lists(
    st.one_of(st.floats(0, 1), st.just(math.nan)), min_size=1, max_size=12
)


@given(P_VALUES)
def test_adjusting_equals_statsmodels_on_what_is_there(values: list[float]) -> None:
    found = adjust_p_values(values)
    p = np.array(values)
    made = ~np.isnan(p)
    assert np.isnan(found[~made]).all()
    if made.any():
        known = multipletests(p[made], method="fdr_bh")[1]
        np.testing.assert_allclose(found[made], known)


def test_only_headlines_form_the_family() -> None:
    cohort = make_cohort(simulate_frame(1, people=60))
    main = make_estimate(make_effect(std_error=0.15), cohort, headline=True)
    other = make_estimate(make_effect(method="ols"), cohort)
    part = replace(main, subgroup_by="gender", subgroup="f")
    found = adjust_family([main, other, part, main])
    assert found[0].p_adjusted == found[3].p_adjusted == pytest.approx(main.p_value)
    assert math.isnan(found[1].p_adjusted)
    assert math.isnan(found[2].p_adjusted)


BEST = Findings(
    design="matched_and_did",
    largest_smd=0.04,
    designs_agree=True,
    pretrend_powered=True,
    robust=True,
)
RANDOM = Findings(design="randomised")


@pytest.mark.parametrize(
    ("findings", "grade"),
    [
        (Findings(design="none"), 0),
        (Findings(design="none", threats=("attrition",)), 0),
        (Findings(design="matched", largest_smd=0.3), 1),
        (Findings(design="matched", largest_smd=math.nan), 1),
        (
            Findings(design="matched", largest_smd=0.1, failed_checks=("balance",)),
            1,
        ),
        (Findings(design="matched", largest_smd=0.25), 2),
        (Findings(design="matched", largest_smd=0.01), 2),
        (Findings(design="matched", largest_smd=0.01, designs_agree=True), 2),
        (Findings(design="did"), 2),
        (BEST, 3),
        (replace(BEST, largest_smd=0.06), 2),
        (replace(BEST, designs_agree=False), 2),
        (replace(BEST, designs_agree=None), 2),
        (replace(BEST, pretrend_powered=None), 2),
        (replace(BEST, robust=False), 2),
        (RANDOM, 5),
        (replace(RANDOM, attrition=0.1), 4),
        (replace(RANDOM, powered=False), 4),
        (replace(RANDOM, random_timing_only=True), 4),
        (replace(RANDOM, powered=False, attrition=0.2), 2),
        (replace(RANDOM, sample_ratio_fine=False), 1),
    ],
)
def test_grades(findings: Findings, grade: int) -> None:
    assert grade_evidence(findings).value == grade


@pytest.mark.parametrize(("count", "lost"), [(0, 0), (1, 1), (2, 2), (3, 2)])
def test_threats_lower_the_grade_by_two_at_most(count: int, lost: int) -> None:
    threats = ("attrition", "too little power", "spill-over")[:count]
    grade = grade_evidence(replace(BEST, threats=threats))
    assert grade.value == 3 - lost
    assert all(threat in grade.text for threat in threats)
    weak = Findings(design="matched", largest_smd=0.9, threats=threats)
    assert grade_evidence(weak).value == max(0, 1 - lost)
