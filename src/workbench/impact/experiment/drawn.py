"""The people of an experiment as arrays, and the reasons why it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.impact.sample import code_clusters

__all__ = ["CONTROL", "Drawn", "Obstacle", "find_obstacle", "read_drawn", "split_dates"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CONTROL = "control"
"""Name of the arm that was offered nothing."""

_PER_DATE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Rows of an experiment that are compared.

    Attributes
    ----------
    frame : DataFrame
        The rows, index 0, 1, 2, …
    assigned : array of bool
        True for those who were offered the programme.
    outcome : array of float
        Nothing missing, unless everybody was taken.
    cluster : array of int
        Codes from 0 of what was drawn: whole clusters, or people.
    strata : array of int
        Codes within which the draw may be repeated.
    whole : bool
        True where whole clusters were drawn.
    """

    frame: pd.DataFrame
    assigned: BoolArray
    outcome: FloatArray
    cluster: IntArray
    strata: IntArray
    whole: bool

    @property
    def counts(self) -> tuple[int, int]:
        """Count the people offered the programme, and the others."""
        ours = int(self.assigned.sum())
        return ours, len(self.assigned) - ours

    @property
    def units(self) -> tuple[int, int]:
        """Count the units drawn (clusters or people) of either side."""
        ours = len(np.unique(self.cluster[self.assigned]))
        return ours, len(np.unique(self.cluster[~self.assigned]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why an experiment has no answer.

    ``hidden`` is True where small numbers of people are the reason, so that counts
    are kept back.
    """

    text: str
    hidden: bool = False


def read_drawn(
    experiment: Experiment, *, arm: str | None = None, everybody: bool = False
) -> Drawn:
    """Take the people whose outcome was observed, or everybody.

    Parameters
    ----------
    experiment : Experiment
        Individual or cluster design.
    arm : str, optional
        Compare this arm alone with control; default: all arms but control.
    everybody : bool
        Also those whose outcome is missing; `Drawn.outcome` then has gaps.

    Returns
    -------
    Drawn
        Ordered as the experiment's frame.
    """
    frame = experiment.frame
    kept = everybody | np.isfinite(frame["outcome"].astype("float64"))
    if arm is not None:
        kept &= frame["arm"].isin([arm, CONTROL])
    frame = frame[kept].reset_index(drop=True)
    whole = experiment.design == "cluster"
    cluster = code_clusters(frame["cluster"]) if whole else np.arange(len(frame))
    return Drawn(
        frame=frame,
        assigned=frame["assigned"].to_numpy(dtype=bool),
        outcome=frame["outcome"].to_numpy(dtype="float64"),
        cluster=cluster,
        strata=split_dates(frame, whole=whole),
        whole=whole,
    )


def split_dates(frame: pd.DataFrame, *, whole: bool) -> IntArray:
    """Return codes of the dates within which the draw may be repeated.

    People who were drawn on the same day are exchangeable; where there are fewer than
    ten of them per day on average, those of the same quarter. Clusters are exchangeable
    within the quarter if each lies in one and every quarter has clusters of both sides,
    otherwise all are.
    """
    if whole:
        quarters = frame.groupby("cluster", observed=True)["trial"].nunique()
        mixed = frame.groupby("trial", observed=True)["assigned"].nunique()
        if len(frame) and (quarters.max() > 1 or mixed.min() < 2):
            return np.zeros(len(frame), dtype="int64")
        return code_clusters(frame["trial"].astype("str"))
    days = frame["assigned_on"].astype("str")
    if days.nunique() * _PER_DATE <= len(frame):
        return code_clusters(days)
    return code_clusters(frame["trial"].astype("str"))


def find_obstacle(experiment: Experiment, *, min_group: int = 10) -> Obstacle | None:
    """Say why an experiment cannot be read, if it cannot.

    Parameters
    ----------
    experiment : Experiment
        Any design.
    min_group : int
        Fewest people of either side.

    Returns
    -------
    Obstacle or None
        The first of: no control arm, an arm without people, stopped on the day it
        began, nobody's outcome known, one cluster per side, too few people, an outcome
        of one value. None where it can be read.
    """
    empty = _find_empty_arm(experiment)
    if empty:
        return Obstacle(text=empty)
    began, ended = experiment.started_on, experiment.ended_on
    if ended is not None and ended <= began:
        return Obstacle(
            text=f"The experiment was stopped on {ended.date().isoformat()}, the day "
            "it began, so nobody had time to learn and there is no effect to read."
        )
    values = experiment.frame["outcome"].astype("float64")
    known = experiment.frame[np.isfinite(values)]
    if known.empty:
        return Obstacle(text=_explain_unknown(experiment))
    if experiment.design == "stepped_wedge":
        return _look_at_wedge(known, min_group)
    return _look_at_sides(known, min_group, whole=experiment.design == "cluster")


def _find_empty_arm(experiment: Experiment) -> str:
    """Name what is missing among the arms."""
    frame = experiment.frame
    if experiment.design == "stepped_wedge":
        return "" if len(frame) else "Nobody was assigned, so there is nothing to read."
    if CONTROL not in experiment.arms:
        return (
            "No arm of the experiment is called control, so there is nobody to compare "
            "with."
        )
    present = set(frame["arm"].astype("str"))
    empty = [name for name in experiment.arms if name not in present]
    if not empty:
        return "" if len(experiment.arms) > 1 else "There is no arm besides control."
    names = " and ".join(empty)
    return (
        f"Nobody was assigned to {names}, so there is nothing to compare: check the "
        "assignment, or the records of it."
    )


def _explain_unknown(experiment: Experiment) -> str:
    """Say why no outcome is known, in the words of the records."""
    reasons = experiment.frame["lost"].dropna().astype("str").value_counts()
    why = f" ({reasons.index[0]})" if len(reasons) else ""
    return (
        f"Nobody's outcome is known yet{why}: the experiment can be read when the "
        "outcome's window has closed."
    )


def _look_at_wedge(known: pd.DataFrame, min_group: int) -> Obstacle | None:
    sides = known.groupby(known["exposed"].astype(bool))["unit"].nunique()
    if len(sides) < 2:
        what = "the waiting" if bool(sides.index[0]) else "the exposed"
        return Obstacle(
            text=f"No outcome of {what} periods is known, so there is nothing to "
            "compare."
        )
    if known["cluster"].nunique() < 2:
        return Obstacle(text=_ONE_CLUSTER)
    return _look_at_values(known, int(sides.min()), min_group)


_ONE_CLUSTER = (
    "One side of the experiment has one cluster only: whatever sets that cluster apart "
    "cannot be told from the programme. At least two clusters on either side are "
    "needed, and many more for a useful answer."
)


_NO_SPREAD = (
    "The outcome is the same for everybody on one side, and the same for everybody on "
    "the other: without any spread no error can be estimated. Check its "
    "records."
)


def _look_at_sides(
    known: pd.DataFrame, min_group: int, *, whole: bool
) -> Obstacle | None:
    assigned = known["assigned"].to_numpy(dtype=bool)
    sides = int(assigned.sum()), int((~assigned).sum())
    if min(sides) == 0:
        side = "control" if sides[0] else "the arms that were offered the programme"
        return Obstacle(
            text=f"Nobody's outcome is known in {side}, so there is nothing to compare."
        )
    if whole:
        counts = [
            known.loc[side, "cluster"].nunique() for side in (assigned, ~assigned)
        ]
        if min(counts) < 2:
            return Obstacle(text=_ONE_CLUSTER)
    found = _look_at_values(known, min(sides), min_group)
    spreads = [np.ptp(known.loc[side, "outcome"]) for side in (assigned, ~assigned)]
    if found is None and max(spreads) == 0:
        return Obstacle(text=_NO_SPREAD)
    return found


def _look_at_values(
    known: pd.DataFrame, fewest: int, min_group: int
) -> Obstacle | None:
    if fewest < max(min_group, 2):
        return Obstacle(
            text=f"Fewer than {max(min_group, 2)} people with a known outcome on one "
            "side: too few to compare without showing single people.",
            hidden=True,
        )
    if np.ptp(known["outcome"].to_numpy(dtype="float64")) == 0:
        return Obstacle(
            text="The outcome is the same for everybody, so nothing can differ."
        )
    return None
