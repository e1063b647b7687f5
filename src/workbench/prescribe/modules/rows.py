"""Rows of one outcome with what each learner passed, as arrays, checked once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import MissingColumnError
from workbench.impact.design_matrix import build_design
from workbench.impact.propensity import assign_folds
from workbench.impact.sample import Sample, prepare_sample

__all__ = ["N_FOLDS", "ModuleRows", "join_passed", "prepare_rows"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

N_FOLDS = 5
"""Folds of people: each is predicted by models fitted on the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRows:
    """Learners and others of one outcome, with the modules that were passed.

    Attributes
    ----------
    cohort : Cohort
        Where they come from.
    sample : Sample
        Rows with an outcome, in trials that hold learners and others.
    matrix : array of shape (rows, terms)
        Covariates as numbers, and the trials.
    passed : array of bool of shape (rows, modules)
        Passed by the landmark; the columns follow the programme's courses.
    known : array of bool
        Rows for which it is known what was passed.
    folds : array of int
        Fold of each row; all rows of a person share one.
    """

    cohort: Cohort
    sample: Sample
    matrix: FloatArray
    passed: BoolArray
    known: BoolArray
    folds: IntArray

    @property
    def modules(self) -> tuple[str, ...]:
        """Courses of the programme, in the order of the columns of `passed`."""
        return self.cohort.program.courses

    @property
    def learners(self) -> BoolArray:
        """Rows of learners for whom it is known what they passed."""
        found: BoolArray = self.sample.treated & self.known
        return found

    def deal(self, seed: int) -> ModuleRows:
        """Return the same rows, their people dealt into folds anew."""
        folds = assign_folds(
            self.units, self.sample.treated, n_folds=N_FOLDS, seed=seed
        )
        return replace(self, folds=folds)

    @property
    def units(self) -> IntArray:
        """Code of each row's person."""
        return self.sample.clusters["unit"]


def prepare_rows(
    cohort: Cohort, passed: pd.DataFrame, *, min_group: int, seed: int
) -> ModuleRows:
    """Put the rows of a cohort beside what their people passed.

    Parameters
    ----------
    cohort : Cohort
        Stacked target trials of one outcome.
    passed : DataFrame
        ``unit``, ``trial`` and one bool column per course of the programme.
    min_group : int
        Smallest number of different people in each arm.
    seed : int
        Deals the people into folds.

    Returns
    -------
    ModuleRows
        Only rows whose outcome was observed.

    Raises
    ------
    MissingColumnError
        If `passed` lacks a course of the programme.
    DesignError
        Or one of its kinds, as in `prepare_sample`.
    """
    sample = prepare_sample(cohort, min_group=min_group)
    design = build_design(
        sample.frame, covariates=cohort.covariates, min_level=min_group
    )
    matrix, known = join_passed(sample.frame, passed, cohort.program.courses)
    folds = assign_folds(
        sample.clusters["unit"], sample.treated, n_folds=N_FOLDS, seed=seed
    )
    return ModuleRows(
        cohort=cohort,
        sample=sample,
        matrix=design.matrix(),
        passed=matrix,
        known=known,
        folds=folds,
    )


def join_passed(
    frame: pd.DataFrame, passed: pd.DataFrame, courses: tuple[str, ...]
) -> tuple[BoolArray, BoolArray]:
    """Find what the people of a frame passed.

    Parameters
    ----------
    frame : DataFrame
        Holds ``unit`` and ``trial``.
    passed : DataFrame
        ``unit``, ``trial``, and a column per course.
    courses : tuple of str
        The columns to take.

    Returns
    -------
    tuple of array
        Passed, of shape (rows, courses), and whether the row was found at all.

    Raises
    ------
    MissingColumnError
        If a column is absent.
    """
    absent = [name for name in ("unit", "trial", *courses) if name not in passed]
    if absent:
        raise MissingColumnError.build("The passed modules lack columns", got=absent)
    held = pd.MultiIndex.from_frame(passed[["unit", "trial"]].astype("str"))
    wanted = pd.MultiIndex.from_frame(frame[["unit", "trial"]].astype("str"))
    place = held.get_indexer(wanted)
    values = passed[list(courses)].to_numpy(dtype=bool)
    found = np.zeros((len(frame), len(courses)), dtype=bool)
    found[place >= 0] = values[place[place >= 0]]
    return found, np.asarray(place >= 0)
