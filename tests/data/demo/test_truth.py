"""The truth against an independent recomputation, person by person and by chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.quarters import Quarter, list_quarters
from workbench.data.demo.hazards import share_before_exit
from workbench.data.demo.ids import name_people
from workbench.data.demo.settings import PERSONAS, ROLES
from workbench.data.demo.truth import (
    expect_after,
    expect_later,
    list_learners,
    tabulate_effects,
    tabulate_modules,
    tabulate_people,
)

VOLUNTARY = (0.20, 0.10, 0.12, 0.10)
INVOLUNTARY = (0.035, 0.015, 0.025, 0.02)
EXIT_SEASON = (0.10, 0.0, 0.05, -0.10)
MOVE_SEASON = (0.25, -0.10, -0.10, 0.0)


@pytest.fixture(scope="module")
def people(world, consent):
    return tabulate_people(world, consent)


@pytest.fixture(scope="module")
def effects(people):
    return tabulate_effects(people)


def pick_learners(world):
    """One entry per learner whose year after the landmark lies in the data."""
    for item in world.learners:
        if item.step + 4 < world.timeline.count:
            for at in range(item.person.size):
                yield item, at


def list_chances(world, item, at, *, learnt):
    """Chances of one person by quarter: leaving, share voluntary, moving.

    Written anew from the equations in the docstring of `world`, with `math` alone.
    """
    who = int(item.person[at])
    human, timeline = world.people, world.timeline
    family = int(human.family[who])
    for ahead in range(1, 5):
        step = item.step + ahead
        quarter = timeline.quarters[step]
        years = int(timeline.days[step]) / 365.25
        above = float(world.merit.rating[who, step]) - 3.3
        tenure = (timeline.first[step] - human.hire_date[who]).astype(int) / 365.25
        log_ratio = -0.45 * above + 0.5 * math.exp(-tenure / 0.8)
        log_ratio += 0.15 if human.shift[who] == 2 else 0.0
        log_ratio += EXIT_SEASON[quarter.number - 1]
        log_ratio -= 0.4 * world.motivation * float(human.motivation[who])
        log_ratio += float(item.earlier_exit[at, ahead - 1])
        log_ratio += float(item.delta["exit"][at]) if learnt else 0.0
        voluntary = VOLUNTARY[family] * years * math.exp(log_ratio)
        involuntary = INVOLUNTARY[family] * years * math.exp(-0.7 * above)
        retired = quarter.year - human.birth_year[who] >= 63
        total = voluntary + involuntary + years * (0.12 if retired else 0.004)
        move = ROLES[int(item.role[at])].moves_per_year * years
        move *= math.exp(0.5 * above + MOVE_SEASON[quarter.number - 1])
        move *= math.exp(float(item.earlier_move[at, ahead - 1]))
        move *= math.exp(float(item.delta["move"][at])) if learnt else 1.0
        joined = int(human.joins[who])
        rests = step - int(item.moved[at]) <= 3 or (joined >= 0 and step - joined <= 2)
        yield (
            1 - math.exp(-total),
            voluntary / total,
            0.0 if rests else 1 - math.exp(-move),
            int(timeline.days[step]),
        )


def walk_tree(chances):
    """Follow every branch of the four quarters; sum what ends in which outcome."""
    left = moved = 0.0
    employed, unmoved = 1.0, 1.0
    for leaves, share, moves, days in chances:
        left += employed * leaves * share
        before = sum(
            1 for move in range(5, 71) for leave in range(1, days - 1) if move < leave
        ) / (66 * (days - 2))
        moved += unmoved * (moves * (1 - leaves) + moves * leaves * before)
        employed *= 1 - leaves
        unmoved *= (1 - leaves) * (1 - moves)
    return 1 - left, moved


def test_the_long_effects_equal_a_recomputation_by_hand(world):
    checked = 0
    for item, at in pick_learners(world):
        if at % 4:
            continue
        for learnt in (True, False):
            risk = expect_after(world, item, begins=0 if learnt else None)
            retained, moved = walk_tree(list_chances(world, item, at, learnt=learnt))
            assert risk.retained[at] == pytest.approx(retained, abs=1e-12)
            assert risk.moved[at] == pytest.approx(moved, abs=1e-12)
            checked += 1
    assert checked > 40


def test_the_long_effects_equal_the_share_of_many_lives(world):
    """Play the year out by chance, exits and moves by day as the world draws them."""
    rng = np.random.default_rng(1)
    size = 40_000
    item, at = max(
        pick_learners(world), key=lambda pair: abs(pair[0].delta["exit"][pair[1]])
    )
    stayed = np.ones(size, bool)
    there = np.ones(size, bool)
    unmoved = np.ones(size, bool)
    for leaves, share, moves, days in list_chances(world, item, at, learnt=True):
        goes = there & (rng.random(size) < leaves)
        day = 1 + np.floor(rng.random(size) * (days - 2))
        own_will = rng.random(size) < share
        stayed &= ~(goes & own_will)
        when = 5 + np.floor(rng.random(size) * 66)
        move = there & (rng.random(size) < moves) & (~goes | (when < day))
        unmoved &= ~move
        there &= ~goes
    risk = expect_after(world, item, begins=0)
    for value, expected in (
        (stayed.mean(), risk.retained[at]),
        ((~unmoved).mean(), risk.moved[at]),
    ):
        error = math.sqrt(max(expected * (1 - expected), 1e-4) / size)
        assert abs(value - expected) < 4 * error


def test_later_learning_dilutes_but_never_reverses(world):
    for item in world.learners:
        if item.step + 4 >= world.timeline.count:
            continue
        best = expect_after(world, item, begins=0).retained
        never = expect_after(world, item, begins=None).retained
        later = expect_later(world, item).retained
        low, high = np.minimum(best, never), np.maximum(best, never)
        assert (later >= low - 1e-12).all()
        assert (later <= high + 1e-12).all()
        # the later it begins, the less is left of it
        gain = [
            np.abs(expect_after(world, item, begins=start).retained - never)
            for start in range(4)
        ]
        assert all((gain[k] >= gain[k + 1] - 1e-12).all() for k in range(3))


def test_only_consenting_learners_employed_at_the_landmark_count(
    world, consent, people
):
    learners = list_learners(world, consent)
    counted = learners[learners["stayed"] & learners["consented"]]
    permits = people[people["outcome"] == "parking_permit"]
    keys = ["employee_id", "exposure_quarter", "program"]
    assert set(map(tuple, permits[keys].to_numpy())) == set(
        map(tuple, counted[keys].to_numpy())
    )
    assert 0.85 < learners["consented"].mean() < 0.97
    held = consent.held_on(world.timeline.end)
    without = set(name_people(np.flatnonzero(~held)))
    assert not without & set(people["employee_id"])


def test_the_report_reads_the_windows_that_have_closed(people):
    windows = people[people["reported"]].groupby("outcome")["exposure_quarter"].unique()
    short = {str(item) for item in list_quarters(Quarter(2025, 3), Quarter(2026, 2))}
    long = {str(item) for item in list_quarters(Quarter(2024, 4), Quarter(2025, 3))}
    for outcome in ("performance_rating", "kpi_attainment", "skill_proficiency"):
        assert set(windows[outcome]) == short
    for outcome in ("retention_12m", "internal_mobility_12m"):
        assert set(windows[outcome]) == long
        latest = people[people["outcome"] == outcome]["exposure_quarter"].max()
        assert latest == "2025Q3"


def test_the_table_of_effects_averages_people(people, effects):
    pooled = effects[effects["exposure_quarter"] == "reported"]
    for row in pooled.itertuples():
        mine = people[
            people["reported"]
            & (people["outcome"] == row.outcome)
            & (people["persona"] == row.persona)
        ]
        assert row.att == pytest.approx(mine["effect"].mean(), abs=1e-12)
        assert row.n_learners == len(mine)
    by_quarter = effects[effects["exposure_quarter"] != "reported"]
    total = people.groupby(["persona", "outcome"]).size()
    assert (
        by_quarter.groupby(["persona", "outcome"])["n_learners"]
        .sum()
        .equals(total.rename("n_learners"))
    )


def test_effects_have_the_signs_the_world_gives_them(effects):
    pooled = effects[effects["exposure_quarter"] == "reported"]
    att = pooled.set_index(["persona", "outcome"])["att"]
    zero = att["support_l1_experienced"]
    assert (zero == 0).all()
    assert (att.xs("parking_permit", level="outcome") == 0).all()
    assert att["team_leads", "performance_rating"] == pytest.approx(0.2, abs=0.05)
    assert att["team_leads", "kpi_attainment"] == pytest.approx(0.04, abs=0.01)
    assert att["team_leads", "retention_12m"] > 0.02
    assert att["support_l1_new", "retention_12m"] > 0.04
    assert att["support_l1_new", "kpi_attainment"] > 0.04
    assert att["support_l1_new", "skill_proficiency"] > 4
    assert att["support_l1_new", "ramp_days"] < -10
    assert att["engineers", "performance_rating"] == 0
    assert att["engineers", "skill_proficiency"] > 2
    assert att["engineers", "internal_mobility_12m"] > 0.03
    assert att["account_managers", "performance_rating"] < -0.05


def test_modules_add_up_to_the_programme(world, consent, effects):
    """The mean rating effect is the sum over modules of effect times share passed."""
    modules = tabulate_modules(world, consent)
    assert len(modules) == 6 * sum(len(item.program.courses) for item in PERSONAS)
    deltas, weights = [], []
    held = consent.held_on(world.timeline.end)
    number = next(k for k, item in enumerate(PERSONAS) if item.id == "team_leads")
    for item in world.learners:
        rows = (item.program == number) & item.stays & held[item.person]
        deltas.append(item.delta["rating"][rows])
    weights = modules[
        (modules["persona"] == "team_leads") & (modules["effect"] == "rating")
    ]
    total = (weights["att"] * weights["n_learners"]).sum()
    assert total == pytest.approx(np.concatenate(deltas).sum(), rel=1e-9)


def test_the_files_hold_the_truth_of_the_world(made, world, people, effects):
    stored = made.table("people")
    assert stored["effect"].to_numpy() == pytest.approx(people["effect"].to_numpy())
    truth = made.truth
    assert truth["employees"] == world.people.count
    pooled = effects[effects["exposure_quarter"] == "reported"]
    for record, row in zip(truth["effects"], pooled.itertuples(), strict=True):
        assert (record["persona"], record["outcome"]) == (row.persona, row.outcome)
        assert record["att"] == pytest.approx(row.att, abs=1e-9)


@given(st.integers(min_value=80, max_value=95))
def test_more_days_leave_more_moves_before_an_exit(days):
    share = share_before_exit(days)
    assert 0 < share < 1
    assert share < share_before_exit(days + 1)
