"""Effect of being offered a programme, plain and adjusted, as the design allows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from workbench.core.errors import NoVariationError
from workbench.core.results import Check
from workbench.impact.design_matrix import MISSING, build_design
from workbench.impact.effects import Effect
from workbench.impact.experiment.drawn import Drawn
from workbench.impact.inference import (
    FEW_CLUSTERS,
    compare_means,
    estimate_cluster_error,
    estimate_few_cluster_error,
)

__all__ = [
    "ADJUSTED",
    "ITT",
    "PRIOR",
    "Adjusted",
    "estimate_adjusted",
    "estimate_itt",
    "measure_error",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ITT = "ab_itt"
ADJUSTED = "ab_cuped"
PRIOR = "prior"

_PEOPLE_PER_TERM = 20
_CLUSTERS_PER_TERM = 8
_FULL = 1 - 1e-9
_RANK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """The effect adjusted for what was known before.

    Attributes
    ----------
    effect : Effect
        Method ``ab_cuped``.
    terms : tuple of str
        What was adjusted for.
    text : str
        The adjustment in words: terms, missing earlier values, and what it gained.
    checks : tuple of Check
        What was dropped, pooled or filled in.
    """

    effect: Effect
    terms: tuple[str, ...]
    text: str
    checks: tuple[Check, ...]


def estimate_itt(drawn: Drawn) -> Effect:
    r"""Estimate what being offered the programme changed, for everybody offered it.

    The estimand is the intention-to-treat effect (ITT): the mean outcome of all who
    were offered the programme, less that of the others, whoever took it up. It is
    causal by the draw alone. Where whole clusters were drawn every person counts the
    same, so that large clusters count more.

    Parameters
    ----------
    drawn : Drawn
        People with a known outcome; at least two units of either side.

    Returns
    -------
    Effect
        Method ``ab_itt``. People: the difference of means with Welch's error, which
        is HC2, ``plain_error`` the pooled one. Clusters: CR2 with Satterthwaite's
        degrees of freedom, ``plain_error`` the ordinary cluster error CR1.

    Notes
    -----
    :math:`\hat\tau = \bar y_1 - \bar y_0`. The baseline is :math:`\bar y_0`, so that
    its covariance with the effect is less its variance.

    References
    ----------
    .. [1] Imbens, G. W. and Kolesár, M. (2016). Robust standard errors in small
       samples. Review of Economics and Statistics 98, 701-712.
       doi:10.1162/REST_a_00552

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"arm": ["a", "a", "control", "control"]})
    >>> found = estimate_itt(Drawn(frame=frame, assigned=np.array([1, 1, 0, 0]) == 1,
    ...     outcome=np.array([3.0, 5.0, 1.0, 2.0]), cluster=np.arange(4),
    ...     strata=np.zeros(4, dtype=int), whole=False))
    >>> found.value, round(found.std_error, 4)
    (2.5, 1.118)
    """
    others = drawn.outcome[~drawn.assigned]
    value, error, df, plain = measure_error(drawn, drawn.outcome)
    spread = _vary_baseline(drawn)
    ours, theirs = drawn.counts
    return Effect(
        method=ITT,
        estimand="ITT",
        value=value,
        std_error=error,
        df=df,
        baseline=float(others.mean()),
        baseline_variance=spread,
        covariance=-spread,
        n_treated=ours,
        n_control=theirs,
        n_clusters=sum(drawn.units) if drawn.whole else ours + theirs,
        error=_name_error(drawn, df),
        plain_error=plain,
    )


def measure_error(
    drawn: Drawn, values: FloatArray
) -> tuple[float, float, float, float]:
    """Compare the means of any values by assignment.

    Parameters
    ----------
    drawn : Drawn
        Who was assigned, and what was drawn.
    values : array
        One per row.

    Returns
    -------
    tuple of float
        Difference, its error (HC2 or CR2), degrees of freedom, and the plain error
        (pooled, or CR1).
    """
    if not drawn.whole:
        found = compare_means(values, drawn.assigned)
        return found.difference, found.std_error, found.df, found.pooled_error
    none = np.empty((len(values), 0))
    gap = float(values[drawn.assigned].mean() - values[~drawn.assigned].mean())
    side = drawn.assigned.astype("float64")
    centred = values - values[~drawn.assigned].mean() - gap * side
    share = side.mean()
    influence = centred * (side / share - (1 - side) / (1 - share)) / len(values)
    plain = estimate_cluster_error(
        influence[:, None], {"cluster": drawn.cluster}, n_params=2
    )
    error, df = _estimate_carefully(drawn, values, none)
    wide = math.sqrt(max(float(plain.covariance[0, 0]), 0.0))
    if not math.isfinite(error):
        error = wide
    return gap, error, df if math.isfinite(df) else plain.df, wide


def estimate_adjusted(
    drawn: Drawn, *, covariates: Sequence[str], min_level: int = 10
) -> Adjusted:
    r"""Estimate the same effect more precisely, with what was known before.

    Use it beside the plain difference: it has the same estimand (ITT) and, by the draw,
    no more bias than chance, but a smaller error where the earlier value of the
    outcome tells the later one.

    Parameters
    ----------
    drawn : Drawn
        People with a known outcome.
    covariates : sequence of str
        Known before the assignment. The earlier value of the outcome (``prior``)
        comes first; then as many as the numbers allow, in this order: one term per 20
        people of the smaller side, or per 8 clusters. The outcome chooses nothing.
    min_level : int
        Levels of a category with fewer rows are pooled.

    Returns
    -------
    Adjusted
        Missing earlier values take the median and a term of their own, so that nobody
        is left out.

    Raises
    ------
    NoVariationError
        If nothing known before varies.

    Notes
    -----
    People, and 40 clusters or more: least squares of the outcome on the offer, the
    terms centred at their means and their products with the offer [1]_, error HC2 or
    CR2. Fewer clusters: without the products (ANCOVA), since each costs degrees of
    freedom. With the earlier value alone and correlation :math:`\rho` the variance
    falls to :math:`1 - \rho^2` of the plain one (CUPED [2]_).

    References
    ----------
    .. [1] Lin, W. (2013). Agnostic notes on regression adjustments to experimental
       data. Annals of Applied Statistics 7, 295-318. doi:10.1214/12-AOAS583
    .. [2] Deng, A., Xu, Y., Kohavi, R. and Walker, T. (2013). Improving the sensitivity
       of online controlled experiments by utilizing pre-experiment data. WSDM 2013,
       123-132. doi:10.1145/2433396.2433413
    """
    wanted = [name for name in (PRIOR, *covariates) if name in drawn.frame.columns]
    design = build_design(
        drawn.frame, covariates=list(dict.fromkeys(wanted)), min_level=min_level
    )
    units = min(drawn.counts) // _PEOPLE_PER_TERM
    if drawn.whole:
        units = min(units, sum(drawn.units) // _CLUSTERS_PER_TERM)
    names = design.names[: max(1, units)]
    if not names:
        raise NoVariationError.build(
            "Nothing that was known before varies, so there is nothing to adjust for"
        )
    terms = design.terms[names].to_numpy(dtype="float64")
    terms = terms - terms.mean(axis=0)
    terms = terms / np.where(terms.std(axis=0) > 0, terms.std(axis=0), 1.0)
    many = not drawn.whole or sum(drawn.units) >= FEW_CLUSTERS
    effect = _fit(drawn, terms, products=many)
    return Adjusted(
        effect=effect,
        terms=tuple(names),
        text=_describe(drawn, names, len(design.names), effect, products=many),
        checks=tuple(
            replace(item, check=f"adjustment_{item.check}") for item in design.checks
        ),
    )


def _estimate_carefully(
    drawn: Drawn, values: FloatArray, others: FloatArray
) -> tuple[float, float]:
    """Return CR2 and its degrees of freedom; not finite where there is no spread."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Satterthwaite DOF")
        return estimate_few_cluster_error(
            values, drawn.assigned, others, cluster=drawn.cluster
        )


