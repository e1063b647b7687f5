"""How well an order finds those whom a randomised treatment moves: Qini and uplift."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ContractError

__all__ = [
    "Curve",
    "draw_perfect_qini",
    "draw_perfect_uplift",
    "draw_qini",
    "draw_uplift",
    "require_binary",
    "score_qini",
    "score_uplift",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a curve: people served, best first, and what serving them brought."""

    served: FloatArray
    gain: FloatArray

    def area(self) -> float:
        """Return the area between the curve and the straight line to its end."""
        width = np.diff(self.served)
        whole = float(width @ (self.gain[1:] + self.gain[:-1])) / 2
        return whole - float(self.served[-1] * self.gain[-1]) / 2


def draw_qini(
    outcome: FloatArray,
    merit: FloatArray,
    treated: BoolArray,
    *,
    weights: FloatArray | None = None,
) -> Curve:
    r"""Draw the Qini curve: outcomes gained among the treated, as people are served.

    Parameters
    ----------
    outcome : array
        Of each person; more is better.
    merit : array
        Predicted uplift; those who tie are served together.
    treated : array of bool
        Arm of each person, drawn at random.
    weights : array, optional
        People that a row stands for; 1 by default.

    Returns
    -------
    Curve
        From (0, 0) on, one point per distinct merit:

        .. math:: Y_t(k) - Y_c(k) N_t(k) / N_c(k)

        with the second term 0 while nobody of the control arm is served.

    References
    ----------
    .. [1] Radcliffe, N. J. (2007). Using control groups to target on predicted lift.
       Direct Marketing Analytics Journal 3, 14-21.
    """
    sums = _accumulate(outcome, merit, treated, weights)
    ratio = _divide(sums.n_treated, sums.n_control)
    return _start(
        sums.n_treated + sums.n_control, sums.y_treated - sums.y_control * ratio
    )


def draw_uplift(
    outcome: FloatArray,
    merit: FloatArray,
    treated: BoolArray,
    *,
    weights: FloatArray | None = None,
) -> Curve:
    r"""Draw the uplift curve: difference of the arms' means, times people served.

    Parameters
    ----------
    outcome, merit, treated, weights
        As in `draw_qini`.

    Returns
    -------
    Curve
        :math:`(Y_t(k)/N_t(k) - Y_c(k)/N_c(k)) \, k`, a mean over nobody being 0.

    References
    ----------
    .. [1] Devriendt, F., Van Belle, J., Guns, T. and Verbeke, W. (2022). Learning to
       rank for uplift modeling. IEEE Transactions on Knowledge and Data Engineering
       34, 4888-4904. doi:10.1109/TKDE.2020.3048510
    """
    sums = _accumulate(outcome, merit, treated, weights)
    served = sums.n_treated + sums.n_control
    ours = _divide(sums.y_treated, sums.n_treated)
    theirs = _divide(sums.y_control, sums.n_control)
    return _start(served, (ours - theirs) * served)


def draw_perfect_qini(
    outcome: FloatArray,
    treated: BoolArray,
    *,
    weights: FloatArray | None = None,
    negative_effects: bool = True,
) -> Curve:
    """Draw the Qini curve of an order that knows who would do what.

    Parameters
    ----------
    outcome : array
        0 or 1.
    treated, weights
        As in `draw_qini`.
    negative_effects : bool
        Whether people may be moved the wrong way: treated people with the outcome
        then come first and untreated ones with it last. If not, the curve rises by
        one per person up to the gain of serving everybody, and stays there.
    """
    require_binary(outcome)
    if negative_effects:
        merit = np.where(treated, outcome, -outcome)
        return draw_qini(outcome, merit, treated, weights=weights)
    mass = np.ones(len(outcome)) if weights is None else weights
    ours, theirs = mass * treated, mass * ~treated
    gain = float(ours @ outcome - ours.sum() * (theirs @ outcome) / theirs.sum())
    gain = max(gain, 0.0)
    return Curve(np.array([0.0, gain, mass.sum()]), np.array([0.0, gain, gain]))


