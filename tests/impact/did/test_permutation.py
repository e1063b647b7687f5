from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from tests.impact.did.classic_panels import make_panel, simulate_panel
from workbench.cohorts.frames import Panel
from workbench.core.errors import TooFewUnitsError
from workbench.impact.did.changes import list_windows
from workbench.impact.did.permutation import permute_starts
from workbench.impact.did.two_by_two import estimate_two_by_two


def make_teams(seed: int, *, teams: int = 8, **more: object) -> Panel:
    known: dict[str, object] = {
        "people": 10 * teams,
        "teams": teams,
        "periods": 5,
        "by_team": True,
        "starts": (0, 0, 3, 4),
        "team_sd": 0.3,
    }
    frame = simulate_panel(seed, **(known | more))  # type: ignore[arg-type]
    return make_panel(frame, clusters=("unit", "team"))


def test_the_statistic_is_the_two_by_two_effect_where_whole_teams_learn() -> None:
    panel = make_teams(1, lose=0.1)
    found = permute_starts(
        panel, list_windows(panel.exposures, lag=0), cluster="team", seed=0
    )
    assert found.estimate == pytest.approx(estimate_two_by_two(panel).effect.value)
    assert found.assignments == math.factorial(8) // (24 * 2 * 2)
    assert found.smallest_p == pytest.approx(1 / 420)
    assert (found.n_treated, found.n_control) == (4, 4)
    assert found.compliance == 1


def test_the_test_keeps_its_size_with_eight_teams() -> None:
    p_values = []
    for seed in range(200):
        panel = make_teams(seed, effect=0.0, people=48)
        windows = list_windows(panel.exposures, lag=0)
        p_values.append(permute_starts(panel, windows, cluster="team", seed=0).p_value)
    rejected = int((np.array(p_values) <= 0.05).sum())
    assert 1 <= rejected <= binom.ppf(0.999, 200, 0.05)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.08)


def test_a_large_effect_is_found_and_covered() -> None:
    panel = make_teams(2, effect=2.0)
    found = permute_starts(
        panel, list_windows(panel.exposures, lag=0), cluster="team", seed=0
    )
    assert found.p_value < 0.05
    assert found.ci_low < 2.0 < found.ci_high
    assert found.ci_low > 0


def test_many_assignments_are_drawn_with_the_seed() -> None:
    panel = make_teams(3, teams=16)
    windows = list_windows(panel.exposures, lag=0)
    first, second, third = (
        permute_starts(panel, windows, cluster="team", seed=seed, draws=499)
        for seed in (1, 1, 2)
    )
    assert first == second
    assert first.p_value != third.p_value or first.ci_low != third.ci_low
    assert not first.listed
    assert first.smallest_p == pytest.approx(1 / 500)


def test_few_assignments_allow_no_interval() -> None:
    panel = make_teams(4, teams=3, starts=(0, 0, 3), effect=5.0)
    found = permute_starts(panel, list_windows([3], lag=0), cluster="team", seed=0)
    assert found.p_value == pytest.approx(1 / 3)
    assert (found.ci_low, found.ci_high) == (-math.inf, math.inf)


def test_people_who_did_not_follow_their_team_are_reported() -> None:
    panel = make_teams(5)
    frame = panel.frame.copy()
    left = frame["unit"].unique()[::5]
    frame.loc[frame["unit"].isin(left), "first_treat"] = 0
    partly = make_panel(frame, clusters=("unit", "team"))
    windows = list_windows(panel.exposures, lag=0)
    found = permute_starts(partly, windows, cluster="team", seed=0)
    assert 0.7 < found.compliance < 0.9
    assert found.estimate == pytest.approx(
        permute_starts(panel, windows, cluster="team", seed=0).estimate
    )


def test_all_teams_starting_together_is_refused() -> None:
    panel = make_teams(6, starts=(3,))
    with pytest.raises(TooFewUnitsError, match="start and clusters that wait"):
        permute_starts(panel, list_windows([3], lag=0), cluster="team", seed=0)
