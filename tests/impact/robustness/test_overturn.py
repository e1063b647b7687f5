from __future__ import annotations

import math

import pytest

from workbench.impact.robustness.overturn import (
    add_controls,
    describe_overturn,
    describe_refusal,
    join_names,
)


def test_a_robust_finding_names_the_multiple_and_what_nobody_measured() -> None:
    text = describe_overturn(
        strongest="prior_rating", breaking=1.84, gamma=1.62, unmeasured=("Drive",)
    )
    assert text.startswith(
        "A cause nobody measured, such as drive, that is 1.8 times as strong as prior "
        "rating, the strongest one measured, would bring the interval to 0."
    )
    assert "change the odds of learning by a factor of 1.6" in text


def test_a_fragile_finding_is_called_so() -> None:
    text = describe_overturn(strongest="tenure", breaking=0.42)
    assert "only 0.42 times as strong as tenure" in text
    assert text.endswith("the finding is fragile.")
    small = describe_overturn(strongest="tenure", breaking=0.03)
    assert "though less than 0.1 times" in small


def test_without_a_clear_effect_there_is_nothing_to_explain() -> None:
    text = describe_overturn(strongest="tenure", breaking=0.0, unmeasured=("drive",))
    assert text.startswith("The interval already holds 0")


@pytest.mark.parametrize("breaking", [12.0, math.inf])
def test_a_very_strong_finding(breaking: float) -> None:
    text = describe_overturn(
        strongest="tenure", breaking=breaking, unmeasured=("drive", "a_sponsor")
    )
    assert text.startswith(
        "Even a cause nobody measured, such as drive and a sponsor, ten times as strong"
    )


def test_nothing_to_compare_with() -> None:
    assert "not known" in describe_overturn(strongest="", breaking=math.nan)


def test_a_moved_control_says_that_such_a_cause_is_at_work() -> None:
    assert add_controls("It holds.", []) == "It holds."
    assert "at work: permit, which" in add_controls("It holds.", ["permit"])


def test_names_are_written_as_in_a_sentence() -> None:
    assert join_names(["Drive", "HR_grade", "luck"]) == "drive, HR grade and luck"


def test_a_comparison_that_cannot_be_made() -> None:
    text = describe_refusal("Nobody learnt.")
    assert "not answerable" in text
    assert text.endswith("Nobody learnt.")
