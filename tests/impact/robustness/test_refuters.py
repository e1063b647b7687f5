"""dowhy's refuters around the matched estimator, each against a plain loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import make_cohort, simulate_frame
from workbench.core.errors import DesignError
from workbench.impact.comparison import compare_groups
from workbench.impact.psm.analysis import estimate_psm
from workbench.impact.robustness.dowhy_refuters import draw_with_dowhy
from workbench.impact.robustness.refuters import (
    REFUTERS,
    Refit,
    refute_effect,
    shuffle_treatment,
)
from workbench.impact.sample import Sample

MATCHING = {"caliper": 0.2, "ratio": 1, "replace": False}
SEED = 5
DRAWS = 6


def _make(frame: pd.DataFrame, **more: object) -> tuple[Refit, object]:
    compared = compare_groups(
        make_cohort(frame, **more),
        matching=MATCHING,
        exact=(),
        propensity="logistic",
        min_group=10,
        seed=1,
    )
    matrix = compared.design.matrix()
    refit = Refit(
        sample=compared.sample,
        matrix=matrix,
        covariates=matrix,
        exact=("trial",),
        matching=MATCHING,
    )
    return refit, compared.matches


@pytest.fixture(scope="module")
def made() -> tuple[Refit, object]:
    return _make(simulate_frame(41, people=300, trials=2, start=-1.2))


@pytest.fixture(scope="module")
def drawn(made: tuple[Refit, object]) -> dict[str, np.ndarray]:
    found = draw_with_dowhy(made[0], draws=DRAWS, seed=SEED)
    return {item.refuter: item.values for item in found}


def test_unchanged_data_give_the_headline() -> None:
    frame = simulate_frame(41, people=300, trials=2, start=-1.2)
    headline = estimate_psm(make_cohort(frame), seed=1).headline
    assert _make(frame)[0].estimate() == pytest.approx(headline.estimate, rel=1e-12)


def test_placebo_is_a_plain_loop(
    made: tuple[Refit, object], drawn: dict[str, np.ndarray]
) -> None:
    refit, random = made[0], np.random.RandomState(SEED)
    plain = []
    for _ in range(DRAWS):
        taken = shuffle_treatment(refit.sample, random)
        plain.append(refit.estimate(treated=refit.sample.treated[taken]))
    assert drawn["placebo"] == pytest.approx(plain, rel=1e-12)
    assert len(set(plain)) == DRAWS


def test_random_cause_is_a_plain_loop(
    made: tuple[Refit, object], drawn: dict[str, np.ndarray]
) -> None:
    refit, random = made[0], np.random.RandomState(SEED)
    size = len(refit.sample.treated)
    plain = [refit.estimate(cause=random.normal(size=size)) for _ in range(DRAWS)]
    assert drawn["random_cause"] == pytest.approx(plain, rel=1e-12)


def test_subset_is_a_plain_loop(
    made: tuple[Refit, object], drawn: dict[str, np.ndarray]
) -> None:
    refit, random = made[0], np.random.RandomState(SEED)
    size = len(refit.sample.treated)
    plain = [
        refit.estimate(rows=random.choice(size, size=round(0.8 * size), replace=False))
        for _ in range(DRAWS)
    ]
    assert drawn["subset"] == pytest.approx(plain, rel=1e-12)


def test_the_p_value_is_twice_that_of_dowhy(made: tuple[Refit, object]) -> None:
    from dowhy.causal_refuter import perform_normal_distribution_test

    class Expected:
        value = 0.0

    table, _ = refute_effect(made[0], made[1], std_error=0.05, draws=DRAWS, seed=SEED)
    values = next(draw_with_dowhy(made[0], draws=DRAWS, seed=SEED)).values
    theirs = perform_normal_distribution_test(Expected(), list(values))
    assert table["p_value"].iloc[0] == pytest.approx(2 * theirs, rel=1e-9)


def test_a_sound_effect_is_not_refuted_and_repeats(made: tuple[Refit, object]) -> None:
    first = refute_effect(made[0], made[1], std_error=0.08, draws=DRAWS, seed=SEED)
    again = refute_effect(made[0], made[1], std_error=0.08, draws=DRAWS, seed=SEED)
    pd.testing.assert_frame_equal(first[0], again[0])
    assert list(first[0]["refuter"]) == list(REFUTERS)
    assert first[0]["passed"].all()
    assert [item.check for item in first[1]] == [f"refute_{name}" for name in REFUTERS]


def test_dummy_outcomes_have_no_effect_and_their_spread(
    made: tuple[Refit, object],
) -> None:
    table, _ = refute_effect(made[0], made[1], std_error=0.08, draws=2, seed=SEED)
    row = table.set_index("refuter").loc["dummy_outcome"]
    assert row["draws"] == 199
    assert abs(row["estimate"]) < 3 * row["spread"] / np.sqrt(199)


def test_an_estimator_that_finds_what_is_not_there_fails() -> None:
    """Learning leaks into the outcome of whoever is called a learner."""
    refit, matches = _make(simulate_frame(42, people=300))

    class Leaky(Refit):
        def estimate(self, **changed: object) -> float:
            return 1.0 + super().estimate(**changed)  # type: ignore[arg-type]

    leaky = Leaky(
        sample=refit.sample,
        matrix=refit.matrix,
        covariates=refit.covariates,
        exact=refit.exact,
        matching=refit.matching,
    )
    table, checks = refute_effect(leaky, matches, std_error=0.1, draws=4, seed=SEED)
    assert not table.set_index("refuter").loc["placebo", "passed"]
    assert checks[0].status == "warn"
    assert "what is not there" in checks[0].advice


def test_draws_that_cannot_be_matched_settle_nothing() -> None:
    refit, matches = _make(simulate_frame(43, people=300))

    class Stuck(Refit):
        def estimate(self, **changed: object) -> float:
            if changed.get("rows") is not None and len(changed["rows"]) < 300:
                raise DesignError.build("Nobody could be matched")
            return super().estimate(**changed)  # type: ignore[arg-type]

    stuck = Stuck(
        sample=refit.sample,
        matrix=refit.matrix,
        covariates=refit.covariates,
        exact=refit.exact,
        matching=refit.matching,
    )
    table, checks = refute_effect(stuck, matches, std_error=0.1, draws=3, seed=SEED)
    assert pd.isna(table.set_index("refuter").loc["subset", "passed"])
    assert checks[2].status == "not_applicable"


def _count(sample: Sample, taken: np.ndarray) -> pd.Series:
    dealt = sample.treated[taken]
    return pd.Series(dealt).groupby(sample.frame["trial"].to_numpy()).sum()


def test_learning_is_dealt_within_trials(made: tuple[Refit, object]) -> None:
    sample = made[0].sample
    taken = shuffle_treatment(sample, np.random.RandomState(1))
    assert sorted(taken) == list(range(len(taken)))
    trial = sample.frame["trial"].to_numpy()
    assert (trial[taken] == trial).all()
    assert (sample.treated[taken] != sample.treated).any()


def test_learning_given_by_team_stays_with_teams() -> None:
    frame = simulate_frame(44, people=400, by_team=True, teams=40)
    refit, _ = _make(frame, clusters=("unit", "team"))
    sample = refit.sample
    taken = shuffle_treatment(sample, np.random.RandomState(1))
    plain = replace(sample, clusters={"unit": sample.clusters["unit"]})
    loose = shuffle_treatment(plain, np.random.RandomState(1))
    assert _count(sample, taken).equals(_count(sample, np.arange(len(taken))))
    team = sample.clusters["team"]

    def spread(order: np.ndarray) -> float:
        return float(pd.Series(sample.treated[order]).groupby(team).mean().var())

    assert spread(taken) > 3 * spread(loose)


def test_nobody_matched_is_refused(made: tuple[Refit, object]) -> None:
    narrow = replace(made[0], matching={**MATCHING, "caliper": 1e-12})
    with pytest.raises(DesignError, match="Nobody could be matched"):
        narrow.estimate()
