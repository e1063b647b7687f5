from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter
from scipy.stats import norm, t

from workbench.core.errors import ConvergenceError, NoVariationError, ParamError
from workbench.impact.survival.cox import Cox, fit_cox, publish_hazard_ratio
from workbench.impact.survival.cox_model import solve_cox
from workbench.impact.survival.efron import build_event_steps, sum_moments

ITERATED = 1e-6
"""Newton's method stops at steps of 1e-9."""

LIFELINES = 2e-4
"""It stops once a step gains less than about 1e-7 of the log likelihood."""

STEP = 1e-6


def draw(seed: int, size: int = 80) -> dict[str, np.ndarray]:
    """Draw tied days with an effect of the first of two covariates."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.integers(0, 2, size), rng.normal(size=size)])
    days = np.ceil(12 * rng.exponential(size=size) * np.exp(-0.7 * x[:, 0]))
    return {
        "duration": days,
        "event": rng.random(size) < 0.7,
        "covariates": x.astype(float),
    }


seeds = st.integers(0, 10**6)
NAMES = ["learning", "age"]


def test_two_people_at_a_time_by_hand() -> None:
    """Likelihood r/(r+2) * 1/2 after a learner, then 1/(1+r)... solved on a grid."""
    days, event = np.array([1.0, 2, 3, 4]), np.array([True, True, True, False])
    x = np.array([[1.0], [0], [1], [0]])
    found = fit_cox(days, event, x, names=["x"])
    grid = np.linspace(-5, 5, 2_000_001)
    r = np.exp(grid)
    values = np.log(r / (2 * r + 2)) + np.log(1 / (r + 2)) + np.log(r / (r + 1))
    assert found.coef[0] == pytest.approx(grid[values.argmax()], abs=1e-5)
    r = math.exp(found.coef[0])
    information = 2 * r / (r + 1) ** 2 + 2 * r / (r + 2) ** 2
    assert found.std_error[0] == pytest.approx(1 / math.sqrt(information))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_against_lifelines_with_weights_and_strata(seed: int) -> None:
    rows = draw(seed)
    rng = np.random.default_rng(seed)
    weights, strata = rng.integers(1, 4, 80).astype(float), rng.integers(0, 2, 80)
    frame = pd.DataFrame(rows["covariates"], columns=NAMES).assign(
        days=rows["duration"], event=rows["event"], w=weights, s=strata
    )
    known = CoxPHFitter().fit(frame, "days", "event", weights_col="w", strata="s")
    found = fit_cox(**rows, names=NAMES, weights=weights, strata=strata)
    assert found.coef == pytest.approx(known.params_[NAMES], abs=LIFELINES)
    assert found.std_error == pytest.approx(
        known.standard_errors_[NAMES], abs=LIFELINES
    )


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_derivatives_of_the_likelihood(seed: int) -> None:
    rows = draw(seed, 30)
    rng = np.random.default_rng(seed)
    entry = np.floor(rows["duration"] * rng.choice([0, 0.5], 30))
    steps = build_event_steps(
        rows["duration"],
        rows["event"],
        weights=rng.uniform(0.5, 2, 30),
        entry=np.minimum(entry, rows["duration"] - 1),
        strata=rng.integers(0, 2, 30),
    )
    coef = rng.normal(size=2)
    middle = sum_moments(steps, rows["covariates"], coef)
    for position in range(2):
        shift = np.zeros(2)
        shift[position] = STEP
        up, down = (
            sum_moments(steps, rows["covariates"], coef + sign * shift)
            for sign in (1, -1)
        )
        slope = (up.log_likelihood - down.log_likelihood) / (2 * STEP)
        offset = _offset(steps, rows["covariates"], coef, shift)
        assert middle.score[position] == pytest.approx(slope + offset, abs=1e-4)
        bend = (down.score - up.score) / (2 * STEP)
        assert middle.information[position] == pytest.approx(bend, abs=1e-4)


def _offset(steps, covariates, coef, shift) -> float:  # type: ignore[no-untyped-def]
    """The likelihood is given up to a constant: the highest risk is set to 1."""
    tops = [(covariates @ (coef + sign * shift)).max() for sign in (1, -1)]
    events = (steps.weights * steps.event).sum() - steps.step_weight.sum()
    return float(events * (tops[0] - tops[1]) / (2 * STEP))


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_laws_of_the_ratio(seed: int) -> None:
    rows = draw(seed)
    found = fit_cox(**rows, names=NAMES)
    order = np.random.default_rng(0).permutation(80)
    mixed = fit_cox(**{key: values[order] for key, values in rows.items()}, names=NAMES)
    weeks = fit_cox(**(rows | {"duration": rows["duration"] / 7}), names=NAMES)
    twice = fit_cox(
        **{key: np.repeat(values, 2, axis=0) for key, values in rows.items()},
        names=NAMES,
        weights=np.full(160, 0.5),
        clusters={"person": np.repeat(np.arange(80), 2)},
    )
    for other in (mixed, weeks):
        assert other.coef == pytest.approx(found.coef, abs=ITERATED)
        assert other.robust_error == pytest.approx(found.robust_error, abs=ITERATED)
    assert mixed.influence == pytest.approx(found.influence[order], abs=ITERATED)
    assert twice.n_clusters == 80
    scaled = rows["covariates"] * [1, 10]
    tenth = fit_cox(**(rows | {"covariates": scaled}), names=NAMES)
    assert tenth.coef[1] * 10 == pytest.approx(found.coef[1], abs=ITERATED)
    swapped = np.column_stack([1 - rows["covariates"][:, 0], rows["covariates"][:, 1]])
    other = fit_cox(**(rows | {"covariates": swapped}), names=NAMES)
    assert other.coef[0] == pytest.approx(-found.coef[0], abs=ITERATED)
    assert other.low[0] == pytest.approx(1 / found.high[0], rel=1e-5)


def test_influence_is_the_slope_in_the_weights() -> None:
    """Without ties, where Efron's weights do not depend on the weights themselves."""
    rng = np.random.default_rng(2)
    rows = draw(2, 40) | {"duration": rng.permutation(40) + 1.0}
    found = fit_cox(**rows, names=NAMES)
    for row in (0, 7, 21, 39):
        ends = []
        for sign in (1, -1):
            weights = np.ones(40)
            weights[row] += sign * 1e-4
            ends.append(fit_cox(**rows, names=NAMES, weights=weights).coef)
        slope = (ends[0] - ends[1]) / 2e-4
        assert found.influence[row] == pytest.approx(slope, abs=1e-5)
    robust = np.sqrt((found.influence**2).sum(axis=0))
    assert found.robust_error == pytest.approx(robust)
    assert found.error == "robust (Lin and Wei), row by row"


