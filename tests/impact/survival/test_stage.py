"""The survival stage: every outcome answered, or refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import make_program
from tests.impact.survival.simulate_follow import (
    make_follow_up,
    make_retention,
    simulate_histories,
    simulate_rows,
)
from tests.impact.survival.test_matched_follow import make_ramp
from workbench.cohorts.follow_frames import FollowUp
from workbench.cohorts.target_trial import Gap
from workbench.core.results import Estimate, StageResult
from workbench.impact.survival.stage import estimate_survival_stage

STANDARD_ERRORS = 3  # of truth recovery, one draw

RAMP = make_retention(
    id="ramp_days", source="proficiency_dates.days", unit="days", direction="down"
)
MOVES = make_retention(
    id="internal_mobility_12m", source="job_history.internal_move", direction="up"
)


def estimate(*follow_ups: FollowUp, **more: object) -> StageResult:
    return estimate_survival_stage(follow_ups, seed=1, **more)  # type: ignore[arg-type]


def pick(found: StageResult, outcome: str, method: str) -> Estimate:
    return next(
        item
        for item in found.estimates
        if item.outcome == outcome and item.method == method and not item.subgroup
    )


def refuse(follow_up: FollowUp, **more: object) -> tuple[Estimate, str]:
    """Return the only estimate of a refused comparison, and the reason given."""
    found = estimate(follow_up, **more)
    assert len(found.estimates) == 1
    row = found.estimates[0]
    assert np.isnan(row.estimate)
    assert row.method == "km"
    assert row.headline
    assert row.evidence == 0
    check = next(item for item in found.checks if item.check == "comparison")
    assert check.status == "fail"
    assert row.limitation == f"Not answerable: {check.text}"
    assert found.facts["answers"][0]["reason"] == check.text
    assert found.tables["curves"].empty
    return row, check.text


@pytest.fixture(scope="module")
def retention() -> pd.DataFrame:
    return simulate_rows(11, people=2000, other=0.1)


@pytest.fixture(scope="module")
def found(retention: pd.DataFrame) -> StageResult:
    moves = simulate_rows(12, people=1500, rate=0.2, ratio=2.0, other=0.3)
    return estimate(
        make_follow_up(retention, protected=("gender",)),
        make_follow_up(moves, outcome=MOVES, causes=("moved", "left")),
        make_follow_up(make_ramp(3), outcome=RAMP, origin="role start"),
        histories=[simulate_histories(1, program=make_program())],
        gaps=[Gap(program="basics", outcome="skill", reason="It takes no time.")],
        levels=pd.DataFrame({"measure": ["nps"]}),
    )


def test_truths_are_recovered(found: StageResult, retention: pd.DataFrame) -> None:
    learners = retention[retention["treated"]]
    for method, truth in (
        ("km", learners["truth_share"].mean()),
        ("km_unadjusted", learners["truth_share"].mean()),
        ("rmst", learners["truth_days"].mean()),
    ):
        row = pick(found, "retention_12m", method)
        assert abs(row.estimate - truth) < STANDARD_ERRORS * row.std_error
        assert row.estimate > 0
    ratio = pick(found, "retention_12m", "cox")
    assert ratio.ci_low < 0.6 < ratio.ci_high
    assert pick(found, "internal_mobility_12m", "km").estimate > 0
    assert pick(found, "ramp_days", "km").estimate < 0


def test_methods_of_each_kind_of_outcome(found: StageResult) -> None:
    methods: dict[str, list[str]] = {}
    for item in found.estimates:
        if item.subgroup is None:
            methods.setdefault(item.outcome, []).append(item.method)
    shares = ["naive", "km", "km_unadjusted", "rmst", "cox"]
    assert methods["retention_12m"] == shares
    assert methods["internal_mobility_12m"] == shares
    days = ["naive", "km", "km_unadjusted", "km_delayed_entry", "km_median", "cox"]
    assert methods["ramp_days"] == days


def test_one_headline_per_outcome_adjusted_as_a_family(found: StageResult) -> None:
    headlines = [item for item in found.estimates if item.headline]
    assert [item.method for item in headlines] == ["km"] * 3
    assert all(item.p_adjusted >= item.p_value for item in headlines)
    assert all(item.evidence is not None for item in headlines)
    assert found.facts["family"].startswith("3 headline estimates")


def test_direction_is_that_of_the_row(found: StageResult) -> None:
    better = {
        (item.outcome, item.method): item.direction
        for item in found.estimates
        if item.subgroup is None
    }
    assert better["retention_12m", "km"] == "up"
    assert better["retention_12m", "rmst"] == "up"
    assert better["retention_12m", "cox"] == "down"
    assert better["internal_mobility_12m", "rmst"] == "down"
    assert better["internal_mobility_12m", "cox"] == "up"
    assert better["ramp_days", "km"] == "down"
    assert better["ramp_days", "cox"] == "up"


def test_tables_name_what_they_are_about(found: StageResult) -> None:
    for name in ("curves", "tests", "balance", "flow", "subgroups", "extrapolated"):
        assert list(found.tables[name].columns[:2]) == ["program", "outcome"]
        assert len(found.tables[name])
    assert set(found.tables["datings"]["outcome"]) == {"retention_12m"}
    assert set(found.tables["extrapolated"]["outcome"]) == {"retention_12m"}
    assert len(found.tables["findings"]) == 3
    assert len(found.tables["levels"]) == 1


def test_expected_and_differently_dated_figures_are_no_estimates(
    found: StageResult,
) -> None:
    numbers = {round(item.estimate, 9) for item in found.estimates}
    expected = found.tables["extrapolated"]
    assert not numbers & set(expected["predicted"].round(9))
    assert not numbers & set(found.tables["datings"]["hazard_ratio"].round(9))
    assert not found.tables["curves"]["extrapolated"].any()
    answer = found.facts["answers"][0]
    assert "are extrapolated: they assume" in answer["extrapolated"]
    assert "That dating is wrong" in answer["datings"]


def test_effects_by_group_keep_to_the_stage(found: StageResult) -> None:
    groups = [item for item in found.estimates if item.subgroup]
    assert {item.subgroup for item in groups} == {"f", "m"}
    assert {item.stage for item in groups} == {"survival"}
    assert {item.method for item in groups} == {"km_subgroup"}
    assert not any(item.headline for item in groups)
    whole = pick(found, "retention_12m", "km")
    sizes = [item.estimate for item in groups]
    assert min(sizes) - 0.05 < whole.estimate < max(sizes) + 0.05


def test_saves_and_reads_back(found: StageResult, tmp_path: Path) -> None:
    found.save(tmp_path)
    again = StageResult.read(tmp_path)
    assert set(again.tables) == {*found.tables, "estimates", "diagnostics"}
    assert len(again.tables["estimates"]) == len(found.estimates)
    assert again.facts == found.facts


def test_nothing_to_follow_is_not_applicable() -> None:
    found = estimate(gaps=[Gap(program="basics", outcome="nps", reason="No surveys.")])
    assert found.status == "not_applicable"
    assert found.reason == "No surveys."
    assert found.tables["curves"].empty


def test_short_follow_up_is_refused(retention: pd.DataFrame) -> None:
    recent = retention[retention["trial"] > "T05"]
    row, reason = refuse(make_follow_up(recent))
    assert reason.startswith("Too few people have been followed for 365 days")
    assert not row.suppressed


def test_event_to_nobody_is_refused_in_words(retention: pd.DataFrame) -> None:
    calm = retention.assign(cause=retention["cause"].replace(1, 0))
    _, reason = refuse(make_follow_up(calm))
    assert reason.startswith("It happened to nobody within 365 days")


def test_small_arms_are_kept_back(retention: pd.DataFrame) -> None:
    some = retention[retention["treated"]].head(6)
    few = pd.concat([some, retention[~retention["treated"]]])
    row, reason = refuse(make_follow_up(few))
    assert row.suppressed
    assert reason.startswith("Too few people to compare")
    assert "6" not in reason
    calm = few.assign(cause=0)
    row, reason = refuse(make_follow_up(calm))
    assert row.suppressed


def test_counts_of_small_arms_are_kept_back(retention: pd.DataFrame) -> None:
    some = retention[retention["treated"]].head(6)
    few = pd.concat([some, retention[~retention["treated"]]])
    row, _ = refuse(make_follow_up(few))
    assert row.n_treated is None
    assert row.n_control is None


def test_days_taken_over_less_than_the_horizon_are_told() -> None:
    ramp = make_ramp(3)
    short = ramp.assign(
        cause=ramp["cause"].where(ramp["duration"] <= 91, 0),
        duration=ramp["duration"].clip(upper=91),
    )
    made = estimate(make_follow_up(short, outcome=RAMP, origin="role start"))
    reach = next(item for item in made.checks if item.check == "follow_up")
    assert reach.status == "warn"
    assert (reach.value, reach.limit) == (91, 365)
    assert "Mean days are taken over 91 days only" in reach.text
    answer = made.facts["answers"][0]
    assert answer["follow_up"].endswith("compared over 91 days.")
    assert "short follow-up" in answer["evidence"]


def test_groups_get_shares_of_the_whole_time_like_the_headline() -> None:
    ramp = make_follow_up(
        make_ramp(3), outcome=RAMP, origin="role start", protected=("gender",)
    )
    made = estimate(ramp)
    whole = pick(made, "ramp_days", "km")
    groups = [item for item in made.estimates if item.method == "km_subgroup"]
    assert {item.subgroup for item in groups} == {"f", "m"}
    for item in groups:
        assert abs(item.baseline - whole.baseline) < 30  # of 59 days before, 140 after


def test_groups_that_cannot_be_compared_are_refused(retention: pd.DataFrame) -> None:
    apart = retention.assign(x1=retention["x1"] + 40 * retention["treated"])
    _, reason = refuse(make_follow_up(apart))
    assert "learners" in reason


def test_one_team_is_refused(retention: pd.DataFrame) -> None:
    single = make_follow_up(retention.assign(team="t"), clusters=("unit", "team"))
    _, reason = refuse(single)
    assert reason.startswith("All rows lie in one cluster")


def test_few_teams_get_the_careful_error() -> None:
    frame = simulate_rows(3, people=700, teams=10)
    made = make_follow_up(frame, clusters=("unit", "team"))
    plain = pick(estimate(make_follow_up(frame)), "retention_12m", "km")
    found = estimate(made)
    row = pick(found, "retention_12m", "km")
    assert row.n_clusters == 10
    assert row.estimate == pytest.approx(plain.estimate)
    check = next(item for item in found.checks if item.check == "clusters")
    assert check.status == "warn"
    assert "CR2" in check.text


def test_control_that_moved_lowers_the_grade(retention: pd.DataFrame) -> None:
    control = make_retention(id="control", negative_control=True)
    both = estimate(
        make_follow_up(retention), make_follow_up(retention, outcome=control)
    )
    rows = both.tables["findings"].set_index("outcome")["threats"]
    assert "negative control control" in rows["retention_12m"]
    assert "negative control" not in rows["control"]
    check = next(item for item in both.checks if item.check == "negative_control")
    assert check.status == "warn"
    assert [item.outcome for item in both.estimates if item.headline] == [
        "retention_12m"
    ]
    alone = pick(estimate(make_follow_up(retention)), "retention_12m", "km")
    graded = pick(both, "retention_12m", "km")
    assert alone.evidence is not None
    assert graded.evidence == alone.evidence - 1


@pytest.mark.parametrize(
    "matching", [{"ratio": 2}, {"replace": True}, {"ratio": 2, "replace": True}]
)
def test_other_ways_to_match_agree_within_errors(
    retention: pd.DataFrame, matching: dict[str, object]
) -> None:
    plain = pick(estimate(make_follow_up(retention)), "retention_12m", "km")
    other = pick(estimate(make_follow_up(retention), **matching), "retention_12m", "km")
    assert other.estimate != plain.estimate
    assert abs(other.estimate - plain.estimate) < 2 * plain.std_error
    assert 0.5 < other.std_error / plain.std_error < 1.5


def test_replacement_of_different_people_takes_the_error_of_abadie_and_imbens() -> None:
    frame = simulate_rows(8, people=1500, trials=1, after=500, start=-1.0)
    found = estimate(make_follow_up(frame), replace=True)
    row = pick(found, "retention_12m", "km")
    truth = frame.loc[frame["treated"], "truth_share"].mean()
    assert abs(row.estimate - truth) < STANDARD_ERRORS * row.std_error
    check = next(item for item in found.checks if item.check == "clusters")
    assert "Abadie-Imbens" in check.text


def test_order_of_rows_changes_nothing(retention: pd.DataFrame) -> None:
    first = estimate(make_follow_up(retention))
    again = estimate(make_follow_up(retention.sample(frac=1.0, random_state=7)))
    for one, two in zip(first.estimates, again.estimates, strict=True):
        assert one.estimate == pytest.approx(two.estimate, abs=1e-7)
        assert one.std_error == pytest.approx(two.std_error, abs=1e-7)
    pd.testing.assert_frame_equal(first.tables["curves"], again.tables["curves"])
