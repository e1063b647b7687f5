"""What rules of giving seats are worth, on people they were not made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import ParamError
from workbench.prescribe.targeting.estimates import (
    NO_SHIFT,
    PathShift,
    Value,
    estimate_values,
)
from workbench.prescribe.targeting.ranking import Order, choose_top
from workbench.prescribe.targeting.scores import Scores

__all__ = ["UNIT", "Policies", "Select", "value_policies"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Select = Callable[[pd.DataFrame, float], FloatArray]

UNIT = "smallest worthwhile changes per person of the persona"

_LABELS = {
    "chosen": "the chosen order",
    "random": "the same seats by lot",
    "everyone": "everyone",
    "top_risk": "the same seats to those worst off",
    "current": "as it was done",
}
_RANGE_SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Values of rules, and of the chosen one against the others.

    Attributes
    ----------
    table : DataFrame
        ``policy``, ``label``, ``share`` (of the people who learn), ``value``,
        ``std_error``, ``low``, ``high``, ``gain_over_current``, ``gain_low``,
        ``gain_high``, ``unit``. Against nobody learning, per person of the persona.
    gains : DataFrame
        ``policy`` (chosen), ``against``, ``gain``, ``std_error``, ``low``, ``high``,
        ``p_value``.
    chosen : array of shape (rows,)
        Probability of a seat under the chosen rule.
    """

    table: pd.DataFrame
    gains: pd.DataFrame
    chosen: FloatArray


def value_policies(
    scores: Scores,
    *,
    chosen: Order,
    risk: Order | None,
    seats: float,
    select: Select | FloatArray | None = None,
    shift: PathShift = NO_SHIFT,
    alpha: float = 0.05,
) -> Policies:
    r"""Estimate what rules of giving seats are worth, and how they differ.

    Parameters
    ----------
    scores : Scores
        From `score_programme`.
    chosen : Order
        Whom the chosen rule serves first, among these rows. A model must come from
        earlier folds than the one it orders.
    risk : Order or None
        Whom a rule by risk would serve first.
    seats : float
        Share of the persona that gets a seat in a quarter.
    select : callable or array, optional
        Another way of giving the seats in the chosen order, such as one with a floor
        for groups. It is called once per cell with the cell's rows, their ``merit``
        and the share, and returns the probability of a seat for each. An array gives
        that probability for every row.
    shift : PathShift
        What the chosen path adds to or takes from the programme as it was taken. As
        it was done keeps the modules that were taken.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    Policies
        ``chosen``, ``random`` (by expectation, no draw), ``everyone``, ``top_risk``
        and ``current``.

    Raises
    ------
    ParamError
        If a probability does not lie from 0 to 1, or there are not as many as rows.

    Notes
    -----
    .. math:: \hat V(\pi) = \sum_o \frac{1}{n_o} \sum_{i \in o} \pi_i \Gamma_i
        + \bar\pi \, \delta

    with :math:`\delta` the path's shift. A difference of rules takes the difference of
    their influence, so that what they share cancels.

    References
    ----------
    .. [1] Athey, S. and Wager, S. (2021). Policy learning with observational data.
       Econometrica 89, 133-161. doi:10.3982/ECTA15732
    """
    give = _choose(scores, chosen, seats, select)
    found = {
        "chosen": chosen.value(give),
        "random": _value(scores, seats * scores.effect),
        "everyone": _value(scores, scores.effect),
    }
    shares = {"chosen": _share(scores, give), "random": seats, "everyone": 1.0}
    if risk is not None:
        found["top_risk"] = risk.value(choose_top(risk.merit, seats, risk.cells))
        shares["top_risk"] = seats
    found["current"] = _value(scores, scores.practice)
    learnt = scores.frame["treated"].to_numpy(dtype="float64")
    shares["current"] = _share(scores, learnt)
    on_path = [0.0 if name == "current" else shares[name] for name in found]
    parts = list(found.values())
    alone = estimate_values(scores, parts, shift=shift, shares=on_path)
    size = len(parts)
    beyond = np.eye(size)
    beyond[:, -1] -= 1
    over = estimate_values(scores, parts, shift=shift, shares=on_path, contrasts=beyond)
    against = -np.eye(size)[1:]
    against[:, 0] = 1
    gains = estimate_values(
        scores, parts, shift=shift, shares=on_path, contrasts=against
    )
    names = list(found)
    return Policies(
        table=_tabulate(names, shares, alone, over, alpha),
        gains=_tabulate_gains(names[1:], gains, alpha),
        chosen=give,
    )


def _choose(
    scores: Scores, order: Order, seats: float, select: Select | FloatArray | None
) -> FloatArray:
    top = choose_top(order.merit, seats, order.cells)
    if select is None:
        return top
    give = np.empty(len(top))
    if callable(select):
        for cell in np.unique(order.cells):
            rows = np.flatnonzero(order.cells == cell)
            frame = scores.frame.iloc[rows].assign(merit=order.merit[rows])
            give[rows] = select(frame.reset_index(drop=True), seats)
    else:
        if np.shape(select) != np.shape(top):
            raise ParamError.build(
                "A selection does not fit the rows",
                rule=f"{len(top)} probabilities",
                got=np.shape(select),
            )
        give = np.asarray(select, dtype="float64")
    if not ((give >= -_RANGE_SLACK) & (give <= 1 + _RANGE_SLACK)).all():
        raise ParamError.build(
            "The probability of a seat", rule="from 0 to 1", got=float(give.max())
        )
    return give


def _value(scores: Scores, values: FloatArray) -> tuple[float, FloatArray]:
    return scores.mean(values), scores.centre(values)


def _share(scores: Scores, give: FloatArray) -> float:
    """Return the mean over outcomes of the share of rows with a seat."""
    return scores.mean(give) / len(scores.outcomes)


def _tabulate(
    names: list[str],
    shares: Mapping[str, float],
    alone: list[Value],
    over: list[Value],
    alpha: float,
) -> pd.DataFrame:
    rows = []
    for name, value, gain in zip(names, alone, over, strict=True):
        low, high = value.interval(alpha)
        gain_low, gain_high = gain.interval(alpha)
        rows.append(
            {
                "policy": name,
                "label": _LABELS[name],
                "share": shares[name],
                "value": value.value,
                "std_error": value.std_error,
                "low": low,
                "high": high,
                "gain_over_current": gain.value,
                "gain_low": gain_low,
                "gain_high": gain_high,
                "unit": UNIT,
            }
        )
    return pd.DataFrame(rows)


def _tabulate_gains(names: list[str], gains: list[Value], alpha: float) -> pd.DataFrame:
    rows = []
    for name, gain in zip(names, gains, strict=True):
        low, high = gain.interval(alpha)
        rows.append(
            {
                "policy": "chosen",
                "against": name,
                "gain": gain.value,
                "std_error": gain.std_error,
                "low": low,
                "high": high,
                "p_value": gain.p_value(),
            }
        )
    return pd.DataFrame(rows)
