"""The table that every comparison reads: one row per person and trial."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import Outcome, Program

__all__ = ["Cohort"]

_REQUIRED = ("unit", "trial", "time_zero", "landmark", "treated", "outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Stacked target trials of one persona, programme and outcome.

    Attributes
    ----------
    quarter : str
        Reported quarter; its last day is the data cut.
    persona : str
        Id of the persona, in force at time zero.
    program : Program
        The programme whose completion is the exposure.
    outcome : Outcome
        The outcome read after the landmark.
    frame : DataFrame
        One row per person and exposure quarter, ordered by ``trial`` and ``unit``.
        ``unit`` (pseudonym), ``trial`` (exposure quarter), ``team`` (pseudonym of the
        manager at time zero, may be missing), ``site``, ``time_zero`` and
        ``landmark`` (dates), ``treated`` (bool), ``outcome`` (float, missing where it
        was not observed), ``lost`` (why it was not, or missing), the columns named in
        ``covariates`` and in ``protected``.
    covariates : tuple of str
        Columns of `frame` known before time zero; numeric, or ``category``.
    protected : tuple of str
        Protected attributes; for subgroup reports.
    clusters : tuple of str
        Columns within which errors are correlated: ``unit``, and ``team`` where the
        programme was given by team.
    flow : DataFrame
        ``step``, ``n_treated``, ``n_control``: how many remain after each exclusion.
    notes : tuple of str
        Sentences on what was missing, for the diagnostics.
    """

    quarter: str
    persona: str
    program: Program
    outcome: Outcome
    frame: pd.DataFrame
    covariates: tuple[str, ...]
    protected: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ("unit",)
    flow: pd.DataFrame
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wanted = [*_REQUIRED, *self.covariates, *self.protected, *self.clusters]
        missing = sorted(set(wanted) - set(self.frame.columns))
        if missing:
            raise MissingColumnError.build(
                "A cohort lacks columns", where=self.persona, got=missing
            )
        if self.frame.duplicated(["unit", "trial"]).any():
            raise ContractError.build(
                "A person stands twice in one trial", where=self.persona
            )
