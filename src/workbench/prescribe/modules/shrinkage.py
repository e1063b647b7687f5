"""Modules seen together: each estimate drawn towards what its programme does."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "Observed",
    "Shrunk",
    "build_prior",
    "estimate_likeness",
    "estimate_spreads",
    "shrink",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

_GRID = 80
_LIKENESS = np.linspace(0.0, 0.95, 20)
_REACH = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was estimated of the modules of one programme, for one outcome or several.

    Attributes
    ----------
    values : array of shape (estimates,)
        Effects of modules, of bundles, and of the programme as a whole.
    covariance : array of shape (estimates, estimates)
        Of their errors.
    design : array of shape (estimates, outcomes * modules)
        Which sum of module effects each estimate is of: one module has a 1, a bundle
        several, the programme the shares of learners who passed each module. The
        columns go through the modules outcome by outcome.
    """

    values: FloatArray
    covariance: FloatArray
    design: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """Effects of the modules of one programme after shrinkage.

    Attributes
    ----------
    values : array of shape (outcomes * modules,)
        Best linear unbiased predictions.
    covariance : array of shape (outcomes * modules, outcomes * modules)
        Of their errors, the estimation of the common means included.
    means : array of shape (outcomes,)
        The mean that the programme's modules have in common.
    """

    values: FloatArray
    covariance: FloatArray
    means: FloatArray


def estimate_spreads(
    groups: Mapping[str, Sequence[Observed]], *, alike: Collection[str]
) -> dict[str, float]:
    r"""Estimate how much modules of one programme differ, outcome by outcome.

    Parameters
    ----------
    groups : mapping of str to sequence of Observed
        By outcome, one per programme, all on the outcome's own scale.
    alike : collection of str
        Outcomes on one scale (thresholds): what all of them say together is where
        the estimate of each starts from.

    Returns
    -------
    dict
        Standard deviation of module effects about the mean of their programme. Where
        no two estimates bear on it, the size of the mean effect stands in.

    Notes
    -----
    The square root of the posterior mean of :math:`\tau^2`, with the restricted
    likelihood of

    .. math:: y_p \sim N(\mu_p H_p 1,\; V_p + \tau^2 H_p H_p')

    over the programmes p. First under a flat prior for every outcome; then, for the
    `alike` ones, under a half-normal prior whose root mean square is the median of the
    first. An outcome whose modules are estimated badly so borrows from the others how
    much modules differ. Unlike the estimate of largest likelihood it is never 0, which
    would claim that all modules do the same [1]_.

    References
    ----------
    .. [1] Gelman, A. (2006). Prior distributions for variance parameters in
       hierarchical models. Bayesian Analysis 1, 515-534. doi:10.1214/06-BA117A
    """
    first = {name: _average_spread(own, prior=math.inf) for name, own in groups.items()}
    usual = [size for name, size in first.items() if name in alike and size > 0]
    if not usual:
        return first
    prior = float(np.median(usual))
    return {
        name: _average_spread(own, prior=prior) if name in alike else first[name]
        for name, own in groups.items()
    }


def _average_spread(groups: Sequence[Observed], *, prior: float) -> float:
    """Return the root of the posterior mean of the squared spread on a grid."""
    told = [group for group in groups if len(group.values)]
    if not told:
        return math.nan
    largest = max(float(np.abs(_residuals(group)).max()) for group in told)
    if sum(len(group.values) - 1 for group in told) < 1:
        means = [abs(_find_mean(group)) for group in told]
        return float(np.mean(means)) if math.isinf(prior) else prior
    if largest == 0.0:
        return 0.0
    reach = _REACH * (largest if math.isinf(prior) else max(largest, 2 * prior))
    grid = reach * (np.arange(_GRID) + 0.5) / _GRID
    logs = np.array(
        [
            sum(_restricted_likelihood(group, np.eye(1) * tau**2) for group in told)
            for tau in grid
        ]
    )
    logs = logs - grid**2 / (2 * prior**2)
    chance = np.exp(logs - logs.max())
    return math.sqrt(float(chance @ grid**2 / chance.sum()))


def estimate_likeness(
    groups: Sequence[Observed],
    spreads: Sequence[FloatArray],
    alike: Sequence[BoolArray],
) -> float:
    r"""Estimate how far a module that is better for one outcome is so for others.

    Parameters
    ----------
    groups : sequence of Observed
        One per programme, over all of its outcomes.
    spreads : sequence of array of shape (outcomes,)
        From `estimate_spreads`, in the order of each programme's outcomes.
    alike : sequence of array of bool of shape (outcomes,)
        Outcomes that may go together.

    Returns
    -------
    float
        Correlation of effects, less the programme's means, between any two of them:
        from 0, the mean of its posterior under a flat prior up to 0.95.
    """
    told = [
        (group, own, which)
        for group, own, which in zip(groups, spreads, alike, strict=True)
        if len(group.values)
    ]
    logs = np.array(
        [
            sum(
                _restricted_likelihood(group, build_prior(own, which, likeness))
                for group, own, which in told
            )
            for likeness in _LIKENESS
        ]
    )
    chance = np.exp(logs - logs.max())
    return float(chance @ _LIKENESS / chance.sum())