def _fit(drawn: Drawn, terms: FloatArray, *, products: bool) -> Effect:
    """Regress on the offer and centred terms; constant and offer come first."""
    offer = drawn.assigned.astype("float64")
    more = [terms, terms * offer[:, None]] if products else [terms]
    columns = np.column_stack([np.ones(len(offer)), offer, *more])
    columns = columns[:, _find_independent(columns)]
    basis, triangle = np.linalg.qr(columns)
    solve = np.linalg.solve(triangle, basis.T)
    params = solve @ drawn.outcome
    residual = drawn.outcome - columns @ params
    rank = columns.shape[1]
    if rank >= len(offer) - 1 or not offer.any():
        raise NoVariationError.build(
            "There are too few people for the adjustment",
            hint="use fewer covariates",
        )
    ours, theirs = drawn.counts
    if drawn.whole:
        shared, df, plain = _measure_clusters(drawn, columns, solve, residual)
        count = sum(drawn.units)
        told = "CR2"
    else:
        leverage = (basis**2).sum(axis=1)
        room = np.where(leverage < _FULL, 1 - leverage, np.inf)
        weights = residual**2 / room
        shared = (solve[:2] * weights) @ solve[:2].T
        df = float(len(offer) - rank)
        plain = math.sqrt(float(residual @ residual) / df * float(solve[1] @ solve[1]))
        count = ours + theirs
        told = "HC2"
    return Effect(
        method=ADJUSTED,
        estimand="ITT",
        value=float(params[1]),
        std_error=math.sqrt(max(float(shared[1, 1]), 0.0)),
        df=df,
        baseline=float(params[0]),
        baseline_variance=float(shared[0, 0]),
        covariance=float(shared[0, 1]),
        n_treated=ours,
        n_control=theirs,
        n_clusters=count,
        error=f"{told}, regression on {terms.shape[1]} terms known before"
        + (", each free to act differently with the offer" if products else ""),
        plain_error=plain,
    )


