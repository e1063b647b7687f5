"""What each persona needs of its path: people, skills, rules, what came before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.module_records import ModuleRecords
from workbench.cohorts.people_now import PeopleNow
from workbench.core.params import OrgParams
from workbench.prescribe.modules.portfolio import PortfolioValues
from workbench.prescribe.modules.values import ModuleValues
from workbench.prescribe.paths.candidates import (
    BASE,
    Candidate,
    PersonaDemand,
    list_candidates,
)

__all__ = ["PRIORITIES", "choose_programmes", "list_all_candidates", "list_demands"]

PRIORITIES: Mapping[str, float] = {"low": 0.5, "medium": 1.0, "high": 2.0}
"""What ``business_priority`` of ``personas.yml`` weighs where limits are shared."""

_NEARLY_ALL = 0.95
_MOST = 0.5


def choose_programmes(
    records: Sequence[ModuleRecords],
) -> tuple[tuple[ModuleRecords, ...], tuple[ModuleRecords, ...]]:
    """Choose the programme that a persona's path is made of.

    Effects are those of one programme's completion: a persona gets one path, of the
    first of its programmes in ``programs.yml``.

    Returns
    -------
    tuple
        One item per persona, and the programmes left out.
    """
    chosen: dict[str, ModuleRecords] = {}
    left = []
    for item in records:
        if item.persona in chosen:
            left.append(item)
        else:
            chosen[item.persona] = item
    return tuple(chosen.values()), tuple(left)


def list_demands(
    records: Sequence[ModuleRecords],
    values: PortfolioValues,
    people: PeopleNow,
    params: OrgParams,
) -> tuple[PersonaDemand, ...]:
    """Say for every persona who is to be served and what its path must hold to.

    Parameters
    ----------
    records : sequence of ModuleRecords
        One per persona.
    values : PortfolioValues
        What their modules are worth.
    people : PeopleNow
        Everybody on the day after the cut.
    params : OrgParams
        Priorities and the organisation's currency.
    """
    return tuple(
        _ask(item, _find(values, item), people, params=params) for item in records
    )


def list_all_candidates(
    records: Sequence[ModuleRecords], values: PortfolioValues, params: OrgParams
) -> tuple[Candidate, ...]:
    """List the modules that the paths may hold, of all personas."""
    modules = values.tables["modules"]
    found: list[Candidate] = []
    for item in records:
        own = modules[modules["program"] == item.program.id]
        parts = [item.catalogue, *([item.also] if item.also is not None else [])]
        catalogue = pd.concat(parts, ignore_index=True)
        more = [name for name in params.paths.also if name in {*catalogue["course_id"]}]
        own_values = _find(values, item)
        passed = np.flatnonzero(_find_always(own_values))
        found += list_candidates(
            own,
            catalogue,
            persona=item.persona,
            always={own_values.modules[at] for at in passed},
            also=more,
        )
    return tuple(found)


def _find(values: PortfolioValues, records: ModuleRecords) -> ModuleValues:
    own = values.find_values(records.persona)
    return next(item for item in own if item.program == records.program.id)


def _ask(
    records: ModuleRecords,
    values: ModuleValues,
    people: PeopleNow,
    *,
    params: OrgParams,
) -> PersonaDemand:
    could = people.for_program(records.persona, records.program.id)
    units = could.loc[~could["learnt"].astype(bool), "unit"]
    persona = params.find_persona(records.persona)
    base, error, covariance = _split_base(values)
    return PersonaDemand(
        persona=records.persona,
        program=records.program.id,
        people=len(units),
        at_least=records.program.complete.at_least,
        gaps=_average_gaps(people, units),
        met=_list_met(people, units),
        priority=PRIORITIES[persona.business_priority],
        base=base,
        base_std_error=error,
        covariance=covariance,
        currency=params.workbench.currency,
    )


def _find_always(values: ModuleValues) -> npt.NDArray[np.bool_]:
    """Mark the modules that (nearly) every completion holds."""
    marked: npt.NDArray[np.bool_] = ~values.identified & (values.shares > _MOST)
    return marked


def _split_base(values: ModuleValues) -> tuple[float, float, pd.DataFrame]:
    """Put what (nearly) everybody passes together: it comes with every completion."""
    impact, joint = values.composite()
    always = _find_always(values)
    names = [
        name for name, part in zip(values.modules, always, strict=True) if not part
    ]
    gather = np.zeros((len(names) + 1, len(values.modules)))
    gather[range(len(names)), np.flatnonzero(~always)] = 1.0
    gather[-1, always] = 1.0
    together = gather @ joint @ gather.T
    labels = [*names, BASE]
    table = pd.DataFrame(together, index=labels, columns=labels)
    error = math.sqrt(max(float(together[-1, -1]), 0.0))
    return float(impact[always].sum()), error, table


def _average_gaps(people: PeopleNow, units: pd.Series) -> Mapping[str, float]:
    """Average the gap of each skill over those assessed in it."""
    own = people.gaps[people.gaps["unit"].isin(units)].dropna(subset=["gap"])
    means = own.groupby("skill", sort=True)["gap"].mean()
    return {str(name): float(value) for name, value in means.items()}


def _list_met(people: PeopleNow, units: pd.Series) -> frozenset[str]:
    """Name the courses that nearly everybody has passed already."""
    own = people.done[people.done["unit"].isin(units)]
    counts = own.drop_duplicates(["unit", "course_id"]).groupby("course_id").size()
    enough = counts[counts >= _NEARLY_ALL * max(len(units), 1)]
    return frozenset(str(name) for name in enough.index)
