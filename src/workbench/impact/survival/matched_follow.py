"""Matched people followed over time: pseudo-outcomes, effects and curves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from workbench.cohorts.follow_frames import FollowUp
from workbench.core.errors import DesignError
from workbench.impact.comparison import Comparison
from workbench.impact.effects import DAYS, Effect, describe_unit
from workbench.impact.errors_by_design import make_cluster_effect
from workbench.impact.matched import estimate_matched
from workbench.impact.sample import Sample
from workbench.impact.survival.influence import (
    influence_incidence,
    influence_restricted_mean,
)

__all__ = [
    "HEADLINE",
    "Followed",
    "estimate_first_detail",
    "estimate_followed",
    "estimate_naive_follow",
    "find_reach",
    "follow_matched",
    "make_pseudo_outcomes",
    "stays",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

HEADLINE = "km"


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The rows of a matched comparison with what happened to them.

    Attributes
    ----------
    sample : Sample
        The rows; its outcome only tells that they were followed.
    compared : Comparison
        Who is compared with whom.
    duration, cause, elapsed : array
        As in `FollowUp`, one value per row of the sample.
    weight : array of float
        Weight in the matched comparison; 0 for the unmatched.
    horizon : int
        Days from the landmark.
    in_days : bool
        Whether the outcome is a time (restricted mean) and not a share.
    kept : bool
        Whether the outcome is the share to whom the event did not happen.
    detail : array of int or None
        Finer cause, numbered like `details`; None where none is known.
    details : tuple of str
        As in `FollowUp`.
    """

    sample: Sample
    compared: Comparison
    duration: FloatArray
    cause: IntArray
    elapsed: FloatArray
    weight: FloatArray
    horizon: int
    in_days: bool
    kept: bool
    detail: IntArray | None = None
    details: tuple[str, ...] = ()

    def arm(self, *, treated: bool) -> BoolArray:
        """Mark the matched rows of one arm."""
        side = self.sample.treated if treated else ~self.sample.treated
        rows: BoolArray = side & (self.weight > 0)
        return rows


def stays(follow: FollowUp) -> bool:
    """Tell whether the outcome is that the event of interest does not happen."""
    return follow.cohort.outcome.source.startswith("exits.")


def follow_matched(
    follow: FollowUp, compared: Comparison, *, min_group: int
) -> Followed:
    """Take up what happened to the people of a matched comparison.

    Parameters
    ----------
    follow : FollowUp
        The cohort that was compared.
    compared : Comparison
        From `compare_groups` on its cohort.
    min_group : int
        Fewest people of an arm still followed at the horizon.

    Raises
    ------
    DesignError
        If fewer than `min_group` people of an arm were followed to the horizon: the
        share there could not be told.
    """
    frame = compared.sample.frame
    made = Followed(
        sample=compared.sample,
        compared=compared,
        duration=frame["duration"].to_numpy(dtype="float64"),
        cause=frame["cause"].to_numpy(dtype="int64"),
        elapsed=frame["elapsed"].to_numpy(dtype="float64"),
        weight=np.asarray(compared.matches.weights, dtype="float64"),
        horizon=follow.horizon,
        in_days=describe_unit(follow.cohort.outcome) == DAYS,
        kept=stays(follow),
        detail=frame["detail"].to_numpy(dtype="int64") if follow.details else None,
        details=follow.details,
    )
    _require_follow_up(made, follow, min_group)
    return made


