"""People lost from an experiment: how many, whether more on one side, and bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.results import Check
from workbench.impact.attrition import MAX_DIFFERENCE
from workbench.impact.experiment.drawn import Drawn, read_drawn
from workbench.impact.experiment.randomised import measure_error
from workbench.impact.experiment.unread import check_unread
from workbench.impact.wording import write_alike

__all__ = [
    "BOUND_COLUMNS",
    "MAX_LOST",
    "Bounds",
    "Loss",
    "bound_lee",
    "measure_loss",
    "measure_wedge_loss",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MAX_LOST = 0.10
"""From this share of missing outcomes on, attrition is a weakness."""

BOUND_COLUMNS = ("low", "high", "ci_low", "ci_high", "trimmed", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Outcomes that are missing.

    Attributes
    ----------
    treated, control : float
        Shares of those assigned whose outcome is missing.
    difference, ci_low, ci_high, p_value : float
        Offered less others, with the error of the design.
    checks : tuple of Check
        ``attrition``, ``differential_attrition`` and ``people_unread`` (advisory).
    """

    treated: float
    control: float
    difference: float
    ci_low: float
    ci_high: float
    p_value: float
    checks: tuple[Check, ...]

    @property
    def largest(self) -> float:
        """The larger share."""
        return max(self.treated, self.control)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Lee's bounds.

    Attributes
    ----------
    low, high : float
        Ends of the effects on people observed either way, without sampling error.
    low_error, high_error : float
        Their standard errors.
    ci_low, ci_high : float
        Interval for the effect (Imbens and Manski).
    trimmed : float
        Share trimmed from the side that lost less.
    text : str
        One sentence.
    """

    low: float
    high: float
    low_error: float
    high_error: float
    ci_low: float
    ci_high: float
    trimmed: float
    text: str

    def tabulate(self) -> pd.DataFrame:
        """Return the bounds as a table of one row: `BOUND_COLUMNS`."""
        row = {name: getattr(self, name) for name in BOUND_COLUMNS}
        return pd.DataFrame([row], columns=list(BOUND_COLUMNS))


def measure_loss(experiment: Experiment, *, alpha: float = 0.05) -> Loss:
    """Count the outcomes that are missing, and compare the sides.

    Parameters
    ----------
    experiment : Experiment
        Individual or cluster design, everybody who was assigned.
    alpha : float
        One less the level of the interval.

    Returns
    -------
    Loss
        ``attrition`` fails from 10 % missing on either side; ``differential_attrition``
        if the sides differ by more than 5 percentage points and the interval of the
        difference leaves out 0; ``people_unread`` if chance would hardly leave out so
        many more people of one arm than of another (p < 0.01).
    """
    drawn = read_drawn(experiment, everybody=True)
    missing = (~np.isfinite(drawn.outcome)).astype("float64")
    ours = float(missing[drawn.assigned].mean())
    theirs = float(missing[~drawn.assigned].mean())
    gap, error, df, _ = measure_error(drawn, missing)
    half, p_value = _read_t(gap, error, df, alpha)
    low, high = gap - half, gap + half
    apart = abs(gap) > MAX_DIFFERENCE and (low > 0 or high < 0)
    fine = max(ours, theirs) < MAX_LOST
    return Loss(
        treated=ours,
        control=theirs,
        difference=gap,
        ci_low=low,
        ci_high=high,
        p_value=p_value,
        checks=(
            Check(
                check="attrition",
                passed=fine,
                value=max(ours, theirs),
                limit=MAX_LOST,
                text=f"The outcome is missing for {ours:.1%} of those offered the "
                f"programme and {theirs:.1%} of the others.",
                advice="" if fine else "Read the effect with its bounds.",
            ),
            Check(
                check="differential_attrition",
                passed=not apart,
                value=abs(gap),
                limit=MAX_DIFFERENCE,
                text=f"Missing outcomes differ by {100 * gap:+.1f} points between the "
                f"sides ({1 - alpha:.0%} interval {100 * low:+.1f} to "
                f"{100 * high:+.1f}).",
                advice="Read the effect with its bounds." if apart else "",
            ),
            check_unread(experiment),
        ),
    )


def measure_wedge_loss(experiment: Experiment) -> Loss:
    """Count the missing outcomes of exposed and waiting periods of a stepped wedge.

    Parameters
    ----------
    experiment : Experiment
        Of design ``stepped_wedge``.

    Returns
    -------
    Loss
        Shares of people and periods, without an error; ``attrition`` only.
    """
    frame = experiment.frame
    missing = ~np.isfinite(frame["outcome"].astype("float64"))
    exposed = frame["exposed"].to_numpy(dtype=bool)
    gone = missing.to_numpy(dtype="float64")
    ours = float(gone[exposed].mean()) if exposed.any() else 0.0
    theirs = float(gone[~exposed].mean()) if not exposed.all() else 0.0
    nothing = math.nan
    return Loss(
        treated=ours,
        control=theirs,
        difference=ours - theirs,
        ci_low=nothing,
        ci_high=nothing,
        p_value=nothing,
        checks=(
            Check(
                check="attrition",
                passed=max(ours, theirs) < MAX_LOST,
                value=max(ours, theirs),
                limit=MAX_LOST,
                text=f"The outcome is missing in {ours:.1%} of exposed and "
                f"{theirs:.1%} of waiting periods of people.",
                advice=""
                if max(ours, theirs) < MAX_LOST
                else "Read the effect beside that within people.",
            ),
        ),
    )


def bound_lee(experiment: Experiment, *, alpha: float = 0.05) -> Bounds | None:
    r"""Bound the effect on people whose outcome would be observed either way.

    Use it where outcomes are missing. The estimand is the mean effect of the offer
    among those observed whether offered or not. It assumes the draw, and that the offer
    moves people into being observed or out of it, but not some each way (monotonicity).

    Parameters
    ----------
    experiment : Experiment
        Individual or cluster design, everybody who was assigned.
    alpha : float
        One less the level of the interval.

    Returns
    -------
    Bounds or None
        None where no outcome is missing: there is nothing to bound.

    Notes
    -----
    The side observed more often, with shares :math:`s > s'`, is trimmed by
    :math:`p = 1 - s'/s` from above or from below. Errors come from the influence of
    each person on trimmed mean, quantile and shares, which gives the three parts of
    Lee's variance, summed within clusters where those were drawn. The interval is that
    of Imbens and Manski [2]_: :math:`C` solves
    :math:`\Phi(C + (u - l)/\max(s_l, s_u)) - \Phi(-C) = 1 - \alpha`.

    References
    ----------
    .. [1] Lee, D. S. (2009). Training, wages, and sample selection. Review of Economic
       Studies 76, 1071-1102. doi:10.1111/j.1467-937X.2009.00536.x
    .. [2] Imbens, G. W. and Manski, C. F. (2004). Confidence intervals for partially
       identified parameters. Econometrica 72, 1845-1857.
       doi:10.1111/j.1468-0262.2004.00555.x
    """
    drawn = read_drawn(experiment, everybody=True)
    seen = np.isfinite(drawn.outcome)
    if seen.all():
        return None
    ours, theirs = (
        float(seen[drawn.assigned].mean()),
        float(seen[~drawn.assigned].mean()),
    )
    more = ours >= theirs
    wide = drawn.assigned if more else ~drawn.assigned
    trimmed = 1 - min(ours, theirs) / max(ours, theirs)
    plain, own = _mean(drawn.outcome, ~wide, seen)
    results = []
    for top in (True, False):
        kept, moves = _trim(drawn.outcome, wide, seen, trimmed, from_top=top)
        sign = 1.0 if more else -1.0
        influence = sign * (moves - own)
        results.append((sign * (kept - plain), _sum_error(influence, drawn)))
    results.sort(key=lambda item: item[0])
    (low, low_error), (high, high_error) = results
    reach = _reach(high - low, max(low_error, high_error), alpha)
    ends = low - reach * low_error, high + reach * high_error
    return Bounds(
        low=low,
        high=high,
        low_error=low_error,
        high_error=high_error,
        ci_low=ends[0],
        ci_high=ends[1],
        trimmed=trimmed,
        text=_describe(low, high, ends, trimmed, alpha, more=more),
    )


def _read_t(gap: float, error: float, df: float, alpha: float) -> tuple[float, float]:
    """Return half an interval and the p-value of no difference."""
    from scipy.special import stdtr, stdtrit

    if error == 0:
        return 0.0, 1.0 if gap == 0 else 0.0
    half = float(stdtrit(df, 1 - alpha / 2)) * error
    return half, float(2 * stdtr(df, -abs(gap) / error))


def _mean(
    outcome: FloatArray, side: BoolArray, seen: BoolArray
) -> tuple[float, FloatArray]:
    """Return the mean of those seen on a side, and everybody's influence on it."""
    rows = side & seen
    mean = float(outcome[rows].mean())
    moves = np.where(rows, np.where(seen, outcome, 0.0) - mean, 0.0) / int(rows.sum())
    return mean, moves


