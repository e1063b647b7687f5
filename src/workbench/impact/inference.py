"""Standard errors: clustered in one or several ways, few clusters, two samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from workbench.core.errors import NoVariationError, TooFewUnitsError

__all__ = [
    "FEW_CLUSTERS",
    "ClusterError",
    "Regression",
    "WelchTest",
    "compare_means",
    "estimate_cluster_error",
    "estimate_few_cluster_error",
    "regress_on_treatment",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FEW_CLUSTERS = 40
"""Below this number of clusters in any direction the CR2 error stands in."""

_RANK_LIMIT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterError:
    """Covariance of estimates whose errors are correlated within clusters.

    Attributes
    ----------
    covariance : array of shape (k, k)
        Of the k estimates.
    counts : mapping of str to int
        Clusters in each direction.
    df : float
        Degrees of freedom for Student's t: the smallest count less one.
    text : str
        The directions and the convention in words.
    """

    covariance: FloatArray
    counts: Mapping[str, int]
    df: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A regression of the outcome on treatment and covariates.

    Attributes
    ----------
    effect : float
        Coefficient of the treatment.
    influence : array
        Influence of each row on it; their squares sum to the HC0 variance.
    n_params : int
        Rank of the regression, constant and treatment included.
    """

    effect: float
    influence: FloatArray
    n_params: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WelchTest:
    """Difference of two independent means.

    ``std_error`` is Welch's, the same as HC2 of a regression on the treatment;
    ``pooled_error`` assumes equal variances; ``df`` is Satterthwaite's.
    """

    difference: float
    std_error: float
    pooled_error: float
    df: float


def estimate_cluster_error(
    influence: FloatArray, clusters: Mapping[str, IntArray], *, n_params: int = 1
) -> ClusterError:
    r"""Estimate how estimates vary when errors are correlated within clusters.

    Parameters
    ----------
    influence : array of shape (rows, k)
        Influence of each row on each estimate; summed over rows, the estimation error.
    clusters : mapping of str to array of int
        One code per row and direction. With several directions, errors may be
        correlated between rows that share a cluster in any of them.
    n_params : int
        Parameters K of the regression behind the estimates; 1 for a mean.

    Returns
    -------
    ClusterError
        With CR1: each term is multiplied by G/(G-1) * (N-1)/(N-K), G being the term's
        own number of clusters.

    Raises
    ------
    TooFewUnitsError
        If a direction has one cluster only.

    Notes
    -----
    Inclusion and exclusion over the directions: for two,
    :math:`V = V_a + V_b - V_{a \cap b}`. Should that not be positive semi-definite,
    the one direction with the largest variance of the first estimate is used. With
    one row per cluster in one direction this is HC1.

    References
    ----------
    .. [1] Cameron, A. C., Gelbach, J. B. and Miller, D. L. (2011). Robust inference
       with multiway clustering. Journal of Business & Economic Statistics 29,
       238-249. doi:10.1198/jbes.2010.07136

    Examples
    --------
    >>> rows = np.array([[1.0], [-1.0], [2.0], [-2.0]])
    >>> error = estimate_cluster_error(rows, {"unit": np.arange(4)})
    >>> round(float(error.covariance[0, 0]), 4), error.df
    (13.3333, 3.0)
    """
    names = list(clusters)
    n_rows, size = influence.shape
    total = np.zeros((size, size))
    single: dict[str, FloatArray] = {}
    counts: dict[str, int] = {}
    for order in range(1, len(names) + 1):
        for subset in combinations(names, order):
            codes = _intersect([clusters[name] for name in subset])
            groups = int(codes.max()) + 1
            _check_groups(subset, groups)
            scale = groups / (groups - 1) * (n_rows - 1) / max(n_rows - n_params, 1)
            part = scale * _sum_squares(influence, codes, groups)
            total += part if order % 2 else -part
            if order == 1:
                single[subset[0]] = part
                counts[subset[0]] = groups
    text = "CR1 by " + " and ".join(names)
    if np.linalg.eigvalsh(total)[0] < -1e-12 * np.trace(total) or total[0, 0] <= 0:
        widest = max(names, key=lambda name: single[name][0, 0])
        total = single[widest]
        text = f"CR1 by {widest} (by {' and '.join(names)} was not positive)"
    return ClusterError(
        covariance=total, counts=counts, df=float(min(counts.values()) - 1), text=text
    )


def estimate_few_cluster_error(
    outcome: FloatArray,
    treated: BoolArray | FloatArray,
    covariates: FloatArray,
    *,
    cluster: IntArray,
    weights: FloatArray | None = None,
) -> tuple[float, float]:
    """Estimate the error of a regression effect when there are few clusters.

    Parameters
    ----------
    outcome, treated : array
        One value per row; the treatment may be a dose.
    covariates : array of shape (rows, terms)
        May have no columns; collinear ones are left out.
    cluster : array of int
        Code of each row's cluster.
    weights : array, optional
        Regression weights above 0; default 1.

    Returns
    -------
    tuple of float
        CR2 standard error (Bell and McCaffrey) and Satterthwaite's degrees of freedom.

    References
    ----------
    .. [1] Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for
       cluster-robust variance estimation. Journal of Business & Economic Statistics
       36, 672-683. doi:10.1080/07350015.2016.1247004
    """
    from diff_diff.linalg import LinearRegression

    learns = treated.astype("float64")
    columns = np.column_stack([learns, _independent(covariates, learns)])
    model = LinearRegression(vcov_type="hc2_bm", cluster_ids=cluster, weights=weights)
    found = model.fit(columns, outcome).get_inference(1)
    return float(found.se), float(found.df)


