"""All programmes seen together: shrunk effects with their joint covariance."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.inference import estimate_cluster_error
from workbench.prescribe.modules.analysis import ProgrammeAnalysis
from workbench.prescribe.modules.outcome import OutcomeEffects
from workbench.prescribe.modules.shrinkage import (
    Observed,
    build_prior,
    estimate_likeness,
    estimate_spreads,
    shrink,
)
from workbench.prescribe.modules.values import ModuleValues

__all__ = ["COARSE", "Pooled", "pool_programmes"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

COARSE = 3.0
"""An outcome counts nothing in impacts whose module effects have a median error of
more thresholds than this, unless a weight was declared for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Module values of every programme, and what they were made of.

    Attributes
    ----------
    values : tuple of ModuleValues
        In the order of the programmes.
    spreads : dict
        By outcome: how much modules of one programme differ, in thresholds.
    likeness : float
        How far a module that is better for one outcome is so for others.
    alike : frozenset of str
        Outcomes that count in an impact, and between which this holds.
    coarse : dict
        By outcome that is left out of impacts: the median error, in thresholds.
    """

    values: tuple[ModuleValues, ...]
    spreads: dict[str, float]
    likeness: float
    alike: frozenset[str]
    coarse: dict[str, float]


def pool_programmes(
    analyses: Sequence[ProgrammeAnalysis],
    *,
    weights: Mapping[str, float],
    alpha: float,
) -> Pooled:
    """Shrink the modules of all programmes, all outcomes together.

    Parameters
    ----------
    analyses : sequence of ProgrammeAnalysis
        Of every persona and programme.
    weights : mapping of str to float
        Declared weights of outcomes in the impact; 1 where none is.
    alpha : float
        One less the level of intervals.
    """
    covariances = [_find_covariance(item) for item in analyses]
    damped = [_damp(item, own) for item, own in zip(analyses, covariances, strict=True)]
    coarse = _find_coarse(analyses, weights)
    groups: dict[str, list[Observed]] = {}
    alike: set[str] = set()
    for item, covariance in zip(analyses, damped, strict=True):
        for at, found in enumerate(item.outcomes):
            group = _observe(item, [at], covariance, alpha)
            groups.setdefault(found.outcome.id, []).append(group)
            if found.counts and found.outcome.id not in coarse:
                alike.add(found.outcome.id)
    spreads = estimate_spreads(groups, alike=alike)
    stacked = [
        _stack(item, covariance, spreads, alike, alpha)
        for item, covariance in zip(analyses, damped, strict=True)
    ]
    likeness = estimate_likeness(
        [item.observed for item in stacked],
        [item.spreads for item in stacked],
        [item.alike for item in stacked],
    )
    values = tuple(
        _assemble(item, own, covariance, likeness, coarse, weights, alpha)
        for item, own, covariance in zip(analyses, stacked, covariances, strict=True)
    )
    return Pooled(
        values=values,
        spreads=spreads,
        likeness=likeness,
        alike=frozenset(alike),
        coarse=coarse,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stacked:
    """All outcomes of one programme of which something was estimated."""

    told: tuple[int, ...]
    observed: Observed
    spreads: FloatArray
    alike: BoolArray


def _stack(
    analysis: ProgrammeAnalysis,
    covariance: FloatArray,
    spreads: Mapping[str, float],
    alike: Collection[str],
    alpha: float,
) -> _Stacked:
    told = [at for at in range(len(analysis.outcomes)) if _find_told(analysis, at)]
    names = [analysis.outcomes[at].outcome.id for at in told]
    return _Stacked(
        told=tuple(told),
        observed=_observe(analysis, told, covariance, alpha),
        spreads=np.array([spreads[name] for name in names]),
        alike=np.array([name in alike for name in names], dtype=bool),
    )


def _find_covariance(analysis: ProgrammeAnalysis) -> FloatArray:
    if not analysis.outcomes:
        return np.zeros((0, 0))
    return estimate_cluster_error(analysis.influence, analysis.clusters).covariance


def _damp(analysis: ProgrammeAnalysis, covariance: FloatArray) -> FloatArray:
    """Draw covariances of estimates, not their variances, towards 0.

    Few clusters tell little of how many estimates go together.
    """
    groups = min(
        (len(np.unique(item)) for item in analysis.clusters.values()), default=0
    )
    size = len(covariance)
    damped: FloatArray = covariance * (groups / max(groups + size, 1))
    np.fill_diagonal(damped, np.diag(covariance))
    return damped


def _find_told(analysis: ProgrammeAnalysis, at: int) -> list[int]:
    """Return the steps of an outcome's estimates that exist: 0 is the programme."""
    found = analysis.outcomes[at]
    told = [step + 1 for step, item in enumerate(found.effects) if item is not None]
    return told if found.programme is None else [0, *told]


def _locate(analysis: ProgrammeAnalysis, at: int) -> list[int]:
    width = 1 + len(analysis.uptake.parts)
    return [at * width + step for step in _find_told(analysis, at)]


