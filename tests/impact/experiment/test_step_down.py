"""Effects by group, and the control of their number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from tests.impact.experiment.draw_arms import change, draw_experiment, register
from workbench.impact.experiment.drawn import read_drawn
from workbench.impact.experiment.step_down import (
    choose_attributes,
    estimate_groups,
    publish_groups,
    tabulate_groups,
)
from workbench.impact.experiment.stepping import adjust_holm, step_down


def analyse(experiment, **more):
    drawn = read_drawn(experiment)
    found = estimate_groups(experiment, drawn, **more)
    return found, tabulate_groups(found, drawn, seed=1, draws=999)


def test_step_down_by_hand():
    """Three tests, four draws. First step: largest of three; then of two; then one."""
    drawn = np.array(
        [[0.1, 2.5, 0.3], [3.2, 0.2, 0.1], [0.4, 0.6, 1.2], [0.2, 0.1, 0.9]]
    )
    observed = np.array([3.0, 1.0, 2.0])
    # 3.0: one of four reaches it (3.2); 2.0 (third): largest of tests 2 and 3 is
    # 2.5, 0.2, 1.2, 0.9, one reaches it; 1.0 (second): 2.5 alone reaches it
    np.testing.assert_allclose(step_down(observed, drawn), [2 / 5, 2 / 5, 2 / 5])


def test_step_down_never_falls():
    rng = np.random.default_rng(1)
    drawn = np.abs(rng.normal(size=(199, 6)))
    observed = np.sort(np.abs(rng.normal(size=6)) * 2)[::-1]
    assert (np.diff(step_down(observed, drawn)) >= 0).all()


def test_holm_is_that_of_statsmodels():
    p_values = np.random.default_rng(2).random(9) ** 2
    known = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(adjust_holm(p_values), known, rtol=1e-12)


def test_groups_have_their_own_differences_of_means():
    experiment = draw_experiment(1, people=300, effect=0.5)
    found, table = analyse(experiment)
    frame = experiment.frame
    for group in ("f", "m"):
        own = frame[frame["gender"] == group]
        means = own.groupby("assigned")["outcome"].mean()
        effect = found.effects[("gender", group)]
        assert effect.value == pytest.approx(means[True] - means[False])
        assert effect.estimand == "ITT"
    assert table["kind"].tolist() == ["effect", "effect", "difference"]
    assert table["p_stepdown"].between(0, 1).all()


def test_a_group_that_gains_more_is_found():
    base = draw_experiment(2, people=800)
    gain = 1.0 * (base.frame["assigned"] & (base.frame["gender"] == "f"))
    _found, table = analyse(change(base, outcome=base.frame["outcome"] + gain))
    gap = table[table["kind"] == "difference"].iloc[0]
    assert gap["p_stepdown"] < 0.01
    effects = table[table["kind"] == "effect"].set_index("group")["p_stepdown"]
    assert effects["f"] < 0.01 < effects["m"]


def test_one_test_is_hardly_adjusted():
    _, table = analyse(draw_experiment(3, people=600))
    gap = table[table["kind"] == "difference"].iloc[0]
    assert gap["p_stepdown"] == pytest.approx(gap["p_value"], abs=0.06)


def test_few_clusters_take_holm():
    experiment = draw_experiment(4, people=300, clusters=12)
    _, table = analyse(experiment)
    effects = table[table["kind"] == "effect"]
    np.testing.assert_allclose(
        effects["p_stepdown"], adjust_holm(effects["p_value"].to_numpy())
    )


def test_registered_groups_come_first_and_numbers_are_split():
    experiment = register(draw_experiment(5), subgroups=("tenure_days", "site"))
    assert choose_attributes(experiment) == ("tenure_days", "site")
    _, table = analyse(experiment)
    split = table[(table["attribute"] == "tenure_days") & (table["kind"] == "effect")]
    assert len(split) == 2
    assert split["group"].str.startswith(("up to", "above")).all()
    assert table.groupby("kind").size()["difference"] == 3


def test_small_groups_are_kept_back():
    experiment = draw_experiment(6, people=200)
    gender = np.where(np.arange(200) < 8, "x", experiment.frame["gender"])
    experiment = change(experiment, gender=gender)
    found, table = analyse(experiment)
    small = table[table["group"] == "x"].iloc[0]
    assert small["suppressed"]
    assert pd.isna(small["estimate"])
    assert pd.isna(small["p_stepdown"])
    rows = publish_groups(found, table, experiment, stage="ab")
    hidden = [row for row in rows if row.subgroup == "x"]
    assert hidden[0].suppressed
    assert hidden[0].n_treated is None
    shown = next(row for row in rows if row.subgroup == "m")
    assert shown.method == "ab_itt_subgroup"
    own = table[(table["kind"] == "effect") & (table["group"] == "m")].iloc[0]
    assert shown.p_adjusted == pytest.approx(own["p_stepdown"])


def test_without_attributes_there_are_no_groups():
    _, table = analyse(replace(draw_experiment(7), protected=()))
    assert table.empty
