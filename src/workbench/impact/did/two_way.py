"""Regressions with effects of persons and quarters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import DesignError, TooFewUnitsError

__all__ = ["TwoWayFit", "fit_two_way", "prepare_rows", "sweep_effects"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWayFit:
    """A regression with effects of persons and periods.

    Attributes
    ----------
    coefficients : Series
        By term.
    covariance : DataFrame
        Of the coefficients, clustered.
    residuals : array
        In the order of the rows.
    n_rows, n_units, n_clusters : int
        Rows, persons and clusters used; 0 clusters if errors are not clustered.
    df : float
        Degrees of freedom for Student's t: clusters less one, or rows less parameters.
    """

    coefficients: pd.Series
    covariance: pd.DataFrame
    residuals: FloatArray
    n_rows: int
    n_units: int
    n_clusters: int
    df: float

    @property
    def std_errors(self) -> pd.Series:
        """Standard errors by term."""
        root = np.sqrt(np.diag(self.covariance.to_numpy()))
        return pd.Series(root, index=self.coefficients.index)


def fit_two_way(
    frame: pd.DataFrame,
    terms: pd.DataFrame,
    *,
    cluster: str | None = "unit",
    weights: pd.Series | None = None,
) -> TwoWayFit:
    """Regress the outcome on terms with effects of persons and periods.

    Parameters
    ----------
    frame : DataFrame
        ``unit``, ``period``, ``outcome``, and the column to cluster by.
    terms : DataFrame
        Same rows; one numeric column per term.
    cluster : str, optional
        Column whose groups may have correlated errors; None for independent errors of
        equal variance, as older textbooks print them.
    weights : Series, optional
        Regression weights above 0; default 1.

    Returns
    -------
    TwoWayFit
        With the error of linearmodels' ``group_debias``: G/(G-1) * (N-1)/(N-K), where
        K counts the effects of persons and periods too, as Stata's areg and R's lm
        with dummies do. Programs that leave effects nested in the clusters out of K
        report smaller errors.

    Raises
    ------
    DesignError
        If the effects of persons and periods determine a term.
    TooFewUnitsError
        If there are fewer than two clusters.
    """
    from linearmodels.panel import PanelOLS
    from linearmodels.panel.utility import AbsorbingEffectError

    index = pd.MultiIndex.from_arrays(
        [pd.factorize(frame["unit"], sort=True)[0], frame["period"].to_numpy()]
    )
    model = PanelOLS(
        frame["outcome"].set_axis(index),
        terms.set_axis(index),
        weights=None if weights is None else weights.set_axis(index),
        entity_effects=True,
        time_effects=True,
        singletons=True,
    )
    try:
        if cluster is None:
            found = model.fit(cov_type="unadjusted")
        else:
            groups = _code_clusters(frame[cluster], index)
            found = model.fit(cov_type="clustered", clusters=groups, group_debias=True)
    except (AbsorbingEffectError, ValueError) as error:
        raise DesignError.build(
            "A term cannot be told from the effects of persons and quarters",
            where=", ".join(str(name) for name in terms.columns),
            rule="it varies within persons, and not only with the quarter",
            hint="leave out the term, or bin event times further",
        ) from error
    n_clusters = 0 if cluster is None else int(frame[cluster].nunique())
    return TwoWayFit(
        coefficients=found.params,
        covariance=found.cov,
        residuals=found.resids.to_numpy(dtype="float64"),
        n_rows=len(frame),
        n_units=int(index.get_level_values(0).nunique()),
        n_clusters=n_clusters,
        df=float(found.df_resid if cluster is None else n_clusters - 1),
    )


def prepare_rows(panel: Panel) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Leave out who cannot tell anything about change.

    Returns
    -------
    tuple of DataFrame and tuple of str
        Rows of people seen at least twice and not already learners in their first
        quarter, with ``event_time`` (NaN for people who never learnt) and ``post``;
        and sentences on who was left out.

    Raises
    ------
    TooFewUnitsError
        If no learner, or no change of treatment, is left.
    """
    frame = panel.frame
    seen = frame.groupby("unit")["period"].agg(["size", "min"])
    own = frame["unit"].map(seen["size"])
    first = frame["unit"].map(seen["min"])
    once = own < 2
    always = ~once & (frame["first_treat"] > 0) & (frame["first_treat"] <= first)
    notes = []
    for who, words in (
        (once, "of people were seen in one quarter only"),
        (always, "of people are learners not seen before exposure"),
    ):
        share = frame.loc[who, "unit"].nunique() / frame["unit"].nunique()
        if share:
            notes.append(f"{share:.1%} {words} and were left out")
    rows = frame[~(once | always)].reset_index(drop=True)
    start = rows["first_treat"].where(rows["first_treat"] > 0).astype("float64")
    rows["event_time"] = rows["period"] - start
    rows["post"] = (rows["event_time"] >= 0).astype("float64")
    if rows["post"].nunique() < 2:
        raise TooFewUnitsError.build(
            "No learner was seen both before and after exposure",
            where=f"{panel.persona}, {panel.program.id}, {panel.outcome.id}",
            got=notes,
        )
    return rows, tuple(notes)


def sweep_effects(rows: pd.DataFrame, column: FloatArray) -> FloatArray:
    """Return what effects of persons and quarters leave of a column.

    Parameters
    ----------
    rows : DataFrame
        ``unit`` and ``period``.
    column : array
        One number per row.

    Returns
    -------
    array
        Residuals, which sum to zero within each person and each quarter.
    """
    units = pd.factorize(rows["unit"], sort=True)[0]
    sizes = np.bincount(units).astype("float64")
    quarters = pd.get_dummies(rows["period"], dtype="float64").to_numpy()[:, 1:]
    both = np.column_stack([quarters, column])
    for place in range(both.shape[1]):
        means = np.bincount(units, both[:, place]) / sizes
        both[:, place] -= means[units]
    left, right = both[:, :-1], both[:, -1]
    solved = np.linalg.lstsq(left.T @ left, left.T @ right, rcond=None)[0]
    return np.asarray(right - left @ solved, dtype="float64")


def _code_clusters(column: pd.Series, index: pd.MultiIndex) -> pd.DataFrame:
    """Return clusters as numbers on the regression's index."""
    codes, labels = pd.factorize(column, sort=True)
    if len(labels) < 2:
        raise TooFewUnitsError.build(
            "All rows lie in one cluster, so no error can be estimated",
            where=str(column.name),
            rule="at least 2 clusters",
        )
    return pd.DataFrame({"cluster": codes}, index=index)
