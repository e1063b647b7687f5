"""The stage: what is read, what is stopped, and every case without an answer."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.impact.experiment.draw_arms import (
    BEGAN,
    change,
    draw_experiment,
    register,
)
from tests.impact.experiment.draw_wedges import draw_wedge
from tests.impact.simulate import make_outcome
from workbench.cohorts.experiments import ExperimentGap
from workbench.core.params import Threshold
from workbench.core.registration import Guardrail
from workbench.core.results import StageResult, tabulate_estimates
from workbench.impact.experiment.analysis import analyse_experiment
from workbench.impact.experiment.report import (
    describe_answer,
    find_power,
    grade_reading,
)
from workbench.impact.experiment.stage import estimate_experiment_stage
from workbench.impact.experiment.tables import KEY, TABLES

DAY = pd.Timedelta(days=1)
NUMBERS = ["estimate", "std_error", "ci_low", "ci_high", "p_value"]
EFFECTS = (
    *("inference", "compliance", "looks", "power", "guardrails", "bounds"),
    "subgroups",
)


def run(*experiments, **more) -> StageResult:
    return estimate_experiment_stage(experiments, seed=3, **more)


@pytest.fixture(scope="module")
def read() -> StageResult:
    """One experiment with a primary outcome and a guardrail."""
    base = draw_experiment(
        1, people=500, effect=0.6, uptake=0.7, crossover=0.1, missing=0.05
    )
    guarded = replace(
        base,
        outcome=make_outcome(id="errors", direction="down", threshold=None),
        primary=False,
        frame=draw_experiment(1, people=500).frame,
    )
    item = Guardrail(outcome="errors", margin=Threshold(absolute=0.5))
    return run(*(register(x, guardrails=(item,)) for x in (base, guarded)))


def lose_controls(experiment):
    """Lose most controls of one site, so that the arms' sizes do not fit."""
    frame = experiment.frame
    lost = ~frame["assigned"] & (frame["site"] != "Leeds")
    return replace(experiment, frame=frame[~lost].reset_index(drop=True))


def test_methods_and_their_order(read):
    table = tabulate_estimates(read.estimates)
    own = table[(table["outcome"] == "performance_rating") & table["subgroup"].isna()]
    assert own["method"].tolist() == ["ab_itt", "ab_cuped", "ab_iv", "naive"]
    assert own["estimand"].tolist() == ["ITT", "ITT", "CACE", "ASSOCIATION"]
    assert own["headline"].tolist() == [True, False, False, False]
    assert (table["stage"] == "ab").all()
    assert own["evidence"].iloc[[0, 2]].notna().all()
    cace, itt = own.iloc[2]["estimate"], own.iloc[0]["estimate"]
    assert cace > itt > 0


def test_headlines_are_one_family(read):
    table = tabulate_estimates(read.estimates)
    main = table[table["headline"]]
    assert len(main) == 2
    assert main["p_adjusted"].notna().all()
    assert (main["p_adjusted"] >= main["p_value"]).all()
    assert "2 headline estimates" in read.facts["family"]


def test_all_tables_are_there_with_their_columns(read):
    assert set(read.tables) == {*TABLES, "findings"}
    for name, columns in TABLES.items():
        assert list(read.tables[name].columns) == [*KEY, *columns], name
    assert len(read.tables["experiments"]) == 1
    row = read.tables["experiments"].iloc[0]
    assert row["status"] == "read"
    assert row["outcome"] == "performance_rating"
    assert row["registered"]
    assert row["started_on"] == "2026-01-05"
    assert read.tables["inference"].groupby("outcome")["headline"].sum().eq(1).all()
    assert read.tables["guardrails"]["verdict"].tolist() == ["kept"]


def test_checks_name_what_they_are_about(read):
    names = {item.check for item in read.checks}
    assert names >= {
        *("sample_ratio", "baseline_balance", "attrition", "differential_attrition"),
        *("few_clusters", "compliance", "power", "registration", "spill_over"),
    }
    assert all(item.program and item.outcome for item in read.checks)


def test_answers_are_sentences_and_json(read):
    answer = read.facts["answers"][0]
    assert answer["status"] == "read"
    assert answer["text"].startswith("Being offered the programme changed")
    for name in ("evidence", "power", "inference", "adjusted", "compliance", "bounds"):
        assert answer[name].strip()
    json.dumps(read.facts)


