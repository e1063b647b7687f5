"""The rows of a cohort that can be compared, as arrays, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import DesignError, NoVariationError, TooFewUnitsError

__all__ = ["Sample", "code_clusters", "prepare_sample"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Rows with an outcome, in trials that hold learners and others.

    Attributes
    ----------
    frame : DataFrame
        The rows, ordered by ``trial`` and ``unit``, index 0, 1, 2, …
    treated : array of bool
        True for learners.
    outcome : array of float
        On the outcome's natural scale, nothing missing.
    clusters : mapping of str to array of int
        Codes within which errors are correlated; always holds ``unit``.
    flow : DataFrame
        ``step``, ``n_treated``, ``n_control``: rows left after each step taken here.
    """

    frame: pd.DataFrame
    treated: BoolArray
    outcome: FloatArray
    clusters: Mapping[str, IntArray]
    flow: pd.DataFrame

    @property
    def independent(self) -> bool:
        """Tell whether every row is another person and no further cluster is named."""
        units = self.clusters["unit"]
        return len(self.clusters) == 1 and _count_codes(units) == len(units)

    def count_units(self, rows: BoolArray | IntArray) -> int:
        """Count the different people among some rows."""
        return _count_codes(self.clusters["unit"][rows])


def prepare_sample(cohort: Cohort, *, min_group: int = 10) -> Sample:
    """Select the rows of a cohort that can be compared and check that they suffice.

    Parameters
    ----------
    cohort : Cohort
        Stacked target trials; the order of its rows does not matter.
    min_group : int
        Smallest number of different people in each arm, at least 2.

    Returns
    -------
    Sample
        Rows whose outcome was observed, in trials with at least one learner and one
        other person.

    Raises
    ------
    TooFewUnitsError
        If fewer than `min_group` people learnt, or were there to compare with.
    NoVariationError
        If nobody learnt, everybody did, or the outcome takes one value only.
    DesignError
        If no outcome was observed.
    """
    where = f"{cohort.persona}, {cohort.program.id}, {cohort.outcome.id}"
    frame = cohort.frame.sort_values(["trial", "unit"], kind="stable")
    _check_arms(frame, where=where, min_group=min_group)
    steps = [_count("in the trials", frame)]
    frame = frame[np.isfinite(frame["outcome"].astype("float64"))]
    steps.append(_count("outcome observed", frame))
    if frame.empty:
        raise DesignError.build(
            "No outcome was observed",
            where=where,
            rule="at least one observed outcome in each arm",
            hint="check the outcome's source and its lag in outcomes.yml",
        )
    _check_arms(frame, where=where, min_group=min_group)
    both = frame.groupby("trial", observed=True)["treated"].transform("nunique") == 2
    frame = frame[both].reset_index(drop=True)
    steps.append(_count("trial has learners and others", frame))
    _check_arms(frame, where=where, min_group=min_group)
    outcome = frame["outcome"].to_numpy(dtype="float64")
    if np.ptp(outcome) == 0:
        raise NoVariationError.build(
            "The outcome takes one value only",
            where=where,
            got=float(outcome[0]),
            hint="choose another outcome, or a longer window",
        )
    return Sample(
        frame=frame,
        treated=frame["treated"].to_numpy(dtype=bool),
        outcome=outcome,
        clusters=_code_all(frame, cohort.clusters),
        flow=pd.DataFrame(steps),
    )


def code_clusters(values: pd.Series) -> IntArray:
    """Turn cluster names into codes from 0; each missing one is its own cluster."""
    found_codes, found = pd.factorize(values, sort=True)
    codes: IntArray = np.asarray(found_codes, dtype="int64")
    lone = codes < 0
    codes[lone] = len(found) + np.arange(int(lone.sum()))
    return codes


def _count_codes(codes: IntArray) -> int:
    """Count different codes; they are small, so that counting beats sorting."""
    return int(np.count_nonzero(np.bincount(codes)))


def _code_all(frame: pd.DataFrame, names: tuple[str, ...]) -> dict[str, IntArray]:
    return {
        name: code_clusters(frame[name]) for name in dict.fromkeys(("unit", *names))
    }


def _count(step: str, frame: pd.DataFrame) -> dict[str, object]:
    treated = int(frame["treated"].sum())
    return {"step": step, "n_treated": treated, "n_control": len(frame) - treated}


def _check_arms(frame: pd.DataFrame, *, where: str, min_group: int) -> None:
    """Refuse a comparison with an arm that is empty or below the privacy floor."""
    treated = frame["treated"].to_numpy(dtype=bool)
    if len(frame) >= min_group and not treated.any():
        raise NoVariationError.build(
            "Nobody learnt in these trials",
            where=where,
            got=f"{len(frame)} person-quarters, no learner",
            hint="check the completion rule in programs.yml",
        )
    if len(frame) >= min_group and treated.all():
        raise NoVariationError.build(
            "Everybody learnt in these trials, so there is nobody to compare with",
            where=where,
            got=f"{len(frame)} person-quarters, all learners",
            hint="compare over time instead (DiD)",
        )
    learners = frame.loc[treated, "unit"].nunique()
    others = frame.loc[~treated, "unit"].nunique()
    if min(learners, others) < min_group:
        raise TooFewUnitsError.build(
            "Too few people to compare",
            where=where,
            rule=f"at least {min_group} people in each arm (privacy.min_group)",
            got=f"{learners} learners and {others} others",
            hint="widen the persona's rule or the exposure window",
        )