def _trim(
    outcome: FloatArray,
    side: BoolArray,
    seen: BoolArray,
    share: float,
    *,
    from_top: bool,
) -> tuple[float, FloatArray]:
    r"""Return the mean without the highest (or lowest) share, and the influences.

    With quantile q of 1 - p, :math:`\mu = q - E[(q - Y)^+]/(1 - p)` when trimming from
    the top, so that the influence of the quantile itself vanishes.
    """
    rows = side & seen
    turn = 1.0 if from_top else -1.0
    values = turn * np.where(seen, outcome, 0.0)
    kept = 1 - share
    ordered = np.sort(values[rows])
    count = len(ordered)
    place = min(max(math.ceil(kept * count - 1e-9) - 1, 0), count - 1)
    limit = float(ordered[place])
    below = np.where(rows, np.maximum(limit - values, 0.0), 0.0)
    short = float(below[rows].mean())
    mean = limit - short / kept
    moves = np.where(rows, -(below - short) / kept, 0.0) / count
    slope = (mean - limit) / kept
    own, other = float(seen[side].mean()), float(seen[~side].mean())
    shift = np.where(
        side,
        other / own**2 * (seen - own) / int(side.sum()),
        -(seen - other) / own / int((~side).sum()),
    )
    return turn * mean, turn * (moves + slope * shift)


