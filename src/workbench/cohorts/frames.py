"""The tables that comparisons read: people in trials, and people over quarters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import Outcome, Program

__all__ = ["Cohort", "Compared", "Panel"]

_REQUIRED = ("unit", "trial", "time_zero", "landmark", "treated", "outcome")
_PANEL = ("unit", "period", "outcome", "first_treat")


class Compared(Protocol):
    """What every comparison names: report, persona, programme and outcome."""

    @property
    def quarter(self) -> str:
        """Reported quarter."""

    @property
    def persona(self) -> str:
        """Id of the persona."""

    @property
    def program(self) -> Program:
        """The programme."""

    @property
    def outcome(self) -> Outcome:
        """The outcome."""


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
    unmeasured : tuple of str
        Names of declared causes of learning and outcome that no column holds.
    threats : tuple of str
        What speaks against the evidence before anything is estimated.
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
    unmeasured: tuple[str, ...] = ()
    threats: tuple[str, ...] = ()

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """People of one persona over quarters, before and after some of them learnt.

    Attributes
    ----------
    quarter, persona, program, outcome
        As in `Cohort`.
    frame : DataFrame
        One row per person and quarter in which the outcome was observed, ordered by
        ``unit`` and ``period``; people may lack quarters. ``unit`` (pseudonym),
        ``period`` (int, 1 is the first of `periods`), ``outcome`` (float, nothing
        missing), ``first_treat`` (int: the period of the exposure quarter, the same in
        all rows of a person; 0 for people who had not learnt by the cut), ``team`` and
        ``site`` at entry, and the columns of `covariates` and `protected`, which do not
        change within a person.
    periods : tuple of str
        Labels of periods 1, 2, …: consecutive quarters.
    exposures : tuple of int
        Periods in which learners of the headline completed the programme.
    lag : int
        Quarters from the exposure quarter to the one whose outcome is the headline's.
    covariates : tuple of str
        Columns known before the person's exposure; numeric, or ``category``.
    protected : tuple of str
        Protected attributes.
    clusters : tuple of str
        ``unit``, and ``team`` where the programme was given by team. Each person has
        one team, so that errors clustered by team hold those of the person.
    flow : DataFrame
        ``step``, ``n_treated``, ``n_control``: people left after each exclusion.
    notes : tuple of str
        Sentences on what was missing, for the diagnostics.
    threats : tuple of str
        As in `Cohort`.

    Raises
    ------
    MissingColumnError
        If a column is missing.
    ContractError
        If a person stands twice in a quarter, an outcome is not finite, or what must
        not change within a person does.
    """

    quarter: str
    persona: str
    program: Program
    outcome: Outcome
    frame: pd.DataFrame
    periods: tuple[str, ...]
    exposures: tuple[int, ...]
    lag: int
    covariates: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ("unit",)
    flow: pd.DataFrame
    notes: tuple[str, ...] = ()
    threats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wanted = [*_PANEL, *self.covariates, *self.protected, *self.clusters]
        missing = sorted(set(wanted) - set(self.frame.columns))
        if missing:
            raise MissingColumnError.build(
                "A panel lacks columns", where=self.persona, got=missing
            )
        faults = _find_panel_faults(self)
        if faults:
            raise ContractError.build(
                "A panel cannot be compared over time",
                where=f"{self.persona}, {self.program.id}, {self.outcome.id}",
                got=faults,
            )


def _find_panel_faults(panel: Panel) -> list[str]:
    frame = panel.frame
    faults = []
    if frame.duplicated(["unit", "period"]).any():
        faults.append("a person stands twice in one quarter")
    if not frame["outcome"].map(math.isfinite).all():
        faults.append("an outcome is not a finite number")
    whole = pd.api.types.is_integer_dtype
    if not (whole(frame["period"]) and whole(frame["first_treat"])):
        faults.append("period and first_treat must be whole numbers")
    elif not (
        frame["period"].between(1, len(panel.periods)).all()
        and frame["first_treat"].between(0, len(panel.periods)).all()
    ):
        faults.append(f"a period lies outside 1 to {len(panel.periods)}")
    fixed = dict.fromkeys(["first_treat", *panel.covariates, *panel.clusters])
    fixed.pop("unit", None)
    changes = frame.groupby("unit")[list(fixed)].nunique(dropna=False).gt(1).any()
    faults += [f"{name} changes within a person" for name in changes.index[changes]]
    return faults
