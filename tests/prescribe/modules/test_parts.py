"""What can be told apart, who takes what with what, and impact per hour."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from workbench.prescribe.modules.co_taking import check_bundles, tabulate_co_taking
from workbench.prescribe.modules.parts import count_uptake
from workbench.prescribe.modules.ratio import Effort, divide, read_cost, read_effort


def draw(skips: dict[tuple[int, ...], int], learners: int = 200) -> np.ndarray:
    passed = np.ones((learners, 4), dtype=bool)
    row = 0
    for columns, count in skips.items():
        passed[row : row + count, list(columns)] = False
        row += count
    return passed


def test_what_everybody_passed_cannot_be_told() -> None:
    found = count_uptake(draw({(1,): 20, (2,): 15, (3,): 14}))
    assert found.identified == (False, True, True, False)
    assert found.n_skipped == (0, 20, 15, 14)
    assert found.shares[1] == pytest.approx(0.9)


def test_modules_always_taken_together_are_one_part() -> None:
    passed = draw({(1, 2): 30, (1,): 5, (3,): 20})
    found = count_uptake(passed)
    assert [part.columns for part in found.parts] == [(1, 2), (3,)]
    assert found.find_bundle(2) == (1, 2)
    assert found.find_bundle(3) == ()
    check = check_bundles(found, ("a", "b", "c", "d"), program="p")
    assert check.passed is False
    assert "b and c" in check.text
    apart = check_bundles(count_uptake(draw({(1,): 20})), ("a", "b"), program="p")
    assert apart.passed is True


def test_co_taking_compares_with_independence() -> None:
    passed = draw({(1,): 40, (2,): 50})
    table = tabulate_co_taking(
        passed, ("a", "b", "c", "d"), persona="p", program="q", min_group=10
    )
    row = table.set_index(["module", "other"]).loc[("b", "c")]
    assert row["n_together"] == 110
    assert row["share_of_module"] == pytest.approx(110 / 160)
    assert row["share_overall"] == pytest.approx(150 / 200)


@pytest.mark.parametrize("few", [1, 9])
def test_small_cells_are_kept_back(few: int) -> None:
    table = tabulate_co_taking(
        draw({(1,): few}), ("a", "b", "c", "d"), persona="p", program="q", min_group=10
    )
    hidden = table[table["suppressed"]]
    assert set(hidden["module"]) | set(hidden["other"]) == {"a", "b", "c", "d"}
    assert hidden["share_of_module"].isna().all()
    assert hidden["n_together"].isna().all()
    shown = table[~table["suppressed"]]
    assert "b" not in set(shown["module"]) | set(shown["other"])


def test_fieller_is_the_exact_interval_of_a_ratio() -> None:
    effort = Effort(hours=4.0, std_error=0.5, measured=True)
    ratio, low, high = (value / 10 for value in divide(2.0, 0.6, effort, quantile=2.0))
    assert ratio == pytest.approx(0.5)
    for end in (low, high):
        distance = abs(2.0 - end * 4.0) / math.sqrt(0.6**2 + end**2 * 0.5**2)
        assert distance == pytest.approx(2.0)


def test_declared_effort_scales_the_interval() -> None:
    effort = Effort(hours=4.0, std_error=0.0, measured=False)
    assert divide(2.0, 0.6, effort, quantile=2.0) == pytest.approx((5.0, 2.0, 8.0))


@pytest.mark.parametrize("hours", [0.0, math.nan, 1.0])
def test_hours_not_told_from_none_give_no_ratio(hours: float) -> None:
    effort = Effort(hours=hours, std_error=0.6, measured=True)
    assert all(map(math.isnan, divide(2.0, 0.6, effort, quantile=2.0)))


def test_measured_hours_stand_before_those_of_the_catalogue() -> None:
    course = pd.Series({"effort_hours": 5.0, "measured_hours": 4.0})
    assert read_effort(course) == Effort(hours=4.0, std_error=0.0, measured=True)
    assert read_effort(pd.Series(dict(course) | {"measured_error": 0.3})) == Effort(
        hours=4.0, std_error=0.3, measured=True
    )
    unknown = pd.Series({"effort_hours": 5.0, "measured_hours": math.nan})
    assert read_effort(unknown).measured is False


def test_a_learner_bears_a_share_of_the_fixed_cost() -> None:
    known = {"unit_cost": 20.0, "fixed_cost": 500.0, "n_completions": 50}
    assert read_cost(pd.Series(known)) == 30.0
    assert read_cost(pd.Series(known | {"fixed_cost": math.nan})) == 20.0
    nothing = known | {"fixed_cost": math.nan, "unit_cost": math.nan}
    assert math.isnan(read_cost(pd.Series(nothing)))
