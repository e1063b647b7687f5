"""How strongly each covariate drives learning and the outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import NoVariationError, TooFewUnitsError

__all__ = ["Regressed", "Strength", "measure_strengths"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

_LEAST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """How strongly one covariate is tied to learning and to the outcome.

    Attributes
    ----------
    name : str
        The covariate; all its terms count together.
    r2_treatment : float
        Share of the variation of learning, left by the other covariates, that it
        explains.
    r2_outcome : float
        The same for the outcome, left by learning and the other covariates.
    """

    name: str
    r2_treatment: float
    r2_outcome: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Regressed:
    """A regression of the outcome on learning and covariates.

    Attributes
    ----------
    value : float
        Coefficient of learning.
    std_error : float
        Its error if all errors were independent and equal in size; the algebra of
        omitted variables is in terms of it.
    df : int
        Rows less parameters.
    strengths : tuple of Strength
        One per covariate that has terms in the regression.
    """

    value: float
    std_error: float
    df: int
    strengths: tuple[Strength, ...]


def measure_strengths(
    outcome: FloatArray,
    treated: BoolArray,
    covariates: FloatArray,
    *,
    groups: Mapping[str, Sequence[int]],
) -> Regressed:
    """Regress the outcome on learning and covariates, and measure each covariate.

    Parameters
    ----------
    outcome, treated : array
        One value per row.
    covariates : array of shape (rows, terms)
        May be collinear.
    groups : mapping of str to sequence of int
        The columns of each covariate to measure; columns in none are only adjusted
        for.

    Returns
    -------
    Regressed
        Coefficient, classical error and the strength of every covariate; a perfect
        fit is taken to leave a trillionth of the outcome's variation.

    Raises
    ------
    NoVariationError
        If the covariates determine who learnt.
    TooFewUnitsError
        If there are no more rows than parameters.
    """
    full = np.column_stack([np.ones(len(outcome)), covariates])
    learns = treated.astype("float64")
    level = outcome - outcome.mean()
    joint = np.column_stack([full, learns, level])
    gram = joint.T @ joint
    width = full.shape[1]
    every = list(range(width))
    rank = int(np.linalg.matrix_rank(full))
    df = len(outcome) - rank - 1
    if df < 2:
        raise TooFewUnitsError.build(
            "There are no more rows than covariate terms", got=df + rank + 1
        )
    spread = _leave(gram, every, width)
    if spread <= 1e-9 * gram[width, width]:
        raise NoVariationError.build("The covariates determine who learnt")
    own = [*every, width]
    rest = max(_leave(gram, own, width + 1), _LEAST * gram[width + 1, width + 1])
    solved = np.linalg.lstsq(gram[np.ix_(own, own)], gram[own, width + 1], rcond=None)
    strengths = []
    for name, columns in groups.items():
        taken = {column + 1 for column in columns}
        others = [place for place in every if place not in taken]
        without = _leave(gram, others, width)
        outside = _leave(gram, [*others, width], width + 1)
        strengths.append(
            Strength(
                name=name,
                r2_treatment=max(0.0, 1 - spread / without),
                r2_outcome=max(0.0, 1 - rest / outside) if outside > 0 else 0.0,
            )
        )
    return Regressed(
        value=float(solved[0][-1]),
        std_error=math.sqrt(rest / df / spread),
        df=df,
        strengths=tuple(strengths),
    )


def _leave(gram: FloatArray, columns: list[int], target: int) -> float:
    """Return the sum of squares that a regression on some columns leaves."""
    if not columns:
        return float(gram[target, target])
    inner = gram[np.ix_(columns, columns)]
    along = gram[columns, target]
    solved = np.linalg.lstsq(inner, along, rcond=None)[0]
    return max(0.0, float(gram[target, target] - along @ solved))
