"""What each person adds to a share or a mean time: the base of errors by design."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.core.errors import DesignError, RangeError
from workbench.impact.survival.risk_sets import (
    Martingale,
    RiskSets,
    build_risk_sets,
    divide_hazard,
    evaluate_rows,
)

__all__ = ["influence_incidence", "influence_restricted_mean", "measure_areas"]

FloatArray = npt.NDArray[np.float64]


def influence_incidence(
    duration: npt.ArrayLike,
    cause: npt.ArrayLike,
    horizon: float,
    *,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> tuple[float, FloatArray]:
    r"""Estimate to what share an event has happened, and what each row adds to it.

    The estimand is the share of people to whom the event of interest happens up to the
    horizon, other events being what they are (Aalen-Johansen). It needs those whose
    follow-up ended early to be like those followed for longer.

    Parameters
    ----------
    duration : array of shape (rows,)
        Days to the event or to the end of the follow-up.
    cause : array of int or bool of shape (rows,)
        0 censored, 1 the event of interest, above 1 another event.
    horizon : float
        Days; not beyond the last day on which anybody was followed.
    entry : array, optional
        Day from which a row is at risk.
    weights : array, optional
        Above 0; default 1.

    Returns
    -------
    value : float
        The share.
    influence : array of shape (rows,)
        First-order change of the share by the row, its weight included. They sum to 0
        and their squares to the robust variance; summed within clusters first, to that
        of dependent rows.

    Raises
    ------
    DesignError
        If nobody was followed to the horizon while somebody could still have had an
        event.
    RangeError, TooFewUnitsError
        As in `build_risk_sets`.

    Notes
    -----
    Infinitesimal jackknife [1]_: with the counting process martingale of a row,
    :math:`dM_i = dN_i - Y_i h`,

    .. math:: \psi_i = w_i \sum_{s \le t} \left\{ \frac{S(s-)}{n(s)} dM_{1i}(s) -
       \frac{F(t) - F(s)}{n(s)\{1 - h(s)\}} dM_i(s) \right\}.

    Without other events, weights and late entry the squares sum to Greenwood's
    variance exactly.

    References
    ----------
    .. [1] Therneau, T. M., Crowson, C. S. and Atkinson, E. J. (2024). Multi-state
       models and competing risks. Vignette of the R package survival.

    Examples
    --------
    >>> days = [2.0, 3.0, 4.0, 5.0]
    >>> share, influence = influence_incidence(days, [1, 0, 1, 0], 4.0)
    >>> share, round(float((influence**2).sum()), 4)
    (0.625, 0.082)
    """
    sets = build_risk_sets(duration, cause, entry=entry, weights=weights)
    place = sets.place(horizon)
    ours, others = sets.count(1), sets.count(2)
    hazard, inverse = divide_hazard(ours + others, sets.at_risk)
    survival = np.cumprod(1 - hazard, dtype=np.float64)
    _require_reach(sets, survival, horizon)
    if place < 0:
        return 0.0, np.zeros(len(sets.kind))
    before = np.append(1.0, survival[:-1])
    incidence = np.cumsum(before * ours / sets.at_risk)
    own = before / sets.at_risk
    later = (incidence[place] - incidence) * inverse
    process = Martingale(
        jump=(own - later, -later), drift=own * ours / sets.at_risk - later * hazard
    )
    influence = sets.weights * evaluate_rows(sets, process, place)
    return float(incidence[place]), influence


def influence_restricted_mean(
    duration: npt.ArrayLike,
    event: npt.ArrayLike,
    tau: float,
    *,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> tuple[float, FloatArray]:
    r"""Estimate the mean time without the event up to a day, and what each row adds.

    The estimand is the mean of min(time to the event, tau): the area under the
    survival curve. It needs those whose follow-up ended early to be like those
    followed for longer.

    Parameters
    ----------
    duration : array of shape (rows,)
        Days to the event or to the end of the follow-up.
    event : array of bool of shape (rows,)
        Whether the event happened then.
    tau : float
        Days above 0; not beyond the last day on which anybody was followed, unless the
        event has happened to everybody by then.
    entry : array, optional
        Day from which a row is at risk.
    weights : array, optional
        Above 0; default 1.

    Returns
    -------
    value : float
        Mean days.
    influence : array of shape (rows,)
        As in `influence_incidence`, in days.

    Raises
    ------
    DesignError
        If nobody was followed to `tau` while somebody could still have had the event.
    RangeError, TooFewUnitsError
        If `tau` is not above 0; else as in `build_risk_sets`.

    Notes
    -----
    :math:`\psi_i = -w_i \sum_{s \le \tau} A(s) dM_i(s) / [n(s)\{1 - h(s)\}]` with the
    area :math:`A(s) = \int_s^\tau S`. Without weights and late entry the squares sum to
    :math:`\sum A^2 d / \{n (n - d)\}` exactly.

    Examples
    --------
    >>> mean, influence = influence_restricted_mean([2.0, 3.0, 4.0], [1, 0, 1], 4.0)
    >>> round(mean, 4), round(float(abs(influence.sum())), 12)
    (3.3333, 0.0)
    """
    sets = build_risk_sets(
        duration, np.asarray(event, dtype="bool"), entry=entry, weights=weights
    )
    hazard, inverse = divide_hazard(sets.count(1), sets.at_risk)
    survival = np.cumprod(1 - hazard, dtype=np.float64)
    mean, areas = measure_areas(sets, survival, tau)
    process = Martingale(jump=(-areas * inverse,), drift=-areas * inverse * hazard)
    influence = sets.weights * evaluate_rows(sets, process, sets.place(tau))
    return mean, influence


def measure_areas(
    sets: RiskSets, survival: FloatArray, tau: float
) -> tuple[float, FloatArray]:
    """Measure the areas under a survival curve.

    Parameters
    ----------
    sets : RiskSets
        The rows.
    survival : array of shape (times,)
        Share without the event after each time.
    tau : float
        Where the areas end.

    Returns
    -------
    mean : float
        Area from 0.
    areas : array of shape (times,)
        Area from each time; 0 from `tau` on.

    Raises
    ------
    RangeError
        If `tau` is not above 0.
    DesignError
        If the curve ends before `tau` and above 0.
    """
    if not tau > 0:
        raise RangeError.build(
            "A mean time needs a horizon", rule="days above 0", got=tau
        )
    _require_reach(sets, survival, tau)
    edges = np.append(np.minimum(sets.time, tau), tau)
    pieces = survival * np.diff(edges)
    areas = np.cumsum(pieces[::-1])[::-1]
    return float(edges[0] + areas[0]), areas


def _require_reach(sets: RiskSets, survival: FloatArray, horizon: float) -> None:
    if horizon > sets.time[-1] and survival[-1] > 0:
        raise DesignError.build(
            "Nobody was followed to the horizon",
            rule=f"at most {sets.time[-1]:g} days, the longest follow-up",
            got=horizon,
            hint="shorten the horizon, or wait for a later quarter",
        )
