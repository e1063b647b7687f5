"""The partial likelihood of Cox's model solved, with refusals that say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ConvergenceError, NoVariationError, ParamError
from workbench.impact.survival.efron import (
    EventSteps,
    Moments,
    build_event_steps,
    sum_moments,
)

__all__ = ["CoxModel", "solve_cox"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST_STEPS = 40
_SMALLEST_STEP = 1e-9
_COLLINEAR = 1e-9
_LARGEST = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxModel:
    """A solved partial likelihood, for tests on it.

    Attributes
    ----------
    names : tuple of str
        The k terms in the model.
    dropped : tuple of str
        Terms left out, with the reason.
    used : array of bool
        Rows in the model: those with a weight above 0.
    steps : EventSteps
        Of the rows used.
    scaled : array of shape (rows used, k)
        Covariates with mean 0 and standard deviation 1.
    scale : array of shape (k,)
        The standard deviations.
    moments : Moments
        At the estimate, on the scale of `scaled`.
    coef : array of shape (k,)
        Log hazard ratios per unit of the covariates as given.
    """

    names: tuple[str, ...]
    dropped: tuple[str, ...]
    used: BoolArray
    steps: EventSteps
    scaled: FloatArray
    scale: FloatArray
    moments: Moments
    coef: FloatArray


def solve_cox(
    duration: FloatArray,
    event: BoolArray,
    covariates: FloatArray,
    *,
    names: Sequence[str],
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
    weights: FloatArray | None = None,
    required: Sequence[str] | None = None,
) -> CoxModel:
    """Solve the partial likelihood; parameters and errors as in `fit_cox`."""
    cases = np.ones(len(duration)) if weights is None else weights
    _check_rows(duration, event, covariates, names, entry, cases)
    used = cases > 0
    rows = covariates[used]
    if not event[used].any():
        raise NoVariationError.build(
            "The event happened to nobody, so hazards cannot be compared",
            hint="follow people for longer",
        )
    demanded = tuple(names) if required is None else tuple(required)
    kept, dropped = _choose_terms(rows, event[used], names, demanded)
    centred = rows[:, kept] - rows[:, kept].mean(axis=0)
    scale = centred.std(axis=0)
    scaled = centred / scale
    steps = build_event_steps(
        duration[used],
        event[used],
        weights=cases[used],
        entry=None if entry is None else entry[used],
        strata=None if strata is None else strata[used],
    )
    terms = tuple(names[position] for position in kept)
    coef, moments = _climb(steps, scaled, terms)
    return CoxModel(
        names=terms,
        dropped=dropped,
        used=used,
        steps=steps,
        scaled=scaled,
        scale=scale,
        moments=moments,
        coef=coef / scale,
    )


def _check_rows(
    duration: FloatArray,
    event: BoolArray,
    covariates: FloatArray,
    names: Sequence[str],
    entry: FloatArray | None,
    weights: FloatArray,
) -> None:
    faults = []
    if covariates.shape != (len(duration), len(names)):
        faults.append(f"{covariates.shape} covariates for {len(names)} names")
    if len(event) != len(duration) or len(weights) != len(duration):
        faults.append("events, weights and durations differ in number")
    if not np.isfinite(duration).all() or not np.isfinite(covariates).all():
        faults.append("a duration or covariate is missing")
    if entry is not None and not (entry < duration).all():
        faults.append("a row enters when or after it ends")
    if not (weights >= 0).all():
        faults.append("a weight is below 0 or missing")
    if faults:
        raise ParamError.build("Hazards cannot be compared", got=faults)


def _choose_terms(
    covariates: FloatArray,
    event: BoolArray,
    names: Sequence[str],
    required: Sequence[str],
) -> tuple[list[int], tuple[str, ...]]:
    """Return the terms that can be estimated, and the others with the reason."""
    kept: list[int] = []
    dropped = []
    centred = covariates - covariates.mean(axis=0)
    products = centred.T @ centred
    for position, name in enumerate(names):
        column = covariates[:, position]
        reason = _find_fault(column, event)
        if not reason and kept:
            inner = products[np.ix_(kept, kept)]
            across = products[kept, position]
            rest = products[position, position] - across @ np.linalg.solve(
                inner, across
            )
            follows = rest <= _COLLINEAR * products[position, position]
            reason = "follows from terms before it" if follows else ""
        if reason and name in required:
            raise NoVariationError.build(
                f"The hazard ratio of {name} cannot be estimated", got=reason
            )
        if reason:
            dropped.append(f"{name}: {reason}")
        else:
            kept.append(position)
    return kept, tuple(dropped)


def _find_fault(column: FloatArray, event: BoolArray) -> str:
    """Tell why a column says nothing, or everything, about the event."""
    low, high = column.min(), column.max()
    if high - low <= _COLLINEAR * max(abs(low), abs(high)):
        return "has one value only"
    upper = column == high
    if not (upper | (column == low)).all():
        return ""
    for value, rows in ((low, ~upper), (high, upper)):
        if not event[rows].any():
            return f"no event where it is {value:g}"
    return ""


def _climb(
    steps: EventSteps, covariates: FloatArray, names: Sequence[str]
) -> tuple[FloatArray, Moments]:
    """Find the maximum of the partial likelihood by Newton's method."""
    coef = np.zeros(covariates.shape[1])
    moments = sum_moments(steps, covariates, coef)
    for _ in range(_MOST_STEPS):
        move = _solve(moments, names)
        tried = sum_moments(steps, covariates, coef + move)
        slack = 1e-10 * abs(moments.log_likelihood)
        while not tried.log_likelihood >= moments.log_likelihood - slack:
            move = move / 2
            if np.abs(move).max() < _SMALLEST_STEP:
                break
            tried = sum_moments(steps, covariates, coef + move)
        coef = coef + move
        moments = tried
        if np.abs(coef).max() > _LARGEST:
            raise _refuse_separation(names[int(np.abs(coef).argmax())])
        if np.abs(move).max() < _SMALLEST_STEP:
            return coef, moments
    raise _refuse_separation(names[int(np.abs(coef).argmax())])


def _refuse_separation(name: str) -> ConvergenceError:
    return ConvergenceError.build(
        f"The hazard ratio of {name} grows without bound",
        hint="it may tell exactly who has the event; leave it out",
    )


def _solve(moments: Moments, names: Sequence[str]) -> FloatArray:
    """Return Newton's step; refuse information that is not positive."""
    values, vectors = np.linalg.eigh(moments.information)
    if not values[0] > _COLLINEAR * max(values[-1], 1e-300):
        worst = names[int(np.abs(vectors[:, 0]).argmax())]
        raise ConvergenceError.build(
            f"The data say nothing about the hazard ratio of {worst}",
            hint="it may be constant among those at risk; leave it out",
        )
    step: FloatArray = vectors @ ((vectors.T @ moments.score) / values)
    return step
