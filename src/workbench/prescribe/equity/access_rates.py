"""Shares selected by group, with errors by person where persons repeat."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.prescribe.equity.ratio_intervals import (
    interval_koopman,
    interval_wilson,
)

__all__ = ["Rate", "find_rate_interval", "find_ratio_interval", "measure_rates"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One group's share: people, those selected, and the share's error by person.

    ``chosen_persons`` were selected in a row of theirs, ``other_persons`` were not.

    ``influence`` is what each person, in the order of all, adds to the share; None
    where nobody stands twice, as counts then tell everything.
    """

    size: int
    selected: int
    persons: int
    chosen_persons: int
    other_persons: int
    influence: FloatArray | None

    @property
    def cells(self) -> tuple[int, int, int]:
        """Persons, those selected, and those not: counts that the share tells."""
        return self.persons, self.chosen_persons, self.other_persons

    @property
    def share(self) -> float:
        """Share of the rows selected."""
        return self.selected / self.size


def measure_rates(table: pd.DataFrame, selected: str, unit: str) -> dict[str, Rate]:
    """Measure the share selected in each group.

    Parameters
    ----------
    table : DataFrame
        ``group``, `selected` (bool) and `unit`.
    selected, unit : str
        Columns.

    Returns
    -------
    dict of str to Rate
        By group.
    """
    from fairlearn.metrics import MetricFrame, count, selection_rate

    flags = table[selected].to_numpy(dtype=bool).astype("int64")
    shares = MetricFrame(
        metrics={"n": count, "rate": selection_rate},
        y_true=flags,
        y_pred=flags,
        sensitive_features=table["group"].to_numpy(),
    ).by_group
    persons = np.asarray(pd.factorize(table[unit])[0])
    repeats = len(np.unique(persons)) < len(table)
    groups = table["group"].to_numpy()
    rates = {}
    for name, share in shares.iterrows():
        rows = groups == name
        influence = None
        if repeats:
            parts = rows * (flags - share["rate"]) / share["n"]
            influence = np.bincount(persons, weights=parts).astype("float64")
        rates[str(name)] = Rate(
            size=int(share["n"]),
            selected=int(flags[rows].sum()),
            persons=len(np.unique(persons[rows])),
            chosen_persons=len(np.unique(persons[rows & (flags == 1)])),
            other_persons=len(np.unique(persons[rows & (flags == 0)])),
            influence=influence,
        )
    return rates


def find_rate_interval(rate: Rate, alpha: float) -> tuple[float, float]:
    """Return the interval of a share; see `measure_access` for repeated persons."""
    if rate.influence is None:
        return interval_wilson(rate.selected, rate.size, alpha=alpha)
    variance = _sum_squares(rate.influence, rate.persons)
    if variance <= 0:
        return interval_wilson(rate.chosen_persons, rate.persons, alpha=alpha)
    size = rate.share * (1 - rate.share) / variance
    return interval_wilson(rate.share * size, size, alpha=alpha)


def find_ratio_interval(rate: Rate, base: Rate, alpha: float) -> tuple[float, float]:
    """Return the interval of a share's ratio to another; as `find_rate_interval`."""
    from scipy.stats import norm

    if rate.influence is None or base.influence is None:
        return interval_koopman(
            rate.selected, rate.size, base.selected, base.size, alpha=alpha
        )
    if not (0 < rate.share < 1 and 0 < base.share < 1):
        return interval_koopman(
            rate.chosen_persons,
            rate.persons,
            base.chosen_persons,
            base.persons,
            alpha=alpha,
        )
    parts = rate.influence / rate.share - base.influence / base.share
    error = math.sqrt(_sum_squares(parts, int(np.count_nonzero(parts))))
    ratio = rate.share / base.share
    reach = math.exp(float(norm.ppf(1 - alpha / 2)) * error)
    return ratio / reach, ratio * reach


def _sum_squares(parts: FloatArray, persons: int) -> float:
    return float(np.sum(parts**2)) * persons / max(1, persons - 1)
