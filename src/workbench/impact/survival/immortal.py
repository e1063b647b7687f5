"""Why a date of learning is no time zero: three ways to date it, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.follow_frames import Histories
from workbench.core.errors import ConvergenceError, DesignError, NoVariationError
from workbench.core.results import Check
from workbench.impact.design_matrix import build_design
from workbench.impact.inference import estimate_cluster_error, regress_on_treatment
from workbench.impact.survival.cox import Cox, fit_cox
from workbench.impact.survival.influence import influence_incidence

__all__ = ["COLUMNS", "LANDMARK", "NAIVE", "TIME_VARYING", "Datings", "compare_datings"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

NAIVE, LANDMARK, TIME_VARYING = "naive", "landmark", "time-varying"

COLUMNS = (
    "dating",
    "hazard_ratio",
    "ratio_low",
    "ratio_high",
    "p_value",
    "learners_share",
    "others_share",
    "difference",
    "low",
    "high",
    "horizon",
    "learners",
    "others",
    "suppressed",
    "note",
)

_LEARNING = "learning"
_NUMBERS = COLUMNS[1:10]
_LEVEL = 0.05
_NOTES = {
    NAIVE: "Ever-learners against never-learners from the first day in the persona: "
    "wrong, learners cannot leave before they have learnt.",
    LANDMARK: "Who had learnt by day {day} against who had not, among those still "
    "there, from that day on; learning after it counts for neither.",
    TIME_VARYING: "Everybody counts among the others until the day of learning, and "
    "as a learner from then on; a share at the horizon has no meaning here.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Datings:
    """What three ways to date learning say about the same people.

    Attributes
    ----------
    table : DataFrame
        The columns of `COLUMNS`, one row per dating: ``naive``, ``landmark``,
        ``time-varying``. Ratios of hazards and shares of learners and others at the
        ``horizon``, where they have a meaning and can be told.
    text : str
        What the naive dating would have claimed, and why it is wrong.
    checks : tuple of Check
        ``datings``: never passed or failed, as nothing here is a headline.
    """

    table: pd.DataFrame
    text: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Rows of a Cox regression; `person` is the place in the histories."""

    start: FloatArray
    end: FloatArray
    event: BoolArray
    learns: BoolArray
    person: IntArray
    shares: bool


def compare_datings(
    histories: Histories,
    *,
    landmark_days: int,
    horizon: int,
    alpha: float,
    min_group: int,
) -> Datings:
    r"""Put the naive dating of learning beside two that hold.

    Who learns must still be there to do so. Counted as a learner from the first day,
    a person brings days into the learners' account on which they could not have left
    (immortal time), so that learning seems to keep people. A landmark compares those
    still there on a fixed day by what they had done until then; a time-varying
    covariate counts each day where it belongs.

    Parameters
    ----------
    histories : Histories
        People from their first day in the persona.
    landmark_days : int
        Day of the landmark, from the first day.
    horizon : int
        Days over which shares are compared: from the first day, or the landmark.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Fewest people in an arm; below, a row is kept back.

    Returns
    -------
    Datings
        Ratios below 1 mean that the event happens later, or to fewer. Adjusted for the
        covariates of the histories, not matched; the others' share is the one that the
        learners would have had.

    Notes
    -----
    `fit_cox` with the error of Lin and Wei, for the start-stop rows of the time-varying
    covariate by person. Shares are one less the cumulative incidence (for outcomes of
    staying); their difference is a regression on what each person stands for in the
    share of the arm (pseudo-observations), with the robust error (HC1).

    References
    ----------
    .. [1] Suissa, S. (2008). Immortal time bias in pharmacoepidemiology. American
       Journal of Epidemiology 167, 492-499. doi:10.1093/aje/kwm324
    .. [2] Anderson, J. R., Cain, K. C. and Gelber, R. D. (1983). Analysis of survival
       by tumor response. Journal of Clinical Oncology 1, 710-719.
       doi:10.1200/JCO.1983.1.11.710
    """
    frame = histories.frame
    entered = frame["entered"].to_numpy(dtype="float64")
    length = frame["ended"].to_numpy(dtype="float64") - entered
    learnt = frame["learnt"].to_numpy(dtype="float64") - entered
    cause = frame["cause"].to_numpy(dtype="int64")
    design = build_design(
        frame.assign(trial=""), covariates=histories.covariates, min_level=min_group
    )
    covariates, names = design.matrix(), (_LEARNING, *design.names)
    makers: dict[str, Callable[[], _Rows]] = {
        NAIVE: lambda: _date_naively(length, learnt, cause),
        LANDMARK: lambda: _date_landmark(length, learnt, cause, float(landmark_days)),
        TIME_VARYING: lambda: _date_by_day(length, learnt, cause),
    }
    rows = []
    for dating, make in makers.items():
        data = make()
        row = _open_row(dating, data, horizon, landmark_days, min_group)
        if not row["suppressed"]:
            row |= _compare_hazards(data, covariates, names, alpha, row)
            if data.shares:
                row |= _compare_shares(
                    data,
                    cause,
                    covariates,
                    horizon,
                    alpha,
                    min_group,
                    stays=_stays(histories),
                )
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        dict.fromkeys(_NUMBERS, "float64")
        | dict.fromkeys(("learners", "others"), "Int64")
        | dict.fromkeys(("dating", "note"), "str")
        | {"horizon": "int64", "suppressed": "bool"}
    )
    text = _describe(table, histories, landmark_days)
    return Datings(
        table=table,
        text=text,
        checks=(Check(check="datings", passed=None, text=text),),
    )