def regress_on_treatment(
    outcome: FloatArray,
    treated: BoolArray | FloatArray,
    covariates: FloatArray,
    *,
    weights: FloatArray | None = None,
) -> Regression:
    """Regress an outcome on treatment, a constant and covariates.

    Parameters
    ----------
    outcome, treated : array
        One value per row; the treatment may be a dose.
    covariates : array of shape (rows, terms)
        May have no columns, and may be collinear among themselves.
    weights : array, optional
        Regression weights; default 1.

    Returns
    -------
    Regression
        Effect on the outcome's scale, positive if learners have more of it.

    Raises
    ------
    NoVariationError
        If the covariates determine the treatment.
    """
    scale = np.ones(len(outcome)) if weights is None else np.sqrt(weights)
    learns = treated.astype("float64")
    others = np.column_stack([np.ones(len(outcome)), covariates]) * scale[:, None]
    both = np.column_stack([learns * scale, outcome * scale])
    solved, _, rank, _ = np.linalg.lstsq(others, both, rcond=None)
    rest = both - others @ solved
    spread = float(rest[:, 0] @ rest[:, 0])
    if spread <= _RANK_LIMIT * float(both[:, 0] @ both[:, 0]):
        raise NoVariationError.build(
            "The covariates determine who learnt",
            hint="leave out the covariate that defines learning",
        )
    effect = float(rest[:, 0] @ rest[:, 1]) / spread
    residual = rest[:, 1] - effect * rest[:, 0]
    return Regression(
        effect=effect,
        influence=rest[:, 0] * residual / spread,
        n_params=int(rank) + 1,
    )


def compare_means(outcome: FloatArray, treated: BoolArray) -> WelchTest:
    """Compare the means of two independent groups.

    Parameters
    ----------
    outcome, treated : array
        One value per person; at least two people in each group.

    Returns
    -------
    WelchTest
        Difference, learners less others, with Welch's and the pooled error.
    """
    ours, theirs = outcome[treated], outcome[~treated]
    n_ours, n_theirs = len(ours), len(theirs)
    parts = (
        float(np.var(ours, ddof=1)) / n_ours,
        float(np.var(theirs, ddof=1)) / n_theirs,
    )
    variance = sum(parts)
    shares = parts[0] ** 2 / (n_ours - 1) + parts[1] ** 2 / (n_theirs - 1)
    spread = parts[0] * n_ours * (n_ours - 1) + parts[1] * n_theirs * (n_theirs - 1)
    pooled = spread / (n_ours + n_theirs - 2) * (1 / n_ours + 1 / n_theirs)
    return WelchTest(
        difference=float(ours.mean() - theirs.mean()),
        std_error=variance**0.5,
        pooled_error=pooled**0.5,
        df=variance**2 / shares if shares else float(n_ours + n_theirs - 2),
    )


def _check_groups(names: Sequence[str], groups: int) -> None:
    if groups < 2:
        raise TooFewUnitsError.build(
            "All rows lie in one cluster, so no error can be estimated",
            where=" and ".join(names),
            rule="at least 2 clusters",
            hint="compare across more teams",
        )


def _intersect(codes: Sequence[IntArray]) -> IntArray:
    """Return codes of the combinations of several clusterings, from 0."""
    joined = np.unique(codes[0], return_inverse=True)[1]
    for more in codes[1:]:
        joined = joined * (int(more.max()) + 1) + more
        joined = np.unique(joined, return_inverse=True)[1]
    return joined


def _sum_squares(influence: FloatArray, codes: IntArray, groups: int) -> FloatArray:
    """Sum the influence within clusters, then its squares over clusters."""
    sums = np.column_stack(
        [np.bincount(codes, column, minlength=groups) for column in influence.T]
    ).astype("float64")
    squares: FloatArray = np.asarray(sums.T @ sums, dtype="float64")
    return squares


def _independent(covariates: FloatArray, learns: FloatArray) -> FloatArray:
    """Return the covariate columns that a constant, treatment and the others leave."""
    from scipy.linalg import qr

    if covariates.shape[1] == 0:
        return covariates
    base = np.column_stack([np.ones(len(learns)), learns])
    solved = np.linalg.lstsq(base, covariates, rcond=None)[0]
    rest = covariates - base @ solved
    triangle, order = qr(rest, mode="r", pivoting=True)
    size = np.abs(np.diag(triangle))
    kept = np.sort(order[: len(size)][size > _RANK_LIMIT * max(size[0], 1e-300)])
    return covariates[:, kept]
