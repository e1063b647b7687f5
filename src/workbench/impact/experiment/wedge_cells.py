"""A stepped wedge as groups and periods, and regressions with effects of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.errors import NoVariationError, TooFewUnitsError
from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import make_cluster_effect

__all__ = [
    "CellFit",
    "Cells",
    "estimate_cr2",
    "fit_column",
    "make_effect",
    "read_cells",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_NOTHING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Rows of people and periods, and the cells of group and period they lie in.

    Attributes
    ----------
    outcome : array of float
        One value per row.
    cell : array of int
        Position of each row's cell.
    mean, size : array of float
        Mean outcome and number of rows of each cell.
    cluster, period : array of int
        Codes from 0 of each cell.
    starts : array of int
        First exposed period of each cluster, counted from 0 as `period` is; -1 for
        clusters that are not exposed in any period.
    units : array of int
        Code of each row's person.
    periods : array of shape (cells, terms)
        Dummies of the periods, the first left out.
    """

    outcome: FloatArray
    cell: IntArray
    mean: FloatArray
    size: FloatArray
    cluster: IntArray
    period: IntArray
    starts: IntArray
    units: IntArray
    periods: FloatArray

    @property
    def exposed(self) -> BoolArray:
        """Tell which cells lie on or after the start of their cluster."""
        return self.expose(self.starts)

    @property
    def since(self) -> IntArray:
        """Periods since the start, 0 in the first exposed one; -1 or less before."""
        begins = self.starts[self.cluster]
        never = np.iinfo(np.int64).min // 2
        return np.where(begins >= 0, self.period - begins, never)

    def center(self, values: FloatArray) -> FloatArray:
        """Take away the mean of each cluster, every row counting the same.

        `values` has one row per cell, and any number of columns.
        """
        sums = np.zeros((len(self.starts), values.shape[1]))
        np.add.at(sums, self.cluster, values * self.size[:, None])
        means = sums / np.bincount(self.cluster, self.size)[:, None]
        centred: FloatArray = values - means[self.cluster]
        return centred

    def expose(self, starts: IntArray) -> BoolArray:
        """Tell which cells would be exposed if the clusters had these starts.

        `starts` has one row per choice of starts, or is a single choice.
        """
        begins = starts[..., self.cluster]
        exposed: BoolArray = (begins >= 0) & (self.period >= begins)
        return exposed


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFit:
    """One coefficient of a regression on cells.

    Attributes
    ----------
    value : float
        The coefficient.
    influence : array of float
        Of each row of people and periods.
    n_params : int
        Rank of the regression.
    column : array of bool
        The cells whose difference from the others it is.
    others : array of shape (cells, terms)
        What else stood in the regression, the clusters apart.
    """

    value: float
    influence: FloatArray
    n_params: int
    column: BoolArray
    others: FloatArray


def read_cells(experiment: Experiment) -> Cells:
    """Gather the observed outcomes of a stepped wedge in cells.

    Parameters
    ----------
    experiment : Experiment
        With ``period``, ``starts`` and ``exposed``.

    Returns
    -------
    Cells
        Rows without an outcome are left out.

    Raises
    ------
    TooFewUnitsError
        If fewer than two clusters, or two periods, have an outcome.
    """
    frame = experiment.frame
    kept = np.isfinite(frame["outcome"].astype("float64"))
    frame = frame[kept].sort_values(["cluster", "period", "unit"])
    clusters, names = pd.factorize(frame["cluster"].astype("str"), sort=True)
    periods, labels = pd.factorize(frame["period"], sort=True)
    if len(names) < 2 or len(labels) < 2:
        raise TooFewUnitsError.build(
            "A stepped wedge needs groups and periods to compare",
            rule="outcomes of at least 2 clusters in at least 2 periods",
            got=f"{len(names)} clusters, {len(labels)} periods",
        )
    code = clusters.astype("int64") * len(labels) + periods
    distinct, first, cell = np.unique(code, return_index=True, return_inverse=True)
    outcome = frame["outcome"].to_numpy(dtype="float64")
    size = np.bincount(cell).astype("float64")
    cluster, period = distinct // len(labels), distinct % len(labels)
    own = frame["starts"].to_numpy(dtype="int64")[first]
    begins = np.searchsorted(labels, own)
    begins = np.where((own > 0) & (begins < len(labels)), begins, -1)
    starts = np.full(len(names), -1, dtype="int64")
    starts[cluster] = begins
    return Cells(
        outcome=outcome,
        cell=cell.astype("int64"),
        mean=np.bincount(cell, outcome) / size,
        size=size,
        cluster=cluster,
        period=period,
        starts=starts,
        units=pd.factorize(frame["unit"])[0].astype("int64"),
        periods=np.equal.outer(period, np.arange(1, len(labels))).astype("float64"),
    )


