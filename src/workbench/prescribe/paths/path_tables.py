"""Rows of the path tables: modules with their links, personas with their sums."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.core.managers import ManagerParams
from workbench.core.path_params import PathParams
from workbench.prescribe.paths.candidates import BASE, Candidate
from workbench.prescribe.paths.constraints import Party, find_gap_skills
from workbench.prescribe.paths.optimum import Choice
from workbench.prescribe.paths.ordering import order_modules
from workbench.prescribe.paths.path_words import give_reason, tell_path
from workbench.prescribe.paths.quarter_totals import (
    QuarterTotals,
    is_worthwhile,
    pick_modules,
    sum_worth,
)

__all__ = [
    "PATH_COLUMNS",
    "summarise_path",
    "summarise_stopped",
    "tabulate_path",
]

PATH_COLUMNS = [
    "persona",
    "program",
    "position",
    "module",
    "title",
    "modality",
    "effort_hours",
    "cost",
    "impact",
    "impact_low",
    "impact_high",
    "explore",
    "reason",
    "practice",
    "behaviour",
    "coaching_prompt",
]


def tabulate_path(
    party: Party,
    choice: Choice,
    params: PathParams,
    *,
    managers: ManagerParams | None = None,
) -> pd.DataFrame:
    """Write one persona's path, module by module.

    Parameters
    ----------
    party : Party
        The persona.
    choice : Choice
        Its path.
    params : PathParams
        From which gap on a skill must be taught.
    managers : ManagerParams, optional
        Where practice and prompts are declared.

    Returns
    -------
    DataFrame
        `PATH_COLUMNS`, in the order in which modules are taken.
    """
    demand = party.demand
    gap_at_least = params.coverage.gap_at_least
    path = order_modules(pick_modules(party, choice), demand, gap_at_least=gap_at_least)
    rows = []
    for position, item in enumerate(path, start=1):
        task, behaviour, prompt = _link(item, party, gap_at_least, managers)
        rows.append(
            {
                "persona": demand.persona,
                "program": demand.program,
                "position": position,
                "module": item.module,
                "title": item.title,
                "modality": item.modality,
                "effort_hours": item.hours,
                "cost": item.unit_cost,
                "impact": math.nan if item.always else item.worth,
                "impact_low": math.nan if item.outside else item.low,
                "impact_high": math.nan if item.outside else item.high,
                "explore": item.explore,
                "reason": give_reason(item, path, party, gap_at_least),
                "practice": task,
                "behaviour": behaviour,
                "coaching_prompt": prompt,
            }
        )
    return pd.DataFrame(rows, columns=PATH_COLUMNS)


def summarise_path(
    party: Party,
    choice: Choice,
    params: PathParams,
    quarter: QuarterTotals,
    *,
    alpha: float,
) -> dict[str, object]:
    """Write one persona's row of the summary.

    Parameters
    ----------
    party, choice : Party, Choice
        The persona and its path.
    params : PathParams
        The limits.
    quarter : QuarterTotals
        What is left of them.
    alpha : float
        One minus the level of the interval.

    Returns
    -------
    dict
        One row of ``path_summary``.
    """
    path = pick_modules(party, choice)
    worth = sum_worth(party, path)
    helps = is_worthwhile(party, path, params) and party.demand.people > 0
    reach = _find_reach(party, path, alpha)
    shown = worth - reach > 0
    text = " ".join(tell_path(party, choice, path, params, quarter, shown=shown))
    return {
        "persona": party.demand.persona,
        "program": party.demand.program,
        "n_modules": len(path),
        "hours": sum(item.hours for item in path),
        "cost": sum(item.unit_cost for item in path),
        "impact": worth,
        "impact_low": worth - reach,
        "impact_high": worth + reach,
        "seats": choice.people,
        "eligible": party.demand.people,
        "status": "optimal" if helps else "nothing to learn",
        "text": text,
    }


def summarise_stopped(party: Party, text: str) -> dict[str, object]:
    """Write the row of a persona without a path: a conflict, or nothing to choose."""
    numbers = ("hours", "cost", "impact", "impact_low", "impact_high")
    return {
        "persona": party.demand.persona,
        "program": party.demand.program,
        "n_modules": 0,
        **dict.fromkeys(numbers, math.nan),
        "seats": 0,
        "eligible": party.demand.people,
        "status": "infeasible" if party.candidates else "nothing to learn",
        "text": text or "No module is a candidate for this persona.",
    }


def _find_reach(party: Party, path: Sequence[Candidate], alpha: float) -> float:
    """Half the width of the interval of a path's impact.

    Without a covariance, the errors of modules are taken from their intervals and as
    independent of each other.
    """
    from scipy.stats import norm

    normal = float(norm.ppf(1 - alpha / 2))
    known = [item for item in path if not (item.outside or item.always)]
    joint = party.demand.covariance
    if joint is None:
        spread = [(item.high - item.low) / (2 * normal) for item in known]
        variance = sum(value**2 for value in spread) + party.demand.base_std_error**2
        return normal * math.sqrt(variance)
    names = [item.module for item in known if item.module in joint.index]
    extra = [BASE] if BASE in joint.index else []
    part = joint.loc[[*names, *extra], [*names, *extra]].to_numpy(dtype="float64")
    variance = float(np.sum(part))
    if not extra:
        variance += party.demand.base_std_error**2
    return normal * math.sqrt(max(0.0, variance))


def _link(
    item: Candidate, party: Party, gap_at_least: float, managers: ManagerParams | None
) -> tuple[str, str, str]:
    """Return task, behaviour and prompt; skills with a large gap come first."""
    wanted = find_gap_skills(party.demand, gap_at_least)
    skills = sorted(item.skills, key=lambda name: (name not in wanted, name))
    found = managers.find_practice(item.module, skills) if managers else None
    if found is None:
        missing = f"managers.yml declares no practice for {item.module} or its skills"
        return missing, "", missing
    label = ""
    if managers and found.behaviour:
        label = next(
            unit.label for unit in managers.behaviours if unit.id == found.behaviour
        )
    return found.task, label, found.prompt
