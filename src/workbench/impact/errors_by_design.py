"""Which standard error a design gets, and the effect that carries it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from workbench.core.errors import DesignError
from workbench.impact.effects import Effect
from workbench.impact.inference import FEW_CLUSTERS, estimate_cluster_error

__all__ = ["ErrorKind", "choose_matching_error", "make_cluster_effect"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_WORDS = {"unit": "person"}
ErrorKind = Literal["auto", "cluster", "abadie_imbens", "bootstrap"]


def choose_matching_error(
    kind: ErrorKind, *, replace: bool, independent: bool
) -> Literal["cluster", "abadie_imbens"]:
    """Choose the standard error of a matched comparison by its design.

    Parameters
    ----------
    kind : {"auto", "cluster", "abadie_imbens", "bootstrap"}
        What was asked for; ``auto`` takes Abadie and Imbens for matching with
        replacement of independent rows, and clustering otherwise.
    replace : bool
        Whether rows could serve several learners.
    independent : bool
        Whether every row is another person, in no larger cluster.

    Returns
    -------
    str
        ``cluster`` or ``abadie_imbens``.

    Raises
    ------
    DesignError
        For the bootstrap, which is wrong for nearest-neighbour matching (Abadie and
        Imbens 2008), and for an error that does not fit the design.
    """
    if kind == "bootstrap":
        raise DesignError.build(
            "The bootstrap does not give a valid error for matching",
            rule="clustered by matched set without replacement, Abadie-Imbens with it",
            hint='use error="auto"',
        )
    if kind == "abadie_imbens" and not (replace and independent):
        raise DesignError.build(
            "The Abadie-Imbens error does not fit this design",
            rule="matching with replacement, every row another person",
            got=f"replace={replace}, independent rows={independent}",
            hint='use error="cluster"',
        )
    if kind == "auto":
        return "abadie_imbens" if replace and independent else "cluster"
    return kind


def make_cluster_effect(
    *,
    method: str,
    estimand: str,
    value: float,
    baseline: float,
    influence: FloatArray,
    clusters: Mapping[str, IntArray],
    counts: tuple[int, int],
    n_params: int = 1,
    few: Callable[[IntArray], tuple[float, float]] | None = None,
) -> Effect:
    """Give an effect its clustered error, with care where clusters are few.

    Parameters
    ----------
    method, estimand : str
        As published.
    value, baseline : float
        Effect and counterfactual mean.
    influence : array of shape (rows, 2)
        Influence of each row on the effect and on the baseline.
    clusters : mapping of str to array of int
        Directions of clustering.
    counts : tuple of int
        Different people among learners and others.
    n_params : int
        Rank of the regression behind the effect.
    few : callable, optional
        Returns the CR2 error and its degrees of freedom for given clusters.

    Returns
    -------
    Effect
        With the CR1 error over all directions. Where a direction has fewer than 40
        clusters and `few` is given, the larger of that error and of CR2 in the
        direction with the fewest, with Satterthwaite's degrees of freedom; the CR1
        error is then in ``plain_error``, otherwise the error without clustering is.
    """
    clusters = {_WORDS.get(name, name): codes for name, codes in clusters.items()}
    found = estimate_cluster_error(influence, clusters, n_params=n_params)
    covariance, df, text = found.covariance, found.df, found.text
    rows = {"row": np.arange(len(influence))}
    plain = estimate_cluster_error(influence, rows, n_params=n_params).covariance
    plain_error = math.sqrt(plain[0, 0])
    fewest = min(found.counts, key=lambda name: (found.counts[name], name))
    if few is not None and found.counts[fewest] < FEW_CLUSTERS:
        plain_error = math.sqrt(covariance[0, 0])
        careful, freedom = few(clusters[fewest])
        if math.isfinite(careful) and math.isfinite(freedom):
            df = min(df, freedom)
            covariance = covariance * max(1.0, careful**2 / covariance[0, 0])
            text = (
                f"{found.counts[fewest]} clusters by {fewest}: the larger of CR2 by "
                f"{fewest} and {text}, Satterthwaite's degrees of freedom ({df:.1f})"
            )
    return Effect(
        method=method,
        estimand=estimand,
        value=value,
        std_error=math.sqrt(covariance[0, 0]),
        df=df,
        baseline=baseline,
        baseline_variance=float(covariance[1, 1]),
        covariance=float(covariance[0, 1]),
        n_treated=counts[0],
        n_control=counts[1],
        n_clusters=min(found.counts.values()),
        error=text,
        plain_error=plain_error,
    )
