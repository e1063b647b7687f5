"""Scores, weights, matches and their errors against printed values.

Sources, each value to the digits it is printed with:

- CPS: the propensity study of Cunningham, Causal Inference: The Mixtape (chapter 5),
  its quartiles and regressions as printed by R (glm, Matching, lm), and its
  ``teffects psmatch, nn(5)`` of Stata to the dollar.
- NHEFS: Hernan and Robins, Causal Inference: What If, chapters 12, 13 and 15 (R).
- NSW: Abadie, Drukker, Herr and Imbens (2004), Implementing matching estimators in
  Stata, log of the experimental sample.
- Births: Stata teffects on Cattaneo (2010), as kept in the tests of statsmodels 0.15.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import causaldata
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from tests.reference.nonexperimental import read_group
from tests.reference.samples import make_sample
from workbench.impact.abadie_imbens import (
    estimate_matching_variance,
    pool_conditional_variance,
)
from workbench.impact.estimators import estimate_ipw
from workbench.impact.inference import regress_on_treatment
from workbench.impact.matched import estimate_matched
from workbench.impact.matching import match_nearest
from workbench.impact.propensity import Propensity, fit_propensity
from workbench.impact.sample import Sample

FloatArray = npt.NDArray[np.float64]


class Case(NamedTuple):
    """A sample, its unpenalised propensity to be treated, and its columns."""

    sample: Sample
    score: FloatArray
    matrix: FloatArray

    @property
    def weights(self) -> FloatArray:
        """Inverse probabilities of the arm each row is in."""
        treated = self.sample.treated
        return np.where(treated, 1 / self.score, 1 / (1 - self.score))


def _fit(frame: pd.DataFrame, outcome: str, columns: list[pd.Series]) -> Case:
    matrix = np.column_stack([column.to_numpy(dtype="float64") for column in columns])
    matrix = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    sample = make_sample(frame, treated="treat", outcome=outcome)
    fitted = fit_propensity(matrix, sample.treated, penalty=0)
    return Case(sample, fitted.probability, matrix)


@cache
def cps() -> Case:
    rows = read_group("CPS-1")
    columns = [
        *(rows["age"] ** power for power in (1, 2, 3)),
        *(rows["educ"] ** power for power in (1, 2)),
        *(rows[name] for name in ("marr", "nodegree", "black", "hisp")),
        *(rows[name] for name in ("re74", "re75", "u74", "u75")),
        rows["educ"] * rows["re74"],
    ]
    return _fit(rows, "re78", columns)


@cache
def nhefs() -> Case:
    rows = causaldata.nhefs_complete.load_pandas().data
    names = ["sex", "race", "age", "education", "smokeintensity", "smokeyrs"]
    names += ["exercise", "active", "wt71", "wt82_71", "qsmk"]
    rows = rows[names].astype("float64").rename(columns={"qsmk": "treat"})
    columns = [rows["sex"], rows["race"]]
    columns += [(rows["education"] == level).astype(float) for level in (2, 3, 4, 5)]
    for name in ("exercise", "active"):
        columns += [(rows[name] == level).astype(float) for level in (1, 2)]
    for name in ("age", "smokeintensity", "smokeyrs", "wt71"):
        columns += [rows[name], rows[name] ** 2]
    return _fit(rows, "wt82_71", columns)


def _regress(
    case: Case,
    columns: FloatArray | None = None,
    *,
    rows: npt.NDArray[np.bool_] | None = None,
    weights: FloatArray | None = None,
) -> float:
    kept = np.ones(len(case.score), dtype=bool) if rows is None else rows
    used = np.empty((len(case.score), 0)) if columns is None else columns
    return regress_on_treatment(
        case.sample.outcome[kept],
        case.sample.treated[kept],
        used[kept],
        weights=None if weights is None else weights[kept],
    ).effect


def test_propensity_on_the_cps() -> None:
    """Quartiles and means of the score in both arms, glm in R."""
    case = cps()
    ours, theirs = case.score[case.sample.treated], case.score[~case.sample.treated]
    known = [0.001061, 0.132217, 0.400199, 0.670616, 0.938455]
    assert np.quantile(ours, [0, 0.25, 0.5, 0.75, 1]) == pytest.approx(known, abs=6e-7)
    assert ours.mean() == pytest.approx(0.425357, abs=6e-7)
    known = [0.0, 0.0000193, 0.0001187, 0.0009634, 0.9239787]
    found = np.quantile(theirs, [0, 0.25, 0.5, 0.75, 1])
    assert found == pytest.approx(known, abs=6e-8)
    assert theirs.mean() == pytest.approx(0.0066476, abs=6e-8)


def test_weighting_everybody_on_the_cps() -> None:
    """Over all people the groups do not overlap, and the weighted gap shows it."""
    case = cps()
    assert _regress(case, weights=case.weights) == pytest.approx(-7238.140, abs=6e-4)


def test_where_the_groups_overlap_on_the_cps() -> None:
    case = cps()
    near = case.score >= 0.05
    rows = case.sample.frame
    more = rows[["age", "educ", "black", "hisp", "nodegree", "re74", "re75"]]
    more = more.assign(square=rows["age"] ** 2).to_numpy(dtype="float64")
    score = case.score[:, None]
    both = np.hstack([score, more])
    assert _regress(case, rows=near) == pytest.approx(475.94, abs=6e-3)
    weighted = _regress(case, rows=near, weights=case.weights)
    assert weighted == pytest.approx(1378.55, abs=6e-3)
    assert _regress(case, score, rows=near) == pytest.approx(1439.85, abs=6e-3)
    assert _regress(case, both, rows=near) == pytest.approx(1541.2, abs=0.06)
    assert _regress(case, more, rows=near) == pytest.approx(1933.6, abs=0.06)


def test_five_neighbours_on_the_cps() -> None:
    """Stata's ties all share, as with ``ties="all"``."""
    case = cps()
    matches = match_nearest(
        case.sample.frame.assign(score=case.score),
        caliper=None,
        ratio=5,
        replace=True,
        ties="all",
    )
    found = estimate_matched(case.sample, matches, score=case.score)
    assert found.value == pytest.approx(1725, abs=0.51)


