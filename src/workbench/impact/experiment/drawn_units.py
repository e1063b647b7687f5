"""What was drawn in an experiment, one row per unit, and the planned shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment

__all__ = ["covers_arms", "cut_levels", "list_columns", "plan_shares", "take_units"]

FloatArray = npt.NDArray[np.float64]

_BINS = 4
_WAITING = "not started"


def take_units(experiment: Experiment) -> pd.DataFrame:
    """Return one row per unit drawn: its arm, people, and what may tell a cause.

    Parameters
    ----------
    experiment : Experiment
        Any design.

    Returns
    -------
    DataFrame
        ``_arm`` (in a stepped wedge without registered shares the wave), ``_people``,
        ``_week`` (first day of the week of assignment), ``trial`` (quarter of the
        draw), ``_known`` (where people were drawn) and the columns of `list_columns`;
        of clusters the most frequent value, or the mean of a number.
    """
    frame = experiment.frame
    values = frame["outcome"].astype("float64")
    known = np.isfinite(values).map({True: "known", False: "missing"})
    days = pd.to_datetime(frame["assigned_on"])
    week = (days - pd.to_timedelta(days.dt.day_of_week, unit="D")).dt.strftime(
        "%Y-%m-%d"
    )
    rows = frame.assign(_week=week, _known=known, _arm=frame["arm"].astype("str"))
    if experiment.design == "stepped_wedge":
        rows = rows.drop_duplicates("unit")
        if not covers_arms(experiment):
            rows = rows.assign(_arm=_name_waves(rows["starts"]))
    if experiment.design == "individual":
        return rows.assign(_people=1)
    grouped = rows.groupby("cluster", observed=True, sort=True)
    taken = {}
    for name in dict.fromkeys(["_arm", "_week", "trial", *list_columns(experiment)]):
        numeric = _is_measured(rows[name])
        taken[name] = grouped[name].agg("mean" if numeric else _most_frequent)
    return pd.DataFrame(taken).assign(_people=grouped["unit"].nunique()).reset_index()


def _name_waves(starts: pd.Series) -> pd.Series:
    return starts.map(lambda start: f"wave from period {start}" if start else _WAITING)


def covers_arms(experiment: Experiment) -> bool:
    """Tell whether the registered shares are those of the arms in the data."""
    plan = experiment.registration.allocation if experiment.registration else {}
    return bool(plan) and set(experiment.arms) <= set(plan)


def plan_shares(
    experiment: Experiment, units: pd.DataFrame
) -> tuple[list[str], FloatArray]:
    """Return the arms (or waves) and their planned shares.

    Parameters
    ----------
    experiment : Experiment
        Its registration names the shares; without one they are equal. In a stepped
        wedge those of the waves that have started: when the others will is not known
        before, and how many were to wait for ever is written nowhere.
    units : DataFrame
        From `take_units`.
    """
    plan = experiment.registration.allocation if experiment.registration else {}
    if covers_arms(experiment):
        arms = list(plan)
        return arms, np.array([plan[name] for name in arms], dtype="float64")
    if experiment.design == "stepped_wedge":
        arms = sorted(set(units["_arm"]) - {_WAITING})
    else:
        arms = list(experiment.arms)
    return arms, np.full(len(arms), 1 / max(len(arms), 1))


def list_columns(experiment: Experiment) -> list[str]:
    """Return the columns to search, each once."""
    frame = experiment.frame
    wanted = ["site", "team", *experiment.protected, *experiment.covariates]
    own = [name for name in wanted if name in frame.columns]
    if experiment.design == "cluster":
        own = [name for name in own if name != "team"]
    return list(dict.fromkeys(own))


def _is_measured(values: pd.Series) -> bool:
    kinds = pd.api.types
    return bool(kinds.is_numeric_dtype(values) and not kinds.is_bool_dtype(values))


def cut_levels(values: pd.Series) -> pd.Series:
    """Return levels; numbers with many values by quarters of their distribution."""
    if not _is_measured(values) or values.nunique() <= _BINS + 1:
        return values
    numbers = values.astype("Float64").astype("float64")
    edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, _BINS + 1))[1:-1])
    places = np.searchsorted(edges, numbers.to_numpy(), side="left")
    ends = [f"{edge:.3g}" for edge in edges]
    names: Mapping[int, str] = {
        place: f"{place + 1}: up to {ends[place]}"
        if place < len(ends)
        else f"{place + 1}: above {ends[-1]}"
        for place in range(len(ends) + 1)
    }
    text = pd.Series(places, index=values.index).map(names).astype("object")
    return text.where(numbers.notna(), None)


def _most_frequent(values: pd.Series) -> object:
    counts = values.dropna().astype("str").value_counts()
    top = sorted(counts.index[counts == counts.max()]) if len(counts) else [None]
    return top[0]
