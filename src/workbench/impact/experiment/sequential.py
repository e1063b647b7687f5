"""Looking at a running experiment every week without being fooled by it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment

__all__ = [
    "FEWEST_PER_ARM",
    "LOOK_COLUMNS",
    "explain_no_looks",
    "find_boundary",
    "find_mixing",
    "intersect_looks",
    "tabulate_looks",
]

FloatArray = npt.NDArray[np.float64]

FEWEST_PER_ARM = 10
"""People (or clusters) of each arm from which on a look is taken."""

LOOK_COLUMNS = ("day", "n", "estimate", "low", "high", "fixed_low", "fixed_high")
"""Columns of `tabulate_looks`."""

_WEEK = pd.Timedelta(days=7)
_LEAST_PRIOR = 0.5
_TINY = 1e-9
_NO_WEDGE = (
    "Weekly looks are not offered for a stepped wedge: before the last wave has begun,"
    " effect and calendar time are told apart by a part of the clusters only, and the"
    " looks share the same people, so the looks are not steps of one growing sample."
)
_NO_CONTROL = "Weekly looks need people who were assigned to control and to treatment."
_TOO_FEW = (
    f"Weekly looks begin with {FEWEST_PER_ARM} {{unit}} of each arm whose outcome is"
    " known; there were never so many."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a look reads: one row per person, with the code of the increment."""

    outcome: FloatArray
    assigned: npt.NDArray[np.bool_]
    prior: FloatArray
    unit: npt.NDArray[np.int64]


def tabulate_looks(experiment: Experiment, *, alpha: float = 0.05) -> pd.DataFrame:
    r"""Read the difference between the arms week by week, as it became known.

    For experiments that are watched while they run. The always-valid interval holds
    at all looks together, so it may be read every week and the experiment stopped when
    it leaves zero; the ordinary interval may be read once only, at the planned end.
    The estimand is the effect of being assigned (ITT) among those whose outcome is
    known. It is causal by the random assignment, if the day on which an outcome becomes
    known does not depend on the outcome itself.

    Parameters
    ----------
    experiment : Experiment
        Individual or cluster design. Rows without ``known_on`` or ``outcome`` are left
        out. In a cluster design a cluster enters as a whole, on the day on which the
        last of its outcomes was known. The outcome is adjusted for ``prior`` (with
        an interaction, centred; unknown values take the mean) where at least half of
        the people have it.
    alpha : float
        The chance that any of the looks is wrong, at most; default 0.05.

    Returns
    -------
    DataFrame
        ``day`` (ISO date), ``n`` (people), ``estimate`` (assigned less control, the
        outcome's unit), ``low``, ``high`` (always-valid), ``fixed_low``,
        ``fixed_high`` (ordinary). One row for each seventh day since the first outcome
        on which more was known than before, and the last day. Empty where looks are
        not offered; `explain_no_looks` says why.

    Notes
    -----
    Robbins' normal mixture in the asymptotic form of [1]_: with n of m planned
    increments and :math:`r = n / m`, the interval is the estimate plus or minus

    .. math:: s_n \sqrt{\frac{r + \rho}{r} \log \frac{r + \rho}{\rho \alpha^2}}

    where :math:`s_n` is the HC2 error (by cluster: the jackknife, which is CR3) and
    :math:`\rho` makes the interval shortest at the planned sample (`find_mixing`). At
    each look the factor is then replaced by the quantile of Student's t of the same
    tail area, as the error is estimated. Increments are people, or whole clusters,
    which are independent.

    References
    ----------
    .. [1] Waudby-Smith, I., Arbour, D., Sinha, R., Kennedy, E. H. and Ramdas, A.
       (2024). Time-uniform central limit theory and asymptotic confidence sequences.
       Annals of Statistics 52, 2613-2640. doi:10.1214/24-AOS2408
    .. [2] Howard, S. R., Ramdas, A., McAuliffe, J. and Sekhon, J. (2021).
       Time-uniform, nonparametric, nonasymptotic confidence sequences. Annals of
       Statistics 49, 1055-1080. doi:10.1214/20-AOS1991
    """
    if _explain_design(experiment):
        return _tabulate([])
    known = _list_known(experiment)
    every = _read(known)
    whole = experiment.design == "cluster"
    planned = _count_planned(experiment)
    adjusted = bool(known["prior"].notna().sum() >= _LEAST_PRIOR * len(known))
    rows: list[dict[str, object]] = []
    before = 0
    for day in _list_days(known["day"]):
        seen = _cut(every, int((known["day"] <= day).sum()))
        units = int(seen.unit.max()) + 1
        if units == before or not _enough(seen):
            continue
        before = units
        found = _estimate(seen, adjusted=adjusted, whole=whole)
        if found is None:
            continue
        estimate, error, df = found
        wide = error * _correct(find_boundary(units / planned, alpha=alpha), df)
        plain = error * _quantile(1 - alpha / 2, df)
        rows.append(
            {
                "day": day.date().isoformat(),
                "n": len(seen.outcome),
                "estimate": estimate,
                "low": estimate - wide,
                "high": estimate + wide,
                "fixed_low": estimate - plain,
                "fixed_high": estimate + plain,
            }
        )
    return _tabulate(rows)