def fit_column(cells: Cells, column: BoolArray, others: FloatArray) -> CellFit:
    """Regress outcomes on whether a cell is in `column`, with effects of clusters.

    Parameters
    ----------
    cells : Cells
        Each cell counts as many times as it has rows, which is the regression on
        the rows.
    column : array of bool
        One value per cell.
    others : array of shape (cells, terms)
        Further columns, usually those of the periods.

    Returns
    -------
    CellFit
        Coefficient and influence of the rows.

    Raises
    ------
    NoVariationError
        If clusters and the other columns determine `column`.
    """
    root = np.sqrt(cells.size)
    base = cells.center(others) * root[:, None]
    both = np.column_stack([column, cells.mean])
    both = cells.center(both) * root[:, None]
    solved, _, rank, _ = np.linalg.lstsq(base, both, rcond=None)
    rest = both - base @ solved
    spread = float(rest[:, 0] @ rest[:, 0])
    if spread <= _NOTHING * cells.size.sum():
        raise NoVariationError.build(
            "Groups and periods determine who is exposed",
            rule="some groups wait while others are exposed",
            hint="let groups start in different periods",
        )
    value = float(rest[:, 0] @ rest[:, 1]) / spread
    left = (rest[:, 1] - value * rest[:, 0]) / root
    within = cells.outcome - cells.mean[cells.cell] + left[cells.cell]
    own = (rest[:, 0] / root)[cells.cell]
    return CellFit(
        value=value,
        influence=own * within / spread,
        n_params=int(rank) + len(cells.starts) + 1,
        column=column,
        others=others,
    )


def estimate_cr2(cells: Cells, fit: CellFit) -> tuple[float, float]:
    r"""Estimate the error of a coefficient when there are few clusters.

    Parameters
    ----------
    cells : Cells
        The cells.
    fit : CellFit
        From `fit_column`.

    Returns
    -------
    tuple of float
        CR2 standard error (Bell and McCaffrey) and Satterthwaite's degrees of freedom.

    Notes
    -----
    That of the regression on rows whose errors are alike and independent under the
    working model. Within a cell the regressors do not change, so the deviations from
    its mean drop out, and cells scaled by the root of their rows give the same: with
    their hat matrix :math:`H` and residuals :math:`e`,
    :math:`V = \sum_g (p_g' A_g e_g)^2`, where :math:`A_g = (I - H_{gg})^{+1/2}` and
    :math:`p` holds what each row adds to the coefficient. Directions that a cluster's
    own dummy takes up have no residual and are left out.

    References
    ----------
    .. [1] Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for
       cluster-robust variance estimation. Journal of Business & Economic Statistics
       36, 672-683. doi:10.1080/07350015.2016.1247004
    """
    root = np.sqrt(cells.size)
    own = np.equal.outer(cells.cluster, np.arange(len(cells.starts)))
    design = np.column_stack([fit.column, own, fit.others]) * root[:, None]
    inverse = np.linalg.pinv(design)
    hat = design @ inverse
    outcome = cells.mean * root
    left = outcome - hat @ outcome
    rows = inverse[0]
    variance, spread = 0.0, []
    for group in np.unique(cells.cluster):
        here = np.flatnonzero(cells.cluster == group)
        values, axes = np.linalg.eigh(np.eye(len(here)) - hat[np.ix_(here, here)])
        kept = values > _NOTHING
        scale = axes[:, kept] / np.sqrt(values[kept])
        adjusted = scale @ (axes[:, kept].T @ rows[here])
        variance += float(adjusted @ left[here]) ** 2
        spread.append(-hat[:, here] @ adjusted)
        spread[-1][here] += adjusted
    gram = np.array(spread) @ np.array(spread).T
    return variance**0.5, float(np.trace(gram) ** 2 / np.sum(gram**2))


def make_effect(cells: Cells, fit: CellFit, *, method: str) -> Effect:
    """Give a coefficient its error, clustered by what was drawn.

    Returns
    -------
    Effect
        Below 40 clusters the larger of CR1 and CR2 with Satterthwaite's degrees of
        freedom. The baseline is the mean of the exposed rows less the effect.
    """
    exposed = cells.exposed[cells.cell]
    mean = float(cells.outcome[exposed].mean())
    level = np.where(exposed, cells.outcome - mean, 0.0) / exposed.sum()

    def few(_: IntArray) -> tuple[float, float]:
        return estimate_cr2(cells, fit)

    return make_cluster_effect(
        method=method,
        estimand="ITT",
        value=fit.value,
        baseline=mean - fit.value,
        influence=np.column_stack([fit.influence, level - fit.influence]),
        clusters={"cluster": cells.cluster[cells.cell]},
        counts=(
            len(np.unique(cells.units[exposed])),
            len(np.unique(cells.units[~exposed])),
        ),
        n_params=fit.n_params,
        few=few,
    )