def _date_naively(length: FloatArray, learnt: FloatArray, cause: IntArray) -> _Rows:
    return _Rows(
        start=np.zeros(len(length)),
        end=length,
        event=cause == 1,
        learns=~np.isnan(learnt),
        person=np.arange(len(length)),
        shares=True,
    )


def _date_landmark(
    length: FloatArray, learnt: FloatArray, cause: IntArray, day: float
) -> _Rows:
    there = length > day
    return _Rows(
        start=np.zeros(int(there.sum())),
        end=length[there] - day,
        event=(cause == 1)[there],
        learns=(learnt <= day)[there],
        person=np.flatnonzero(there),
        shares=True,
    )


def _date_by_day(length: FloatArray, learnt: FloatArray, cause: IntArray) -> _Rows:
    """Split each learner's time at the day of learning; empty parts are left out."""
    ever = ~np.isnan(learnt)
    turn = np.where(ever, np.clip(learnt, 0.0, length), length)
    person = np.arange(len(length))
    before, after = turn > 0, ever & (turn < length)
    first = (cause == 1) & ~after
    return _Rows(
        start=np.concatenate([np.zeros(int(before.sum())), turn[after]]),
        end=np.concatenate([turn[before], length[after]]),
        event=np.concatenate([first[before], (cause == 1)[after]]),
        learns=np.repeat([False, True], [int(before.sum()), int(after.sum())]),
        person=np.concatenate([person[before], person[after]]),
        shares=False,
    )


def _open_row(
    dating: str, data: _Rows, horizon: int, day: int, min_group: int
) -> dict[str, object]:
    """Begin a row with its counts, or say that it is kept back."""
    learners = len(np.unique(data.person[data.learns]))
    others = len(np.unique(data.person[~data.learns]))
    hidden = min(learners, others) < min_group
    return {
        "dating": dating,
        "horizon": horizon,
        "learners": pd.NA if hidden else learners,
        "others": pd.NA if hidden else others,
        "suppressed": hidden,
        "note": f"Fewer than {min_group} people in an arm."
        if hidden
        else _NOTES[dating].format(day=day),
    }


