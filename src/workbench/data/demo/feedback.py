"""Surveys with comments, and what managers do with their people."""

from __future__ import annotations

import numpy as np

from workbench.data.demo.arrays import Array, Columns, Draws, Log, stamp
from workbench.data.demo.attempts import COURSE, STATUSES
from workbench.data.demo.catalogue import COMPLIANCE
from workbench.data.demo.phrases import COMMENTS
from workbench.data.demo.settings import PERSONAS
from workbench.data.demo.world import World

__all__ = ["ACTIONS", "INSTRUMENTS", "draw_actions", "draw_surveys", "list_comments"]

ACTIONS = ("one_to_one", "coaching", "practice_task", "feedback_note", "shadowing")
INSTRUMENTS = ("learner_nps", "manager_nps", "engagement")

_ACTION_WEIGHTS = np.array([0.55, 0.12, 0.12, 0.13, 0.08])
_ACTIONS_PER_QUARTER = 0.6
_LEARNT_TO_LEAD = 1.4
_ANSWERS = {"learner_nps": 0.3, "manager_nps": 0.4, "engagement": 0.5}
_COMMENTS_ON = 0.25
_LIKED = {"acct-3": 1.0, "lead-3": 0.6, "l1-5": 0.5, "l1x-3": -0.8}
_LEADERS = next(at for at, item in enumerate(PERSONAS) if item.id == "team_leads")


def list_comments() -> list[str]:
    """List all sentences; a comment is a position in it."""
    return [text for name in INSTRUMENTS for mood in COMMENTS[name] for text in mood]


def draw_surveys(world: World, draws: Draws) -> Columns:
    """Draw answers to all surveys.

    Returns
    -------
    Columns
        ``person``, ``at`` (local time), ``instrument``, ``score`` (0-10), ``course``
        (-1: none) and ``comment`` (position in `list_comments`, -1: none).
    """
    log = Log()
    _answer_courses(world, draws, log)
    for step, quarter in enumerate(world.timeline.quarters):
        if quarter.number in (2, 4):
            _answer_engagement(world, draws, step, log)
        if quarter.number == 3:
            _answer_managers(world, draws, step, log)
    return log.join()


def draw_actions(world: World, draws: Draws) -> Columns:
    """Draw what managers do every quarter, besides following up on learning.

    Returns
    -------
    Columns
        ``manager``, ``person``, ``date``, ``action`` (position in `ACTIONS`) and
        ``course`` (-1: none), those of `World.actions` first.
    """
    log = Log()
    if world.actions:
        log.add(world.actions)
    learnt = world.state.learnt[:, _LEADERS]
    for step in range(world.timeline.count):
        rng = draws.stream("actions", step)
        who = _employed(world, step)
        manager = world.managed[step][who]
        rate = _ACTIONS_PER_QUARTER * np.exp(0.3 * world.people.push[manager])
        rate = rate * np.where(learnt[manager] < step, _LEARNT_TO_LEAD, 1.0)
        row = np.repeat(np.arange(who.size), rng.poisson(rate))
        day = rng.integers(1, int(world.timeline.days[step]) - 1, row.size)
        date = world.timeline.first[step] + day.astype("timedelta64[D]")
        left = world.state.exit_date[who[row]]
        gone = world.state.exit_date[manager[row]]
        kept = (np.isnat(left) | (date < left)) & (np.isnat(gone) | (date < gone))
        kept &= manager[row] != who[row]
        log.add(
            {
                "manager": manager[row][kept],
                "person": who[row][kept],
                "date": date[kept],
                "action": _choose(rng, _ACTION_WEIGHTS, int(kept.sum())),
                "course": np.full(int(kept.sum()), -1),
            }
        )
    return log.join()


