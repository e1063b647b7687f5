"""The error that an experiment will have, by its design."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from workbench.core.errors import DesignError, ParamError
from workbench.impact.experiment.power import Precision

__all__ = [
    "dilute_effect",
    "expect_cluster",
    "expect_individual",
    "expect_wedge",
    "find_binary_spread",
    "plan_waves",
]

FloatArray = npt.NDArray[np.float64]


def expect_individual(
    *,
    sd: float,
    treated: float,
    control: float,
    sd_treated: float | None = None,
    correlation: float = 0.0,
) -> Precision:
    r"""Expect the error where people are drawn one by one.

    Parameters
    ----------
    sd : float
        Standard deviation of the outcome, of control where `sd_treated` is given.
    treated, control : float
        People whose outcome will be known.
    sd_treated : float, optional
        Of the treated; the same by default.
    correlation : float
        Of the outcome with the value before, where the analysis adjusts for it; the
        variance falls to :math:`1 - r^2` of it.

    Returns
    -------
    Precision
        With n - 2 degrees of freedom, two fewer with adjustment (interactions).
    """
    other = sd if sd_treated is None else sd_treated
    left = 1 - correlation**2
    variance = left * (other**2 / treated + sd**2 / control)
    df = treated + control - (4 if correlation else 2)
    return Precision(std_error=math.sqrt(variance), df=df)


def expect_cluster(
    *,
    sd: float,
    treated: float,
    control: float,
    size: float,
    icc: float,
    size_cv: float = 0.0,
    sd_treated: float | None = None,
    weighting: Literal["people", "efficient"] = "people",
) -> Precision:
    r"""Expect the error where whole clusters are drawn.

    Parameters
    ----------
    sd : float
        Standard deviation of the outcome over people; after adjustment, that of the
        residuals.
    treated, control : float
        Clusters.
    size : float
        Mean number of people per cluster whose outcome will be known.
    icc : float
        Intracluster correlation, 0 to 1.
    size_cv : float
        Coefficient of variation of the cluster sizes.
    sd_treated : float, optional
        Of the treated; the same by default.
    weighting : {"people", "efficient"}
        ``people`` where each person counts the same, as in a difference of means;
        ``efficient`` where a mixed model weighs clusters.

    Returns
    -------
    Precision
        With clusters - 2 degrees of freedom.

    Notes
    -----
    The design effect is :math:`1 + ((1 + c^2) m - 1) \rho` [1]_ for ``people`` and
    :math:`(1 + (m - 1) \rho) / (1 - c^2 \lambda (1 - \lambda))`, with
    :math:`\lambda = m \rho / (m \rho + 1 - \rho)`, for ``efficient`` [2]_.

    References
    ----------
    .. [1] Eldridge, S. M., Ashby, D. and Kerry, S. (2006). Sample size for cluster
       randomized trials. International Journal of Epidemiology 35, 1292-1300.
       doi:10.1093/ije/dyl129
    .. [2] van Breukelen, G. J. P., Candel, M. J. J. M. and Berger, M. P. F. (2007).
       Relative efficiency of unequal versus equal cluster sizes. Statistics in
       Medicine 26, 2589-2603. doi:10.1002/sim.2740
    """
    if not 0 <= icc <= 1:
        raise ParamError.build("An ICC lies between 0 and 1", got=icc)
    if weighting == "people":
        inflation = 1 + ((1 + size_cv**2) * size - 1) * icc
    else:
        part = size * icc / (size * icc + 1 - icc)
        inflation = (1 + (size - 1) * icc) / (1 - size_cv**2 * part * (1 - part))
    other = sd if sd_treated is None else sd_treated
    variance = inflation / size * (other**2 / treated + sd**2 / control)
    return Precision(std_error=math.sqrt(variance), df=treated + control - 2)


def expect_wedge(
    *,
    sd: float,
    starts: Sequence[int],
    periods: int,
    size: float,
    icc: float,
    cluster_autocorrelation: float = 1.0,
    person_autocorrelation: float = 0.0,
    weighting: Literal["people", "efficient"] = "people",
) -> Precision:
    r"""Expect the error of a stepped wedge.

    Parameters
    ----------
    sd : float
        Standard deviation of the outcome over people in one period.
    starts : sequence of int
        First exposed period of each cluster, from 1; 0 for never.
    periods : int
        Number of periods.
    size : float
        People per cluster and period.
    icc : float
        Correlation of two people of one cluster in one period.
    cluster_autocorrelation : float
        Share of it that is left in different periods; 1 is Hussey and Hughes' model.
    person_autocorrelation : float
        Correlation of one person's own part over periods; 0 if others are measured
        each time.
    weighting : {"people", "efficient"}
        ``people`` for effects of clusters and periods by least squares, as the
        analysis has them; ``efficient`` for generalised least squares, as of a mixed
        model whose correlations are known.

    Returns
    -------
    Precision
        With clusters - 2 degrees of freedom.

    Notes
    -----
    ``efficient`` is the variance of Hussey and Hughes [1]_, with the correlations of
    [2]_; ``people`` is :math:`\sum_c x_c' V x_c / (\sum_c x_c' x_c)^2`, where
    :math:`x_c` is exposure less the means of its cluster and its period.

    References
    ----------
    .. [1] Hussey, M. A. and Hughes, J. P. (2007). Design and analysis of stepped wedge
       cluster randomized trials. Contemporary Clinical Trials 28, 182-191.
       doi:10.1016/j.cct.2006.05.007
    .. [2] Hooper, R., Teerenstra, S., de Hoop, E. and Eldridge, S. (2016). Sample size
       calculation for stepped wedge and other longitudinal cluster randomised trials.
       Statistics in Medicine 35, 4718-4728. doi:10.1002/sim.7028
    """
    same, own = np.ones((periods, periods)), np.eye(periods)
    between = icc * (
        cluster_autocorrelation * same + (1 - cluster_autocorrelation) * own
    )
    within = (person_autocorrelation * same + (1 - person_autocorrelation) * own) * (
        (1 - icc) / size
    )
    spread = sd**2 * (between + within)
    if weighting == "people":
        return _expect_within(spread, starts)
    weight = np.linalg.inv(spread)
    information = np.zeros((periods + 1, periods + 1))
    for start in starts:
        exposed = (np.arange(1, periods + 1) >= start) & (start > 0)
        design = np.column_stack([own, exposed.astype("float64")])
        information += design.T @ weight @ design
    left = information[-1, -1] - information[-1, :-1] @ np.linalg.solve(
        information[:-1, :-1], information[:-1, -1]
    )
    if left <= 1e-9 * information[-1, -1]:
        raise _refuse_wedge(starts)
    return Precision(std_error=float(left) ** -0.5, df=len(starts) - 2)


def _expect_within(spread: FloatArray, starts: Sequence[int]) -> Precision:
    """Expect the error of least squares with effects of clusters and periods."""
    begins = np.array(starts)[:, None]
    time = np.arange(1, len(spread) + 1)[None, :]
    exposed = ((time >= begins) & (begins > 0)).astype("float64")
    own = exposed - exposed.mean(axis=1, keepdims=True)
    own = own - own.mean(axis=0)
    left = float((own**2).sum())
    if left <= 1e-9 * exposed.size:
        raise _refuse_wedge(starts)
    variance = float(((own @ spread) * own).sum()) / left**2
    return Precision(std_error=math.sqrt(variance), df=len(starts) - 2)


def _refuse_wedge(starts: Sequence[int]) -> DesignError:
    return DesignError.build(
        "Exposure cannot be told from calendar time",
        where="stepped wedge",
        rule="at least two waves that begin in different periods",
        got=list(starts),
    )


def plan_waves(clusters: int, waves: int) -> tuple[list[int], int]:
    """Plan a stepped wedge in which all begin as control and one wave starts a period.

    Parameters
    ----------
    clusters : int
        At least as many as waves.
    waves : int
        At least 2.

    Returns
    -------
    tuple of (list of int, int)
        First exposed period of each cluster, and the number of periods.
    """
    if waves < 2 or clusters < waves:
        raise DesignError.build(
            "A stepped wedge needs at least two waves, and a cluster in each",
            got=f"{clusters} clusters in {waves} waves",
        )
    return [2 + number % waves for number in range(clusters)], waves + 1


def find_binary_spread(baseline: float, effect: float) -> tuple[float, float]:
    """Find the standard deviations of a yes/no outcome in both arms.

    Parameters
    ----------
    baseline : float
        Share without the programme.
    effect : float
        Difference of the shares.

    Returns
    -------
    tuple of float
        Of control and of the treated.

    Raises
    ------
    DesignError
        If the share with the programme would not lie between 0 and 1.
    """
    reached = baseline + effect
    if not (0 < baseline < 1 and 0 <= reached <= 1):
        raise DesignError.build(
            "A share cannot change by so much",
            rule="both shares lie between 0 and 1",
            got=f"from {baseline:g} to {reached:g}",
            hint="plan for a smaller effect",
        )
    return math.sqrt(baseline * (1 - baseline)), math.sqrt(reached * (1 - reached))


def dilute_effect(effect: float, *, taken: float, taken_control: float = 0.0) -> float:
    """Turn the effect of taking part into the effect of the offer.

    Parameters
    ----------
    effect : float
        Effect on those who complete the programme.
    taken, taken_control : float
        Shares who complete it among those offered it and among control.

    Returns
    -------
    float
        The intention-to-treat effect.

    Raises
    ------
    DesignError
        If those offered it do not take it more often than control.
    """
    if not taken > taken_control:
        raise DesignError.build(
            "An experiment in which the offer changes nothing cannot show an effect",
            rule="more of those offered the programme complete it than of control",
            got=f"{taken:.0%} and {taken_control:.0%}",
        )
    return effect * (taken - taken_control)