def test_it_is_saved_and_read_again(read, tmp_path):
    read.save(tmp_path)
    again = StageResult.read(tmp_path)
    assert set(again.tables) == {*TABLES, "findings", "estimates", "diagnostics"}
    assert again.status == "done"


def test_a_draw_that_does_not_fit_shows_no_effect_anywhere():
    broken = register(lose_controls(draw_experiment(2, people=600, effect=1.0)))
    second = replace(
        broken, outcome=make_outcome(id="errors", threshold=None), primary=False
    )
    result = run(broken, second)
    table = tabulate_estimates(result.estimates)
    assert table[NUMBERS].isna().all(axis=None)
    assert table["method"].tolist() == ["ab_itt", "ab_itt"]
    assert table["headline"].all()
    assert (table["evidence"] == 1).all()
    assert table["limitation"].str.contains("Stopped: no effect is read").all()
    for name in EFFECTS:
        assert result.tables[name].empty, name
    row = result.tables["experiments"].iloc[0]
    assert row["status"] == "stopped"
    assert row["sample_ratio_p"] < 0.001
    assert "site" in row["text"]
    assert result.tables["arms"]["learnt"].isna().all()
    failed = [item for item in result.checks if item.check == "sample_ratio"]
    assert {item.status for item in failed} == {"fail"}
    assert result.tables["findings"]["sample_ratio_fine"].eq(False).all()


def test_one_outcome_that_does_not_fit_stops_the_others():
    fine = register(draw_experiment(3, people=600))
    broken = replace(
        lose_controls(fine), outcome=make_outcome(id="errors"), primary=False
    )
    result = run(fine, broken)
    assert tabulate_estimates(result.estimates)["estimate"].isna().all()


def cut(experiment, **changes):
    return replace(experiment, **changes)


def empty_arm():
    base = draw_experiment(4)
    frame = base.frame[base.frame["assigned"]].reset_index(drop=True)
    return cut(base, frame=frame)


def one_cluster_a_side():
    return draw_experiment(5, people=60, clusters=2)


def stopped_at_once():
    return cut(draw_experiment(6), ended_on=BEGAN)


def nothing_known():
    base = draw_experiment(7)
    return change(base, outcome=np.nan, known_on=pd.NaT, lost="not recorded")


def all_the_same():
    return change(draw_experiment(8), outcome=3.0)


def two_people():
    return draw_experiment(9, people=2)


def no_control():
    base = draw_experiment(10, arms=("control", "a"))
    frame = base.frame.assign(arm=base.frame["arm"].replace({"control": "b"}))
    return cut(base, frame=frame.assign(assigned=True), arms=("a", "b"))


def no_spread():
    base = draw_experiment(23)
    return change(base, outcome=base.frame["assigned"].astype("float64"))


def one_side_unknown():
    base = draw_experiment(11)
    outcome = base.frame["outcome"].where(base.frame["assigned"])
    return change(base, outcome=outcome)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (empty_arm, "Nobody was assigned to control"),
        (one_cluster_a_side, "one cluster only"),
        (stopped_at_once, "stopped on 2026-01-05, the day it began"),
        (nothing_known, "Nobody's outcome is known yet (not recorded)"),
        (all_the_same, "the same for everybody"),
        (two_people, "Fewer than 10 people"),
        (no_control, "No arm of the experiment is called control"),
        (no_spread, "without any spread no error can be estimated"),
        (one_side_unknown, "Nobody's outcome is known in control"),
    ],
)
def test_cases_without_an_answer_say_why(make, words):
    result = run(make())
    estimate = result.estimates[0]
    assert len(result.estimates) == 1
    assert np.isnan(estimate.estimate)
    assert estimate.evidence == 0
    assert words in estimate.limitation
    row = result.tables["experiments"].iloc[0]
    assert row["status"] == "not_answerable"
    assert words in row["text"]
    assert all(result.tables[name].empty for name in EFFECTS)
    refused = [item for item in result.checks if item.check == "comparison"]
    assert refused[0].status == "fail"


def test_small_numbers_are_no_reason_to_show_them():
    result = run(draw_experiment(12, people=14))
    assert result.estimates[0].suppressed
    assert result.estimates[0].n_treated is None
    assert result.tables["arms"]["people"].isna().all()
    everybody = result.tables["sample_ratio"].query("dimension == 'everybody'")
    assert everybody["observed"].isna().all()