def estimate_followed(
    followed: Followed,
    *,
    covariates: FloatArray | None,
    measure: str | None = None,
    method: str = HEADLINE,
) -> Effect:
    r"""Compare matched learners and others at the horizon.

    The estimand is the average effect on matched learners on the share at the horizon
    (risk difference), or on the mean days up to it (restricted mean survival time). It
    is causal if, given the covariates, learning was as good as random, and if who was
    followed for less time is like who was followed for longer.

    Parameters
    ----------
    followed : Followed
        The comparison.
    covariates : array of shape (rows, terms) or None
        Adjust what matching left over by a regression on these; None for the plain
        difference of the two curves.
    measure : {"share", "days"} or None
        What is compared; by default the outcome's own.
    method : str
        Name of the effect.

    Returns
    -------
    Effect
        Estimand ``RD`` or ``RMST_DIFF``.

    Notes
    -----
    Pseudo-observations [1]_ in their infinitesimal form, made within either arm, so
    that censoring may differ between arms:
    :math:`\hat\theta_a + (W_a / w_i)\,\psi_i` with the influence :math:`\psi_i` of a
    row on its arm's curve. Their weighted mean is the arm's estimate, so the plain
    difference is that of the curves; the regression on them takes the errors of a
    matched comparison, by matched set, person and team, which allow for pairs and for
    people in several trials. An arm in which the event happened to nobody, or to
    everybody, shows no spread of its own: :math:`2/n^2` of its n people, with which
    the interval reaches as far as the rule of three, is added to the variance (times
    the horizon squared for days).

    References
    ----------
    .. [1] Andersen, P. K. and Perme, M. P. (2010). Pseudo-observations in survival
       analysis. Statistical Methods in Medical Research 19, 71-99.
       doi:10.1177/0962280209105020
    """
    days = followed.in_days if measure is None else measure == "days"
    outcome = make_pseudo_outcomes(followed, days=days)
    sample = replace(followed.sample, outcome=outcome)
    found = estimate_matched(
        sample,
        followed.compared.matches,
        covariates=covariates,
        score=followed.compared.scores.logit,
        error="auto",
    )
    found = _widen(found, followed, days=days)
    return replace(found, method=method, estimand="RMST_DIFF" if days else "RD")


def make_pseudo_outcomes(followed: Followed, *, days: bool) -> FloatArray:
    """Return what each matched row stands for in its arm's share or mean days.

    Parameters
    ----------
    followed : Followed
        The comparison.
    days : bool
        Whether mean days up to the horizon are compared, or shares at it.

    Returns
    -------
    array
        Ordinary outcomes, whose weighted mean over an arm is its estimate; 0 for rows
        that are not matched. Single values may lie outside 0 to 1. Where the outcome
        is a time, the mean days that had passed for learners at the landmark are part
        of it in both arms: no effect changes, but shares are of the whole time.
    """
    outcome = np.zeros(len(followed.duration))
    passed = 0.0
    if days and followed.in_days:
        passed = float(followed.elapsed[followed.arm(treated=True)].mean())
    for treated in (True, False):
        rows = followed.arm(treated=treated)
        weight = followed.weight[rows]
        value, influence = _estimate_arm(followed, rows, days=days, weight=weight)
        outcome[rows] = passed + value + influence * weight.sum() / weight
    return outcome


def estimate_first_detail(
    followed: Followed, *, covariates: FloatArray | None, method: str
) -> Effect | None:
    """Compare the shares to whom the first of the finer causes did not happen.

    Every other cause competes with it, also those that were not judged.

    Parameters
    ----------
    followed : Followed
        The comparison.
    covariates : array or None
        As in `estimate_followed`.
    method : str
        Name of the effect.

    Returns
    -------
    Effect or None
        Positive if it happens to fewer learners; None where no finer cause is known.
    """
    if followed.detail is None:
        return None
    own = replace(followed, cause=followed.detail, kept=True)
    return estimate_followed(own, covariates=covariates, method=method)


def estimate_naive_follow(followed: Followed) -> Effect:
    """Compare all learners with all others at the horizon, without adjustment."""
    sample = followed.sample
    total = np.zeros((len(sample.treated), 2))
    values = {}
    for treated in (True, False):
        rows = sample.treated if treated else ~sample.treated
        value, influence = _estimate_arm(followed, rows, days=followed.in_days)
        values[treated] = value
        total[rows, 0] = influence if treated else -influence
        if not treated:
            total[rows, 1] = influence
    effect = make_cluster_effect(
        method="naive",
        estimand="ASSOCIATION",
        value=values[True] - values[False],
        baseline=values[False],
        influence=total,
        clusters=sample.clusters,
        counts=(
            sample.count_units(sample.treated),
            sample.count_units(~sample.treated),
        ),
        n_params=2,
    )
    if followed.in_days:
        mean = float(followed.elapsed[sample.treated].mean())
        return replace(effect, baseline=effect.baseline + mean)
    return effect


