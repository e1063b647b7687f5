"""The world: what learning changes and when, selection, experiments, no effects."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.data.demo.attempts import COURSE, STATUSES
from workbench.data.demo.catalogue import PROGRAMS
from workbench.data.demo.people import ROLE
from workbench.data.demo.settings import PERSONAS
from workbench.data.demo.simulation import simulate
from workbench.data.demo.state import NEVER

from .conftest import LAST

PERSONA = {model.id: number for number, model in enumerate(PERSONAS)}


def spread(world, name):
    """Records of people by quarter, missing where there is none."""
    table = np.full((world.people.count, world.timeline.count), np.nan)
    table[world.ratings["person"], world.ratings["step"]] = world.ratings[name]
    return table


def last_known(table, step):
    """The last record before a quarter."""
    known = np.full(len(table), np.nan)
    for column in table[:, :step].T:
        known = np.where(np.isnan(column), known, column)
    return known


def stack_trials(world, persona, steps):
    """Positions, quarters and exposure of everybody who could learn and stayed."""
    number = PERSONA[persona]
    parts = []
    for step in steps:
        learns = np.zeros(world.people.count, bool)
        for item in world.learners:
            if item.step == step:
                learns[item.person[item.program == number]] = True
        fits = (world.persona[step] == number) & (world.state.exits > step)
        who = np.flatnonzero(fits & (world.state.learnt[:, number] >= step))
        parts.append((who, np.full(who.size, step), learns[who]))
    return tuple(np.concatenate(item) for item in zip(*parts, strict=True))


def test_nothing_differs_up_to_the_first_landmark(world, world_without_effects):
    first = world.learners[0].step
    for name in ("ratings", "enrolments"):
        with_it, without = getattr(world, name), getattr(world_without_effects, name)
        early = with_it["step"] <= first
        for column, values in with_it.items():
            other = without[column][without["step"] <= first]
            assert np.array_equal(values[early], other, equal_nan=column != "step")
    both = world.state.exits, world_without_effects.state.exits
    assert np.array_equal(both[0] <= first, both[1] <= first)


def test_records_change_after_the_landmark_by_the_true_effect(
    world, world_without_effects
):
    """Re-simulating without effects gives, draw by draw, what the truth subtracts."""
    ratings = spread(world, "rating"), spread(world_without_effects, "rating")
    kpis = spread(world, "kpi"), spread(world_without_effects, "kpi")
    compared = 0
    for item in world.learners:
        after = world.followed.get(item.step)
        if after is None:
            continue
        who, step = item.person, item.step
        alike = (
            world.managed[step + 1][who] == world_without_effects.managed[step + 1][who]
        )
        alike &= world.managed[step][who] == world_without_effects.managed[step][who]
        alike &= item.stays & ~np.isnan(ratings[0][who, step + 1])
        twin = [t for t in world_without_effects.learners if t.step == step]
        alike &= np.isin(who, twin[0].person)
        earlier = np.zeros(world.people.count, bool)
        for other in world.learners:
            if other.step < step:
                earlier[other.person] = True
        alike &= ~earlier[who] & ~np.isnan(ratings[1][who, step + 1])
        for (with_it, without), effect in (
            (ratings, after.rating),
            (kpis, after.kpi),
        ):
            changed = with_it[who, step + 1] - without[who, step + 1]
            assert changed[alike] == pytest.approx(effect[alike], abs=1e-9)
            before = with_it[who, step] - without[who, step]
            assert np.nanmax(np.abs(before[alike])) == 0
        compared += int(alike.sum())
    assert compared > 50


def test_the_experienced_learn_without_any_effect(world):
    number = PERSONA["support_l1_experienced"]
    for item in world.learners:
        mine = item.program == number
        assert all(not values[mine].any() for values in item.delta.values())
        after = world.followed.get(item.step)
        if after is not None:
            assert not after.rating[mine].any()
            assert not np.nan_to_num(after.skill[mine]).any()


def test_one_module_does_nothing_and_one_harms():
    effects = {
        course.id: course.effects for item in PROGRAMS for course in item.courses
    }
    idle = [
        course.id
        for program in PROGRAMS
        if program.id != "advanced_desk"
        for course in program.courses
        if course.effects == type(course.effects)()
    ]
    assert idle == ["l1-4"]
    harmful = [code for code, item in effects.items() if item.rating < 0]
    assert harmful == ["acct-3"]
    deal = next(item for item in PROGRAMS if item.id == "deal_craft")
    assert sum(course.effects.rating for course in deal.courses) < 0


def test_who_does_not_complete_passes_no_module(world):
    """Others are not half-treated: no passed module without the programme."""
    rows = world.enrolments
    passed = (rows["status"] == STATUSES.index("completed")) & (rows["score"] >= 60)
    for number, program in enumerate(PROGRAMS):
        codes = [COURSE[course.id] for course in program.courses]
        mine = passed & np.isin(rows["course"], codes)
        learnt = world.state.learnt[rows["person"], number]
        stayed = world.state.exits[rows["person"]] > rows["step"]
        assert (learnt[mine & stayed] == rows["step"][mine & stayed]).all()


def test_completion_comes_before_leaving(world):
    """Immortal time: whoever completed was there to complete."""
    rows = world.enrolments
    done = ~np.isnat(rows["completed"])
    left = world.state.exit_date[rows["person"]].astype("datetime64[s]")
    assert not (rows["completed"][done] > left[done]).any()
    leavers = {
        step: np.flatnonzero((world.state.exits == step) & (world.persona[step] >= 0))
        for step in range(1, world.timeline.count)
    }
    learners = {item.step: item.person for item in world.learners}
    rate = np.mean(
        [np.isin(people, learners[step]).mean() for step, people in leavers.items()]
    )
    members = [np.flatnonzero(world.persona[step] >= 0) for step in leavers]
    usual = np.mean(
        [
            np.isin(people, learners[step]).mean()
            for people, step in zip(members, leavers, strict=True)
        ]
    )
    assert rate < usual


@pytest.mark.parametrize("persona", [model.id for model in PERSONAS])
def test_personas_are_large_enough_and_learn_at_a_steady_rate(default_world, persona):
    steps = range(1, default_world.timeline.count)
    number = PERSONA[persona]
    sizes = [int((default_world.persona[step] == number).sum()) for step in steps]
    assert min(sizes) >= 230
    assert max(sizes) <= 1200
    _, _, learns = stack_trials(default_world, persona, steps)
    assert 0.07 <= learns.mean() <= 0.16


def compare_naively(world, persona):
    """Mean rating of learners minus others, and the truth."""
    last = world.timeline.count - 1
    who, step, learns = stack_trials(world, persona, range(last - 4, last))
    rating = spread(world, "rating")[who, step + 1]
    naive = np.nanmean(rating[learns]) - np.nanmean(rating[~learns])
    effects = [
        world.followed[item.step].rating[
            (item.program == PERSONA[persona]) & item.stays
        ]
        for item in world.learners
        if last - 4 <= item.step < last
    ]
    return naive, np.concatenate(effects).mean()


def test_the_naive_difference_is_wrong(default_world):
    naive, truth = {}, {}
    for model in PERSONAS:
        naive[model.id], truth[model.id] = compare_naively(default_world, model.id)
    assert truth["support_l1_experienced"] == 0
    assert naive["support_l1_experienced"] > 0.1
    assert truth["account_managers"] < -0.05
    assert naive["account_managers"] > 0
    assert truth["support_l1_new"] > 0.05
    assert naive["support_l1_new"] < 0.5 * truth["support_l1_new"]
    assert naive["team_leads"] > 1.8 * truth["team_leads"]
    assert truth["team_leads"] == pytest.approx(0.2, abs=0.03)


def adjust(world, persona):
    """Difference given the last rating and KPI, quarter, tenure, manager and place."""
    last = world.timeline.count - 1
    who, step, learns = stack_trials(world, persona, range(last - 4, last))
    ratings, kpis = spread(world, "rating"), spread(world, "kpi")
    people = world.people
    columns = [np.ones(who.size), learns]
    for table, centre in ((ratings, 3.3), (kpis, 1.0)):
        known = np.array([last_known(table, s) for s in range(last + 1)])[step, who]
        columns += [np.nan_to_num(known, nan=centre), np.isnan(known)]
    columns.pop()
    days = (world.timeline.first[step] - people.hire_date[who]).astype(int)
    managed = np.array(world.managed)[step, who]
    columns += [np.log1p(days), people.push[managed], people.shift[who] == 2]
    columns += [people.fte[who] < 0.9]
    columns += [step == other for other in np.unique(step)[1:]]
    columns += [people.site[who] == other for other in np.unique(people.site)[1:]]
    outcome = ratings[who, step + 1]
    rows = ~np.isnan(outcome)
    design = np.column_stack(columns).astype(float)[rows]
    solution, *_ = np.linalg.lstsq(design, outcome[rows], rcond=None)
    left = outcome[rows] - design @ solution
    variance = left @ left / (rows.sum() - design.shape[1])
    error = np.sqrt(variance * np.linalg.pinv(design.T @ design)[1, 1])
    return float(solution[1]), float(error)


@pytest.mark.parametrize("persona", [model.id for model in PERSONAS])
def test_what_is_measured_suffices_to_recover_the_truth(default_world, persona):
    estimate, error = adjust(default_world, persona)
    _, truth = compare_naively(default_world, persona)
    assert abs(estimate - truth) < 2.5 * error


def test_without_motivation_nothing_unmeasured_drives_learning():
    size, gaps = 2500, {}
    for strength in (0.0, 1.5):
        world = simulate(
            employees=size, last=LAST, quarters=6, seed=5, motivation=strength
        )
        who, _, learns = stack_trials(world, "support_l1_experienced", range(1, 6))
        motivation = world.people.motivation[who]
        error = motivation.std() * np.sqrt(1 / learns.sum() + 1 / (~learns).sum())
        gaps[strength] = (
            motivation[learns].mean() - motivation[~learns].mean()
        ) / error
        merit = world.merit.rating[:, -1]
        gaps[strength, "merit"] = np.corrcoef(world.people.motivation, merit)[0, 1]
    assert abs(gaps[0.0]) < 3
    assert abs(gaps[0.0, "merit"]) < 3 / np.sqrt(size)
    assert gaps[1.5] > 5
    assert gaps[1.5, "merit"] > 0.3


def test_the_individual_experiment_is_balanced_and_not_always_followed(default_world):
    rows = default_world.assignments
    mine = rows["experiment"] == 0
    person, arm, step = (rows[name][mine] for name in ("person", "arm", "step"))
    assert len(set(person)) == person.size
    assert abs((arm == 1).sum() - (arm == 0).sum()) <= len(set(step))
    assert (default_world.timeline.count - 1 - step).max() == 4
    learnt = default_world.state.learnt[person, PERSONA["support_l1_new"]] == step
    assert learnt[arm == 1].mean() == pytest.approx(0.55, abs=0.12)
    assert learnt[arm == 0].mean() == pytest.approx(0.06, abs=0.06)
    persona = np.array(default_world.persona)[step, person]
    assert (persona == PERSONA["support_l1_new"]).all()


def test_the_stepped_wedge_reaches_whole_units_in_turn(default_world):
    rows = default_world.assignments
    wedge = rows["experiment"] == 1
    arm, step, unit = (rows[name][wedge] for name in ("arm", "step", "group"))
    for number in np.unique(unit):
        assert len(set(arm[unit == number])) == 1
    assert len(set(step)) == len(set(arm)) == 5
    first = step.min()
    at_start = [item for item in default_world.learners if item.step == first]
    assert at_start
    waves = default_world.groups.wave[unit]
    assert (waves == step).all()


def test_no_lead_learns_before_the_unit_is_reached(default_world):
    number = PERSONA["team_leads"]
    history = default_world.jobs
    moved = np.unique(history["person"][np.isin(history["event"], (2, 3))])
    lead = default_world.people.role == ROLE["team_lead"]
    steady = lead & ~np.isin(np.arange(lead.size), moved)
    learnt = default_world.state.learnt[:, number]
    wave = default_world.groups.wave[default_world.state.group]
    who = steady & (learnt < NEVER)
    assert (learnt[who] >= wave[who]).all()
    assert (learnt[who] == wave[who]).mean() > 0.4


def test_parking_permits_follow_the_site_alone(default_world):
    people = default_world.people
    ever = (default_world.state.learnt < NEVER).any(axis=1)
    gaps = [
        people.parking[(people.site == site) & ever].mean()
        - people.parking[(people.site == site) & ~ever].mean()
        for site in np.unique(people.site)
    ]
    assert abs(np.mean(gaps)) < 0.04
    shares = [people.parking[people.site == site].mean() for site in (0, 7)]
    assert shares[1] - shares[0] > 0.3