def _sum_error(influence: FloatArray, drawn: Drawn) -> float:
    """Return the error of influences, summed by what was drawn."""
    sums = np.bincount(drawn.cluster, influence)
    groups = len(sums)
    return math.sqrt(float(sums @ sums) * groups / (groups - 1))


def _reach(width: float, error: float, alpha: float) -> float:
    """Return Imbens and Manski's critical value."""
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    if error == 0:
        return 0.0
    gap = width / error

    def miss(reach: float) -> float:
        return float(ndtr(reach + gap) - ndtr(-reach) - (1 - alpha))

    top = float(ndtri(1 - alpha / 2))
    found: float = brentq(miss, 0.0, top + 1e-6)
    return found


def _describe(
    low: float,
    high: float,
    ends: tuple[float, float],
    trimmed: float,
    alpha: float,
    *,
    more: bool,
) -> str:
    side = "those offered the programme" if more else "the others"
    lowest, highest, first, last = write_alike(low, high, *ends)
    return (
        f"Outcomes are missing; {trimmed:.1%} of {side} are left out from above or "
        f"below to allow for the difference. Among people observed either way the "
        f"effect lies between {lowest} and {highest} ({100 * (1 - alpha):.0f} % "
        f"interval {first} to {last}), if the offer kept people in, or drove them "
        "out, but not some each way."
    )
