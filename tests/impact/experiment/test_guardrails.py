"""Guardrails: kept, broken or unclear, on either side of good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.impact.experiment.draw_arms import BEGAN, draw_experiment, register
from tests.impact.simulate import make_outcome
from workbench.core.params import Threshold
from workbench.core.registration import Guardrail
from workbench.impact.effects import Effect
from workbench.impact.experiment.guardrails import describe_guardrail, judge_guardrail


def guard(experiment, **margin):
    item = Guardrail(outcome=experiment.outcome.id, margin=Threshold(**margin))
    return register(experiment, guardrails=(item,))


def make_effect(value: float, error: float = 0.1, **more: float) -> Effect:
    known = {
        "method": "ab_itt",
        "estimand": "ITT",
        "value": value,
        "std_error": error,
        "df": float("inf"),
        "baseline": 4.0,
        "baseline_variance": 0.0,
        "covariance": 0.0,
        "n_treated": 50,
        "n_control": 50,
        "n_clusters": 100,
        "error": "given",
    }
    return Effect(**(known | more))


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.0, "kept"),
        (-0.1, "kept"),
        (-0.2, "unclear"),
        (-0.4, "unclear"),
        (-0.7, "broken"),
    ],
)
def test_the_worse_end_decides(value, verdict):
    experiment = guard(draw_experiment(1, people=40), absolute=0.3)
    table = judge_guardrail(make_effect(value), experiment)
    assert table["verdict"].tolist() == [verdict]
    assert table["margin"].tolist() == [0.3]
    assert bool(table["registered"].iloc[0])


@pytest.mark.parametrize(("value", "verdict"), [(0.1, "kept"), (0.7, "broken")])
def test_for_some_outcomes_more_is_worse(value, verdict):
    base = draw_experiment(1, people=40)
    base = replace(base, outcome=make_outcome(direction="down"))
    experiment = guard(base, absolute=0.3)
    table = judge_guardrail(make_effect(value), experiment)
    assert table["verdict"].tolist() == [verdict]


def test_a_relative_margin_counts_the_error_of_the_baseline():
    experiment = guard(draw_experiment(1, people=40), relative=0.1)
    sure = judge_guardrail(make_effect(-0.2), experiment)
    assert sure["margin"].tolist() == pytest.approx([0.4])
    assert sure["verdict"].tolist() == ["kept"]
    unsure = judge_guardrail(make_effect(-0.2, baseline_variance=4.0), experiment)
    assert unsure["verdict"].tolist() == ["unclear"]


def test_outcomes_that_are_no_guardrail_have_no_row():
    assert judge_guardrail(make_effect(0.1), draw_experiment(1, people=40)).empty
    assert judge_guardrail(make_effect(0.1), register(draw_experiment(1))).empty


def test_a_margin_written_afterwards_is_told():
    base = draw_experiment(1, people=40)
    item = Guardrail(outcome=base.outcome.id, margin=Threshold(absolute=0.3))
    late = register(base, guardrails=(item,), written_on=BEGAN.date().replace(day=20))
    table = judge_guardrail(make_effect(0.1), late)
    assert not bool(table["registered"].iloc[0])


def test_sentences():
    experiment = guard(draw_experiment(1, people=40), absolute=0.3)
    kept = judge_guardrail(make_effect(0.0), experiment)
    assert "did not get worse" in describe_guardrail(kept, experiment)
    broken = judge_guardrail(make_effect(-0.8), experiment)
    assert "got worse by more than" in describe_guardrail(broken, experiment)
    unclear = judge_guardrail(make_effect(-0.3), experiment)
    assert "cannot be told" in describe_guardrail(unclear, experiment)
    assert describe_guardrail(kept.iloc[:0], experiment) == ""
