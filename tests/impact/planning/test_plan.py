"""Plans: sizes, time, what is out of reach, and what is written down of them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

from tests.impact.simulate import make_outcome, make_program
from workbench.cohorts.planning import PlanFacts, Uptake
from workbench.core.errors import DesignError, ParamError
from workbench.core.quarters import Quarter
from workbench.core.registration import Registration
from workbench.core.yaml_files import read_model
from workbench.impact.experiment.power import calculate_power
from workbench.impact.planning.draft import (
    draft_registration,
    find_registration_path,
    format_registration,
    write_registration,
)
from workbench.impact.planning.expected_error import expect_individual
from workbench.impact.planning.plan import plan_experiment
from workbench.impact.planning.plan_frames import (
    CURVE_COLUMNS,
    PlanRequest,
    find_largest_effect,
)

TODAY = date(2026, 9, 20)

FACTS = PlanFacts(
    quarter=Quarter(2026, 3),
    persona="newcomers",
    program=make_program(),
    outcome=make_outcome(),
    people=800,
    mean=3.0,
    sd=0.5,
    icc=0.05,
    icc_error=0.03,
    correlation=0.6,
    adjusted_sd=0.4,
    adjusted_icc=0.03,
    attrition=0.1,
    eligible=300,
    arrivals=50.0,
    learners=60.0,
    teams=40,
    team_size=7.5,
    team_cv=0.4,
    uptake=Uptake(taken=0.6, taken_control=0.1, text="100 people"),
)


def plan(design="individual", effect=0.3, facts=FACTS, **more):
    return plan_experiment(facts, PlanRequest(design=design, effect=effect, **more))


def test_the_plan_is_for_the_effect_of_the_offer_and_those_who_are_seen():
    made = plan()
    assert made.offer_effect == pytest.approx(0.3 * 0.5)
    treated = round(made.people / 2)
    expected = expect_individual(
        sd=0.5, treated=treated * 0.9, control=(made.people - treated) * 0.9
    )
    assert made.power == pytest.approx(calculate_power(0.15, expected))
    assert made.power >= 0.8
    assert made.reachable
    assert made.needed == made.people == made.clusters
    assert made.adjusted_power > made.power > made.watched_power > 0.4


def test_people_are_assigned_at_the_pace_of_those_who_learnt():
    made = plan(effect=0.35)
    assert 60 / 0.6 / 0.5 < made.people < 300
    assert made.quarters == 2
    assert (made.starts_on, made.ends_on) == (date(2026, 10, 1), date(2027, 3, 31))
    assert made.known_on == date(2027, 6, 30)
    assert "at that pace 200 can be assigned" in " ".join(made.notes)
    assert plan(effect=0.35, per_quarter=400).quarters == 1
    later = plan(per_quarter=400)
    assert 350 < later.people < 400
    assert later.quarters == 3, "300 are there and 50 arrive every quarter"


def test_where_nobody_learnt_no_pace_is_assumed():
    made = plan(effect=0.35, facts=replace(FACTS, learners=0.0))
    assert made.quarters == 1
    assert "no pace is assumed" in " ".join(made.notes)


def test_a_window_of_a_year_is_waited_for():
    outcome = make_outcome(
        kind="time_to_event", source="exits.voluntary", horizon_days=365
    )
    facts = replace(FACTS, outcome=outcome, mean=0.8, correlation=0.0, attrition=0.0)
    made = plan(facts=facts, effect=0.15, quarters=8)
    assert (made.known_on - made.ends_on).days == 365
    assert made.power == made.adjusted_power
    shares = (0.8 * 0.2, 0.875 * 0.125)
    treated = round(made.people / 2)
    expected = expect_individual(
        sd=shares[0] ** 0.5,
        sd_treated=shares[1] ** 0.5,
        treated=treated,
        control=made.people - treated,
    )
    assert made.power == pytest.approx(calculate_power(0.075, expected))
    with pytest.raises(DesignError, match=r"from 0\.8 to 1\.3(.|\n)*possible is 0\.2"):
        plan(facts=facts, effect=0.5)


def test_an_outcome_that_should_fall_is_planned_downwards():
    outcome = make_outcome(kind="binary", direction="down")
    facts = replace(FACTS, outcome=outcome, mean=0.1)
    assert plan(facts=facts, effect=0.09).offer_effect == pytest.approx(0.045)
    with pytest.raises(
        DesignError, match=r"from 0\.1 to -0\.2(.|\n)*fall to 0 at most"
    ):
        plan(facts=facts, effect=0.3)


def test_what_completing_cannot_do_is_not_shown_as_to_be_found():
    facts = replace(FACTS, outcome=make_outcome(kind="binary"), mean=0.9)
    short = plan(facts=facts, effect=0.1)
    assert not short.reachable
    assert math.isnan(short.detectable)
    assert short.curve["detectable"].isna().iloc[0]
    found = short.curve["detectable"].dropna()
    assert (found <= 0.1).all()
    with pytest.raises(ParamError, match="offer it to more people"):
        draft_registration(short, name="test", written_on=TODAY)


def test_a_known_scale_bounds_the_effect_and_an_unknown_one_warns_of_large_ones():
    scaled = replace(FACTS, scale=(0.0, 5.0))
    with pytest.raises(DesignError, match=r"rise to 5 at most(.|\n)*possible is 2"):
        plan(facts=scaled, effect=2.5)
    assert find_largest_effect(FACTS) == math.inf
    assert "Warning: an effect of 2.5 is 5.0 standard" in plan(effect=2.5).notes[0]
    assert not any("Warning" in note for note in plan(effect=0.9).notes)
    shares = make_outcome(unit="probability")
    facts = replace(FACTS, outcome=shares, mean=0.7, sd=0.1)
    assert find_largest_effect(facts) == pytest.approx(0.3)


def test_it_begins_in_the_quarter_asked_for():
    made = plan("stepped_wedge", effect=0.5, start=Quarter(2027, 2))
    assert (made.starts_on, made.ends_on) == (date(2027, 4, 1), date(2028, 3, 31))
    assert "counted as of 2026-10-01" in made.notes[0]
    steps = draft_registration(made, name="later", written_on=TODAY).steps
    assert (steps[0], len(steps)) == (made.starts_on, 4)
    assert "counted as of" not in " ".join(plan(start=Quarter(2026, 4)).notes)
    with pytest.raises(DesignError, match="within the data"):
        plan(start=Quarter(2026, 3))


def test_out_of_reach_says_what_could_be_found_and_that_is_within_reach():
    made = plan(effect=0.1)
    assert not made.reachable
    assert made.needed > made.people == 300 + 3 * 50
    assert made.power < 0.8
    again = plan(effect=made.detectable * 1.001)
    assert again.reachable
    assert again.people == pytest.approx(made.people, abs=3)
    with pytest.raises(ParamError, match=r"does not reach its aim(.|\n)*plan for"):
        draft_registration(made, name="test", written_on=TODAY)


def test_teams_are_drawn_once_and_their_number_is_what_there_is():
    made = plan("cluster", effect=0.5)
    assert made.reachable
    assert made.quarters == 1
    assert made.people == round(made.clusters * 7.5)
    assert "one standard error higher, 0.080, power would be" in made.notes[-1]
    assert math.isnan(made.watched_power)
    short = plan("cluster", effect=0.2)
    assert (short.reachable, short.clusters) == (False, 40)
    crowded = plan("cluster", effect=0.2, clusters=400)
    assert crowded.reachable
    assert "60 people complete the programme a quarter; here" in crowded.notes[1]
    assert short.curve["quarters"].tolist()[-1] == 0


def test_a_wedge_takes_its_waves():
    made = plan("stepped_wedge", effect=0.4, quarters=4)
    assert made.quarters == 4
    assert made.ends_on == date(2027, 9, 30)
    assert math.isnan(made.watched_power)
    assert made.adjusted_power > made.power
    registration = draft_registration(made, name="wedge", written_on=TODAY)
    assert [str(day) for day in registration.steps] == [
        "2026-10-01",
        "2027-01-01",
        "2027-04-01",
        "2027-07-01",
    ]
    assert registration.allocation == {}


def test_the_curve_rises_through_the_plan():
    made = plan()
    assert tuple(made.curve.columns) == CURVE_COLUMNS
    assert made.curve["power"].is_monotonic_increasing
    assert made.curve["detectable"].is_monotonic_decreasing
    own = made.curve[made.curve["people"] == made.people].iloc[0]
    assert own["power"] == pytest.approx(made.power)
    assert own["detectable"] == pytest.approx(made.detectable)


def test_unequal_shares_need_more_people():
    assert plan(share=0.2).needed > plan().needed
    assert plan(share=0.2).needed == pytest.approx(plan().needed / 0.64, rel=0.02)


def test_unknown_uptake_is_said_and_given_uptake_is_taken():
    unknown = plan(facts=replace(FACTS, uptake=None))
    assert unknown.taken == 1.0
    assert "Nothing is known about uptake" in unknown.notes[0]
    assert plan(taken=0.9).offer_effect == pytest.approx(0.3 * 0.8)
    with pytest.raises(DesignError, match="the offer changes nothing"):
        plan(taken=0.05)


def test_there_must_be_somebody_to_draw():
    with pytest.raises(DesignError, match="too few to draw from"):
        plan(facts=replace(FACTS, eligible=5, arrivals=0.0))
    with pytest.raises(DesignError, match="at least 8 teams"):
        plan("stepped_wedge", quarters=8, facts=replace(FACTS, teams=7))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"effect": 0.0}, "--effect|a number above 0|0|give its size alone"),
        ({"effect": math.nan}, "--effect|a number above 0|nan|"),
        ({"share": 1.0}, "--allocation|above 0 and below 1|1|0.5 offers it"),
        ({"share": 30}, "--allocation|above 0 and below 1|30|write 30% as 0.3"),
        ({"quarters": 0}, "--quarters|whole number from 1 to 40|0|4 gives it a year"),
        ({"design": "stepped_wedge", "quarters": 1}, "--quarters|at least 2 waves|1|"),
        ({"clusters": 2}, "--clusters|at least 4 teams|2|--design individual"),
        ({"per_quarter": 0}, "--per-quarter|at least 1 person|0|the past pace"),
        ({"taken": 1.2}, "--uptake|at most 1|1.2|write 1.2% as 0.012"),
        ({"taken": 0.0}, "--uptake|above 0|0|leave it out"),
        ({"power": 80}, "--power|above the level of the test, 0.05|80|80% as 0.8"),
        ({"power": 0.01}, "--power|below 1|0.01|0.8 or 0.9"),
        ({"alpha": 5}, "--alpha|below 0.5|5|write 5% as 0.05"),
        ({"alpha": 0.5}, "--alpha|below 0.5|0.5|0.05 is usual"),
    ],
)
def test_requests_that_make_no_sense_are_refused(more, message):
    where, rule, got, hint = message.split("|")
    with pytest.raises(ParamError) as caught:
        PlanRequest(**({"design": "individual", "effect": 0.3} | more))
    lines = str(caught.value).splitlines()
    assert lines[1] == f"  where: {where}"
    assert rule in lines[2]
    assert lines[3] == f"  got:   {got}"
    assert hint in lines[4]


def test_what_is_written_reads_back_the_same(tmp_path):
    registration = draft_registration(
        plan(share=0.3, effect=0.4), name="new", written_on=TODAY
    )
    path = tmp_path / "experiments" / "new.yml"
    write_registration(registration, path)
    assert read_model(path, Registration) == registration
    text = path.read_text()
    assert text.startswith("# Written before the experiment began.")
    assert text == format_registration(registration)
    assert registration.allocation == {"control": 0.7, "treatment": 0.3}
    assert registration.smallest_effect == pytest.approx(0.2)
    assert "60% of those offered" in registration.analysis
    with pytest.raises(ParamError, match="registered already"):
        write_registration(registration, path)
    later = draft_registration(
        plan(start=Quarter(2027, 3)), name="new", written_on=TODAY
    )
    write_registration(later, path, force=True)
    assert read_model(path, Registration) == later


def test_what_has_begun_or_is_another_is_never_replaced(tmp_path):
    path = tmp_path / "new.yml"
    there = draft_registration(plan(), name="new", written_on=TODAY)
    earlier = TODAY
    for other in (
        there.model_copy(update={"experiment": "old"}),
        there.model_copy(update={"starts_on": earlier}),
    ):
        before = format_registration(other)
        path.write_text(before)
        with pytest.raises(ParamError, match="is not replaced"):
            write_registration(there, path, force=True)
        assert path.read_text() == before
    path.write_text(format_registration(there))
    with pytest.raises(ParamError, match="beginning after 2026-12-31"):
        write_registration(there, path, force=True, read_until=date(2026, 12, 31))


def test_the_head_is_true_of_what_is_written_late():
    late = draft_registration(plan(), name="new", written_on=date(2026, 10, 1))
    text = format_registration(late)
    assert text.startswith("# Written when the first day of the experiment had come")
    assert "before the experiment began" not in text


def test_a_name_that_is_none_says_what_would_be():
    with pytest.raises(
        ParamError, match=r"--name(.|\n)*rule(.|\n)*\.\./x(.|\n)*such as"
    ):
        find_registration_path(None, "../x")