def explain_no_looks(experiment: Experiment) -> str:
    """Say why there are no weekly looks at an experiment.

    Parameters
    ----------
    experiment : Experiment
        As in `tabulate_looks`.

    Returns
    -------
    str
        A sentence; empty where `tabulate_looks` has rows.
    """
    reason = _explain_design(experiment)
    if reason or not tabulate_looks(experiment).empty:
        return reason
    unit = "clusters" if experiment.design == "cluster" else "people"
    return _TOO_FEW.format(unit=unit)


def find_boundary(share: float, *, alpha: float = 0.05) -> float:
    """Find how many standard errors an always-valid interval reaches.

    Parameters
    ----------
    share : float
        Increments known, as a share of those planned; above 0, may exceed 1.
    alpha : float
        Error over all looks together.

    Returns
    -------
    float
        The factor that takes the place of 1.96; about 3.04 at the planned sample with
        alpha 0.05.

    Examples
    --------
    >>> round(find_boundary(1.0), 4)
    3.0352
    """
    mixing = find_mixing(1.0, alpha=alpha)
    total = share + mixing
    return math.sqrt(total / share * math.log(total / (mixing * alpha**2)))


def find_mixing(planned: float, *, alpha: float = 0.05) -> float:
    """Find the mixing parameter that makes the interval short at a planned sample.

    Parameters
    ----------
    planned : float
        Intrinsic time (variance of the sum) for which to tune.
    alpha : float
        Error over all looks together.

    Returns
    -------
    float
        Howard's rho of the two-sided normal mixture.
    """
    spent = -2 * math.log(alpha)
    return planned / (spent + math.log(1 + spent))


def intersect_looks(looks: pd.DataFrame) -> tuple[float, float]:
    """Intersect the always-valid intervals of all looks.

    Parameters
    ----------
    looks : DataFrame
        From `tabulate_looks`.

    Returns
    -------
    tuple of float
        Lower and upper end: it holds a value if and only if every look holds it. The
        ends are infinite without looks, and crossed where the looks have nothing in
        common.
    """
    if looks.empty:
        return -math.inf, math.inf
    return float(looks["low"].max()), float(looks["high"].min())


def _explain_design(experiment: Experiment) -> str:
    if experiment.design == "stepped_wedge":
        return _NO_WEDGE
    assigned = experiment.frame["assigned"].astype("bool")
    return "" if assigned.any() and not assigned.all() else _NO_CONTROL


def _list_known(experiment: Experiment) -> pd.DataFrame:
    """List people whose outcome is known, in the order in which they enter."""
    frame = experiment.frame
    seen = frame["outcome"].notna() & frame["known_on"].notna()
    columns = ["outcome", "assigned", "prior", "cluster", "unit"]
    known = frame.loc[seen, columns].copy()
    known["day"] = pd.to_datetime(frame.loc[seen, "known_on"]).dt.normalize()
    if experiment.design == "cluster":
        known["day"] = known.groupby("cluster")["day"].transform("max")
    else:
        known["cluster"] = known["unit"]
    return known.sort_values(["day", "cluster", "unit"], ignore_index=True)


