"""Living through the quarters: who leaves, learns, moves and is rated, in turn."""

from __future__ import annotations

import numpy as np

from workbench.core.quarters import Quarter
from workbench.data.demo.arrays import Array, Columns, Draws, Log
from workbench.data.demo.attempts import enrol_electives, enrol_programs
from workbench.data.demo.careers import (
    EVENTS,
    draw_exits,
    draw_moves,
    hand_over,
    log_jobs,
    log_past,
)
from workbench.data.demo.groups import build_groups
from workbench.data.demo.learning import Learners, apply_learning
from workbench.data.demo.merit import draw_merit, record_kpi, record_rating
from workbench.data.demo.outcomes import (
    assess_arrivals,
    assess_periodic,
    limit_level,
    log_spells,
    rate_people,
    start_ramp,
)
from workbench.data.demo.people import People, draw_people
from workbench.data.demo.settings import PERSONAS, ROLES
from workbench.data.demo.state import NEVER, start_state
from workbench.data.demo.timeline import Timeline, build_timeline
from workbench.data.demo.uptake import Uptakes, assign_wedge, decide_uptake
from workbench.data.demo.world import NextQuarter, World

__all__ = ["simulate"]


def simulate(
    *,
    employees: int,
    last: Quarter,
    quarters: int,
    seed: int,
    motivation: float,
    scale: float = 1.0,
) -> World:
    """Simulate the organisation.

    Parameters
    ----------
    employees : int
        People ever employed.
    last : Quarter
        Last quarter.
    quarters : int
        Quarters reported; one more is simulated before them.
    seed : int
        Same seed, same world.
    motivation : float
        Strength of unmeasured motivation on uptake and outcomes.
    scale : float
        Factor on all effects of learning; with 0 and the same seed every draw is the
        same but nothing that is learnt has an effect.

    Returns
    -------
    World
        What happened.
    """
    timeline = build_timeline(last, quarters)
    draws = Draws(seed)
    people = draw_people(employees, timeline, draws)
    run = _Run(timeline, people, draws, motivation, scale)
    for step in range(timeline.count):
        run.advance(step)
    return run.finish()