def _measure_clusters(
    drawn: Drawn, columns: FloatArray, solve: FloatArray, residual: FloatArray
) -> tuple[FloatArray, float, float]:
    """Return the covariance of constant and offer, scaled to the CR2 error."""
    influence = (solve[:2] * residual).T
    plain = estimate_cluster_error(
        influence, {"cluster": drawn.cluster}, n_params=columns.shape[1]
    )
    own = math.sqrt(max(float(plain.covariance[1, 1]), 0.0))
    error, df = _estimate_carefully(drawn, drawn.outcome, columns[:, 2:])
    if not (math.isfinite(error) and math.isfinite(df)):
        error, df = own, plain.df
    scale = (error / own) ** 2 if own else 1.0
    return plain.covariance * scale, df, own


def _find_independent(columns: FloatArray) -> IntArray:
    """Return the places of columns that those before them do not determine."""
    kept: list[int] = []
    basis = np.empty((len(columns), 0))
    for place in range(columns.shape[1]):
        column = columns[:, place]
        size = float(np.linalg.norm(column))
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        left = float(np.linalg.norm(rest))
        if size > 0 and left > _RANK * size:
            kept.append(place)
            basis = np.column_stack([basis, rest / left])
    return np.array(kept, dtype="int64")


def _vary_baseline(drawn: Drawn) -> float:
    """Return the variance of the mean without the offer (HC2, or CR2)."""
    others = drawn.outcome[~drawn.assigned]
    if not drawn.whole:
        return float(np.var(others, ddof=1)) / len(others)
    codes = np.unique(drawn.cluster[~drawn.assigned], return_inverse=True)[1]
    sums = np.bincount(codes, others - others.mean())
    shares = np.bincount(codes) / len(others)
    return float((sums**2 / (1 - shares)).sum()) / len(others) ** 2


def _name_error(drawn: Drawn, df: float) -> str:
    if not drawn.whole:
        return "Welch's error of two independent means (HC2)"
    return (
        f"clustered (CR2) over {sum(drawn.units)} clusters, Satterthwaite's degrees of "
        f"freedom ({df:.1f})"
    )


def _describe(
    drawn: Drawn, names: Sequence[str], total: int, effect: Effect, *, products: bool
) -> str:
    """Say what was adjusted for, how gaps were treated and what was gained."""
    parts = [
        f"Adjusted for {len(names)} of {total} terms known before"
        + (", each free to act differently with the offer." if products else ".")
    ]
    if PRIOR in names:
        gaps = drawn.frame[PRIOR].isna().to_numpy()
        if gaps.any():
            ours = float(gaps[drawn.assigned].mean())
            theirs = float(gaps[~drawn.assigned].mean())
            mark = (
                " and are marked by a term of their own"
                if f"{PRIOR}={MISSING}" in names
                else ""
            )
            parts.append(
                f"The earlier value is missing for {ours:.0%} of those offered the "
                f"programme and {theirs:.0%} of the others: these take the median"
                f"{mark}, and nobody is left out."
            )
    else:
        parts.append("There is no earlier value of the outcome that could be used.")
    plain = measure_error(drawn, drawn.outcome)[1]
    if plain > 0:
        gain = 1 - (effect.std_error / plain) ** 2
        parts.append(
            f"This takes {gain:.0%} off the variance of the plain difference."
            if gain > 0
            else "It does not make the effect more precise here."
        )
    return " ".join(parts)
