"""Simultaneous bands."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import norm, t

from tests.impact.did.staggered import make_staggered
from workbench.core.errors import ParamError
from workbench.impact.did.aggregate import aggregate_dynamic
from workbench.impact.did.averages import Family
from workbench.impact.did.bands import make_bands
from workbench.impact.did.group_time import estimate_group_time


def independent(people: int, terms: int, df: float = math.inf) -> Family:
    """Effects whose influences are independent normals."""
    panel = make_staggered(31, people=60, groups=(4,), periods=5)
    study = aggregate_dynamic(estimate_group_time(panel))
    influence = np.random.default_rng(1).normal(size=(people, terms))
    influence -= influence.mean(axis=0)
    table = study.table.iloc[[0] * terms].reset_index(drop=True)
    return dataclasses.replace(
        study,
        table=table,
        influence=influence,
        covariance=influence.T @ influence,
        clusters=np.arange(people),
        df=df,
    )


@pytest.mark.parametrize(("people", "law"), [(500, "mammen"), (3000, "normal")])
def test_independent_effects_have_the_known_critical_value(
    people: int, law: str
) -> None:
    """Sidak: the normal quantile at 0.95 to the power 1/5, within 0.1."""
    found = make_bands(independent(people, 5), seed=1, n_draws=4999)
    assert found.law == law
    known = norm.ppf(0.5 + 0.95 ** (1 / 5) / 2)
    assert found.critical == pytest.approx(known, abs=0.1)


def test_one_effect_has_its_pointwise_interval() -> None:
    found = make_bands(independent(3000, 1), seed=2, n_draws=9999)
    assert found.pointwise == pytest.approx(norm.ppf(0.975))
    assert found.critical == pytest.approx(found.pointwise, abs=0.06)
    assert found.critical >= found.pointwise


@pytest.mark.parametrize(("clusters", "law"), [(8, "webb"), (25, "mammen")])
def test_few_clusters_widen_by_student(clusters: int, law: str) -> None:
    family = independent(clusters, 3, df=clusters - 1.0)
    found = make_bands(family, seed=3)
    assert found.law == law
    assert found.pointwise == pytest.approx(t(clusters - 1).ppf(0.975))
    assert found.critical >= found.pointwise


def test_bands_hold_the_intervals_and_repeat() -> None:
    panel = make_staggered(32, people=500)
    study = aggregate_dynamic(estimate_group_time(panel, base="universal"))
    found = make_bands(study, seed=4)
    table = found.table
    assert (table["band_low"] <= table["low"]).all()
    assert (table["band_high"] >= table["high"]).all()
    reference = table[table["reference"]].iloc[0]
    assert (reference["band_low"], reference["band_high"]) == (0.0, 0.0)
    assert make_bands(study, seed=4).critical == found.critical
    assert make_bands(study, seed=5).critical != found.critical
    half = (table["band_high"] - table["value"]).to_numpy()
    errors = table["std_error"].fillna(0).to_numpy()
    np.testing.assert_allclose(half, found.critical * errors)


def test_joint_coverage_of_effects_that_are_zero() -> None:
    """Before exposure nothing differs: in about 95 % of panels no band misses 0."""
    missed = {"band": 0, "alone": 0}
    for seed in range(30):
        panel = make_staggered(500 + seed, people=250, groups=(5, 6))
        study = aggregate_dynamic(estimate_group_time(panel))
        table = make_bands(study, seed=seed, n_draws=299).table.query("term < 0")
        away = (table["band_low"] > 0) | (table["band_high"] < 0)
        alone = (table["low"] > 0) | (table["high"] < 0)
        missed["band"] += bool(away.any())
        missed["alone"] += bool(alone.any())
    assert missed["band"] <= 5
    assert missed["alone"] > missed["band"]


def test_too_few_draws() -> None:
    with pytest.raises(ParamError, match="at least 199"):
        make_bands(independent(50, 2), seed=1, n_draws=99)
