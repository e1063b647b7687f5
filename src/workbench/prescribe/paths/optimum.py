"""The best path of one persona alone, and the best paths of all under shared limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.core.errors import ConvergenceError
from workbench.core.path_params import PathParams
from workbench.prescribe.paths.constraints import Party
from workbench.prescribe.paths.impact_steps import count_steps
from workbench.prescribe.paths.joint_model import JointModel
from workbench.prescribe.paths.linear_model import STEP, LinearModel, Solution
from workbench.prescribe.paths.module_bounds import ModuleBounds, bound_modules
from workbench.prescribe.paths.narrowing import narrow_party

__all__ = ["Choice", "Joint", "choose_alone", "choose_together"]

_PROMISING = 12
_QUICK = 2e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The modules of one persona's path, by name, and the people who get it."""

    persona: str
    modules: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Paths of all personas together; ``gap`` is what the proofs leave open."""

    choices: tuple[Choice, ...]
    gap: float


def choose_alone(party: Party) -> Choice | None:
    """Choose the path with the largest impact for one learner, then the shortest.

    Parameters
    ----------
    party : Party
        The persona; its constraints hold, the shared ones as if nobody else learnt.

    Returns
    -------
    Choice or None
        For one person; None if no path holds the constraints.
    """
    model = LinearModel()
    places = {item.module: model.add_column() for item in party.candidates}
    for rule in party.constraints:
        entries = {places[name]: value for name, value in rule.weights.items()}
        model.add_row(entries, low=rule.low, high=rule.high)
    usable = {item.module: item for item in party.usable}
    found = model.solve(
        {
            places[name]: count_steps(item.worth, party.demand.priority)
            for name, item in usable.items()
        },
        {places[name]: item.hours for name, item in usable.items()},
    )
    if found is None:
        return None
    names = tuple(name for name, place in places.items() if found.values[place])
    return Choice(persona=party.demand.persona, modules=names, people=1)


def choose_together(
    parties: Sequence[Party], alone: Sequence[Choice], params: PathParams
) -> Joint:
    r"""Choose the paths and numbers of people with the largest impact in all.

    Among equally large ones the choice takes the fewest hours.

    Parameters
    ----------
    parties : sequence of Party
        Personas for each of which a path exists.
    alone : sequence of Choice
        That path, from `choose_alone`.
    params : PathParams
        The shared limits: ``budget`` and ``seats``.

    Returns
    -------
    Joint
        One choice per party, in order; no modules where nobody is served.

    Raises
    ------
    ConvergenceError
        If the optimum is not proven.

    Notes
    -----
    With :math:`x_{pm}` whether module m is in the path of persona p, :math:`s_p`
    people served and :math:`w_{pm} = s_p x_{pm}`,

    .. math:: \max \sum_p \pi_p \Big(b_p s_p + \sum_m \theta_{pm} w_{pm}\Big)

    under the constraints of each persona and :math:`\sum_{pm} h_m w_{pm} \le H`,
    :math:`\sum_{pm} c_m w_{pm} + \sum_m F_m f_m \le C` (:math:`f_m` whether anybody
    takes m) and :math:`\sum_p w_{pm} \le P_m`. The product is linear by
    :math:`w \le s`, :math:`w \le S x`, :math:`w \ge s - S (1 - x)` [1]_, which is
    exact as x is 0 or 1. Every constraint :math:`a x \le k` of a path also holds as
    :math:`a w \le k s`, which leaves the optimum as it is and the proof short [2]_.

    Modules that cannot be in a best path are left out first: those that others
    surpass (`narrow_party`), then those whose bound (`bound_modules`) lies below what
    a quick choice among the most promising reaches; numbers of people are bounded
    likewise.

    References
    ----------
    .. [1] McCormick, G. P. (1976). Computability of global solutions to factorable
       nonconvex programs: Part I. Mathematical Programming 10, 147-175.
       doi:10.1007/BF01580665
    .. [2] Sherali, H. D. and Adams, W. P. (1990). A hierarchy of relaxations between
       the continuous and convex hull representations for zero-one programming
       problems. SIAM Journal on Discrete Mathematics 3, 411-430. doi:10.1137/0403036
    """
    if not parties:
        return Joint(choices=(), gap=0.0)
    narrow = [narrow_party(party, params) for party in parties]
    bounds = bound_modules(narrow, params)
    fallback = [choice.modules for choice in alone]
    reached = -math.inf
    if any(len(party.usable) > _PROMISING for party in narrow):
        names = [item.pick_best(_PROMISING) for item in bounds]
        small = JointModel.build(_restrict(parties, names, fallback), params)
        reached = _require(small.model.reach(small.steps, gap=_QUICK)).steps * STEP
    joint = _build_above(parties, bounds, fallback, reached, params)
    best = _require(joint.model.reach(joint.steps))
    joint = _build_above(parties, bounds, fallback, best.steps * STEP, params)
    found = joint.model.shorten(joint.steps, best.steps, joint.hours)
    choices = []
    for party, at in zip(parties, joint.places, strict=True):
        people = int(found.values[at.people])
        chosen = [name for name, place in at.chosen.items() if found.values[place]]
        choices.append(
            Choice(
                persona=party.demand.persona,
                modules=tuple(chosen) if people else (),
                people=people,
            )
        )
    return Joint(choices=tuple(choices), gap=max(best.gap, found.gap))


def _build_above(
    parties: Sequence[Party],
    bounds: Sequence[ModuleBounds],
    fallback: Sequence[tuple[str, ...]],
    reached: float,
    params: PathParams,
) -> JointModel:
    """Build the programme of all choices that are as good as one reached."""
    names = [item.pick_above(reached) for item in bounds]
    kept = [
        replace(party, fewest=fewest, most=int(min(party.most, most)))
        for party, (fewest, most) in zip(
            _restrict(parties, names, fallback),
            (item.bound_people(reached) for item in bounds),
            strict=True,
        )
    ]
    return JointModel.build(kept, params)


def _restrict(
    parties: Sequence[Party],
    names: Sequence[frozenset[str]],
    fallback: Sequence[tuple[str, ...]],
) -> list[Party]:
    """Keep some modules of each persona, and those of a path that it has alone."""
    return [
        replace(
            party,
            usable=tuple(
                item
                for item in party.usable
                if item.module in kept or item.module in path
            ),
        )
        for party, kept, path in zip(parties, names, fallback, strict=True)
    ]


def _require(found: Solution | None) -> Solution:
    if found is None:
        raise ConvergenceError.build(
            "No paths hold the limits together",
            rule="each persona has a path alone, and serving nobody is allowed",
        )
    return found