def test_interval_and_p_value_come_from_the_robust_error() -> None:
    rows = draw(4)
    plain = fit_cox(**rows, names=NAMES, alpha=0.1)
    half = norm.ppf(0.95) * plain.robust_error
    assert plain.low == pytest.approx(np.exp(plain.coef - half))
    distance = np.abs(plain.coef / plain.robust_error)
    assert plain.p_value == pytest.approx(2 * norm.sf(distance))
    found = fit_cox(**rows, names=NAMES, clusters={"team": np.arange(80) % 9})
    half = t.ppf(0.975, 8) * found.robust_error
    assert found.high == pytest.approx(np.exp(found.coef + half))
    assert (found.df, found.n_clusters) == (8, 9)
    assert found.error == "robust (Lin and Wei), CR1 by team"
    assert found.std_error == pytest.approx(plain.std_error)


def test_rows_without_weight_are_left_out() -> None:
    rows = draw(5)
    weights = np.ones(80)
    weights[::4] = 0
    found = fit_cox(**rows, names=NAMES, weights=weights)
    kept = weights > 0
    known = fit_cox(**{key: values[kept] for key, values in rows.items()}, names=NAMES)
    assert found.coef == pytest.approx(known.coef, abs=ITERATED)
    assert (found.influence[~kept] == 0).all()
    assert (found.n, found.n_events) == (60, int(rows["event"][kept].sum()))