def _compare_hazards(
    data: _Rows,
    covariates: FloatArray,
    names: tuple[str, ...],
    alpha: float,
    row: dict[str, object],
) -> dict[str, object]:
    try:
        cox: Cox = fit_cox(
            data.end,
            data.event,
            np.column_stack([data.learns, covariates[data.person]]).astype("float64"),
            names=names,
            entry=data.start,
            clusters=None if data.shares else {"person": _code_people(data.person)},
            required=(_LEARNING,),
            alpha=alpha,
        )
    except (DesignError, ConvergenceError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        return {"note": f"{row['note']} No hazard ratio: {why}."}
    return {
        "hazard_ratio": float(cox.hazard_ratio[0]),
        "ratio_low": float(cox.low[0]),
        "ratio_high": float(cox.high[0]),
        "p_value": float(cox.p_value[0]),
    }


def _code_people(person: IntArray) -> IntArray:
    """Return codes from 0 of the people who have rows, without sorting."""
    there = np.bincount(person) > 0
    codes: IntArray = (np.cumsum(there) - 1)[person]
    return codes


def _compare_shares(
    data: _Rows,
    causes: IntArray,
    covariates: FloatArray,
    horizon: int,
    alpha: float,
    min_group: int,
    *,
    stays: bool,
) -> dict[str, object]:
    """Compare the shares at the horizon, where enough people of both arms get there."""
    from scipy.special import stdtrit

    outcome = np.zeros(len(data.end))
    for learns in (True, False):
        rows = data.learns == learns
        if int((data.end[rows] >= horizon).sum()) < min_group:
            return {}
        share, influence = influence_incidence(
            data.end[rows], causes[data.person[rows]], float(horizon)
        )
        stands_for = share + influence * int(rows.sum())
        outcome[rows] = 1 - stands_for if stays else stands_for
    try:
        found = regress_on_treatment(outcome, data.learns, covariates[data.person])
    except NoVariationError:
        return {}
    error = estimate_cluster_error(
        found.influence[:, None],
        {"person": np.arange(len(outcome))},
        n_params=found.n_params,
    )
    half = float(stdtrit(error.df, 1 - alpha / 2)) * math.sqrt(error.covariance[0, 0])
    ours = float(outcome[data.learns].mean())
    return {
        "learners_share": ours,
        "others_share": ours - found.effect,
        "difference": found.effect,
        "low": found.effect - half,
        "high": found.effect + half,
    }


def _stays(histories: Histories) -> bool:
    return histories.outcome.source.startswith("exits.")


def _name_event(histories: Histories) -> str:
    """Name what people do when the event happens to them."""
    if _stays(histories):
        return "leave"
    return "move" if histories.outcome.source.startswith("job_") else "get there"


def _describe(table: pd.DataFrame, histories: Histories, day: int) -> str:
    """Say in words what the naive dating claims and what is left of it."""
    rows = table.set_index("dating")
    if table["hazard_ratio"].isna().all():
        return (
            "Too few people learnt, or too few events were seen, to compare ways of "
            "dating learning."
        )
    event = _name_event(histories)
    said = []
    if not math.isnan(rows.loc[NAIVE, "hazard_ratio"]):
        said.append(_claim(rows.loc[NAIVE], event))
    right = [
        f"{name} the hazard ratio is {_write_ratio(rows.loc[dating], ' (', ')')}"
        for dating, name in (
            (TIME_VARYING, "with learning counted from the day it happened"),
            (LANDMARK, f"by what people had done by day {day}"),
        )
        if not math.isnan(rows.loc[dating, "hazard_ratio"])
    ]
    if right:
        text = ", and ".join(right)
        said.append(f"{text[0].upper()}{text[1:]}.")
    said.append(
        "None of these is the result of this stage, which compares matched people from "
        "the end of the quarter of learning."
    )
    return " ".join(said)


def _claim(row: pd.Series, event: str) -> str:
    clear = row["p_value"] < _LEVEL
    often = "less" if row["hazard_ratio"] < 1 else "more"
    claim = (
        f"that learners {event} {often} often"
        if clear
        else f"no clear difference in how often learners {event}"
    )
    return (
        "Counted as learners from their first day, people who ever learnt would have "
        f"shown {claim} (hazard ratio {_write_ratio(row, ', interval ', '')}). That "
        "dating is wrong: to be counted they had to be there until they had learnt, so "
        f"days on which they did not {event} are credited to learning before there was "
        "any."
    )


def _write_ratio(row: pd.Series, opening: str, closing: str) -> str:
    between = f"{row['ratio_low']:.2f} to {row['ratio_high']:.2f}"
    return f"{row['hazard_ratio']:.2f}{opening}{between}{closing}"