def build_prior(spreads: FloatArray, alike: BoolArray, likeness: float) -> FloatArray:
    """Return the covariance between outcomes of a module's effects about their means.

    Parameters
    ----------
    spreads : array of shape (outcomes,)
        Standard deviations.
    alike : array of bool of shape (outcomes,)
        Outcomes between which effects go together; others stand alone.
    likeness : float
        The correlation between the former.
    """
    joined = np.outer(alike, alike) * likeness
    np.fill_diagonal(joined, 1.0)
    prior: FloatArray = joined * np.outer(spreads, spreads)
    return prior


def shrink(group: Observed, prior: FloatArray) -> Shrunk:
    r"""Predict each module's effects from all estimates of its programme.

    A module whose own effect cannot be told gets what is left of the programme's, and
    else the mean; one that was estimated badly is drawn towards it more. Where effects
    on several outcomes go together, those that are known well tell of the others.

    Parameters
    ----------
    group : Observed
        At least one estimate of every outcome.
    prior : array of shape (outcomes, outcomes)
        From `build_prior`.

    Returns
    -------
    Shrunk
        Predictions and the covariance of their errors.

    Notes
    -----
    Best linear unbiased prediction [1]_ with :math:`\theta = X \mu + \delta`,
    :math:`\delta \sim N(0, T)`, one unknown :math:`\mu` per outcome,
    :math:`y = H \theta + e`, :math:`e \sim N(0, V)`. With the weights A the errors
    have covariance :math:`A V A' + (A H - I) T (A H - I)'`. With one outcome, one
    estimate per module and equal variances it is the estimator of Morris [2]_.

    References
    ----------
    .. [1] Robinson, G. K. (1991). That BLUP is a good thing. Statistical Science 6,
       15-32. doi:10.1214/ss/1177011926
    .. [2] Morris, C. N. (1983). Parametric empirical Bayes inference. JASA 78, 47-55.
       doi:10.1080/01621459.1983.10477920

    Examples
    --------
    >>> group = Observed(
    ...     values=np.array([1.0, 3.0]), covariance=np.eye(2), design=np.eye(2)
    ... )
    >>> shrink(group, np.eye(1)).values.tolist()
    [1.5, 2.5]
    """
    spread, means = _expand(group, prior)
    inverse = np.linalg.pinv(
        group.covariance + group.design @ spread @ group.design.T, hermitian=True
    )
    common = group.design @ means
    found = np.linalg.pinv(common.T @ inverse @ common) @ common.T @ inverse
    rest = np.eye(len(group.values)) - common @ found
    weights = means @ found + spread @ group.design.T @ inverse @ rest
    off = weights @ group.design - np.eye(len(spread))
    return Shrunk(
        values=weights @ group.values,
        covariance=weights @ group.covariance @ weights.T + off @ spread @ off.T,
        means=found @ group.values,
    )


def _expand(group: Observed, prior: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the covariance of all effects, and which mean each of them has."""
    n_modules = group.design.shape[1] // len(prior)
    spread = np.kron(prior, np.eye(n_modules))
    means = np.kron(np.eye(len(prior)), np.ones((n_modules, 1)))
    return np.asarray(spread, dtype="float64"), np.asarray(means, dtype="float64")


def _find_mean(group: Observed) -> float:
    """Return the mean of the modules of one outcome, were all of them the same."""
    ones = group.design.sum(axis=1)
    both = np.column_stack([ones, group.values])
    solved = np.linalg.lstsq(group.covariance, both, rcond=None)[0]
    return float(ones @ solved[:, 1] / (ones @ solved[:, 0]))


def _residuals(group: Observed) -> FloatArray:
    """Return the residuals of estimates as effects of one module."""
    size = np.sqrt((group.design**2).sum(axis=1))
    residuals: FloatArray = (
        group.values - _find_mean(group) * group.design.sum(axis=1)
    ) / size
    return residuals


def _restricted_likelihood(group: Observed, prior: FloatArray) -> float:
    spread, means = _expand(group, prior)
    total = group.covariance + group.design @ spread @ group.design.T
    common = group.design @ means
    sign, log_size = np.linalg.slogdet(total)
    if sign <= 0:
        return -math.inf
    solved = np.linalg.solve(total, np.column_stack([common, group.values]))
    information = common.T @ solved[:, :-1]
    mean = np.linalg.lstsq(information, common.T @ solved[:, -1], rcond=None)[0]
    rest = group.values - common @ mean
    distance = float(rest @ (solved[:, -1] - solved[:, :-1] @ mean))
    size = float(log_size) + float(np.linalg.slogdet(information)[1])
    return -0.5 * (size + distance)
