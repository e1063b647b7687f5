"""All modules of a programme in one regression: the second opinion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workbench.impact.inference import (
    estimate_cluster_error,
    estimate_few_cluster_error,
    regress_on_treatment,
)
from workbench.impact.propensity import PENALTY
from workbench.prescribe.modules.base_model import Base
from workbench.prescribe.modules.effect import ModuleEffect
from workbench.prescribe.modules.parts import FEWEST, Part
from workbench.prescribe.modules.rows import N_FOLDS, ModuleRows

__all__ = ["estimate_jointly"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def estimate_jointly(
    rows: ModuleRows, base: Base, parts: Sequence[Part]
) -> tuple[ModuleEffect | None, ...]:
    r"""Regress what covariates do not explain on what they do not explain of passing.

    All learners enter, and all modules at once: each effect is that of passing one with
    the others held fixed, if effects add up and act alike on everybody. It needs no
    choice of who is compared, and shows whether the headline hangs on it.

    Parameters
    ----------
    rows : ModuleRows
        Learners and others.
    base : Base
        From `fit_base` on the same rows.
    parts : sequence of Part
        What can be told apart, in the order of the columns of `base`.

    Returns
    -------
    tuple
        One effect per part, method ``joint``; None where fewer than 15 learners with
        this outcome passed it, or skipped it.

    Notes
    -----
    Partialled-out regression with cross-fitted linear predictions [1]_. The error is
    CR2 by person (or the larger of those by person and by team, where the programme
    was given by team) with Satterthwaite's degrees of freedom.

    References
    ----------
    .. [1] Chernozhukov, V. et al. (2018). Double/debiased machine learning. The
       Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
    """
    took = ~base.skipped
    kept = [place for place in range(len(parts)) if _suffices(rows, took[:, place])]
    found: list[ModuleEffect | None] = [None] * len(parts)
    if not kept:
        return tuple(found)
    learners = np.flatnonzero(rows.learners)
    choices = took[:, kept][learners].astype("float64")
    choices -= _expect_choices(rows, learners, choices)
    rest = (rows.sample.outcome - base.expected)[learners]
    for position, place in enumerate(kept):
        others = np.delete(choices, position, axis=1)
        found[place] = _regress(
            rows, learners, rest, choices[:, position], others, took[:, place]
        )
    return tuple(found)


def _suffices(rows: ModuleRows, took: BoolArray) -> bool:
    ours = rows.sample.count_units(rows.learners & took)
    theirs = rows.sample.count_units(rows.learners & ~took)
    return min(ours, theirs) >= FEWEST


def _expect_choices(
    rows: ModuleRows, learners: IntArray, choices: FloatArray
) -> FloatArray:
    """Predict passing linearly, by models fitted on other learners."""
    matrix, folds = rows.matrix[learners], rows.folds[learners]
    expected = np.empty_like(choices)
    for fold in range(N_FOLDS):
        held = folds == fold
        centre, level = matrix[~held].mean(axis=0), choices[~held].mean(axis=0)
        centred = matrix[~held] - centre
        gram = centred.T @ centred + PENALTY * np.eye(matrix.shape[1])
        slopes = np.linalg.solve(gram, centred.T @ (choices[~held] - level))
        expected[held] = level + (matrix[held] - centre) @ slopes
    return expected


def _regress(
    rows: ModuleRows,
    learners: IntArray,
    rest: FloatArray,
    choice: FloatArray,
    others: FloatArray,
    took: BoolArray,
) -> ModuleEffect:
    fitted = regress_on_treatment(rest, choice, others)
    errors = [
        estimate_few_cluster_error(
            rest, choice, others, cluster=_recode(codes[learners])
        )
        for codes in rows.sample.clusters.values()
    ]
    std_error, df = max(errors)
    influence = np.zeros(len(took))
    influence[learners] = fitted.influence
    clusters = {name: codes[learners] for name, codes in rows.sample.clusters.items()}
    limit = estimate_cluster_error(fitted.influence[:, None], clusters).df
    return ModuleEffect(
        method="joint",
        value=fitted.effect,
        std_error=std_error,
        df=min(df, limit),
        n_passed=rows.sample.count_units(rows.learners & took),
        n_skipped=rows.sample.count_units(rows.learners & ~took),
        influence=influence,
    )


def _recode(codes: IntArray) -> IntArray:
    recoded: IntArray = np.unique(codes, return_inverse=True)[1].astype("int64")
    return recoded