def test_without_compliance_data_the_offer_is_read():
    result = run(change(draw_experiment(13, effect=0.6), learnt=pd.NA))
    table = tabulate_estimates(result.estimates).set_index("method")
    assert table.loc["ab_itt", "estimate"] > 0
    assert pd.isna(table.loc["ab_iv", "estimate"])
    assert "not known who completed" in table.loc["ab_iv", "limitation"]
    assert result.tables["arms"]["learnt"].isna().all()
    check = next(item for item in result.checks if item.check == "compliance")
    assert check.status == "not_applicable"


def test_constant_covariates_leave_the_plain_effect():
    result = run(change(draw_experiment(14, people=60), prior=1.0, tenure_days=1.0))
    table = tabulate_estimates(result.estimates).set_index("method")
    assert pd.isna(table.loc["ab_cuped", "estimate"])
    assert "nothing to adjust for" in table.loc["ab_cuped", "limitation"]


def test_several_arms_are_each_compared_with_control():
    base = draw_experiment(
        15, people=600, arms=("control", "app", "coach"), share=2 / 3
    )
    gain = 0.9 * (base.frame["arm"] == "coach")
    result = run(change(base, outcome=base.frame["outcome"] + gain))
    table = tabulate_estimates(result.estimates)
    arms = table[table["subgroup_by"] == "arm"].set_index("subgroup")
    assert arms.index.tolist() == ["app", "coach"]
    assert arms.loc["coach", "p_adjusted"] < 0.001 < arms.loc["app", "p_adjusted"]
    assert arms.loc["app", "p_adjusted"] >= arms.loc["app", "p_value"]
    assert not arms["headline"].any()
    assert "Each arm against control" in result.facts["answers"][0]["arms"]


def test_few_clusters_get_every_test_beside_the_headline():
    result = run(draw_experiment(16, people=240, clusters=12))
    methods = result.tables["inference"]["method"].tolist()
    assert methods == ["cr2", "cr1", "wild", "randomisation", "adjusted"]
    check = next(item for item in result.checks if item.check == "few_clusters")
    assert check.status == "warn"
    assert result.tables["arms"]["clusters"].tolist() == [6, 6]
    assert tabulate_estimates(result.estimates)["n_clusters"].iloc[0] == 12


def test_evidence_falls_with_other_questions_than_registered():
    base = draw_experiment(17, people=900, effect=0.8)
    grades = []
    read = analyse_experiment(register(base), seed=1)
    for changes in ({}, {"primary_outcome": "errors"}, {"lag_quarters": 3}):
        own = replace(read, experiment=register(base, **changes))
        grades.append(grade_reading(own, find_power(own))[1].value)
    assert grades == [5, 4, 4]


@pytest.mark.parametrize(
    ("changes", "planned", "level"),
    [
        ({"smallest_effect": 0.1}, 0.1, "80 %"),
        ({"smallest_effect": 0.9, "power": 0.9}, 0.9, "90 %"),
        ({"smallest_effect": 0.9, "written_on": BEGAN.date() + DAY}, 0.2, "80 %"),
    ],
)
def test_power_is_held_against_the_effect_registered_before(changes, planned, level):
    """A threshold of 0.2 stands in where the effect was written down later."""
    base = draw_experiment(17, people=900, effect=0.1)
    base = replace(base, outcome=make_outcome(threshold=Threshold(absolute=0.2)))
    own = analyse_experiment(register(base, **changes), seed=1)
    check = find_power(own)
    assert check.limit == planned
    assert own.tables["power"]["planned_effect"].iloc[0] == planned
    assert f"with {level} power" in check.text
    assert check.passed is (planned > 0.1)


def test_errors_too_small_for_the_design_do_not_open_the_result():
    """Rows of a stepped wedge ignore what teams share; they are shown, no more."""
    base = analyse_experiment(draw_wedge(1, clusters=12, steps=4), seed=1)
    table = base.tables["inference"]
    p_values = table["method"].map({"row": 0.5, "cr1": 0.5}).fillna(0.001)
    apart = {**base.tables, "inference": table.assign(p_value=p_values)}
    own = replace(base, tables=apart)
    power = find_power(own)
    grade = grade_reading(own, power)[1]
    told = describe_answer(own, grade, power, ())["inference"]
    assert told == (
        "Errors and tests side by side agree (p-values: cr2 0.001, randomisation "
        "0.001)."
    )


