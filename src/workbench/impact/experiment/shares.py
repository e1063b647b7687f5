"""Counts of units by arm against shares: as planned, and the same at every level."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import numpy.typing as npt

__all__ = ["FEWEST_EXPECTED", "compare_levels", "compare_shares"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FEWEST_EXPECTED = 5.0
"""Units expected in an arm from which on a chi-square test may be read."""

_MOST_LISTED = 200_000
_TIES = 1e-7


def compare_levels(counts: IntArray) -> float:
    r"""Test whether levels have the arms in the same shares.

    Parameters
    ----------
    counts : array of int of shape (levels, arms)
        Units.

    Returns
    -------
    float
        p-value of the :math:`\chi^2` test of homogeneity; 1 with fewer than two
        levels or arms that have units.

    Examples
    --------
    >>> round(compare_levels(np.array([[30, 10], [10, 30]])), 6)
    8e-06
    """
    from scipy.stats import chi2_contingency

    filled = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(filled.shape) < 2:
        return 1.0
    return float(chi2_contingency(filled, correction=False).pvalue)


def compare_shares(counts: IntArray, shares: FloatArray) -> float:
    """Test counts against planned shares.

    Parameters
    ----------
    counts : array of int
        One per arm.
    shares : array of float
        Planned, above 0, summing to 1.

    Returns
    -------
    float
        p-value; NaN without units or with one arm.

    Examples
    --------
    >>> round(compare_shares(np.array([8, 0]), np.array([0.5, 0.5])), 5)
    0.00781
    """
    from scipy.stats import chisquare

    total = int(counts.sum())
    if total == 0 or len(counts) < 2:
        return math.nan
    expected = shares * total
    outcomes = math.comb(total + len(counts) - 1, len(counts) - 1)
    if expected.min() < FEWEST_EXPECTED and outcomes <= _MOST_LISTED:
        return _test_exactly(counts, shares)
    return float(chisquare(counts, expected).pvalue)


def _test_exactly(counts: IntArray, shares: FloatArray) -> float:
    """Sum the chances of all counts that are no likelier than those observed."""
    from scipy.stats import multinomial

    total, arms = int(counts.sum()), len(counts)
    places = np.array(list(combinations(range(total + arms - 1), arms - 1)))
    edges = np.hstack(
        [
            np.full((len(places), 1), -1),
            places.reshape(len(places), -1),
            np.full((len(places), 1), total + arms - 1),
        ]
    )
    chances = multinomial.pmf(np.diff(edges, axis=1) - 1, total, shares)
    own = float(multinomial.pmf(counts, total, shares))
    return min(1.0, float(chances[chances <= own * (1 + _TIES)].sum()))
