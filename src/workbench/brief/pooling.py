"""One effect for all personas: a mean over learners, with honest errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.brief.formatting import is_missing

__all__ = ["CARRYING_SHARE", "Pooled", "pool_effects"]

CARRYING_SHARE = 0.10
"""Share of the learners from which a persona's evidence grade counts for a card."""

_Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A mean effect on learners over personas, on the natural and relative scale."""

    effect: float
    std_error: float
    ci_low: float
    ci_high: float
    p_value: float
    baseline: float
    relative: float
    relative_low: float
    relative_high: float
    naive: float
    evidence: int | None
    n_treated: int
    n_control: int
    personas: tuple[str, ...]


def pool_effects(rows: pd.DataFrame) -> Pooled:
    r"""Average effects over personas, weighted by learners.

    The estimand is the mean effect on the treated over all learners analysed. Somebody
    who learnt two programmes counts in each.

    Parameters
    ----------
    rows : DataFrame
        One answered estimate per persona and programme, same outcome and unit:
        ``estimate``, ``std_error``, ``ci_low``, ``ci_high``, ``p_value``, ``baseline``,
        ``relative_effect``, ``relative_ci_low``, ``relative_ci_high``, ``naive``,
        ``n_treated``, ``n_control``, ``evidence``, ``label``.

    Returns
    -------
    Pooled
        A single row is returned as it is, with its own interval. ``evidence`` is the
        lowest grade among rows that carry at least `CARRYING_SHARE` of the learners;
        it is missing where one of these has none.

    Notes
    -----
    Personas are disjoint groups of people, so errors are taken as independent:

    .. math:: \hat\theta = \sum_i w_i \hat\theta_i,\quad
              SE^2 = \sum_i w_i^2 SE_i^2,\quad w_i = n_i / \sum_j n_j

    The relative effect is :math:`\hat\theta / \sum_i w_i b_i`, a mean of the
    relative effects :math:`r_i` with weights
    :math:`v_i = w_i b_i / \sum_j w_j b_j`; its error is
    :math:`\sqrt{\sum_i v_i^2 SE(r_i)^2}` (delta method; the weights :math:`v_i` are
    taken as known). :math:`SE(r_i)` is read from the interval of :math:`r_i`, or is
    :math:`SE_i / |b_i|` where there is none.
    """
    counts = rows["n_treated"].to_numpy(dtype=float)
    weights = counts / counts.sum()
    effect = float(weights @ _numbers(rows, "estimate"))
    error = float(np.sqrt(weights**2 @ _numbers(rows, "std_error") ** 2))
    low, high, p_value = _interval(rows, effect, error)
    baselines = _numbers(rows, "baseline")
    baseline = float(weights @ baselines)
    relative, relative_low, relative_high = _relative(rows, weights, baselines, effect)
    return Pooled(
        effect=effect,
        std_error=error,
        ci_low=low,
        ci_high=high,
        p_value=p_value,
        baseline=baseline,
        relative=relative,
        relative_low=relative_low,
        relative_high=relative_high,
        naive=float(weights @ _numbers(rows, "naive")),
        evidence=_carried_grade(rows, weights),
        n_treated=int(counts.sum()),
        n_control=int(_numbers(rows, "n_control").sum()),
        personas=tuple(dict.fromkeys(rows["label"])),
    )


def _interval(
    rows: pd.DataFrame, effect: float, error: float
) -> tuple[float, float, float]:
    """Return interval and p-value: a single row's own, else by the normal law."""
    from scipy.stats import norm

    if len(rows) == 1:
        first = rows.iloc[0]
        return float(first["ci_low"]), float(first["ci_high"]), float(first["p_value"])
    level = float(_numbers(rows, "ci_level").min())
    reach = float(norm.ppf(0.5 + level / 2)) * error
    p_value = 2 * float(norm.sf(abs(effect) / error)) if error > 0 else math.nan
    return effect - reach, effect + reach, p_value


def _relative(
    rows: pd.DataFrame, weights: _Numbers, baselines: _Numbers, effect: float
) -> tuple[float, float, float]:
    """Return the pooled relative effect with its interval; see `pool_effects`."""
    from scipy.stats import norm

    baseline = float(weights @ baselines)
    if is_missing(baseline) or baseline == 0:
        return math.nan, math.nan, math.nan
    if len(rows) == 1:
        first = rows.iloc[0][["relative_effect", "relative_ci_low", "relative_ci_high"]]
        if not any(is_missing(item) for item in first):
            return float(first.iloc[0]), float(first.iloc[1]), float(first.iloc[2])
    level = float(_numbers(rows, "ci_level").min())
    reach = float(norm.ppf(0.5 + level / 2))
    widths = _numbers(rows, "relative_ci_high") - _numbers(rows, "relative_ci_low")
    plain = _numbers(rows, "std_error") / np.abs(baselines)
    errors = np.where(np.isfinite(widths), widths / (2 * reach), plain)
    shares = weights * baselines / baseline
    half = reach * float(np.sqrt(shares**2 @ errors**2))
    relative = effect / baseline
    return relative, relative - half, relative + half


def _carried_grade(rows: pd.DataFrame, weights: _Numbers) -> int | None:
    """Return the lowest grade among rows that carry the number."""
    carrying = rows[weights >= min(CARRYING_SHARE, weights.max())]
    grades = pd.to_numeric(carrying["evidence"])
    return None if grades.isna().any() else int(grades.min())


def _numbers(rows: pd.DataFrame, column: str) -> _Numbers:
    """Return a column as floats, missing ones as NaN."""
    values: _Numbers = rows[column].to_numpy(dtype=float, na_value=math.nan)
    return values