def _observe(
    analysis: ProgrammeAnalysis,
    told: Sequence[int],
    covariance: FloatArray,
    alpha: float,
) -> Observed:
    """Collect the estimates of some outcomes, in thresholds."""
    n_modules = len(analysis.uptake.n_passed)
    rows, values, wider = [], [], []
    places: list[int] = []
    for position, at in enumerate(told):
        found = analysis.outcomes[at]
        for step in _find_told(analysis, at):
            item = found.effects[step - 1] if step else found.programme
            if item is None:
                continue
            row = np.zeros((len(told), n_modules))
            if step:
                row[position, list(analysis.uptake.parts[step - 1].columns)] = 1.0
            else:
                row[position] = analysis.uptake.shares
            rows.append(row.ravel())
            values.append(item.value / found.scale)
            wider.append(_widen(item.df, alpha))
        places += _locate(analysis, at)
    return Observed(
        values=np.asarray(values, dtype="float64"),
        covariance=covariance[np.ix_(places, places)] * np.outer(wider, wider),
        design=np.asarray(rows).reshape(len(rows), len(told) * n_modules),
    )


def _widen(df: float, alpha: float) -> float:
    """Return the factor by which t intervals are wider than normal ones."""
    from scipy.special import ndtri, stdtrit

    return float(stdtrit(df, 1 - alpha / 2) / ndtri(1 - alpha / 2))


def _find_coarse(
    analyses: Sequence[ProgrammeAnalysis], weights: Mapping[str, float]
) -> dict[str, float]:
    """Find outcomes too coarse to tell modules apart; only errors are looked at."""
    errors: dict[str, list[float]] = {}
    for analysis in analyses:
        for found in analysis.outcomes:
            if found.counts and found.outcome.id not in weights:
                own = [item for item in found.effects if item is not None]
                errors.setdefault(found.outcome.id, []).extend(
                    item.std_error / abs(found.scale) for item in own
                )
    medians = {name: float(np.median(own)) for name, own in errors.items() if own}
    return {name: size for name, size in medians.items() if size > COARSE}


def _weigh(
    found: OutcomeEffects, coarse: Mapping[str, float], weights: Mapping[str, float]
) -> float:
    if not found.counts or found.outcome.id in coarse:
        return 0.0
    return float(weights.get(found.outcome.id, 1.0))


def _assemble(
    analysis: ProgrammeAnalysis,
    stacked: _Stacked,
    covariance: FloatArray,
    likeness: float,
    coarse: Mapping[str, float],
    weights: Mapping[str, float],
    alpha: float,
) -> ModuleValues:
    chosen = [analysis.outcomes[at] for at in stacked.told]
    program = analysis.records.program
    shape = (len(chosen), len(program.courses))
    effects, joint = np.zeros(shape), np.zeros((0, 0))
    if chosen:
        prior = build_prior(stacked.spreads, stacked.alike, likeness)
        shrunk = shrink(stacked.observed, prior)
        effects, joint = shrunk.values.reshape(shape), shrunk.covariance
    raw, raw_joint, raw_df = _place_raw(analysis, stacked.told, covariance)
    return ModuleValues(
        persona=analysis.records.persona,
        program=program.id,
        modules=program.courses,
        outcomes=tuple(item.outcome.id for item in chosen),
        at_least=program.complete.at_least,
        shares=analysis.uptake.shares,
        weights=np.array([_weigh(item, coarse, weights) for item in chosen]),
        scales=np.array([item.scale for item in chosen]),
        effects=effects,
        covariance=joint,
        raw=raw,
        raw_covariance=raw_joint,
        raw_df=raw_df,
        programme=np.array(
            [
                math.nan
                if item.programme is None
                else item.programme.value / item.scale
                for item in chosen
            ]
        ),
        programme_error=np.array(
            [
                math.nan
                if item.programme is None
                else item.programme.std_error / abs(item.scale)
                for item in chosen
            ]
        ),
        identified=np.array(analysis.uptake.identified),
        alpha=alpha,
        rows=_name_rows(analysis, stacked.told),
    )


def _place_raw(
    analysis: ProgrammeAnalysis, told: Sequence[int], covariance: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Put the estimates of single modules at their places; NaN elsewhere."""
    n_modules = len(analysis.uptake.n_passed)
    raw = np.full((len(told), n_modules), np.nan)
    df = np.full((len(told), n_modules), np.nan)
    width = 1 + len(analysis.uptake.parts)
    sources = np.full(len(told) * n_modules, -1)
    for position, at in enumerate(told):
        found = analysis.outcomes[at]
        for step, part in enumerate(analysis.uptake.parts):
            item = found.effects[step]
            if item is None or part.bundled:
                continue
            column = part.columns[0]
            raw[position, column] = item.value / found.scale
            df[position, column] = item.df
            sources[position * n_modules + column] = at * width + step + 1
    joint = np.full((len(sources), len(sources)), np.nan)
    own = np.flatnonzero(sources >= 0)
    joint[np.ix_(own, own)] = covariance[np.ix_(sources[own], sources[own])]
    return raw, joint, df


def _name_rows(analysis: ProgrammeAnalysis, told: Sequence[int]) -> pd.DataFrame:
    width = 1 + len(analysis.uptake.parts)
    modules = analysis.records.program.courses
    columns = {}
    for at in told:
        outcome = analysis.outcomes[at].outcome.id
        columns[f"{outcome}:programme"] = analysis.influence[:, at * width]
        for step, part in enumerate(analysis.uptake.parts, start=1):
            name = "+".join(modules[column] for column in part.columns)
            columns[f"{outcome}:{name}"] = analysis.influence[:, at * width + step]
    return pd.concat(
        [analysis.rows, pd.DataFrame(columns, index=analysis.rows.index)], axis=1
    )
