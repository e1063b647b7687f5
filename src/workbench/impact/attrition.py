"""People whose outcome is missing: how many, and how much they could change."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.results import Check
from workbench.impact.effects import Effect
from workbench.impact.inference import estimate_cluster_error, regress_on_treatment
from workbench.impact.matching import Matches
from workbench.impact.sample import Sample, code_clusters

__all__ = [
    "MAX_DIFFERENCE",
    "MAX_MISSING",
    "Attrition",
    "bound_effect",
    "measure_attrition",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

MAX_DIFFERENCE = 0.05
MAX_MISSING = 0.20
_LANDMARK = "still employed at the landmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attrition:
    """Outcomes that are missing.

    Attributes
    ----------
    treated, control : float
        Share of rows without an outcome, in the trials, per arm.
    difference, ci_low, ci_high : float
        Learners less others, with the clustered interval.
    lost_treated, lost_control : float
        The same shares counting also those who had left before the landmark.
    table : DataFrame
        ``arm``, ``rows``, ``missing``, ``share``, ``reason``: one row per arm and
        reason.
    checks : tuple of Check
        ``attrition`` and ``missing_outcomes`` (both advisory; a failure is a threat).
    """

    treated: float
    control: float
    difference: float
    ci_low: float
    ci_high: float
    lost_treated: float
    lost_control: float
    table: pd.DataFrame
    checks: tuple[Check, ...]

    @property
    def threats(self) -> tuple[str, ...]:
        """Name what lowers the evidence."""
        words = {
            "attrition": "differential attrition",
            "missing_outcomes": "missing outcomes",
        }
        return tuple(words[item.check] for item in self.checks if not item.passed)


def measure_attrition(cohort: Cohort, *, alpha: float = 0.05) -> Attrition:
    """Count missing outcomes by arm and compare the shares.

    Parameters
    ----------
    cohort : Cohort
        Rows with and without an outcome; ``lost`` says why it is missing.
    alpha : float
        One less the level of the interval.

    Returns
    -------
    Attrition
        ``attrition`` fails if the shares differ by more than 5 percentage points and
        the interval of the difference leaves out 0; ``missing_outcomes`` if more than
        a fifth is missing in either arm.
    """
    from scipy.stats import t

    frame = cohort.frame
    treated = frame["treated"].to_numpy(dtype=bool)
    missing = frame["outcome"].isna().to_numpy(dtype="float64")
    found = regress_on_treatment(missing, treated, np.empty((len(frame), 0)))
    clusters = {
        name: code_clusters(frame[name])
        for name in dict.fromkeys(("unit", *cohort.clusters))
    }
    error = estimate_cluster_error(
        found.influence[:, None], clusters, n_params=found.n_params
    )
    half = float(t(error.df).ppf(1 - alpha / 2)) * math.sqrt(error.covariance[0, 0])
    ours, theirs = float(missing[treated].mean()), float(missing[~treated].mean())
    low, high = found.effect - half, found.effect + half
    before = _count_before_landmark(cohort.flow)
    return Attrition(
        treated=ours,
        control=theirs,
        difference=found.effect,
        ci_low=low,
        ci_high=high,
        lost_treated=1 - (1 - ours) * (1 - before[0]),
        lost_control=1 - (1 - theirs) * (1 - before[1]),
        table=_tabulate(frame, treated, missing),
        checks=_check(ours, theirs, found.effect, (low, high), before, alpha),
    )


def bound_effect(
    effect: Effect, attrition: Attrition, sample: Sample, matches: Matches
) -> tuple[float, float]:
    """Say how far people without an outcome could move the effect.

    Parameters
    ----------
    effect : Effect
        The headline, among those observed.
    attrition : Attrition
        Shares lost in either arm, those gone before the landmark included.
    sample : Sample
        The rows.
    matches : Matches
        The matched comparison.

    Returns
    -------
    tuple of float
        Lower and upper end, without sampling error. For outcomes of 0 and 1: all those
        lost from one arm had a 0 and all those lost from the other a 1 (worst case).
        Otherwise Lee's bounds: the arm that lost less is trimmed from above or below
        by the difference, so that both describe people who would have been observed
        either way.

    References
    ----------
    .. [1] Lee, D. S. (2009). Training, wages, and sample selection. Review of Economic
       Studies 76, 1071-1102. doi:10.1111/j.1467-937X.2009.00536.x
    """
    ours, theirs = attrition.lost_treated, attrition.lost_control
    if np.isin(sample.outcome, (0.0, 1.0)).all():
        with_learning = (effect.baseline + effect.value) * (1 - ours)
        without = effect.baseline * (1 - theirs)
        return with_learning - without - theirs, with_learning + ours - without
    kept_ours, kept_theirs = 1 - ours, 1 - theirs
    trim_ours = max(0.0, 1 - kept_theirs / kept_ours)
    trim_theirs = max(0.0, 1 - kept_ours / kept_theirs)
    arm = sample.treated
    shift = _shift_by_trimming(sample.outcome, matches.weights * arm, trim_ours)
    other = _shift_by_trimming(sample.outcome, matches.weights * ~arm, trim_theirs)
    return effect.value + shift[0] - other[1], effect.value + shift[1] - other[0]


def _shift_by_trimming(
    outcome: FloatArray, weights: FloatArray, share: float
) -> tuple[float, float]:
    """Return how the weighted mean moves without its highest or lowest share."""
    if share == 0:
        return 0.0, 0.0
    order = np.argsort(outcome, kind="stable")
    values, mass = outcome[order], weights[order] / weights.sum()
    mean = float(values @ mass)
    total = np.cumsum(mass)
    lowest = np.clip(1 - share - (total - mass), 0, mass)
    highest = np.clip(total - share, 0, mass)
    low = float(values @ lowest) / float(lowest.sum())
    high = float(values @ highest) / float(highest.sum())
    return low - mean, high - mean


def _count_before_landmark(flow: pd.DataFrame) -> tuple[float, float]:
    """Return the share of either arm that had left before the landmark."""
    steps = flow["step"].tolist() if "step" in flow else []
    if _LANDMARK not in steps or steps.index(_LANDMARK) == 0:
        return 0.0, 0.0
    place = steps.index(_LANDMARK)
    shares = []
    for column in ("n_treated", "n_control"):
        earlier, later = (int(flow[column].iloc[row]) for row in (place - 1, place))
        shares.append(1 - later / earlier if earlier else 0.0)
    return shares[0], shares[1]


def _tabulate(
    frame: pd.DataFrame, treated: BoolArray, missing: FloatArray
) -> pd.DataFrame:
    why = frame["lost"] if "lost" in frame else pd.Series(pd.NA, index=frame.index)
    reason = why.astype("object").where(why.notna(), "not recorded")
    rows = []
    for arm, chosen in (("learners", treated), ("others", ~treated)):
        gone = chosen & (missing > 0)
        counts = reason[gone].value_counts().sort_index()
        rows += [
            {
                "arm": arm,
                "rows": int(chosen.sum()),
                "missing": int(count),
                "share": count / int(chosen.sum()),
                "reason": str(name),
            }
            for name, count in counts.items()
        ]
    return pd.DataFrame(rows, columns=["arm", "rows", "missing", "share", "reason"])


def _check(
    ours: float,
    theirs: float,
    difference: float,
    interval: tuple[float, float],
    before: tuple[float, float],
    alpha: float,
) -> tuple[Check, ...]:
    apart = abs(difference) > MAX_DIFFERENCE
    beyond = interval[0] > 0 or interval[1] < 0
    gone = (
        f" Before the landmark {before[0]:.1%} of learners and {before[1]:.1%} of "
        "others had left."
        if any(before)
        else ""
    )
    return (
        Check(
            check="attrition",
            passed=not (apart and beyond),
            value=abs(difference),
            limit=MAX_DIFFERENCE,
            text=f"The outcome is missing for {ours:.1%} of learners and {theirs:.1%} "
            f"of others: a difference of {100 * difference:+.1f} points "
            f"({1 - alpha:.0%} interval {100 * interval[0]:+.1f} to "
            f"{100 * interval[1]:+.1f}).{gone}",
            advice="Read the effect with its bounds." if apart and beyond else "",
        ),
        Check(
            check="missing_outcomes",
            passed=max(ours, theirs) <= MAX_MISSING,
            value=max(ours, theirs),
            limit=MAX_MISSING,
            text="Largest share of missing outcomes in either arm.",
        ),
    )
