"""Limits around single predictions, set by how wrong held-out ones were."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from workbench.core.errors import TooFewUnitsError
from workbench.impact.survival.kaplan_meier import estimate_survival
from workbench.prescribe.predict.time_models import read_quantile

__all__ = ["find_reach", "limit_times"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

_FEWEST_EVENTS = 20


def find_reach(errors: FloatArray, *, alpha: float) -> float:
    r"""Find the half-width that covers a new value with the level wanted.

    Split-conformal: no distribution is assumed, only that the new person errs like
    those held out.

    Parameters
    ----------
    errors : array of shape (rows,)
        Observed less predicted, of rows that did not teach the model.
    alpha : float
        One less the level.

    Returns
    -------
    float
        In the unit of the errors; infinite where too few rows could show it.

    Raises
    ------
    TooFewUnitsError
        If there are no rows.

    Notes
    -----
    The :math:`\lceil (n+1)(1-\alpha) \rceil`-th smallest absolute error [1]_; the level
    then holds on average over people, within :math:`1/(n+1)`.

    References
    ----------
    .. [1] Lei, J., G'Sell, M., Rinaldo, A., Tibshirani, R. J. and Wasserman, L. (2018).
       Distribution-free predictive inference for regression. Journal of the American
       Statistical Association 113, 1094-1111. doi:10.1080/01621459.2017.1307116

    Examples
    --------
    >>> find_reach(np.arange(1.0, 20.0), alpha=0.1)
    18.0
    """
    size = len(errors)
    if size == 0:
        raise TooFewUnitsError.build("Nobody was held out to set limits by")
    rank = math.ceil((size + 1) * (1 - alpha) - 1e-9)
    if rank > size:
        return math.inf
    return float(np.sort(np.abs(errors))[rank - 1])


def limit_times(
    survival: FloatArray,
    edges: FloatArray,
    *,
    held_time: FloatArray,
    held_event: BoolArray,
    held_survival: FloatArray,
    held_edges: FloatArray,
    alpha: float,
) -> tuple[FloatArray, FloatArray]:
    r"""Return limits between which a time falls with the level wanted.

    Parameters
    ----------
    survival : array of shape (rows, edges)
        Predicted, of those who get limits.
    edges : array
        Ends of the steps in days.
    held_time, held_event, held_survival, held_edges : array
        Days, event and predicted survival of people who did not teach the model, and
        the edges of that.
    alpha : float
        One less the level.

    Returns
    -------
    tuple of array
        Low and high in days; NaN where it lies beyond the last edge.

    Notes
    -----
    If predictions were right, the predicted probability of the event by the day it
    happened, :math:`U = 1 - S(T)`, would be uniform. Its distribution among those held
    out (Kaplan-Meier, as some were not followed to the event) says at which predicted
    probability a share :math:`\alpha/2` and :math:`1 - \alpha/2` of them had had it.
    Where fewer than 20 events were seen, the predicted curve is taken as it is.
    """
    shares = (alpha / 2, 1 - alpha / 2)
    levels = list(shares)
    if int(held_event.sum()) >= _FEWEST_EVENTS:
        chance, seen = _rate_times(held_time, held_event, held_survival, held_edges)
        curve = estimate_survival(chance, seen)
        levels = [curve.quantile(share)[0] for share in shares]
    low, high = (
        read_quantile(survival, edges, level)
        if math.isfinite(level)
        else np.full(len(survival), np.nan)
        for level in levels
    )
    return low, high


def _rate_times(
    time: FloatArray, event: BoolArray, survival: FloatArray, edges: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Return the predicted probability of the event by the day it ended, and which."""
    whole = np.column_stack([np.ones(len(time)), survival])
    knots = np.concatenate([[0.0], edges])
    pairs = zip(np.minimum(time, edges[-1]), whole, strict=True)
    left = np.array([np.interp(day, knots, row) for day, row in pairs])
    return 1 - left, event & (time <= edges[-1])
