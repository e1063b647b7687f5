"""One outcome of one programme: the programme's effect and each module's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import DesignError, TooFewUnitsError
from workbench.core.params import Outcome
from workbench.impact.thresholds import find_smallest_effect
from workbench.prescribe.modules.base_model import fit_base
from workbench.prescribe.modules.effect import (
    ModuleEffect,
    average_deals,
    estimate_module,
)
from workbench.prescribe.modules.joint import estimate_jointly
from workbench.prescribe.modules.parts import FEWEST, Part
from workbench.prescribe.modules.programme import ProgrammeEffect, estimate_att
from workbench.prescribe.modules.rows import ModuleRows, prepare_rows

__all__ = ["OutcomeEffects", "estimate_outcome"]

FloatArray = npt.NDArray[np.float64]

_DEALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeEffects:
    """What was estimated for one outcome.

    Attributes
    ----------
    rows : ModuleRows
        Who was compared.
    programme : ProgrammeEffect or None
        Effect on learners; None where it cannot be told.
    effects, second : tuple
        Effect of each part by the headline and by the joint regression; None where it
        cannot be told.
    refusals : tuple of str
        Per part, why it cannot; empty where it can.
    scale : float
        One threshold in the outcome's unit, or one standard deviation where it has no
        threshold; negative where less is better.
    """

    rows: ModuleRows
    programme: ProgrammeEffect | None
    effects: tuple[ModuleEffect | None, ...]
    second: tuple[ModuleEffect | None, ...]
    refusals: tuple[str, ...]
    scale: float

    @property
    def outcome(self) -> Outcome:
        """The outcome."""
        return self.rows.cohort.outcome

    @property
    def has_threshold(self) -> bool:
        """Whether a smallest worthwhile change was declared."""
        cohort = self.rows.cohort
        return cohort.outcome.threshold_for(cohort.persona) is not None

    @property
    def counts(self) -> bool:
        """Whether the outcome may count in an impact."""
        return self.has_threshold and not self.outcome.negative_control

    def columns(self) -> list[FloatArray]:
        """Return the influence of rows: of the programme, then of each part."""
        nothing = np.zeros(len(self.rows.known))
        whole = nothing if self.programme is None else self.programme.influence
        return [
            whole,
            *(nothing if item is None else item.influence for item in self.effects),
        ]


def estimate_outcome(
    cohort: Cohort,
    passed: pd.DataFrame,
    parts: Sequence[Part],
    *,
    min_group: int,
    seed: int,
) -> OutcomeEffects:
    """Estimate all effects of one programme on one outcome.

    Parameters
    ----------
    cohort : Cohort
        Stacked target trials.
    passed : DataFrame
        Who passed what; see `prepare_rows`.
    parts : sequence of Part
        What can be told apart.
    min_group : int
        Smallest number of different people in each arm.
    seed : int
        Deals the people into folds, three times: the module effects are the means.

    Raises
    ------
    DesignError
        If learners and others cannot be compared at all, or there are fewer than 30
        learners.
    """
    rows = prepare_rows(cohort, passed, min_group=min_group, seed=seed)
    sample = rows.sample
    _require_learners(rows)
    programme: ProgrammeEffect | None
    try:
        programme = estimate_att(
            rows.matrix,
            sample.treated,
            sample.outcome,
            clusters=sample.clusters,
            folds=rows.folds,
        )
    except DesignError:
        programme = None
    deals = [rows, *(rows.deal(seed + step) for step in range(1, _DEALS))]
    bases = [fit_base(item, parts) for item in deals]
    effects: list[ModuleEffect | None] = []
    refusals = []
    for place, part in enumerate(parts):
        try:
            found = [
                estimate_module(item, base, part, place=place)
                for item, base in zip(deals, bases, strict=True)
            ]
            effects.append(average_deals(rows, found))
            refusals.append("")
        except DesignError as refusal:
            effects.append(None)
            refusals.append(str(refusal).splitlines()[0])
    return OutcomeEffects(
        rows=rows,
        programme=programme,
        effects=tuple(effects),
        second=estimate_jointly(rows, bases[0], parts),
        refusals=tuple(refusals),
        scale=_find_scale(rows, programme),
    )


def _require_learners(rows: ModuleRows) -> None:
    count = rows.sample.count_units(rows.learners)
    if count < 2 * FEWEST:
        raise TooFewUnitsError.build(
            f"Fewer than {2 * FEWEST} learners with this outcome",
            where=f"{rows.cohort.persona}, {rows.cohort.outcome.id}",
            got=f"{count} learners",
            hint="widen window_quarters in paths.yml",
        )


def _find_scale(rows: ModuleRows, programme: ProgrammeEffect | None) -> float:
    sample, cohort = rows.sample, rows.cohort
    baseline = (
        float(sample.outcome[~sample.treated].mean())
        if programme is None
        else programme.baseline
    )
    size = find_smallest_effect(
        cohort.outcome.threshold_for(cohort.persona), baseline=baseline
    )
    if math.isnan(size) or size == 0:
        size = float(sample.outcome.std())
    return -size if cohort.outcome.direction == "down" else size
