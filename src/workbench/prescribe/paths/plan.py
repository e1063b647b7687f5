"""The paths of a quarter: chosen together, put in order, told in two tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from workbench.core.errors import ParamError
from workbench.core.managers import ManagerParams
from workbench.core.path_params import PathParams
from workbench.prescribe.paths.candidates import Candidate, PersonaDemand
from workbench.prescribe.paths.conflict import describe_conflict, find_conflict
from workbench.prescribe.paths.constraints import Party, ask_worth, build_party
from workbench.prescribe.paths.optimum import Choice, choose_alone, choose_together
from workbench.prescribe.paths.path_tables import (
    PATH_COLUMNS,
    summarise_path,
    summarise_stopped,
    tabulate_path,
)
from workbench.prescribe.paths.quarter_totals import (
    QuarterTotals,
    is_worthwhile,
    pick_modules,
)

__all__ = ["PathPlan", "solve_paths"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPlan:
    """Paths of all personas in one quarter.

    Attributes
    ----------
    paths : DataFrame
        One row per module of a path: ``persona``, ``program``, ``position`` (from 1),
        ``module``, ``title``, ``modality``, ``effort_hours`` and ``cost`` (per
        learner), ``impact``, ``impact_low``, ``impact_high`` (smallest worthwhile
        changes per learner), ``explore``, ``reason``, ``practice``, ``behaviour``,
        ``coaching_prompt``.
    path_summary : DataFrame
        One row per persona: ``persona``, ``program``, ``n_modules``, ``hours`` and
        ``cost`` (per learner), ``impact``, ``impact_low``, ``impact_high`` (per
        learner, with what the programme does beyond its modules), ``seats`` (people
        served), ``eligible``, ``status`` (``optimal``, ``infeasible``, ``nothing to
        learn``), ``text``.
    impact : float
        Impact of all seats together, without priorities.
    hours, money : float
        Learner hours and money (with costs paid once per module) of all seats.
    gap : float
        Largest relative distance between the goals reached and their proven bounds.
    """

    paths: pd.DataFrame
    path_summary: pd.DataFrame
    impact: float
    hours: float
    money: float
    gap: float


def solve_paths(
    demands: Sequence[PersonaDemand],
    candidates: Sequence[Candidate],
    limits: PathParams,
    *,
    managers: ManagerParams | None = None,
    alpha: float = 0.05,
) -> PathPlan:
    """Choose the paths of all personas together, exactly.

    The paths and seats have the largest impact in all (people times impact, weighed by
    priority) that the limits allow, and the fewest learner hours among those. Seats go
    to paths only that are expected to bring a learner ``worth_at_least``; what another
    persona could explore is still shown.

    Parameters
    ----------
    demands : sequence of PersonaDemand
        One per persona.
    candidates : sequence of Candidate
        Modules of all personas; a module of several personas stands once for each and
        shares its places and its fixed cost.
    limits : PathParams
        ``paths.yml``.
    managers : ManagerParams, optional
        Practice and coaching that go with a module.
    alpha : float
        One minus the level of the intervals, those of the candidates included.

    Returns
    -------
    PathPlan
        Personas in the order of `demands`.

    Raises
    ------
    ParamError
        If a persona or module stands twice, a candidate's persona is not among the
        demands, or prerequisites run in a circle.
    ConvergenceError
        If the optimum is not proven.
    """
    _check_personas(demands, candidates)
    parties = [build_party(demand, candidates, limits) for demand in demands]
    alone = [choose_alone(party) if party.candidates else None for party in parties]
    able = [
        (ask_worth(party, limits), path)
        for party, path in zip(parties, alone, strict=True)
        if path and is_worthwhile(party, pick_modules(party, path), limits)
    ]
    joint = choose_together(
        [party for party, _ in able], [path for _, path in able], limits
    )
    served = {choice.persona: choice for choice in joint.choices if choice.people}
    final = [
        served.get(path.persona, _serve_nobody(path)) if path else None
        for path in alone
    ]
    quarter = QuarterTotals.add_up(parties, final, limits)
    tables = [
        tabulate_path(party, choice, limits, managers=managers)
        for party, choice in zip(parties, final, strict=True)
        if choice
    ]
    rows = [
        summarise_path(party, choice, limits, quarter, alpha=alpha)
        if choice
        else summarise_stopped(party, _explain(party))
        for party, choice in zip(parties, final, strict=True)
    ]
    return PathPlan(
        paths=pd.concat(
            tables or [pd.DataFrame(columns=PATH_COLUMNS)], ignore_index=True
        ),
        path_summary=pd.DataFrame(rows),
        impact=quarter.impact,
        hours=quarter.hours,
        money=quarter.money,
        gap=joint.gap,
    )


def _check_personas(
    demands: Sequence[PersonaDemand], candidates: Sequence[Candidate]
) -> None:
    names = [item.persona for item in demands]
    if len(set(names)) < len(names):
        raise ParamError.build("A persona stands twice", got=sorted(names))
    strange = sorted({item.persona for item in candidates} - set(names))
    if strange:
        raise ParamError.build("Candidates of an unknown persona", got=strange)


def _serve_nobody(path: Choice) -> Choice:
    return Choice(persona=path.persona, modules=path.modules, people=0)


def _explain(party: Party) -> str:
    if not party.candidates:
        return ""
    return describe_conflict(party, find_conflict(party))