def test_three_neighbours_and_the_error_of_r_on_the_cps() -> None:
    """Matching lets rows within 1e-5 of the third share: 3,654 pairs.

    The error is that of one outcome variance for all, the default there.
    """
    case = cps()
    treated, outcome = case.sample.treated, case.sample.outcome
    scaled = case.score / np.std(case.score, ddof=1)
    square = (scaled[treated][:, None] - scaled[~treated]) ** 2
    near = square <= np.sort(square, axis=1)[:, 2:3] + 1e-5
    weights = near / near.sum(axis=1, keepdims=True)
    differences = outcome[treated][:, None] - outcome[~treated]
    gaps = (weights * differences).sum(axis=1)
    spread = pool_conditional_variance(
        differences[near], weights[near], float(gaps.mean())
    )
    error = estimate_matching_variance(
        gaps,
        used=weights.sum(axis=0),
        used_squared=(weights**2).sum(axis=0),
        variance=np.full(int((~treated).sum()), spread),
    )
    assert int(near.sum()) == 3654
    assert gaps.mean() == pytest.approx(1602.4, abs=0.06)
    assert error**0.5 == pytest.approx(903.99, abs=6e-3)


def test_matching_the_experiment_on_age() -> None:
    """The effect over everybody, from both directions; ties share (nnmatch)."""
    frame = read_group("NSW")
    effects, sizes = [], []
    for arm, sign in ((1.0, 1), (0.0, -1)):
        turned = frame.assign(treat=(frame["treat"] == arm).astype("float64"))
        sample = make_sample(turned, treated="treat", outcome="re78")
        age = sample.frame["age"].to_numpy()
        matches = match_nearest(
            sample.frame.assign(score=age), caliper=None, replace=True, ties="all"
        )
        effects.append(sign * estimate_matched(sample, matches, score=age).value)
        sizes.append(int(sample.treated.sum()))
    assert sizes == [185, 260]
    assert np.average(effects, weights=sizes) == pytest.approx(1785.191, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "quitters", "others"),
    [
        ("age", 46.2, 42.8),
        ("wt71", 72.4, 70.3),
        ("smokeintensity", 18.6, 21.2),
        ("smokeyrs", 26.0, 24.1),
    ],
)
def test_smokers_who_quit_differ(name: str, quitters: float, others: float) -> None:
    """Table 12.1 of the book."""
    sample = nhefs().sample
    values = sample.frame[name].to_numpy()
    assert values[sample.treated].mean() == pytest.approx(quitters, abs=0.051)
    assert values[~sample.treated].mean() == pytest.approx(others, abs=0.051)


