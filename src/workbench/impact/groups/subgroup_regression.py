"""Effects of several groups from one regression, with errors for small groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import NoVariationError
from workbench.impact.inference import (
    FEW_CLUSTERS,
    ClusterError,
    estimate_cluster_error,
    estimate_few_cluster_error,
)

__all__ = ["Contrast", "GroupRegression", "fit_groups", "measure_equality"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_RANK_LIMIT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """An effect, or the difference of two, with its error.

    Attributes
    ----------
    value, std_error : float
        On the outcome's scale.
    df : float
        Degrees of freedom of Student's t.
    plain_error : float
        The CR1 error, before small groups were allowed for.
    n_clusters : int
        Clusters among the rows it stands on, in the direction that has the fewest.
    error : str
        How the error was made.
    """

    value: float
    std_error: float
    df: float
    plain_error: float
    n_clusters: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRegression:
    """One regression in which every group has its own effect.

    Attributes
    ----------
    values : array of shape (groups,)
        Effect of each group.
    influence : array of shape (rows, groups)
        Influence of each row on each effect.
    error : ClusterError
        Their joint covariance.
    n_params : int
        Rank of the regression.
    codes : array of int
        Group of each row.
    outcome, rest : array
        The outcome, and the outcome less what the covariates explain.
    treated : array of bool
        True for learners.
    weights : array
        Regression weights.
    clusters : mapping of str to array of int
        Directions of clustering.
    """

    values: FloatArray
    influence: FloatArray
    error: ClusterError
    n_params: int
    codes: IntArray
    outcome: FloatArray
    rest: FloatArray
    treated: BoolArray
    weights: FloatArray
    clusters: Mapping[str, IntArray]

    def effect(self, group: int) -> Contrast:
        """Return the effect of one group."""
        weight = np.zeros(len(self.values))
        weight[group] = 1.0
        return self._contrast(weight, [group])

    def difference(self, group: int, other: int) -> Contrast:
        """Return the effect of one group less that of another."""
        weight = np.zeros(len(self.values))
        weight[[group, other]] = 1.0, -1.0
        return self._contrast(weight, [group, other])

    def covariance(self, first: Sequence[int], reference: int) -> FloatArray:
        """Return the CR1 covariance of several differences from one group."""
        change = np.zeros((len(first), len(self.values)))
        change[np.arange(len(first)), list(first)] = 1.0
        change[:, reference] -= 1.0
        shared: FloatArray = change @ self.error.covariance @ change.T
        return shared

    def _contrast(self, weight: FloatArray, groups: Sequence[int]) -> Contrast:
        value = float(weight @ self.values)
        plain = math.sqrt(max(float(weight @ self.error.covariance @ weight), 0.0))
        name, count = self._fewest(groups)
        df, wide, text = float(count - 1), plain, self.error.text
        if count < FEW_CLUSTERS:
            careful, freedom = self._careful(groups, name)
            if math.isfinite(careful) and math.isfinite(freedom):
                wide, df = max(plain, careful), min(df, freedom)
                text = (
                    f"{count} clusters by {name}: the larger of CR2 by {name} and "
                    f"{text}, Satterthwaite's degrees of freedom ({df:.1f})"
                )
        return Contrast(
            value=value,
            std_error=wide,
            df=df,
            plain_error=plain,
            n_clusters=count,
            error=text,
        )

    def _fewest(self, groups: Sequence[int]) -> tuple[str, int]:
        """Find the direction and the group with the fewest clusters."""
        counts = [
            (len(np.unique(codes[self.codes == group])), name)
            for name, codes in self.clusters.items()
            for group in groups
        ]
        count, name = min(counts)
        return name, count

    def _careful(self, groups: Sequence[int], name: str) -> tuple[float, float]:
        """Estimate the CR2 error within the rows of one or two groups."""
        rows = np.isin(self.codes, groups)
        treated, codes = self.treated[rows], self.codes[rows]
        cluster = np.unique(self.clusters[name][rows], return_inverse=True)[1]
        own = codes == groups[0]
        columns = np.empty((len(codes), 0))
        if len(groups) > 1:
            columns = np.column_stack([treated, own]).astype("float64")
        return estimate_few_cluster_error(
            self.rest[rows],
            treated & own,
            columns,
            cluster=cluster,
            weights=self.weights[rows],
        )


def fit_groups(
    outcome: FloatArray,
    treated: BoolArray,
    covariates: FloatArray,
    *,
    codes: IntArray,
    weights: FloatArray,
    clusters: Mapping[str, IntArray],
) -> GroupRegression:
    r"""Regress an outcome on learning by group, the groups and covariates.

    Parameters
    ----------
    outcome, treated : array
        One value per row.
    covariates : array of shape (rows, terms)
        The same slopes for every group; may be collinear, also with the groups.
    codes : array of int
        Group of each row, from 0; every group holds learners and others.
    weights : array
        Regression weights above 0.
    clusters : mapping of str to array of int
        Directions of clustering.

    Returns
    -------
    GroupRegression
        Positive effects mean more of the outcome among learners of the group.

    Raises
    ------
    NoVariationError
        If covariates determine who learnt within a group.

    Notes
    -----
    .. math:: y_i = \sum_g 1[g_i = g] (a_g + \tau_g d_i) + x_i'b + e_i

    by weighted least squares. Given b, each :math:`\tau_g` is the weighted difference
    of means of :math:`y - x'b` within the group; where a group has fewer than 40
    clusters in a direction, the CR2 error of that difference stands in if it is larger.
    """
    groups = int(codes.max()) + 1
    member = (codes[:, None] == np.arange(groups)).astype("float64")
    scale = np.sqrt(weights)[:, None]
    others = np.hstack([member, covariates]) * scale
    learning = member * treated[:, None] * scale
    both = np.column_stack([learning, outcome * scale[:, 0]])
    solved, _, rank, _ = np.linalg.lstsq(others, both, rcond=None)
    rest = both - others @ solved
    spread = rest[:, :groups].T @ rest[:, :groups]
    limit = _RANK_LIMIT * np.diag(learning.T @ learning)
    if (np.diag(spread) <= limit).any() or np.linalg.matrix_rank(spread) < groups:
        raise NoVariationError.build(
            "The covariates determine who learnt within a group",
            hint="leave out the covariate that defines learning",
        )
    inverse = np.linalg.inv(spread)
    values = inverse @ rest[:, :groups].T @ rest[:, -1]
    residual = rest[:, -1] - rest[:, :groups] @ values
    influence = (rest[:, :groups] * residual[:, None]) @ inverse
    slopes = solved[groups:, -1] - solved[groups:, :groups] @ values
    n_params = int(rank) + groups
    return GroupRegression(
        values=values,
        influence=influence,
        error=estimate_cluster_error(influence, clusters, n_params=n_params),
        n_params=n_params,
        codes=codes,
        outcome=outcome,
        rest=outcome - covariates @ slopes,
        treated=treated,
        weights=weights,
        clusters=clusters,
    )


def measure_equality(
    differences: Sequence[Contrast], covariance: FloatArray
) -> tuple[float, float, float]:
    r"""Test whether several differences are all zero.

    Parameters
    ----------
    differences : sequence of Contrast
        Of every other group from the reference.
    covariance : array of shape (differences, differences)
        Their CR1 covariance.

    Returns
    -------
    tuple of float
        F, its second degrees of freedom and p; NaN where there are too few clusters.

    Notes
    -----
    With q differences, Wald statistic W and :math:`\eta` the smallest degrees of
    freedom among the differences, :math:`F = W (\eta - q + 1) / (\eta q)` on q and
    :math:`\eta - q + 1` degrees of freedom, as for Hotelling's T² [1]_. The covariance
    is widened where a difference's own error is. With one difference it is the square
    of its t.

    References
    ----------
    .. [1] Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for
       cluster-robust variance estimation. Journal of Business & Economic Statistics
       36, 672-683. doi:10.1080/07350015.2016.1247004
    """
    from scipy.stats import f as law

    size = len(differences)
    eta = min(item.df for item in differences)
    plain = [item.plain_error or item.std_error or 1.0 for item in differences]
    wider = np.array([item.std_error for item in differences]) / plain
    values = np.array([item.value for item in differences])
    freedom = eta - size + 1
    shared = covariance * np.outer(wider, wider)
    if freedom < 1 or np.linalg.matrix_rank(shared) < size:
        return math.nan, math.nan, math.nan
    wald = float(values @ np.linalg.solve(shared, values))
    statistic = wald * freedom / (eta * size)
    return statistic, freedom, float(law.sf(statistic, size, freedom))
