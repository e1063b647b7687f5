"""Whether the sides were alike before, as a draw leaves them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.results import Check
from workbench.impact.design_matrix import build_design
from workbench.impact.experiment.drawn import Drawn, read_drawn
from workbench.impact.experiment.randomisation import iterate_redraws
from workbench.impact.experiment.randomised import PRIOR, measure_error

__all__ = ["BASELINE_COLUMNS", "Baseline", "compare_baseline"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

BASELINE_COLUMNS = ("term", "smd", "p_value", "mean_treatment", "mean_control")

_LIMIT = 0.01
_DRAWS = 999
_MOST_CELLS = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What was known before, by side.

    Attributes
    ----------
    table : DataFrame
        `BASELINE_COLUMNS`: standardised by the root of the mean of both variances;
        numbers of rare levels are missing.
    p_value : float
        Of all terms at once; NaN where there are none.
    check : Check
        ``baseline_balance`` (advisory).
    """

    table: pd.DataFrame
    p_value: float
    check: Check


def compare_baseline(
    experiment: Experiment, *, min_group: int = 10, seed: int
) -> Baseline:
    r"""Compare what was known before the draw between the sides, all terms at once.

    A draw leaves differences, and one in twenty terms differs at the 5 % level, so
    single p-values decide nothing: the joint test asks whether the whole looks drawn.

    Parameters
    ----------
    experiment : Experiment
        Individual or cluster design; everybody assigned.
    min_group : int
        Levels of a category with fewer people on a side have no numbers.
    seed : int
        Of the redraws for clusters.

    Returns
    -------
    Baseline
        The check fails below p 0.01.

    Notes
    -----
    People: Hotelling's :math:`T^2` of the differences of means, as an F test. Clusters:
    the sum of squared standardised differences against 999 repetitions of the draw,
    which holds with more terms than clusters.

    References
    ----------
    .. [1] Hansen, B. B. and Bowers, J. (2008). Covariate balance in simple, stratified
       and clustered comparative studies. Statistical Science 23, 219-236.
       doi:10.1214/08-STS254
    """
    drawn = read_drawn(experiment, everybody=True)
    names = [PRIOR, *(n for n in experiment.covariates if n != PRIOR)]
    design = build_design(drawn.frame, covariates=names, min_level=min_group)
    terms = design.terms
    if terms.columns.empty or min(drawn.units) < 2:
        return _tell_nothing()
    rows = [
        _compare(drawn, terms[name].to_numpy(dtype="float64"), str(name), min_group)
        for name in terms.columns
    ]
    values = terms[design.names].to_numpy(dtype="float64")
    if drawn.whole:
        p_value, how = _redraw(drawn, values, seed), "by repeating the draw"
    else:
        p_value, how = _test_jointly(drawn.assigned, values), "Hotelling's test"
    table = pd.DataFrame(rows, columns=list(BASELINE_COLUMNS))
    return Baseline(table=table, p_value=p_value, check=_check(table, p_value, how))


def _compare(
    drawn: Drawn, values: FloatArray, name: str, min_group: int
) -> dict[str, object]:
    from scipy.special import stdtr

    ours, theirs = values[drawn.assigned], values[~drawn.assigned]
    rare = bool(np.isin(values, (0.0, 1.0)).all()) and any(
        0 < count < min_group
        for side in (ours, theirs)
        for count in (side.sum(), len(side) - side.sum())
    )
    nothing = math.nan
    if rare:
        return {
            "term": name,
            "smd": nothing,
            "p_value": nothing,
            "mean_treatment": nothing,
            "mean_control": nothing,
        }
    gap, error, df, _ = measure_error(drawn, values)
    spread = math.sqrt(
        (float(np.var(ours, ddof=1)) + float(np.var(theirs, ddof=1))) / 2
    )
    p_value = 2 * float(stdtr(df, -abs(gap) / error)) if error > 0 else 1.0
    return {
        "term": name,
        "smd": gap / spread if spread > 0 else nothing,
        "p_value": p_value,
        "mean_treatment": float(ours.mean()),
        "mean_control": float(theirs.mean()),
    }


def _test_jointly(assigned: BoolArray, values: FloatArray) -> float:
    """Return the p-value of Hotelling's test; NaN with too few people."""
    from scipy.special import fdtrc

    centred = values - values.mean(axis=0)
    rank = int(np.linalg.matrix_rank(centred))
    freedom = len(assigned) - rank - 1
    if rank == 0 or freedom < 1:
        return math.nan
    side = assigned - assigned.mean()
    solved = np.linalg.lstsq(centred, side, rcond=None)[0]
    fitted = centred @ solved
    explained = float(fitted @ fitted)
    rest = max(float(side @ side) - explained, 1e-300)
    return float(fdtrc(rank, freedom, explained / rank / (rest / freedom)))


def _redraw(drawn: Drawn, values: FloatArray, seed: int) -> float:
    """Return the share of redraws that leave the sides as different."""
    scale = values.std(axis=0)
    scaled = values[:, scale > 0] / scale[scale > 0]
    if scaled.shape[1] == 0:
        return math.nan
    draws = int(min(_DRAWS, max(_MOST_CELLS // len(scaled), 199)))
    own = _sum_gaps(drawn.assigned[None, :], scaled)[0]
    found = np.concatenate(
        [
            _sum_gaps(redrawn, scaled)
            for redrawn in iterate_redraws(drawn, seed=seed, draws=draws)
        ]
    )
    return float((1 + (found >= own * (1 - 1e-9)).sum()) / (1 + len(found)))


def _sum_gaps(assigned: BoolArray, scaled: FloatArray) -> FloatArray:
    chosen = assigned.astype("float64")
    heads = chosen.sum(axis=1, keepdims=True)
    ours = chosen @ scaled
    gaps = ours / heads - (scaled.sum(axis=0) - ours) / (chosen.shape[1] - heads)
    return np.asarray((gaps**2).sum(axis=1), dtype="float64")


def _tell_nothing() -> Baseline:
    return Baseline(
        table=pd.DataFrame(columns=list(BASELINE_COLUMNS)),
        p_value=math.nan,
        check=Check(
            check="baseline_balance",
            passed=None,
            text="Nothing that was known before varies, so nothing can be compared.",
        ),
    )


def _check(table: pd.DataFrame, p_value: float, how: str) -> Check:
    if math.isnan(p_value):
        return Check(
            check="baseline_balance",
            passed=None,
            text="There are too few people for a joint test of what was known before.",
        )
    fine = p_value >= _LIMIT
    sizes = table["smd"].abs()
    largest = (
        f" The largest difference, {sizes.max():.2f} standard deviations, is in "
        f"{table.loc[sizes.idxmax(), 'term']}."
        if sizes.notna().any()
        else ""
    )
    return Check(
        check="baseline_balance",
        passed=fine,
        value=p_value,
        limit=_LIMIT,
        text=f"What was known before {'looks' if fine else 'does not look'} as a draw "
        f"leaves it (joint test of {len(table)} terms, {how}, p {p_value:.2g})."
        + largest,
        advice=""
        if fine
        else "Check how people were assigned; read the adjusted "
        "effect beside the plain one.",
    )