class _Run:
    """Carries the state through the quarters."""

    def __init__(
        self,
        timeline: Timeline,
        people: People,
        draws: Draws,
        motivation: float,
        scale: float,
    ) -> None:
        self.timeline, self.people, self.draws = timeline, people, draws
        self.motivation, self.scale = motivation, scale
        self.merit = draw_merit(people, timeline, draws, motivation=motivation)
        self.groups = build_groups(people, timeline, draws)
        luck = draws.stream("groups").random(people.count)
        self.state = start_state(people, timeline, self.groups, luck)
        names = ("jobs", "enrolments", "ratings", "skills", "spells", "actions")
        self.logs = {name: Log() for name in (*names, "assignments")}
        self.learners: list[Learners] = []
        self.followed: dict[int, NextQuarter] = {}
        self.persona: list[Array] = []
        self.managed: list[Array] = []
        start_ramp(people, self.state, draws, 0, np.arange(people.count))
        log_past(people, timeline, self.groups, self.state, self.logs["jobs"])

    def advance(self, step: int) -> None:
        """Live through one quarter."""
        people, state, timeline = self.people, self.state, self.timeline
        managed = self.groups.manager[state.group]
        self.managed.append(managed)
        uptakes = self._decide(step)
        exit_day = draw_exits(
            people,
            timeline,
            self.merit,
            state,
            self.draws,
            step,
            motivation=self.motivation,
        )
        met = self._enrol(step, uptakes, exit_day)
        rating, kpi = rate_people(
            people,
            timeline,
            self.merit,
            state,
            self.draws,
            step,
            exit_day=exit_day,
            managed=managed,
            log=self.logs["ratings"],
        )
        level = self._assess(step, exit_day, met)
        self._follow(step, rating, kpi, level)
        self._move(step, exit_day)
        self._hire(step)
        self._close(step, met, uptakes, managed)

    def _decide(self, step: int) -> Uptakes:
        uptakes = decide_uptake(
            self.people,
            self.timeline,
            self.groups,
            self.state,
            self.draws,
            step,
            motivation=self.motivation,
            assignments=self.logs["assignments"],
        )
        assign_wedge(self.groups, self.state, step, self.logs["assignments"])
        self.persona.append(uptakes.persona.astype(np.int8))
        return uptakes

    def _enrol(self, step: int, uptakes: Uptakes, exit_day: Array) -> Columns:
        log = self.logs["enrolments"]
        enrol_electives(
            self.people,
            self.timeline,
            self.groups,
            self.state,
            self.draws,
            step,
            motivation=self.motivation,
            exit_day=exit_day,
            log=log,
        )
        if step == 0:
            return {}
        return enrol_programs(
            self.timeline, uptakes, self.draws, step, exit_day=exit_day, log=log
        )

    def _assess(self, step: int, exit_day: Array, met: Columns) -> Array:
        latest = np.full(self.people.count, NEVER)
        if met:
            latest[met["person"]] = met["last_day"] - 1
        return assess_periodic(
            self.people,
            self.timeline,
            self.state,
            self.draws,
            step,
            exit_day=exit_day,
            latest=latest,
            log=self.logs["skills"],
        )

    def _follow(self, step: int, rating: Array, kpi: Array, level: Array) -> None:
        """Compare the records of last quarter's learners with and without learning."""
        if self.learners and self.learners[-1].step == step - 1:
            self.followed[step - 1] = _compare_records(
                self.learners[-1], self.state.role, rating=rating, kpi=kpi, level=level
            )

    def _move(self, step: int, exit_day: Array) -> None:
        people, state = self.people, self.state
        role, start = state.role.copy(), state.role_start.copy()
        draw_moves(
            people,
            self.timeline,
            self.merit,
            self.groups,
            state,
            self.draws,
            step,
            exit_day=exit_day,
            jobs=self.logs["jobs"],
        )
        new = np.flatnonzero(state.role != role)
        date = state.role_start[new]
        log_spells(self.logs["spells"], state, new, date, role[new], start[new])
        start_ramp(people, state, self.draws, 100 + step, new)
        self._arrive(step, new, date)

    def _hire(self, step: int) -> None:
        people, state = self.people, self.state
        who = np.flatnonzero(people.joins == step)
        state.active[who] = True
        event = EVENTS.index("hire")
        log_jobs(
            self.logs["jobs"],
            people,
            self.groups,
            state,
            who,
            date=people.hire_date[who],
            event=event,
        )
        self._arrive(100 + step, who, people.hire_date[who])

    def _arrive(self, step: int, who: Array, date: Array) -> None:
        assess_arrivals(
            self.people,
            self.state,
            self.draws,
            step,
            who=who,
            date=date,
            log=self.logs["skills"],
        )

    def _close(self, step: int, met: Columns, uptakes: Uptakes, managed: Array) -> None:
        """Apply what was learnt, replace managers, and let leavers go."""
        state = self.state
        learners = apply_learning(
            self.people,
            self.timeline,
            state,
            self.draws,
            step,
            met=met,
            uptakes=uptakes,
            managed=managed,
            scale=self.scale,
            skills=self.logs["skills"],
            actions=self.logs["actions"],
        )
        if learners is not None:
            self.learners.append(learners)
        jobs = self.logs["jobs"]
        hand_over(
            self.people,
            self.timeline,
            self.groups,
            state,
            self.draws,
            step,
            jobs=jobs,
        )
        gone = np.flatnonzero(state.exits == step)
        log_jobs(
            jobs,
            self.people,
            self.groups,
            state,
            gone,
            date=state.exit_date[gone],
            event=EVENTS.index("exit"),
        )
        state.active[gone] = False

    def finish(self) -> World:
        """Close the books after the last quarter."""
        state = self.state
        entered = np.flatnonzero(state.active | (state.exits < NEVER))
        end = np.full(entered.size, self.timeline.end)
        left = state.exit_date[entered]
        until = np.where(np.isnat(left), end, left)
        log_spells(
            self.logs["spells"],
            state,
            entered,
            until,
            state.role[entered],
            state.role_start[entered],
        )
        return World(
            timeline=self.timeline,
            people=self.people,
            merit=self.merit,
            groups=self.groups,
            state=state,
            motivation=self.motivation,
            learners=tuple(self.learners),
            followed=self.followed,
            persona=tuple(self.persona),
            managed=tuple(self.managed),
            **{name: log.join() for name, log in self.logs.items()},
        )


def _compare_records(
    learners: Learners, role: Array, *, rating: Array, kpi: Array, level: Array
) -> NextQuarter:
    """Record the quarter of learners twice: as it was, and without their learning."""
    who, delta = learners.person, learners.delta
    rating_without = record_rating(rating[who] - delta["rating"])
    kpi_without = record_kpi(kpi[who] - delta["kpi"])
    same = _SAME_SKILLS[role[who], learners.program][:, None]
    below = level[who] - delta["skill"][:, None]
    skill_without = np.where(same, limit_level(below), np.nan).mean(axis=1)
    return NextQuarter(
        rating=record_rating(rating[who]) - rating_without,
        kpi=record_kpi(kpi[who]) - kpi_without,
        skill=limit_level(level[who]).mean(axis=1) - skill_without,
        rating_without=rating_without,
        kpi_without=kpi_without,
        skill_without=skill_without,
    )


def _match_skills() -> Array:
    """Tell for each role and persona whether both need the same skills."""
    names = [{name for name, _ in role.skills} for role in ROLES]
    wanted = [
        {name for course in model.program.courses for name in course.skills}
        for model in PERSONAS
    ]
    return np.array([[own == other for other in wanted] for own in names])


_SAME_SKILLS = _match_skills()