def test_an_unregistered_experiment_says_so():
    result = run(draw_experiment(18, people=60))
    check = next(item for item in result.checks if item.check == "registration")
    assert check.status == "warn"
    assert not result.tables["experiments"]["registered"].iloc[0]


def test_the_latest_experiment_stands_for_its_outcome():
    old = draw_experiment(19, people=60)
    new = replace(old, id="exp-2", started_on=BEGAN + pd.Timedelta(days=90))
    result = run(old, new)
    table = tabulate_estimates(result.estimates)
    main = table[table["method"] == "ab_itt"]
    assert main["headline"].tolist() == [False, True]
    assert main["limitation"].iloc[0].startswith("Experiment exp-1.")
    assert len(result.tables["findings"]) == 1


@pytest.fixture(scope="module")
def wedge() -> StageResult:
    return run(register(draw_wedge(1, clusters=12, steps=4, people=12)))


def test_a_stepped_wedge_is_read_with_effects_of_groups_and_time(wedge):
    table = tabulate_estimates(wedge.estimates)
    assert table["method"].iloc[0] == "ab_itt"
    assert set(table["method"]) >= {"ab_itt", "naive"}
    assert table["headline"].sum() == 1
    assert table["evidence"].iloc[0] <= 4
    assert wedge.tables["findings"]["random_timing_only"].all()
    assert wedge.tables["inference"]["headline"].sum() == 1
    answer = wedge.facts["answers"][0]
    assert "only the effect of the offer is read" in answer["compliance"]
    assert answer["looks"]
    assert wedge.tables["looks"].empty


def test_a_wedge_without_waiting_periods_has_no_answer():
    base = draw_wedge(2, clusters=12, steps=4, people=12)
    rows = base.frame.assign(outcome=base.frame["outcome"].where(base.frame["exposed"]))
    result = run(replace(base, frame=rows))
    assert "No outcome of the waiting periods" in result.estimates[0].limitation


def test_gaps_are_experiments_without_an_answer():
    gap = ExperimentGap(
        experiment="exp-9",
        design="cluster",
        program="basics",
        outcome="performance_rating",
        primary=True,
        reason="No outcome window has closed by the end of 2026Q3.",
        started_on=BEGAN,
        people=6,
    )
    result = run(gaps=(gap,))
    row = result.tables["experiments"].iloc[0]
    assert row["status"] == "not_answerable"
    assert "No outcome window has closed" in row["text"]
    assert pd.isna(row["people"])
    assert result.checks[0].status == "not_applicable"
    assert result.estimates == ()
    assert result.facts["family"].startswith("0 headline")
    plan = register(draw_experiment(1)).registration
    late = plan.model_copy(update={"written_on": BEGAN.date() + DAY})
    for written, early in ((plan, True), (late, False)):
        told = run(gaps=(replace(gap, registration=written),))
        assert told.tables["experiments"]["registered"].tolist() == [early]
        assert told.facts["answers"][0]["registered"] is early


def test_a_secondary_outcome_does_not_speak_for_the_primary_one():
    second = replace(draw_experiment(22, people=60), primary=False)
    gap = ExperimentGap(
        experiment=second.id,
        design="individual",
        program="basics",
        outcome="errors",
        primary=True,
        reason="The table errors is not loaded.",
    )
    result = run(second, gaps=(gap,))
    rows = result.tables["experiments"]
    assert rows["outcome"].tolist() == ["errors"]
    assert rows["status"].tolist() == ["not_answerable"]
    assert result.estimates[0].outcome == "performance_rating"
    assert not np.isnan(result.estimates[0].estimate)


def test_without_experiments_there_is_nothing_to_do():
    result = run()
    assert result.status == "not_applicable"
    assert set(result.tables) == {*TABLES, "findings"}


def test_the_same_seed_gives_the_same_result():
    base = register(draw_experiment(20, people=60, clusters=8, missing=0.1))
    one, other = run(base), run(base)
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name])


def test_the_frame_is_left_alone():
    base = draw_experiment(21, people=60, missing=0.1)
    before = base.frame.copy()
    run(base)
    pd.testing.assert_frame_equal(base.frame, before)
