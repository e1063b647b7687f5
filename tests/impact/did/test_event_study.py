from __future__ import annotations

import pandas as pd
import pytest

from tests.impact.did.classic_panels import make_panel, simulate_panel
from workbench.core.errors import DesignError
from workbench.impact.did.event_study import estimate_event_study, estimate_static
from workbench.impact.effects import make_estimate


def test_equal_effects_are_recovered() -> None:
    panel = make_panel(simulate_panel(1, people=1200))
    found = estimate_event_study(panel)
    for time, effect in found.effects.items():
        truth = 0.5 if time >= 0 else 0.0
        assert abs(effect.value - truth) < 3.5 * effect.std_error
    assert abs(found.overall.value - 0.5) < 3 * found.overall.std_error


def test_growing_effects_bias_the_static_number_and_the_check_warns() -> None:
    """Two cohorts, nobody else: the truth is 1.5 on average, the estimate far off."""
    frame = simulate_panel(2, people=1200, periods=8, starts=(2, 5), growth=0.5)
    effect, (check,), _ = estimate_static(make_panel(frame))
    after = frame[frame["period"] >= frame["first_treat"]]
    truth = (0.5 + 0.5 * (after["period"] - after["first_treat"])).mean()
    assert effect.value < truth - 10 * effect.std_error
    assert check.status == "warn"
    assert check.value > 0.1
    assert "already learnt as controls" in check.text


def test_without_late_cohorts_no_weight_is_negative() -> None:
    _, (check,), _ = estimate_static(make_panel(simulate_panel(3, starts=(0, 0, 4))))
    assert check.passed
    assert check.value == pytest.approx(0, abs=1e-12)


def test_ends_are_binned_and_the_reference_marked() -> None:
    panel = make_panel(simulate_panel(4, periods=9, starts=(0, 4, 6)))
    found = estimate_event_study(panel, window=(-2, 1))
    table = found.table
    assert table["event_time"].tolist() == [-2, -1, 0, 1]
    assert table["label"].tolist() == ["-2 and earlier", "-1", "0", "+1 and later"]
    assert table["reference"].tolist() == [False, True, False, False]
    assert table.loc[1, ["estimate", "ci_low", "ci_high"]].tolist() == [0, 0, 0]
    assert found.covariance.index.tolist() == [-2, 0, 1]
    errors = table.loc[~table["reference"], "std_error"] ** 2
    assert errors.tolist() == pytest.approx(
        [found.covariance.loc[time, time] for time in (-2, 0, 1)]
    )


@pytest.mark.parametrize(
    ("starts", "known"), [((3, 4, 5), [-4, -1]), ((3, 5), [-4, -3, -1])]
)
def test_where_all_learn_early_quarters_are_references_too(
    starts: tuple[int, ...], known: list[int]
) -> None:
    """Cohorts two quarters apart leave the pattern of even event times open too."""
    panel = make_panel(simulate_panel(5, starts=starts, lose=0.05))
    found = estimate_event_study(panel)
    references = found.table.loc[found.table["reference"], "event_time"]
    assert references.tolist() == known
    assert any("everybody learns in the end" in note for note in found.notes)


def test_one_cohort_and_nobody_else_is_refused() -> None:
    panel = make_panel(simulate_panel(5, starts=(3,)))
    with pytest.raises(DesignError, match="cannot be told from the effects"):
        estimate_static(panel)


def test_a_window_without_before_is_refused() -> None:
    panel = make_panel(simulate_panel(5))
    with pytest.raises(DesignError, match="does not reach around exposure"):
        estimate_event_study(panel, window=(-1, 3))


def test_clusters_and_publishing() -> None:
    frame = simulate_panel(6, teams=20, by_team=True, team_sd=0.4)
    by_team = estimate_event_study(make_panel(frame, clusters=("unit", "team")))
    by_person = estimate_event_study(make_panel(frame))
    assert by_team.overall.n_clusters == 20
    assert by_team.overall.df == 19
    assert by_team.overall.value == pytest.approx(by_person.overall.value)
    assert by_team.overall.std_error > by_person.overall.std_error
    row = make_estimate(by_team.effects[0], make_panel(frame), stage="did", period="0")
    assert row.method == "did_event_study"
    assert row.period == "0"


def test_renaming_people_changes_nothing() -> None:
    frame = simulate_panel(7, people=150, lose=0.1)
    other = frame.assign(unit="z" + frame["unit"].str[::-1])
    first = estimate_event_study(make_panel(frame)).table
    second = estimate_event_study(make_panel(other)).table
    pd.testing.assert_frame_equal(first, second, rtol=1e-9)
