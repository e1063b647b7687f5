"""What a choice could reach at most if a module were in a persona's path."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.path_params import PathParams
from workbench.prescribe.paths.constraints import Party
from workbench.prescribe.paths.joint_model import JointModel, Places
from workbench.prescribe.paths.linear_model import STEP

__all__ = ["ModuleBounds", "bound_modules"]

FloatArray = npt.NDArray[np.float64]

_SLACK = 1e-6
"""Relative; far above the tolerance of the prices and relaxations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleBounds:
    """Bounds of one persona's modules.

    ``highest`` is, by module, the largest impact in all that any choice could reach in
    which the persona is served with this module; ``total`` that of any choice, to which
    the persona adds ``term`` at most, and ``rate`` per person at most.
    """

    modules: tuple[str, ...]
    highest: FloatArray
    total: float
    term: float
    rate: float

    def pick_best(self, count: int) -> frozenset[str]:
        """Return the modules with the highest bounds."""
        places = np.argsort(-self.highest, kind="stable")[:count]
        return frozenset(self.modules[place] for place in places)

    def pick_above(self, reached: float) -> frozenset[str]:
        """Return the modules that may stand in a choice as good as one reached."""
        kept = zip(self.modules, self.highest, strict=True)
        lost = self.total - self._spare(reached)
        return frozenset(name for name, bound in kept if bound >= lost)

    def bound_people(self, reached: float) -> tuple[int, float]:
        """Return the fewest and the most people in a choice as good as one reached."""
        spare = self._spare(reached)
        if not math.isfinite(spare) or abs(self.rate) < _SLACK:
            return 0, math.inf
        if self.rate < 0:
            return 0, math.floor(spare / -self.rate + _SLACK)
        return max(0, math.ceil((self.term - spare) / self.rate - _SLACK)), math.inf

    def _spare(self, reached: float) -> float:
        """Return what a choice may lose of the bound and still be as good."""
        if not math.isfinite(reached):
            return math.inf
        return self.total - reached + STEP + _SLACK * abs(reached)


def bound_modules(
    parties: Sequence[Party], params: PathParams
) -> tuple[ModuleBounds, ...]:
    r"""Bound what can be reached with each module of each persona.

    Parameters
    ----------
    parties : sequence of Party
        All personas.
    params : PathParams
        The shared limits.

    Returns
    -------
    tuple of ModuleBounds
        One per party, in order.

    Notes
    -----
    The shared limits are paid for at the prices :math:`\lambda` of the relaxed
    programme, after which personas stand alone [1]_: any choice reaches at most
    :math:`\lambda b + \sum_p C_p`, with :math:`C_p = \max(0, \max_P S_P r_P)` for the
    value :math:`r_P` of a learner's path P at these prices and the people
    :math:`S_P` that the places of its modules allow. If persona p is served with
    module m, its term is at most the maximum over paths with m of :math:`S_P r_P`
    where :math:`r_P \ge 0`, and of :math:`r_P` (one person) where it is negative.
    Both maxima are bounded by linear programmes, one for each number of places among
    the persona's modules, and their reduced costs. With the best value r of any path, a
    choice that loses no more than d of the bound serves at least
    :math:`(C_p - d) / r` people, or at most :math:`d / -r` if r is negative.

    References
    ----------
    .. [1] Geoffrion, A. M. (1974). Lagrangean relaxation for integer programming.
       Mathematical Programming Study 2, 82-114. doi:10.1007/BFb0120690
    """
    joint = JointModel.build(parties, params)
    prices = joint.model.price_rows(joint.steps, joint.shared)
    parts = [
        _bound_persona(party, at, prices.values, params)
        for party, at in zip(parties, joint.places, strict=True)
    ]
    own = {
        place
        for at in joint.places
        for place in (at.people, *at.chosen.values(), *at.taken.values())
    }
    rest = [value for place, value in enumerate(prices.values) if place not in own]
    total = prices.constant + sum(max(0.0, value) for value in rest)
    total += sum(term for term, _, _ in parts)
    return tuple(
        ModuleBounds(
            modules=tuple(item.module for item in party.usable),
            highest=total - term + served,
            total=total,
            term=term,
            rate=rate,
        )
        for party, (term, rate, served) in zip(parties, parts, strict=True)
    )


def _bound_persona(
    party: Party, at: Places, values: FloatArray, params: PathParams
) -> tuple[float, float, FloatArray]:
    """Bound a persona's term, its part per person, and its term with each module."""
    names = [item.module for item in party.usable]
    worth = np.array([values[at.taken[name]] for name in names])
    room = np.array([min(at.most, params.seats.get(name, at.most)) for name in names])
    rows, limits = _list_rows(party, names)
    term, rate, served = 0.0, -math.inf, np.full(len(names), -np.inf)
    for people in np.unique(np.append(room, at.most)):
        found = _bound_path(worth, rows, limits, room >= people)
        if found is None:
            continue
        best, forced = found
        rate = max(rate, values[at.people] + best)
        term = max(term, people * (values[at.people] + best))
        each = values[at.people] + forced
        served = np.maximum(served, np.where(each >= 0, people * each, each))
    return term, rate if math.isfinite(rate) else 0.0, served


def _list_rows(party: Party, names: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Write a persona's own constraints as upper limits on its modules."""
    rows, limits = [], []
    for rule in party.constraints:
        if rule.shared:
            continue
        row = np.array([rule.weights.get(name, 0.0) for name in names])
        if np.isfinite(rule.high):
            rows.append(row)
            limits.append(rule.high)
        if np.isfinite(rule.low):
            rows.append(-row)
            limits.append(-rule.low)
    return np.array(rows).reshape(len(limits), len(names)), np.array(limits)


def _bound_path(
    worth: FloatArray,
    rows: FloatArray,
    limits: FloatArray,
    free: npt.NDArray[np.bool_],
) -> tuple[float, FloatArray] | None:
    """Bound the best path of some modules, and the best one with each of them."""
    from scipy.optimize import linprog

    if not len(worth):
        return (0.0, worth) if (limits >= 0).all() else None
    bounds = np.column_stack([np.zeros(len(worth)), free])
    found = linprog(-worth, A_ub=rows, b_ub=limits, bounds=bounds, method="highs")
    if found.x is None:
        return None
    best = -float(found.fun)
    forced = np.where(free, best - found.lower.marginals, -np.inf)
    return best, forced
