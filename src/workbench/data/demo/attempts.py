"""Enrolments of a quarter: programme modules, compliance courses, electives."""

from __future__ import annotations

import numpy as np

from workbench.data.demo.arrays import Array, Columns, Draws, Log, stamp
from workbench.data.demo.catalogue import COMPLIANCE, ELECTIVES, PROGRAMS, list_courses
from workbench.data.demo.groups import Groups
from workbench.data.demo.people import People
from workbench.data.demo.settings import PERSONAS
from workbench.data.demo.state import State
from workbench.data.demo.timeline import Timeline
from workbench.data.demo.uptake import Uptakes

__all__ = [
    "CHANNELS",
    "COURSE",
    "LONGEST",
    "MIN_SCORE",
    "STATUSES",
    "enrol_electives",
    "enrol_programs",
]

CHANNELS = ("self", "manager", "mandatory", "auto", "experiment")
STATUSES = ("enrolled", "in_progress", "completed", "failed", "withdrawn")
COURSE = {course.id: number for number, course in enumerate(list_courses())}
"""Position of each course in the catalogue."""

MIN_SCORE = 60.0
"""Score from which a module counts as passed."""

LONGEST = max(len(program.courses) for program in PROGRAMS)
"""Modules of the longest programme."""

_ENROLLED, _IN_PROGRESS, _COMPLETED, _FAILED, _WITHDRAWN = range(len(STATUSES))
_MANDATORY = CHANNELS.index("mandatory")
_SKIPS_ONE = 0.45
_TAUGHT = ("classroom", "virtual", "blended", "coaching")
_TRAINERS = 12
_ELECTIVES_PER_QUARTER = 0.3


def enrol_programs(
    timeline: Timeline,
    uptakes: Uptakes,
    draws: Draws,
    step: int,
    *,
    exit_day: Array,
    log: Log,
) -> Columns:
    """Enrol everybody who completes or begins a programme in a quarter.

    Returns
    -------
    Columns
        One row per person who met the completion rule before leaving: ``person``,
        ``program``, ``first_day`` and ``last_day`` of learning within the quarter and
        ``passed`` (a matrix, one column per module of the longest programme).
    """
    learners = Log()
    for number, model in enumerate(PERSONAS):
        rng = draws.stream("attempts", step * len(PERSONAS) + number)
        courses = np.array([COURSE[item.id] for item in model.program.courses])
        mine = uptakes.persona == number
        who = np.flatnonzero(mine & uptakes.completes)
        takes = _choose_modules(courses.size, model.program.at_least, who.size, rng)
        begins, ends = _schedule(takes.shape, int(timeline.days[step]), rng)
        passed = takes & (ends < exit_day[who, None])
        enrolled = (takes | (rng.random(takes.shape) < 0.5)) & (
            begins < exit_day[who, None]
        )
        at = np.nonzero(enrolled)
        status = np.where(passed, _COMPLETED, _WITHDRAWN)[at]
        score = np.clip(rng.normal(78, 8, at[0].size), MIN_SCORE + 0.5, 100)
        rows = _Rows(timeline, step, rng)
        channel = uptakes.channel[who[at[0]]]
        rows.add(
            log,
            who[at[0]],
            courses[at[1]],
            begins[at],
            ends[at],
            status,
            score,
            channel,
        )
        met = np.flatnonzero(passed.sum(axis=1) >= model.program.at_least)
        if met.size:
            learners.add(
                {
                    "person": who[met],
                    "program": np.full(met.size, number),
                    "first_day": begins[met, 0],
                    "last_day": np.where(passed, ends, 0).max(axis=1)[met],
                    "passed": _widen(passed[met]),
                }
            )
        tries = np.flatnonzero(mine & uptakes.tries)
        _enrol_tries(rows, log, tries, courses, uptakes, exit_day)
    return learners.join()


def enrol_electives(
    people: People,
    timeline: Timeline,
    groups: Groups,
    state: State,
    draws: Draws,
    step: int,
    *,
    motivation: float,
    exit_day: Array,
    log: Log,
) -> None:
    """Enrol people in electives as they like, and in what everybody must take."""
    rng = draws.stream("electives", step)
    here = np.flatnonzero(state.active)
    manager = groups.manager[state.group[here]]
    liking = (
        0.35 * people.push[manager]
        + motivation * people.motivation[here]
        - 0.3 * (people.shift[here] == 2)
    )
    times = rng.poisson(_ELECTIVES_PER_QUARTER * np.exp(liking))
    who = np.repeat(here, times)
    first = COURSE[ELECTIVES[0].id]
    course = first + rng.integers(0, len(ELECTIVES), who.size)
    rows = _Rows(timeline, step, rng)
    channel = np.where(rng.random(who.size) < 0.8, 0, 1)
    _enrol_loose(rows, log, who, course, channel, exit_day, done=0.85)
    yearly = {1: COMPLIANCE[0].id, 3: COMPLIANCE[1].id}
    code = yearly.get(timeline.quarters[step].number)
    if code:
        course = np.full(here.size, COURSE[code])
        channel = np.full(here.size, _MANDATORY)
        _enrol_loose(rows, log, here, course, channel, exit_day, done=0.94)