def _count_planned(experiment: Experiment) -> int:
    """Count the increments planned: as registered, else as assigned."""
    registered = experiment.registration
    if experiment.design == "cluster":
        assigned = int(experiment.frame["cluster"].nunique())
        return (registered and registered.clusters) or assigned
    return registered.people if registered else len(experiment.frame)


def _list_days(days: pd.Series) -> list[pd.Timestamp]:
    """List every seventh day since the first outcome was known, and the last."""
    if days.empty:
        return []
    weekly = pd.date_range(days.min(), days.max(), freq=_WEEK)
    return sorted({*weekly, days.max()})


def _read(known: pd.DataFrame) -> _Seen:
    return _Seen(
        outcome=known["outcome"].to_numpy(dtype="float64"),
        assigned=known["assigned"].to_numpy(dtype="bool"),
        prior=known["prior"].to_numpy(dtype="float64", na_value=np.nan),
        unit=pd.factorize(known["cluster"])[0].astype("int64"),
    )


def _cut(every: _Seen, size: int) -> _Seen:
    """Keep the first rows, and with them the first increments."""
    return _Seen(
        outcome=every.outcome[:size],
        assigned=every.assigned[:size],
        prior=every.prior[:size],
        unit=every.unit[:size],
    )


def _enough(seen: _Seen) -> bool:
    ours = len(np.unique(seen.unit[seen.assigned]))
    theirs = len(np.unique(seen.unit[~seen.assigned]))
    return min(ours, theirs) >= FEWEST_PER_ARM


def _estimate(
    seen: _Seen, *, adjusted: bool, whole: bool
) -> tuple[float, float, float] | None:
    """Estimate difference, error and degrees of freedom; None without any spread."""
    design = _design(seen, adjusted=adjusted)
    bread = np.linalg.pinv(design.T @ design)
    coefficients = bread @ (design.T @ seen.outcome)
    rank = design.shape[1]
    if whole:
        variance = _delete_clusters(design, seen)
        df = float(seen.unit.max() + 1 - rank)
    else:
        residual = seen.outcome - design @ coefficients
        leverage = np.sum((design @ bread) * design, axis=1)
        score = (design @ bread[:, 1]) * residual
        variance = float(np.sum(score**2 / np.maximum(1 - leverage, _TINY)))
        df = float(len(residual) - rank)
    if variance <= (_TINY * float(np.abs(seen.outcome).max())) ** 2:
        return None
    return float(coefficients[1]), math.sqrt(variance), df


def _design(seen: _Seen, *, adjusted: bool) -> FloatArray:
    """Return constant and assignment, and with the prior value its interaction too."""
    learns = seen.assigned.astype("float64")
    columns = [np.ones(len(learns)), learns]
    if adjusted and not np.isnan(seen.prior).all():
        known = np.where(np.isnan(seen.prior), np.nanmean(seen.prior), seen.prior)
        centred = known - known.mean()
        if np.ptp(known) > 0:
            columns += [centred, centred * learns]
    return np.column_stack(columns)


def _delete_clusters(design: FloatArray, seen: _Seen) -> float:
    """Estimate the variance of the effect by leaving out one cluster at a time."""
    square, cross = design.T @ design, design.T @ seen.outcome
    effects = []
    for code in range(int(seen.unit.max()) + 1):
        inside = seen.unit == code
        own = design[inside]
        rest = np.linalg.pinv(square - own.T @ own)
        effects.append(float((rest @ (cross - own.T @ seen.outcome[inside]))[1]))
    groups = len(effects)
    return (groups - 1) ** 2 / groups * float(np.var(effects, ddof=1))


def _correct(boundary: float, df: float) -> float:
    """Widen a normal factor to Student's t of the same tail area."""
    from scipy import special

    return -float(special.stdtrit(df, special.ndtr(-boundary)))


def _quantile(level: float, df: float) -> float:
    from scipy import special

    return float(special.stdtrit(df, level))


def _tabulate(rows: list[dict[str, object]]) -> pd.DataFrame:
    kinds = dict.fromkeys(LOOK_COLUMNS, "float64") | {"day": "str", "n": "int64"}
    return pd.DataFrame(rows, columns=list(LOOK_COLUMNS)).astype(kinds)