def test_cutting_rows_in_two_changes_nothing() -> None:
    rows = draw(6)
    whole = fit_cox(**rows, names=NAMES)
    late = rows["duration"] > 5
    parts = fit_cox(
        np.append(np.minimum(rows["duration"], 5), rows["duration"][late]),
        np.append(rows["event"] & ~late, rows["event"][late]),
        np.vstack([rows["covariates"], rows["covariates"][late]]),
        names=NAMES,
        entry=np.append(np.zeros(80), np.full(late.sum(), 5.0)),
    )
    assert parts.coef == pytest.approx(whole.coef, abs=ITERATED)
    assert parts.std_error == pytest.approx(whole.std_error, abs=ITERATED)


def test_terms_that_say_nothing_are_listed() -> None:
    rows = draw(7)
    days, event, x = rows["duration"], rows["event"], rows["covariates"]
    site = np.zeros(80)
    site[np.flatnonzero(~event)[:5]] = 1
    columns = np.column_stack([x, np.ones(80), x @ [2, 1], site])
    found = fit_cox(
        days,
        event,
        columns,
        names=[*NAMES, "one", "sum", "site"],
        required=["learning"],
    )
    assert found.names == ("learning", "age")
    assert found.dropped == (
        "one: has one value only",
        "sum: follows from terms before it",
        "site: no event where it is 1",
    )
    known = fit_cox(**rows, names=NAMES)
    assert found.coef == pytest.approx(known.coef, abs=ITERATED)


BASE = {
    "duration": np.array([1.0, 2.0, 3.0, 4.0]),
    "event": np.array([True, True, True, False]),
    "covariates": np.array([[1.0], [0.0], [1.0], [0.0]]),
    "names": ["x"],
}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"event": np.zeros(4, dtype=bool)}, NoVariationError, "happened to nobody"),
        ({"covariates": np.ones((4, 1))}, NoVariationError, "has one value only"),
        (
            {"event": np.array([True, False, True, False])},
            NoVariationError,
            "no event where it is 0",
        ),
        (
            {"duration": np.array([1.0, 2.0, np.nan, 4.0])},
            ParamError,
            "duration or covariate is missing",
        ),
        ({"names": ["x", "y"]}, ParamError, r"\(4, 1\) covariates for 2 names"),
        (
            {"entry": np.array([0.0, 2, 0, 0])},
            ParamError,
            "enters when or after it ends",
        ),
        ({"weights": np.array([1.0, -1, 1, 1])}, ParamError, "below 0 or missing"),
        (
            {"covariates": np.array([[4.0], [3.0], [2.0], [1.0]])},
            ConvergenceError,
            "grows without bound",
        ),
    ],
)
def test_what_cannot_be_fitted(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fit_cox(**(BASE | change))  # type: ignore[arg-type]


def test_a_solved_model_stands_at_a_maximum() -> None:
    model = solve_cox(**draw(8), names=NAMES)
    assert model.moments.score == pytest.approx([0, 0], abs=1e-6)
    assert model.scaled.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)


def _publish(found: Cox, term: str) -> object:
    compared = SimpleNamespace(
        quarter="2026Q3",
        persona="new_manager",
        program=SimpleNamespace(id="first_line"),
        outcome=SimpleNamespace(id="retained", direction="higher"),
    )
    return publish_hazard_ratio(
        found,
        term,
        compared,
        stage="survival",
        alpha=0.05,
        counts=(30, 50),  # type: ignore[arg-type]
    )


def test_a_published_ratio_has_the_interval_of_the_model() -> None:
    found = fit_cox(**draw(9), names=NAMES)
    made = _publish(found, "learning")
    assert made.estimate == pytest.approx(found.hazard_ratio[0])
    assert made.ci_low == pytest.approx(found.low[0])
    assert made.ci_high == pytest.approx(found.high[0])
    assert made.std_error == pytest.approx(
        found.hazard_ratio[0] * found.robust_error[0]
    )
    assert (made.unit, made.estimand, made.method) == ("ratio", "HR", "cox")
    with pytest.raises(ParamError, match="no such term"):
        _publish(replace(found, names=("other", "age")), "learning")