def _answer_courses(world: World, draws: Draws, log: Log) -> None:
    rng = draws.stream("learner_nps")
    rows = world.enrolments
    done = rows["status"] == STATUSES.index("completed")
    asked = done & ~np.isin(rows["course"], [COURSE[item.id] for item in COMPLIANCE])
    answers = np.flatnonzero(asked & (rng.random(done.size) < _ANSWERS["learner_nps"]))
    liking = np.zeros(len(COURSE))
    for code, value in _LIKED.items():
        liking[COURSE[code]] = value
    course = rows["course"][answers]
    score = 7.4 + liking[course] + 1.8 * rng.standard_normal(answers.size)
    day = rows["completed"][answers].astype("datetime64[D]") + 1
    _write(world, log, rng, rows["person"][answers], day, 0, score, course)


def _answer_engagement(world: World, draws: Draws, step: int, log: Log) -> None:
    rng = draws.stream("engagement", step)
    who = _answering(world, step, rng, "engagement")
    manager = world.managed[step][who]
    score = (
        6.8
        + 0.8 * (world.merit.rating[who, step] - 3.3)
        + 0.4 * world.people.leadership[manager]
        + 0.3 * world.motivation * world.people.motivation[who]
        + 1.5 * rng.standard_normal(who.size)
    )
    _write(world, log, rng, who, _some_day(world, step, rng, who.size), 2, score)


def _answer_managers(world: World, draws: Draws, step: int, log: Log) -> None:
    rng = draws.stream("manager_nps", step)
    who = _answering(world, step, rng, "manager_nps")
    manager = world.managed[step][who]
    learnt = world.state.learnt[manager, _LEADERS] < step
    score = (
        7.0
        + 0.7 * world.people.leadership[manager]
        + 0.5 * learnt
        + 1.6 * rng.standard_normal(who.size)
    )
    _write(world, log, rng, who, _some_day(world, step, rng, who.size), 1, score)


def _answering(
    world: World, step: int, rng: np.random.Generator, instrument: str
) -> Array:
    who = _employed(world, step)
    return who[rng.random(who.size) < _ANSWERS[instrument]]


def _employed(world: World, step: int) -> Array:
    """List people employed on the first and the last day of a quarter."""
    state, people = world.state, world.people
    return np.flatnonzero((people.joins < step) & (state.exits > step))


def _some_day(world: World, step: int, rng: np.random.Generator, size: int) -> Array:
    day = rng.integers(30, 45, size)
    return np.asarray(world.timeline.first[step] + day.astype("timedelta64[D]"))


def _write(
    world: World,
    log: Log,
    rng: np.random.Generator,
    who: Array,
    day: Array,
    instrument: int,
    score: Array,
    course: Array | None = None,
) -> None:
    """Round scores, add comments that fit them, and drop what nobody could answer."""
    left = world.state.exit_date[who]
    kept = (np.isnat(left) | (day < left)) & (day <= world.timeline.end)
    whole = np.clip(np.round(score), 0, 10)
    comment = _comment(rng, instrument, whole)
    log.add(
        {
            "person": who[kept],
            "at": stamp(day, rng)[kept],
            "instrument": np.full(int(kept.sum()), instrument),
            "score": whole[kept],
            "course": np.full(int(kept.sum()), -1) if course is None else course[kept],
            "comment": comment[kept],
        }
    )


def _comment(rng: np.random.Generator, instrument: int, score: Array) -> Array:
    """Choose a sentence that fits the score; most people write none."""
    moods = COMMENTS[INSTRUMENTS[instrument]]
    before = sum(
        len(mood) for name in INSTRUMENTS[:instrument] for mood in COMMENTS[name]
    )
    sizes = np.array([len(mood) for mood in moods])
    starts = before + np.cumsum(sizes) - sizes
    mood = np.where(score >= 9, 0, np.where(score >= 7, 1, 2))
    chosen = starts[mood] + np.floor(rng.random(score.size) * sizes[mood]).astype(int)
    return np.where(rng.random(score.size) < _COMMENTS_ON, chosen, -1)


def _choose(rng: np.random.Generator, weights: Array, size: int) -> Array:
    edges = np.cumsum(weights)
    edges[-1] = 1.0
    return np.searchsorted(edges, rng.random(size), side="right")