def draw_perfect_uplift(
    outcome: FloatArray, treated: BoolArray, *, weights: FloatArray | None = None
) -> Curve:
    """Draw the uplift curve of an order that knows who would do what.

    Parameters
    ----------
    outcome : array
        0 or 1.
    treated, weights
        As in `draw_qini`.
    """
    require_binary(outcome)
    mass = np.ones(len(outcome)) if weights is None else weights
    responders = float(mass @ ((outcome == 1) & ~treated))
    unmoved = float(mass @ ((outcome == 0) & treated))
    second = outcome if responders > unmoved else treated.astype("float64")
    merit = 2.0 * (outcome == treated) + second
    return draw_uplift(outcome, merit, treated, weights=weights)


def score_qini(
    outcome: FloatArray,
    merit: FloatArray,
    treated: BoolArray,
    *,
    weights: FloatArray | None = None,
    negative_effects: bool = True,
) -> float:
    """Return the Qini coefficient: area of the curve over that of the perfect one.

    Parameters
    ----------
    outcome, merit, treated, weights, negative_effects
        As in `draw_qini` and `draw_perfect_qini`.

    Returns
    -------
    float
        1 for the perfect order, 0 for one by chance; NaN where a perfect order gains
        nothing over chance.
    """
    perfect = draw_perfect_qini(
        outcome, treated, weights=weights, negative_effects=negative_effects
    )
    return _relate(draw_qini(outcome, merit, treated, weights=weights), perfect)


def score_uplift(
    outcome: FloatArray,
    merit: FloatArray,
    treated: BoolArray,
    *,
    weights: FloatArray | None = None,
) -> float:
    """Return the AUUC: area of the uplift curve over that of the perfect one.

    Parameters
    ----------
    outcome, merit, treated, weights
        As in `draw_uplift`.

    Returns
    -------
    float
        As for `score_qini`.
    """
    perfect = draw_perfect_uplift(outcome, treated, weights=weights)
    return _relate(draw_uplift(outcome, merit, treated, weights=weights), perfect)


@dataclass(frozen=True, slots=True)
class _Sums:
    """People and outcomes served so far, by arm, at each distinct merit."""

    n_treated: FloatArray
    n_control: FloatArray
    y_treated: FloatArray
    y_control: FloatArray


def _accumulate(
    outcome: FloatArray,
    merit: FloatArray,
    treated: BoolArray,
    weights: FloatArray | None,
) -> _Sums:
    mass = np.ones(len(outcome)) if weights is None else weights
    order = np.argsort(-merit, kind="stable")
    last = np.flatnonzero(np.append(np.diff(merit[order]) != 0, True))
    ours = np.where(treated, mass, 0.0)[order]
    theirs = np.where(treated, 0.0, mass)[order]
    y = outcome[order]
    parts = (ours, theirs, ours * y, theirs * y)
    return _Sums(*(np.cumsum(part)[last] for part in parts))


def _divide(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Divide, 0 where there is nothing to divide by."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)


def _start(served: FloatArray, gain: FloatArray) -> Curve:
    return Curve(np.append(0.0, served), np.append(0.0, gain))


def _relate(curve: Curve, perfect: Curve) -> float:
    best = perfect.area()
    return curve.area() / best if best else math.nan


def require_binary(outcome: FloatArray) -> None:
    """Refuse outcomes that have no perfect curve.

    Raises
    ------
    ContractError
        If a value is neither 0 nor 1.
    """
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise ContractError.build(
            "Qini and AUUC relate a curve to a perfect one, which needs outcomes of "
            "yes or no",
            rule="0 or 1",
            got=float(outcome[~np.isin(outcome, (0.0, 1.0))][0]),
            hint="draw the curve alone, or use AUTOC",
        )
