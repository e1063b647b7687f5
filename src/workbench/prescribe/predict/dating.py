"""On which day a prediction would have been made, and when its outcome was known."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from workbench.cohorts.prediction_frames import PredictionFrame
from workbench.core.quarters import Quarter

__all__ = ["date_rows"]


def date_rows(target: PredictionFrame) -> pd.DataFrame:
    """Date the rows of a target.

    Parameters
    ----------
    target : PredictionFrame
        Its rows may bring ``time_zero`` and ``known_on``; what they lack is told from
        the quarter and the horizon.

    Returns
    -------
    DataFrame
        The rows with ``time_zero`` (day of the prediction) and ``known_on`` (last day
        on which the outcome could still have changed; of a time the data cut), both
        as timestamps.
    """
    rows = target.frame
    trials = rows["trial"].astype("str")
    quarters = {str(name): Quarter.parse(str(name)) for name in trials.unique()}
    if "time_zero" not in rows.columns:
        first = {name: item.first_day for name, item in quarters.items()}
        rows = rows.assign(time_zero=trials.map(first))
    rows = rows.assign(time_zero=pd.to_datetime(rows["time_zero"]))
    if "known_on" not in rows.columns:
        rows = rows.assign(known_on=_find_ends(target, rows, quarters))
    return rows.assign(known_on=pd.to_datetime(rows["known_on"]))


def _find_ends(
    target: PredictionFrame, rows: pd.DataFrame, quarters: dict[str, Quarter]
) -> pd.Series:
    last = {name: item.last_day for name, item in quarters.items()}
    if target.kind == "binary":
        return rows["time_zero"] + timedelta(days=target.horizon_days or 0)
    if target.kind == "time":
        days = rows["time"].to_numpy(dtype="float64")
        ends = rows["time_zero"] + pd.to_timedelta(days, unit="D")
        return pd.Series(ends.max(), index=rows.index)
    return pd.to_datetime(rows["trial"].astype("str").map(last))
