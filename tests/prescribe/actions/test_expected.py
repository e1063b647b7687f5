"""Expected effects: from this quarter's estimates, declared, or not known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.prescribe.actions.crowd import make_modules, make_paths, make_summary
from workbench.prescribe.actions.expected import NOT_KNOWN, Effects
from workbench.prescribe.rules.language import Expected

MODULE = Expected(source="module")
PATH = Expected(source="path")


def make_effects(**more):
    usual = {
        "modules": make_modules(),
        "paths": make_paths(),
        "summary": make_summary(),
    }
    return Effects(**usual | more)


def test_a_module_s_value_comes_with_its_interval():
    effect = make_effects().find(MODULE, "m-2")
    assert (effect.value, effect.low, effect.high) == (0.4, 0.1, 0.7)
    assert effect.unit == "thresholds"
    assert effect.text == (
        "0.40 thresholds (0.10 to 0.70); the module's estimate of this quarter"
    )


def test_an_interval_that_holds_nothing_says_so():
    modules = make_modules(m_2={"impact_low": -0.1})
    assert "it may be none" in make_effects(modules=modules).find(MODULE, "m-2").text


@pytest.mark.parametrize(
    ("effects", "expected", "module", "reason"),
    [
        ({}, MODULE, "m-1", "it cannot be told from the effect of the whole programme"),
        ({}, MODULE, "e-1", "the module belongs to no programme that was compared"),
        (
            {"modules": make_modules(m_2={"impact_high": np.nan})},
            MODULE,
            "m-2",
            "this quarter's data do not give an estimate",
        ),
        ({"summary": None}, PATH, "m-1", "the path was not valued"),
        ({}, PATH, "e-1", "the path was not valued"),
        ({"summary": make_summary(program="other")}, PATH, "m-1", "the path was not"),
        ({"summary": make_summary(impact=np.nan)}, PATH, "m-1", "do not give an"),
        ({}, Expected(source="unknown", citation="never tried"), "", "never tried"),
    ],
)
def test_what_nobody_estimated_is_not_known(effects, expected, module, reason):
    effect = make_effects(**effects).find(expected, module)
    assert all(map(math.isnan, (effect.value, effect.low, effect.high)))
    assert effect.unit == NOT_KNOWN
    assert effect.text.startswith(NOT_KNOWN)
    assert reason in effect.text


def test_without_a_reason_it_is_plainly_not_known():
    assert make_effects().find(Expected(source="unknown"), "").text == NOT_KNOWN


def test_declared_effects_keep_their_source():
    declared = Expected(
        source="declared",
        value=2.0,
        low=1.0,
        high=3.0,
        unit="points",
        citation="Trial of 2024, table 3",
    )
    effect = make_effects().find(declared, "")
    assert (effect.value, effect.low, effect.high, effect.unit) == (2, 1, 3, "points")
    assert effect.text.endswith("declared: Trial of 2024, table 3")


def test_a_path_s_value_is_not_taken_for_one_module_s():
    effect = make_effects().find(PATH, "m-1")
    assert effect.value == 0.9
    assert effect.unit == "thresholds, for the whole path"
