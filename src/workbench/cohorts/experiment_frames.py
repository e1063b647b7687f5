"""The table that the analysis of an experiment reads: everybody who was assigned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import Outcome, Program
from workbench.core.registration import Registration

__all__ = ["Experiment", "ExperimentDesign"]

ExperimentDesign = Literal["individual", "cluster", "stepped_wedge"]

_ALWAYS = (
    "unit",
    "trial",
    "arm",
    "assigned",
    "cluster",
    "assigned_on",
    "known_on",
    "learnt",
    "outcome",
    "prior",
    "lost",
)
_WEDGE = ("period", "starts", "exposed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One experiment and one outcome, as it was drawn.

    Attributes
    ----------
    quarter, persona : str
        Reported quarter, and the persona of the report (not of each person).
    id : str
        As in the data; never used as a file name.
    design : str
        ``individual``, ``cluster`` or ``stepped_wedge``.
    program : Program
        What the arms other than ``control`` were offered.
    outcome : Outcome
        What is compared.
    primary : bool
        Whether it is the primary outcome of the table ``experiments``.
    registration : Registration or None
        What was written down before, if anything was.
    frame : DataFrame
        One row per person assigned (stepped wedge: per person and period), ordered by
        ``unit`` (and ``period``). ``unit`` (pseudonym), ``trial`` (quarter of the
        assignment), ``arm`` (as drawn), ``assigned`` (bool: any arm but control; in a
        stepped wedge the same as ``exposed``), ``cluster`` (cluster drawn; the person
        where people were drawn one by one), ``assigned_on`` (date), ``known_on`` (date
        on which the outcome was known, missing where it is not), ``learnt`` (bool:
        completed the programme by the end of the exposure quarter; in a stepped wedge
        by the end of the period before the outcome's), ``outcome`` (float, missing
        where it was not observed), ``prior`` (float, the last value of the same
        outcome before the assignment, missing where there is none), ``lost`` (why the
        outcome is missing, or missing), ``team``, ``site``, the columns of
        `covariates` and `protected`. A stepped wedge also has ``period`` (int from 1),
        ``starts`` (int, first exposed period of the cluster; 0 for never) and
        ``exposed`` (bool).
    arms : tuple of str
        All arms, ``control`` first where there is one.
    periods : tuple of str
        Labels of the periods of a stepped wedge; else empty.
    covariates : tuple of str
        Known before the assignment; numeric, or ``category``.
    protected : tuple of str
        Protected attributes.
    flow : DataFrame
        ``step``, ``n_treated``, ``n_control``: people left after each step.
    unread : mapping of str to int
        Assignments by arm of people who may not be read; in no row of `frame`.
    started_on, ended_on : Timestamp or None
        As declared; None while it runs.
    notes : tuple of str
        Sentences on what was missing.
    threats : tuple of str
        What speaks against the evidence before anything is estimated.
    """

    quarter: str
    persona: str
    id: str
    design: ExperimentDesign
    program: Program
    outcome: Outcome
    primary: bool
    registration: Registration | None = None
    frame: pd.DataFrame
    arms: tuple[str, ...]
    periods: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    flow: pd.DataFrame
    unread: Mapping[str, int] = field(default_factory=dict)
    started_on: pd.Timestamp
    ended_on: pd.Timestamp | None = None
    notes: tuple[str, ...] = ()
    threats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wedge = self.design == "stepped_wedge"
        wanted = [*_ALWAYS, *(_WEDGE if wedge else ())]
        wanted += [*self.covariates, *self.protected]
        missing = sorted(set(wanted) - set(self.frame.columns))
        if missing:
            raise MissingColumnError.build(
                "An experiment lacks columns", where=self.id, got=missing
            )
        key = ["unit", "period"] if wedge else ["unit"]
        if self.frame.duplicated(key).any():
            raise ContractError.build(
                "A person stands twice in an experiment", where=self.id
            )
        if not wedge and self.frame.groupby("cluster")["arm"].nunique().gt(1).any():
            raise ContractError.build(
                "A cluster of an experiment has people in two arms",
                where=self.id,
                rule="a cluster is drawn as a whole",
                hint="correct cluster_id or arm in the table assignments",
            )