def find_reach(followed: Followed, *, shift: FloatArray | float = 0.0) -> float:
    """Return how far means can be taken in both arms: the horizon, or less.

    Once the event has happened to everybody still there, the curve is 0 for good.

    Parameters
    ----------
    followed : Followed
        The comparison.
    shift : array or float
        Days added to each row's duration, where the clock starts elsewhere.
    """
    reach = float(followed.horizon)
    ends = followed.duration + shift
    for treated in (True, False):
        rows = followed.arm(treated=treated)
        last = float(ends[rows].max())
        done = bool((followed.cause[rows] == 1)[ends[rows] == last].all())
        if not done:
            reach = min(reach, last)
    return reach


def _widen(effect: Effect, followed: Followed, *, days: bool) -> Effect:
    """Add what an arm without events, or without anything else, cannot show itself."""
    extra = {True: 0.0, False: 0.0}
    for treated in extra:
        rows = followed.arm(treated=treated)
        ends = followed.duration[rows]
        happened = (followed.cause[rows] == 1) & (ends <= followed.horizon)
        if not happened.any() or happened.all():
            told = followed.sample.count_units(
                np.flatnonzero(rows)[_reach(followed, rows)]
            )
            extra[treated] = 2.0 / max(told, 1) ** 2
            if days:
                extra[treated] *= float(followed.horizon) ** 2
    if not any(extra.values()):
        return effect
    return replace(
        effect,
        std_error=math.sqrt(effect.std_error**2 + sum(extra.values())),
        baseline_variance=effect.baseline_variance + extra[False],
        covariance=effect.covariance - extra[False],
        error=f"{effect.error}, and a rule of three for an arm without events",
    )


def _estimate_arm(
    followed: Followed, rows: BoolArray, *, days: bool, weight: FloatArray | None = None
) -> tuple[float, FloatArray]:
    """Return an arm's share or mean days at the horizon, with the rows' influence."""
    duration, cause = followed.duration[rows], followed.cause[rows]
    if days:
        tau = find_reach(followed)
        return influence_restricted_mean(duration, cause == 1, tau, weights=weight)
    value, influence = influence_incidence(
        duration, cause, float(followed.horizon), weights=weight
    )
    return (1 - value, -influence) if followed.kept else (value, influence)


def _reach(followed: Followed, rows: BoolArray) -> BoolArray:
    """Mark, among some rows, those whose share or days at the horizon are known."""
    duration, cause = followed.duration[rows], followed.cause[rows]
    known: BoolArray = duration >= followed.horizon
    over = cause > 0
    if followed.in_days or (known | over).all():
        known = known | over
    return known


def _require_follow_up(followed: Followed, follow: FollowUp, min_group: int) -> None:
    short: list[str] = []
    for treated, name in ((True, "learners"), (False, "others")):
        rows = followed.arm(treated=treated)
        who = np.flatnonzero(rows)[_reach(followed, rows)]
        if followed.sample.count_units(who) < min_group:
            short.append(name)
    if short:
        longest = int(followed.duration[followed.weight > 0].max())
        raise DesignError.build(
            f"Too few people have been followed for {followed.horizon} days",
            where=f"{follow.cohort.persona}, {follow.cohort.outcome.id}",
            rule=f"at least {min_group} in either arm",
            got=f"too few {' and '.join(short)}; the longest follow-up is "
            f"{longest} days",
            hint="wait for a later quarter, or shorten horizon_days in outcomes.yml",
        )