class _Rows:
    """Writes enrolments of one quarter, days given from its first day on."""

    def __init__(self, timeline: Timeline, step: int, rng: np.random.Generator) -> None:
        self.days = int(timeline.days[step])
        self.rng = rng
        self._first = timeline.first[step]
        self._step = step

    def add(
        self,
        log: Log,
        person: Array,
        course: Array,
        begins: Array,
        ends: Array,
        status: Array,
        score: Array,
        channel: Array,
    ) -> None:
        """Add rows; ends and scores hold only where the status is final."""
        if not person.size:
            return
        rng, catalogue = self.rng, list_courses()
        hours = np.array([item.hours for item in catalogue])[course]
        taught = np.array([item.modality in _TAUGHT for item in catalogue])[course]
        enrolled = stamp(self._first + begins.astype("timedelta64[D]"), rng)
        finished = stamp(self._first + ends.astype("timedelta64[D]"), rng)
        wait = rng.integers(0, 6 * 3600, person.size).astype("timedelta64[s]")
        done = np.isin(status, (_COMPLETED, _FAILED))
        never = np.datetime64("NaT", "s")
        share = np.where(done, 1.0, rng.random(person.size))
        minutes = hours * 60 * share * np.exp(0.15 * rng.standard_normal(person.size))
        log.add(
            {
                "person": person,
                "course": course,
                "enrolled": enrolled,
                "started": np.where(status == _ENROLLED, never, enrolled + wait),
                "completed": np.where(done, finished, never),
                "score": np.where(done, np.round(score, 1), np.nan),
                "minutes": np.round(minutes, 1),
                "trainer": np.where(
                    taught, rng.integers(1, _TRAINERS + 1, person.size), 0
                ),
                "channel": channel,
                "status": status,
                "step": self._step,
            }
        )


def _choose_modules(
    modules: int, at_least: int, size: int, rng: np.random.Generator
) -> Array:
    """Choose what completers take: everything, or all but one after the first."""
    takes = np.ones((size, modules), bool)
    skips = (rng.random(size) < _SKIPS_ONE) & (modules > at_least)
    skipped = rng.integers(1, modules, size)
    takes[np.flatnonzero(skips), skipped[skips]] = False
    return takes


def _schedule(
    shape: tuple[int, ...], days: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Spread modules over a quarter: days of enrolment and of completion."""
    size, modules = shape
    start = rng.integers(2, 13, (size, 1))
    end = rng.integers(40, days - 8, (size, 1))
    order = np.arange(modules)
    begins = start + (end - start) * order // modules
    ends = start + (end - start) * (order + 1) // modules - rng.integers(0, 2, shape)
    return begins, ends


def _widen(passed: Array) -> Array:
    """Pad a matrix of modules to the longest programme."""
    wide = np.zeros((passed.shape[0], LONGEST), bool)
    wide[:, : passed.shape[1]] = passed
    return wide


def _enrol_tries(
    rows: _Rows,
    log: Log,
    who: Array,
    courses: Array,
    uptakes: Uptakes,
    exit_day: Array,
) -> None:
    """Enrol people who begin a programme and pass none of its modules."""
    rng = rows.rng
    taken = np.arange(courses.size) < rng.integers(1, 4, (who.size, 1))
    begins, ends = _schedule(taken.shape, rows.days, rng)
    at = np.nonzero(taken & (begins < exit_day[who, None]))
    fates = np.array([_IN_PROGRESS, _WITHDRAWN, _FAILED, _COMPLETED, _ENROLLED])
    status = rng.choice(fates, at[0].size, p=[0.25, 0.3, 0.2, 0.15, 0.1])
    score = rng.uniform(20, MIN_SCORE - 0.5, at[0].size)
    person = who[at[0]]
    status = np.where(ends[at] < exit_day[person], status, _WITHDRAWN)
    rows.add(
        log,
        person,
        courses[at[1]],
        begins[at],
        ends[at],
        status,
        score,
        uptakes.channel[person],
    )


def _enrol_loose(
    rows: _Rows,
    log: Log,
    who: Array,
    course: Array,
    channel: Array,
    exit_day: Array,
    *,
    done: float,
) -> None:
    """Enrol people in single courses; some drop out, some fail."""
    rng = rows.rng
    begins = rng.integers(2, rows.days - 12, who.size)
    ends = begins + 1 + rng.integers(0, 9, who.size)
    luck = rng.random(who.size)
    status = np.where(
        luck < done, _COMPLETED, np.where(luck < 0.96, _WITHDRAWN, _FAILED)
    )
    status = np.where(ends < exit_day[who], status, _WITHDRAWN)
    score = np.where(
        status == _FAILED,
        rng.uniform(15, MIN_SCORE - 1, who.size),
        np.clip(rng.normal(80, 9, who.size), MIN_SCORE, 100),
    )
    kept = begins < exit_day[who]
    rows.add(
        log,
        who[kept],
        course[kept],
        begins[kept],
        ends[kept],
        status[kept],
        score[kept],
        channel[kept],
    )
