from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from workbench.cohorts.trials import list_trials, plan_trials
from workbench.core.params import Outcome
from workbench.core.quarters import Quarter

FIRST = Quarter.parse("2024Q4")
RATING = Outcome(id="rating", source="performance.rating", kind="continuous")
RETENTION = Outcome(
    id="retention", source="exits.voluntary", kind="time_to_event", horizon_days=365
)


def names(outcome: Outcome, quarter: str) -> list[str]:
    trials = plan_trials(outcome, Quarter.parse(quarter), first=FIRST)
    return [str(trial.exposure) for trial in trials]


def test_rating_of_2026q3_reads_the_exposures_that_the_design_names() -> None:
    assert names(RATING, "2026Q3") == ["2025Q3", "2025Q4", "2026Q1", "2026Q2"]


def test_rating_is_read_in_the_quarter_after_exposure() -> None:
    last = plan_trials(RATING, Quarter.parse("2026Q3"), first=FIRST)[-1]
    assert str(last.period) == "2026Q3"
    assert last.window_ends == date(2026, 9, 30)


def test_a_year_of_follow_up_must_have_passed() -> None:
    assert names(RETENTION, "2026Q3") == ["2024Q4", "2025Q1", "2025Q2", "2025Q3"]
    assert names(RETENTION, "2026Q2") == ["2024Q4", "2025Q1", "2025Q2"]


def test_no_trial_before_the_first_quarter_or_before_a_window_closed() -> None:
    assert names(RATING, "2024Q4") == []
    assert names(RATING, "2025Q1") == ["2024Q4"]
    assert names(RATING, "2023Q4") == []


@given(
    st.integers(0, 3),
    st.integers(1, 8),
    st.one_of(st.none(), st.integers(1, 800)),
    st.integers(0, 20),
)
def test_no_window_reaches_past_the_cut(
    lag: int, window: int, horizon: int | None, later: int
) -> None:
    outcome = Outcome(
        id="any",
        source="performance.rating",
        kind="continuous",
        lag_quarters=lag,
        exposure_window_quarters=window,
        horizon_days=horizon,
    )
    quarter = FIRST.shift(later)
    trials = plan_trials(outcome, quarter, first=FIRST)
    assert len(trials) <= window
    assert all(trial.window_ends <= quarter.last_day for trial in trials)
    assert all(trial.window_ends >= trial.exposure.last_day for trial in trials)


def test_list_trials_joins_the_exposures_of_all_outcomes() -> None:
    found = list_trials((RATING, RETENTION), Quarter.parse("2026Q3"), first=FIRST)
    assert [str(item) for item in found] == [
        "2024Q4", "2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1", "2026Q2",
    ]  # fmt: skip
