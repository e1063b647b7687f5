"""How the effect grows with the number of modules passed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import DesignError
from workbench.core.results import Check
from workbench.impact.inference import estimate_cluster_error
from workbench.impact.wording import write_p
from workbench.prescribe.modules.programme import ProgrammeEffect, estimate_att
from workbench.prescribe.modules.rows import ModuleRows

__all__ = ["DOSE", "FEWEST_PER_LEVEL", "DoseResponse", "estimate_dose"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FEWEST_PER_LEVEL = 20
"""Fewest different people who passed so many modules."""

DOSE = (
    "persona",
    "program",
    "outcome",
    "dose",
    "estimate",
    "ci_low",
    "ci_high",
    "n",
    "limitation",
)
"""Columns of the table of effects by the number of modules passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseResponse:
    """Effects by the number of modules passed, and the test of a trend."""

    table: pd.DataFrame
    check: Check


def estimate_dose(rows: ModuleRows, *, alpha: float) -> DoseResponse:
    """Compare people who passed so many modules with those who passed none.

    People who passed some without completing the programme are levels too. People
    choose how many they pass: what lets them stop early may also drive the outcome.

    Parameters
    ----------
    rows : ModuleRows
        Learners and others of one outcome.
    alpha : float
        One less the level of intervals.

    Returns
    -------
    DoseResponse
        Table with the columns `DOSE`, one row per number of modules that anybody
        passed; without a number where fewer than 20 people did. The check holds the
        slope per further module among those who passed any.

    Notes
    -----
    Each level is a doubly robust effect on those of the level (`estimate_att`). The
    slope is that of the effects on the number of modules, levels weighted by their
    people, with the covariance of the effects from the influence of rows.
    """
    dose = np.where(rows.known, rows.passed.sum(axis=1), -1)
    nothing = (dose == 0) & ~rows.sample.treated
    found: dict[int, tuple[ProgrammeEffect, BoolArray]] = {}
    listed = []
    for level in sorted(set(dose[dose > 0].tolist())):
        ours = dose == level
        count = rows.sample.count_units(ours)
        effect, limitation = _compare(rows, ours, nothing, count)
        if effect is not None:
            found[level] = (effect, ours)
        listed.append(_write_row(rows, level, count, effect, limitation, alpha))
    return DoseResponse(
        table=pd.DataFrame(listed, columns=list(DOSE)).astype(
            {"dose": "int64", "n": "Int64"}
        ),
        check=_check_trend(rows, found, nothing),
    )


def _compare(
    rows: ModuleRows, ours: BoolArray, nothing: BoolArray, count: int
) -> tuple[ProgrammeEffect | None, str]:
    if count < FEWEST_PER_LEVEL:
        return None, f"Fewer than {FEWEST_PER_LEVEL} people passed so many."
    both = ours | nothing
    try:
        effect = estimate_att(
            rows.matrix[both],
            ours[both],
            rows.sample.outcome[both],
            clusters={
                name: np.unique(codes[both], return_inverse=True)[1].astype("int64")
                for name, codes in rows.sample.clusters.items()
            },
            folds=rows.folds[both],
        )
    except DesignError as refusal:
        return None, str(refusal).splitlines()[0]
    return effect, "People choose how many modules they pass."


def _write_row(
    rows: ModuleRows,
    level: int,
    count: int,
    effect: ProgrammeEffect | None,
    limitation: str,
    alpha: float,
) -> dict[str, object]:
    cohort = rows.cohort
    low, high = (math.nan, math.nan) if effect is None else effect.interval(alpha)
    return {
        "persona": cohort.persona,
        "program": cohort.program.id,
        "outcome": cohort.outcome.id,
        "dose": level,
        "estimate": math.nan if effect is None else effect.value,
        "ci_low": low,
        "ci_high": high,
        "n": None if count < FEWEST_PER_LEVEL else count,
        "limitation": limitation,
    }


def _check_trend(
    rows: ModuleRows,
    found: dict[int, tuple[ProgrammeEffect, BoolArray]],
    nothing: BoolArray,
) -> Check:
    if len(found) < 2:
        return Check(
            check="dose_trend",
            program=rows.cohort.program.id,
            outcome=rows.cohort.outcome.id,
            passed=None,
            text="Too few numbers of modules were passed by enough people to tell "
            "whether more modules do more.",
        )
    slope, error = _fit_slope(rows, found, nothing)
    from scipy.special import ndtr

    chance = float(2 * ndtr(-abs(slope) / error)) if error else 1.0
    return Check(
        check="dose_trend",
        program=rows.cohort.program.id,
        outcome=rows.cohort.outcome.id,
        passed=True,
        value=slope,
        text=f"Each further module goes with {slope:+.3g} of the outcome among those "
        f"who passed {min(found)} to {max(found)} (p {write_p(chance)}); people choose "
        "how many they pass.".replace("-", "−"),
    )


def _fit_slope(
    rows: ModuleRows,
    found: dict[int, tuple[ProgrammeEffect, BoolArray]],
    nothing: BoolArray,
) -> tuple[float, float]:
    levels = np.array(list(found), dtype="float64")
    effects = np.array([effect.value for effect, _ in found.values()])
    people = np.array([float(ours.sum()) for _, ours in found.values()])
    centred = levels - people @ levels / people.sum()
    contrast = people * centred / float(people @ centred**2)
    influence = np.zeros((len(rows.known), 1))
    for step, (effect, ours) in enumerate(found.values()):
        influence[ours | nothing, 0] += contrast[step] * effect.influence
    error = estimate_cluster_error(influence, rows.sample.clusters)
    return float(contrast @ effects), math.sqrt(float(error.covariance[0, 0]))
