"""Which quarters teach a model and which test it: nothing learnt was known later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.prediction_frames import PredictionFrame
from workbench.core.errors import DesignError, TooFewUnitsError
from workbench.prescribe.predict.dating import date_rows
from workbench.prescribe.predict.models import Kind

__all__ = [
    "FEWEST_TEST",
    "FEWEST_TRAIN",
    "Split",
    "censor_rows",
    "count_events",
    "split_by_time",
]

BoolArray = npt.NDArray[np.bool_]

FEWEST_TRAIN = 50
"""Fewest events (and non-events; rows of a continuous outcome) to learn from."""

FEWEST_TEST = 10
"""Fewest of the same to test on."""

_FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Rows that teach and rows that test, apart in time.

    Attributes
    ----------
    train, test : DataFrame
        Rows of the frame. Each outcome in `train` was known before `begins`; times to
        an event are cut off there.
    folds : tuple of array of bool of shape (rows of train,)
        Parts of `train` on which penalties and the number of trees are set, by models
        of the rest: the last quarter, or fifths of the people where there is only one.
    begins : Timestamp
        First day on which a tested prediction would have been made.
    horizon : int
        Days over which a time is tested: no more than any of the rows that teach, and
        all that are tested, could be followed. 0 for other outcomes.
    repeated : float
        Share of the tested people of whom an earlier quarter taught the model.
    text : str
        The split in words.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    folds: tuple[BoolArray, ...]
    begins: pd.Timestamp
    horizon: int
    repeated: float
    text: str


def split_by_time(target: PredictionFrame, *, seed: int) -> Split:
    """Split the rows of a target into earlier ones that teach and later ones that test.

    Parameters
    ----------
    target : PredictionFrame
        Rows of all quarters; those whose outcome is not known yet are left out.
    seed : int
        Of the people who tune the models, where only one quarter teaches.

    Returns
    -------
    Split
        Tested are the latest quarters whose windows have closed, as few as hold enough
        events; of a time, the quarter that lets the longest time be tested.

    Raises
    ------
    DesignError
        If no earlier window had closed before the latest closed one began.
    TooFewUnitsError
        If too little happened to learn from, or to test on.

    Notes
    -----
    A row teaches only if its outcome was known before the first tested prediction
    (``known_on`` before `begins`). Times to an event need not have ended by then: they
    are cut off the day before, as they would have been seen. A person may stand in
    several quarters and so on both sides; intervals are clustered by person, and what
    is tested is always later than what was learnt.
    """
    rows = date_rows(target)
    propose = _propose_times if target.kind == "time" else _propose_closed
    possible = False
    for begins, train, test, horizon in propose(rows):
        possible = possible or len(train) > 0
        enough = count_events(target.kind, train) >= FEWEST_TRAIN
        if enough and count_events(target.kind, test) >= FEWEST_TEST:
            found = _describe(target.kind, train, test, begins, horizon, seed)
            return replace(found, text=found.text + _tell_share(target.share))
    if possible:
        raise TooFewUnitsError.build(
            f"Too little happened to predict {target.label}",
            rule=f"at least {FEWEST_TRAIN} events and as many without in the quarters "
            f"that teach, and {FEWEST_TEST} in those that test",
            hint="wait for more quarters, or predict for more people together",
        )
    raise DesignError.build(
        f"{target.label} cannot be tested on later quarters",
        rule="an earlier window must have closed before the tested quarter began",
        got="no two quarters that far apart have closed windows",
        hint="predictions become possible as quarters are added",
    )


def count_events(kind: Kind, rows: pd.DataFrame) -> int:
    """Count what a model can learn from: the rarer of events and non-events.

    Times count the events, continuous outcomes the rows.
    """
    if kind == "continuous":
        return len(rows)
    if kind == "time":
        return int(rows["event"].sum())
    events = int(rows["outcome"].sum())
    return min(events, len(rows) - events)


def censor_rows(rows: pd.DataFrame, begins: pd.Timestamp) -> pd.DataFrame:
    """Cut times to an event off at a day: what happens from then on is not known.

    Parameters
    ----------
    rows : DataFrame
        ``time_zero``, ``time`` in days from it, ``event``.
    begins : Timestamp
        First day that is not known.

    Returns
    -------
    DataFrame
        Rows followed for at least one day; an event on `begins` or later is none.
    """
    known = (begins - rows["time_zero"]).dt.days.to_numpy()
    seen = rows["time"].to_numpy(dtype="float64") < known
    event = rows["event"].to_numpy(dtype="bool") & seen
    time = np.where(seen, rows["time"].to_numpy(dtype="float64"), known - 1.0)
    return rows.assign(time=time, event=event)[time > 0]


_Proposal = tuple[pd.Timestamp, pd.DataFrame, pd.DataFrame, int]


def _propose_closed(rows: pd.DataFrame) -> Iterator[_Proposal]:
    """Propose splits of rows whose outcome is known, fewest tested quarters first."""
    closed = rows[rows["outcome"].notna()]
    days = sorted(set(closed["time_zero"]))
    for begins in days[:0:-1]:
        test = closed[closed["time_zero"] >= begins]
        yield begins, closed[closed["known_on"] < begins], test, 0


def _propose_times(rows: pd.DataFrame) -> Iterator[_Proposal]:
    """Propose splits of times by quarter, those that test the longest time first."""
    days = sorted(set(rows["time_zero"]))
    cut = rows["known_on"].max()
    spans = {day: min((day - days[0]).days, (cut - day).days) for day in days[1:]}
    for begins in sorted(spans, key=lambda day: (spans[day], day), reverse=True):
        if spans[begins] > 0:
            earlier = rows[rows["time_zero"] < begins]
            test = rows[rows["time_zero"] == begins]
            yield begins, censor_rows(earlier, begins), test, spans[begins]


def _describe(
    kind: Kind,
    train: pd.DataFrame,
    test: pd.DataFrame,
    begins: pd.Timestamp,
    horizon: int,
    seed: int,
) -> Split:
    repeated = float(np.isin(test["unit"].unique(), train["unit"].unique()).mean())
    cut = ", times being cut off there" if kind == "time" else ""
    text = (
        f"Learnt from {_span(train)}, as it was known before {begins.date()}{cut}; "
        f"tested on {_span(test)}. {repeated:.0%} of the people tested also stand in "
        "an earlier quarter."
    )
    return Split(
        train=train,
        test=test,
        folds=_choose_folds(kind, train, seed),
        begins=begins,
        horizon=horizon,
        repeated=repeated,
        text=text,
    )


def _tell_share(share: float) -> str:
    if share >= 1:
        return ""
    return f" Earlier days are those of {share:.0%} of the people, drawn at random."


def _span(rows: pd.DataFrame) -> str:
    trials = sorted(set(rows["trial"].astype("str")))
    ends = trials[0] if len(trials) == 1 else f"{trials[0]} to {trials[-1]}"
    people = rows["unit"].nunique()
    return f"{ends} ({len(rows):,} rows of {people:,} people)"


def _choose_folds(kind: Kind, train: pd.DataFrame, seed: int) -> tuple[BoolArray, ...]:
    """Choose the last quarter that teaches, or fifths of the people if it is alone."""
    days = train["time_zero"]
    last: BoolArray = (days == days.max()).to_numpy()
    if min(count_events(kind, train[part]) for part in (last, ~last)) >= FEWEST_TEST:
        return (last,)
    codes, people = pd.factorize(train["unit"].astype("str"), sort=True)
    dealt = np.random.default_rng(seed).permutation(len(people)) % _FOLDS
    return tuple(np.asarray(dealt[codes] == fold) for fold in range(_FOLDS))