def test_propensity_to_quit() -> None:
    case = nhefs()
    treated = case.sample.treated
    assert len(treated) == 1566
    assert int(treated.sum()) == 403
    assert case.score[~treated].min() == pytest.approx(0.0510, abs=6e-5)
    assert case.score[~treated].max() == pytest.approx(0.6814, abs=2e-4)
    assert case.score[treated].min() == pytest.approx(0.0598, abs=2e-4)
    assert case.score[treated].max() == pytest.approx(0.7768, abs=2e-4)
    weights = case.weights
    assert weights.min() == pytest.approx(1.05, abs=6e-3)
    assert weights.max() == pytest.approx(16.7, abs=0.06)
    assert weights.mean() == pytest.approx(2.00, abs=6e-3)


def test_weight_gain_of_quitters() -> None:
    """Raw 2.5; weighted 3.44 with interval 2.41 to 4.47; standardised 3.5."""
    case = nhefs()
    treated = case.sample.treated
    assert _regress(case) == pytest.approx(2.54, abs=6e-3)
    found = regress_on_treatment(
        case.sample.outcome, treated, np.empty((1566, 0)), weights=case.weights
    )
    error = float((found.influence**2).sum()) ** 0.5
    assert found.effect == pytest.approx(3.44, abs=6e-3)
    assert found.effect - 1.96 * error == pytest.approx(2.41, abs=6e-3)
    assert found.effect + 1.96 * error == pytest.approx(4.47, abs=6e-3)
    share = treated.mean()
    stable = np.where(treated, share / case.score, (1 - share) / (1 - case.score))
    assert stable.min() == pytest.approx(0.33, abs=6e-3)
    assert stable.max() == pytest.approx(4.30, abs=6e-3)
    assert _regress(case, weights=stable) == pytest.approx(found.effect, abs=1e-9)
    assert _regress(case, case.matrix) == pytest.approx(3.46, abs=6e-3)


def test_weighting_births_as_stata_does() -> None:
    """Effect on smokers of the weighting estimator with Stata's probit score.

    ``teffects ipw (bweight) (mbsmoke mmarried mage mage2 fbaby medu, probit), atet``
    and the mean of babies had their mothers not smoked; five digits are compared.
    """
    import statsmodels.treatment.tests.results.results_teffects as stata
    from statsmodels.discrete.discrete_model import Probit

    place = files("statsmodels.treatment.tests.results") / "cataneo2.csv"
    with place.open(encoding="utf-8") as lines:
        births = pd.read_csv(lines)
    columns = births[["mmarried_", "mage", "mage2", "fbaby_", "medu"]]
    matrix = np.column_stack([np.ones(len(births)), columns]).astype("float64")
    fitted = Probit(births["mbsmoke_"].to_numpy(), matrix).fit(disp=False, tol=1e-10)
    score = np.asarray(fitted.predict())
    sample = make_sample(births, treated="mbsmoke_", outcome="bweight")
    given = Propensity(
        probability=score,
        logit=np.log(score / (1 - score)),
        influence=None,
        matrix=matrix,
        text="probit",
    )
    found = estimate_ipw(sample, given)
    effect, baseline = stata.results_ipw.table_t[:2, 0]
    assert found.value == pytest.approx(effect, rel=1e-5)
    assert found.baseline == pytest.approx(baseline, rel=1e-6)
