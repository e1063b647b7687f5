"""Linear regression with a penalty that the data choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Ridge", "fit_ridge"]

FloatArray = npt.NDArray[np.float64]

_PENALTIES = tuple(float(10**power) for power in np.arange(0.0, 6.5, 0.5))
_FEWEST_LEFT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridge:
    """A fitted regression.

    Attributes
    ----------
    constant : float
        Value where all columns are 0.
    slopes : array of shape (columns,)
        Change per unit of each column.
    penalty : float
        The penalty in use.
    """

    constant: float
    slopes: FloatArray
    penalty: float

    def predict(self, matrix: FloatArray) -> FloatArray:
        """Predict rows with the columns of the fit."""
        predicted: FloatArray = self.constant + matrix @ self.slopes
        return predicted


def fit_ridge(
    matrix: FloatArray, outcome: FloatArray, *, penalties: Sequence[float] = _PENALTIES
) -> Ridge:
    r"""Fit a linear regression, its slopes drawn to 0 as far as that predicts better.

    Parameters
    ----------
    matrix : array of shape (rows, columns)
        Columns of comparable spread; the constant is added and free.
    outcome : array
        One value per row.
    penalties : sequence of float
        Multiples of the squared slopes to choose from; above 0.

    Returns
    -------
    Ridge
        With the penalty of the smallest generalised cross-validation score

        .. math:: \mathrm{GCV}(\lambda) = \frac{n \, \mathrm{RSS}(\lambda)}
            {(n - 1 - \sum_j s_j^2 / (s_j^2 + \lambda))^2}

        with :math:`s_j` the singular values of the centred columns.

    References
    ----------
    .. [1] Golub, G. H., Heath, M. and Wahba, G. (1979). Generalized cross-validation
       as a method for choosing a good ridge parameter. Technometrics 21, 215-223.
       doi:10.1080/00401706.1979.10489751
    """
    centre, level = matrix.mean(axis=0), float(outcome.mean())
    left, sizes, right = np.linalg.svd(matrix - centre, full_matrices=False)
    rest = outcome - level
    along = left.T @ rest
    beyond = max(float(rest @ rest - along @ along), 0.0)
    strengths = np.asarray(penalties, dtype="float64")[:, None]
    kept = sizes**2 / (sizes**2 + strengths)
    unexplained = beyond + (((1 - kept) * along) ** 2).sum(axis=1)
    free = np.maximum(len(outcome) - 1 - kept.sum(axis=1), _FEWEST_LEFT)
    best = int(np.argmin(unexplained / free**2))
    penalty = float(strengths[best, 0])
    slopes: FloatArray = right.T @ (sizes / (sizes**2 + penalty) * along)
    return Ridge(
        constant=level - float(centre @ slopes), slopes=slopes, penalty=penalty
    )
