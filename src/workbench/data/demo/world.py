"""The world of the demo organisation: its structural equations, and what happened.

Time runs in quarters ``t``; ``i`` is a person. All noises are independent.

Merit without learning
    rating  B[i,t] = 3.3 + 0.38 Q + 0.40 m M + 0.08 (log(1 + years) - 1) + season
                     + A[t] + 0.12 e,   A[t] = 0.5 A[t-1] + 0.26 u
    kpi     likewise around 1.0, its shocks correlated 0.5 with those of the rating
    Q is quality, M motivation; nobody measures either. m is the parameter
    ``motivation``. B does not depend on learning, jobs or managers.

Recorded
    rating  = round(limit(B + 0.08 leadership of the manager - 0.1 after a move + D), 1)
    kpi     = round(limit(B' + ... + D'), 3)
    skill s = limit(required + 2 + ability + profile + D" - novice exp(-days / 300) + e)
    D, D', D" are the effects of programmes completed in *earlier* quarters.

Leaving, per year
    voluntary   base(family) exp(-0.45 (B[t-1] - 3.3) + 0.5 exp(-years / 0.8)
                + 0.15 night + season - 0.4 m M + X),  X the effects of programmes whose
                landmark lies at most four quarters back
    involuntary base(family) exp(-0.7 (B[t-1] - 3.3)); retirement from 63 on
Moving (promotion, transfer), per year
    base(role) exp(0.5 (B[t-1] - 3.3) + season + Y), none for three quarters after a
    move and two after being hired.

Learning
    log odds of completing the persona's programme in t, for those who have not yet:
    base + b (last recorded rating - 3.3) + years + push of the manager - night shift
    - part time + site + season + 1.2 m M. Known on the first day of t, but for chance.
    ``team_leads`` can only learn once their unit has been reached (staggered
    roll-out; for half of the units the order is random: the stepped wedge). In
    three intakes 45 % of ``support_l1_new`` are randomised; some 60 % of those invited
    and 6 % of the others complete. Modules are passed within the quarter; who leaves
    before has not completed (immortal time).

Effects
    A completed programme changes D, D', D", X and Y by the sum of its passed modules'
    effects (`catalogue`), times 1 + 0.5 tanh((gap - usual gap) / 8), and for all but
    skills and ramp times 0.75 + 0.5 c, where c = 1 if the manager follows up
    (log odds 0.2 + 0.8 push): the mediated part. They hold from the quarter after the
    one of completion, exits and moves for four quarters; skills are tested in its first
    weeks. Nobody's learning changes an outcome of anybody else; leads who learnt act
    1.4 times as often towards their people, which is seen in `manager_actions` only.
    Modules passed without completing the programme do not exist: who does not complete
    passes none.

Bias of the naive difference (learners minus others, ratings; mean of 60 organisations
of default size)
    Good people learn more in four personas, so that the difference is too high by 0.22
    for support_l1_experienced (truth 0), 0.21 for team_leads (truth 0.20), 0.20 for
    account_managers (truth -0.13: the wrong sign) and 0.15 for engineers (truth 0).
    Weak newcomers are sent to learn: it is too low by 0.17 for support_l1_new (truth
    0.12: the wrong sign). Adjusting for what is measured on the first day removes it.
    With ``motivation=0`` nothing unmeasured drives both learning and outcomes; the
    default of 0.1 leaves less than 0.005 rating points after adjustment, 1.0 leaves
    0.04 to 0.08.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.data.demo.arrays import Array, Columns
from workbench.data.demo.groups import Groups
from workbench.data.demo.learning import Learners
from workbench.data.demo.merit import Merit
from workbench.data.demo.people import People
from workbench.data.demo.state import State
from workbench.data.demo.timeline import Timeline

__all__ = ["NextQuarter", "World"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextQuarter:
    """What learners' records of the quarter after differ by, from the same draws.

    Each array has one entry per learner of `Learners`, in the same order; missing
    where there is no such record (another role with other skills). Those that end in
    ``_without`` hold the record without the learning.
    """

    rating: Array
    kpi: Array
    skill: Array
    rating_without: Array
    kpi_without: Array
    skill_without: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that happened, before any system wrote it down.

    Attributes
    ----------
    timeline, people, merit, groups, state
        The organisation; `state` as it is after the last quarter.
    motivation : float
        The parameter.
    learners : tuple of Learners
        Those who completed a programme, one entry per quarter that has any.
    followed : dict
        Position of a quarter to what changed in the quarter after.
    persona : tuple of arrays
        Persona of everybody on the first day of each quarter (-1: none).
    managed : tuple of arrays
        Position of everybody's manager on the first day of each quarter.
    jobs, enrolments, ratings, skills, spells, actions, assignments : Columns
        Logs in the order in which things happened.
    """

    timeline: Timeline
    people: People
    merit: Merit
    groups: Groups
    state: State
    motivation: float
    learners: tuple[Learners, ...]
    followed: dict[int, NextQuarter]
    persona: tuple[Array, ...]
    managed: tuple[Array, ...]
    jobs: Columns
    enrolments: Columns
    ratings: Columns
    skills: Columns
    spells: Columns
    actions: Columns
    assignments: Columns
