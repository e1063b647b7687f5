"""Experiments with published or recomputed results: NSW, vitamin A, incentives."""

from __future__ import annotations

import causaldata
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import ttest_ind

from tests.reference.samples import read_expected
from workbench.impact.experiment.compliance import estimate_cace
from workbench.impact.experiment.drawn import Drawn
from workbench.impact.experiment.randomisation import run_randomisation_test
from workbench.impact.experiment.randomised import estimate_adjusted, estimate_itt

PRINTED = 5e-3
"""NSW is printed to two or three decimals."""

ROUNDED = 2e-5
"""Deaths are printed per 100,000, and the effect is computed from rounded figures."""

CLOSED = 1e-9
COVARIATES = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]


def make_drawn(frame: pd.DataFrame, *, assigned, outcome, cluster=None) -> Drawn:
    """Take every row as a person, drawn one by one or by cluster."""
    codes = np.arange(len(frame)) if cluster is None else pd.factorize(cluster)[0]
    return Drawn(
        frame=frame.reset_index(drop=True).assign(trial="2026Q1"),
        assigned=np.asarray(assigned, dtype=bool),
        outcome=np.asarray(outcome, dtype="float64"),
        cluster=codes,
        strata=np.zeros(len(frame), dtype="int64"),
        whole=cluster is not None,
    )


@pytest.fixture(scope="module")
def nsw() -> Drawn:
    frame = causaldata.nsw_mixtape.load_pandas().data
    return make_drawn(frame, assigned=frame["treat"] == 1, outcome=frame["re78"])


def test_nsw_difference_and_both_errors(nsw: Drawn) -> None:
    known = read_expected("nsw")["difference"]
    found = estimate_itt(nsw)
    assert found.value == pytest.approx(known["value"], abs=PRINTED)
    assert found.std_error == pytest.approx(known["welch_error"], abs=PRINTED)
    assert found.plain_error == pytest.approx(known["pooled_error"], abs=PRINTED)


def test_nsw_adjusted_as_statsmodels_does(nsw: Drawn) -> None:
    found = estimate_adjusted(nsw, covariates=COVARIATES)
    assert set(found.terms) == set(COVARIATES)
    offer = nsw.assigned.astype("float64")
    terms = nsw.frame[COVARIATES].to_numpy(dtype="float64")
    terms = terms - terms.mean(axis=0)
    columns = np.column_stack(
        [np.ones(len(offer)), offer, terms, terms * offer[:, None]]
    )
    known = sm.OLS(nsw.outcome, columns).fit(cov_type="HC2", use_t=True)
    assert found.effect.value == pytest.approx(known.params[1], rel=1e-7)
    assert found.effect.std_error == pytest.approx(known.bse[1], rel=1e-7)


def test_nsw_redrawn(nsw: Drawn) -> None:
    """Redrawing exchanges everybody, as the pooled t test assumes: p 0.0048."""
    known = ttest_ind(nsw.outcome[nsw.assigned], nsw.outcome[~nsw.assigned]).pvalue
    found = run_randomisation_test(nsw, seed=1)
    assert abs(found.p_value - known) < 4 * found.p_error


def test_vitamin_a() -> None:
    known = read_expected("vitamin_a")
    counts, told = known["counts"], known["solution"]
    rows = [
        (assigned, learnt, died, counts[name][word])
        for name, assigned, learnt in (
            ("control", False, False),
            ("offered_not_received", True, False),
            ("offered_received", True, True),
        )
        for word, died in (("died", 1.0), ("survived", 0.0))
    ]
    frame = pd.DataFrame(rows, columns=["assigned", "learnt", "died", "n"])
    frame = frame.loc[frame.index.repeat(frame["n"])].reset_index(drop=True)
    drawn = make_drawn(frame, assigned=frame["assigned"], outcome=frame["died"])
    offer = estimate_itt(drawn)
    found = estimate_cace(drawn, itt_p=offer.p_value())
    assert -offer.value == pytest.approx(told["itt_per_100000"] / 1e5, abs=ROUNDED)
    assert found.share_treatment == pytest.approx(told["compliance"], abs=1e-4)
    assert found.share_control == 0
    assert found.effect is not None
    cace = told["cace_per_100000"] / 1e5
    assert -found.effect.value == pytest.approx(cace, abs=ROUNDED)
    received = 12 / (12 + 9663)
    whole = found.effect.baseline + found.effect.value
    assert whole == pytest.approx(received, abs=CLOSED)
    low, high = found.robust_interval
    assert high < 0
    assert low < found.effect.value < high


def test_incentives_to_learn_a_test_result() -> None:
    """Thornton (2008): an incentive moved 43 to 45 points; errors as statsmodels'."""
    frame = causaldata.thornton_hiv.load_pandas().data
    frame = frame[["got", "any", "villnum"]].dropna().reset_index(drop=True)
    drawn = make_drawn(
        frame,
        assigned=frame["any"] == 1,
        outcome=frame["got"],
        cluster=frame["villnum"],
    )
    known = sm.OLS(frame["got"], sm.add_constant(frame["any"])).fit(
        cov_type="cluster", cov_kwds={"groups": frame["villnum"]}, use_t=True
    )
    found = estimate_itt(drawn)
    assert 0.43 <= found.value <= 0.46
    assert found.value == pytest.approx(known.params["any"], abs=CLOSED)
    assert found.plain_error == pytest.approx(known.bse["any"], abs=CLOSED)
    assert found.std_error == pytest.approx(known.bse["any"], rel=0.05)
