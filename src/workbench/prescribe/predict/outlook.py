"""What is expected of a persona: the form in which predictions may be published."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.prescribe.predict.analysis import Predicted

__all__ = ["COLUMNS", "tabulate_outlook"]

FloatArray = npt.NDArray[np.float64]

COLUMNS = ["persona", "target", "n", "expected", "low", "high", "unit", "suppressed"]

_NOBODY = "no persona"


def tabulate_outlook(
    found: Sequence[Predicted], *, alpha: float, min_group: int
) -> pd.DataFrame:
    r"""Average the predictions of each persona, with limits.

    Parameters
    ----------
    found : sequence of Predicted
        The outcomes that could be predicted.
    alpha : float
        One less the level.
    min_group : int
        Personas of fewer people are suppressed.

    Returns
    -------
    DataFrame
        ``persona``, ``target``, ``n`` people, ``expected`` (share, or mean; of a time
        the median over people of their days), ``low``, ``high`` (missing for a time),
        ``unit``, ``suppressed``.

    Notes
    -----
    The limits hold for the mean outcome of these people:
    :math:`\pm z \sqrt{\sum v_i / n^2 + s^2}`, :math:`v_i` being :math:`p (1 - p)` or
    the squared error on the tested quarters, and :math:`s` the error of the average
    difference between observed and predicted there. That later quarters may differ from
    the tested ones is not in them.
    """
    tables = [_average(item, alpha, min_group) for item in found]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return table.reindex(columns=COLUMNS).astype({"n": "Int64"})


def _average(found: Predicted, alpha: float, min_group: int) -> pd.DataFrame:
    from scipy.special import ndtri

    z = float(ndtri(1 - alpha / 2))
    own = found.predictions
    labels = own["persona"].astype("object").where(own["persona"].notna(), _NOBODY)
    rows = []
    for persona, part in own.groupby(labels, sort=True):
        values = part["prediction"].to_numpy(dtype="float64")
        small = part["unit"].nunique() < min_group
        kind = found.target.kind
        centre = _find_median(values) if kind == "time" else float(values.mean())
        half = z * _find_error(found, values)
        rows.append(
            {
                "persona": persona,
                "target": found.target.target,
                "n": pd.NA if small else len(values),
                "expected": math.nan if small else centre,
                "low": math.nan if small else centre - half,
                "high": math.nan if small else centre + half,
                "unit": found.target.unit,
                "suppressed": small,
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _find_median(days: FloatArray) -> float:
    """Return the median of days, those beyond the horizon being the longest."""
    median = float(np.median(np.nan_to_num(days, nan=math.inf)))
    return median if math.isfinite(median) else math.nan


def _find_error(found: Predicted, values: FloatArray) -> float:
    """Return the error of the mean outcome of some people around their prediction."""
    if found.target.kind == "time":
        return math.nan
    if found.target.kind == "binary":
        spread = float((values * (1 - values)).sum()) / len(values) ** 2
    else:
        spread = float(found.best.losses.mean()) / len(values)
    return math.sqrt(spread + found.shift.std_error**2)
