"""Tables of people who are followed from a landmark until something happens."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import Outcome, Program

__all__ = ["FollowUp", "Histories"]

_FOLLOWED = ("duration", "cause", "elapsed")
_HISTORY = ("unit", "entered", "learnt", "ended", "cause")


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Stacked target trials whose people are followed from the landmark on.

    Attributes
    ----------
    cohort : Cohort
        All exposure quarters up to the cut, those of the last days too. Its ``frame``
        also holds ``duration`` (float days from the landmark to what ended the
        follow-up, above 0), ``cause`` (int: 0 the follow-up ended with the data cut,
        from 1 on the position in `causes` plus 1) and ``elapsed`` (float days from
        the origin of the clock to the landmark; 0 where the landmark is the origin).
        ``outcome`` is 1 where the event of interest happened within the horizon, else
        0, and never missing; it only tells that the row can be followed.
    causes : tuple of str
        What can end the follow-up, in words; the first is the event of interest, the
        others compete with it.
    horizon : int
        Days from the landmark over which people are compared.
    origin : str
        Where the outcome's clock starts, in words: ``landmark`` or ``role start``.
    details : tuple of str
        Finer causes, where they are known: which resignations were regretted. The
        column ``detail`` of the frame then holds the position in it plus 1, and 0
        where ``cause`` is 0.
    """

    cohort: Cohort
    causes: tuple[str, ...]
    horizon: int
    origin: str = "landmark"
    details: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frame = self.cohort.frame
        wanted = (*_FOLLOWED, *(("detail",) if self.details else ()))
        missing = sorted(set(wanted) - set(frame.columns))
        if missing:
            raise MissingColumnError.build(
                "A follow-up lacks columns", where=self.cohort.persona, got=missing
            )
        faults = []
        if not (frame["duration"] > 0).all():
            faults.append("a duration is not above 0")
        if not frame["cause"].between(0, len(self.causes)).all():
            faults.append(f"a cause lies outside 0 to {len(self.causes)}")
        if not (frame["elapsed"] >= 0).all():
            faults.append("elapsed days are below 0")
        if self.details and not (
            frame["detail"].between(0, len(self.details)).all()
            and ((frame["detail"] > 0) == (frame["cause"] > 0)).all()
        ):
            faults.append(f"a detail lies outside 0 to {len(self.details)}")
        if faults:
            raise ContractError.build(
                "People cannot be followed",
                where=f"{self.cohort.persona}, {self.cohort.outcome.id}",
                got=faults,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """Each person's time in a persona, from their first day in it to the cut.

    For the comparison of analyses that date learning differently; nothing is matched.

    Attributes
    ----------
    frame : DataFrame
        One row per person, ordered by ``unit``: ``unit``, ``entered`` (float days from
        an arbitrary common day to the first time zero), ``learnt`` (the same clock, day
        of completion; missing if not by the end), ``ended`` (the same clock; above
        ``entered``), ``cause`` (int as in `FollowUp`), and the columns of
        `covariates`, known on the day of entry.
    covariates : tuple of str
        Numeric, or ``category``.
    causes : tuple of str
        As in `FollowUp`.
    """

    frame: pd.DataFrame
    covariates: tuple[str, ...]
    causes: tuple[str, ...]
    program: Program
    outcome: Outcome

    def __post_init__(self) -> None:
        missing = sorted({*_HISTORY, *self.covariates} - set(self.frame.columns))
        if missing:
            raise MissingColumnError.build("Histories lack columns", got=missing)
        frame = self.frame
        inside = frame["learnt"].isna() | frame["learnt"].between(
            frame["entered"], frame["ended"]
        )
        if frame["unit"].duplicated().any() or not inside.all():
            raise ContractError.build(
                "Histories are not one row per person with learning inside",
                where=self.outcome.id,
            )
        if not (frame["ended"] > frame["entered"]).all():
            raise ContractError.build(
                "A history ends before it begins", where=self.outcome.id
            )
