"""Effects by the groups of one attribute, and the differences between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import NoVariationError, TooFewUnitsError
from workbench.impact.comparison import Weighted
from workbench.impact.effects import Effect
from workbench.impact.groups.subgroup_cells import (
    NOT_RECORDED,
    count_cells,
    hide_cells,
    label_groups,
)
from workbench.impact.groups.subgroup_regression import (
    Contrast,
    GroupRegression,
    fit_groups,
    measure_equality,
)
from workbench.impact.inference import estimate_cluster_error

__all__ = [
    "METHOD",
    "AttributeEffects",
    "compare_attribute",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

METHOD = "psm_nn_subgroup"

_POWER = 0.8
_TENS = 10.0
_COUNTS = ("n_treated", "n_control")
_GIVES_AWAY = "Not shown: with the total it would give a smaller group away."
_UNSIZED = "Its size is not shown, since it would give that of smaller groups away."
_ONE_CLUSTER = "All its people share one cluster, so no error can be estimated."


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeEffects:
    """What one attribute contributes to `Subgroups`.

    Attributes
    ----------
    effects : mapping of (str, str) to Effect
        By attribute and group.
    table, differences : list of dict
        Rows of `Subgroups.table` and `Subgroups.differences`.
    joint : tuple
        A row of `Subgroups.joint`.
    """

    effects: Mapping[tuple[str, str], Effect]
    table: list[dict[str, object]]
    differences: list[dict[str, object]]
    joint: tuple[str, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The matched rows, by group."""

    rows: IntArray
    codes: IntArray
    treated: BoolArray
    weights: FloatArray
    sets: IntArray
    names: list[str]
    counts: pd.DataFrame
    cells: pd.DataFrame


def compare_attribute(
    compared: Weighted,
    name: str,
    covariates: FloatArray,
    *,
    alpha: float,
    min_group: int,
) -> AttributeEffects:
    """Estimate the effects by the groups of one attribute; see `estimate_subgroups`.

    Parameters
    ----------
    compared : Weighted
        The rows, matched or drawn by lot.
    name : str
        Column to group by.
    covariates : array of shape (rows, terms)
        Of every row of the sample.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Fewest people in either arm of a group that is shown.

    Returns
    -------
    AttributeEffects
        Suppressed groups enter the regression, but nothing of theirs is returned; of
        groups whose size is kept back, neither counts nor baseline.
    """
    data = _take_rows(compared, name, min_group)
    both = data.counts.index[data.counts.min(axis=1) > 0].to_numpy()
    notes = _write_notes(data, min_group)
    fit = None
    if len(both):
        try:
            fit = _fit(compared, data, covariates, both)
        except (NoVariationError, TooFewUnitsError) as error:
            text = str(error).splitlines()[0].rstrip(".") + "."
            notes = {group: notes.get(group, text) for group in data.counts.index}
    contrasts: dict[int, Contrast] = {}
    places = {group: place for place, group in enumerate(both.tolist())}
    for group in data.counts.index:
        if fit is not None and group not in notes:
            found = _coarsen(fit.effect(places[group]), data, [group])
            if found.n_clusters > 1:
                contrasts[group] = found
            else:
                notes[group] = _ONE_CLUSTER
    differences: list[dict[str, object]] = []
    joint = (name, math.nan, math.nan, math.nan, math.nan)
    if fit is not None and len(contrasts) > 1:
        differences, joint = _compare_groups(
            fit, data, name, list(contrasts), places, alpha
        )
    effects = {
        (name, data.names[group]): _make_effect(
            fit,
            places[group],
            found,
            data.counts.loc[group],
            unsized=bool(data.cells.loc[group, "unsized"]),
        )
        for group, found in contrasts.items()
        if fit is not None
    }
    return AttributeEffects(
        effects=effects,
        table=_list_groups(data, name, contrasts, notes, alpha),
        differences=differences,
        joint=joint,
    )


def _take_rows(compared: Weighted, name: str, min_group: int) -> _Rows:
    sample, pairs = compared.sample, compared.matches.pairs
    rows = pairs["row"].to_numpy(dtype="int64")
    codes, names = label_groups(sample.frame[name])
    counts = count_cells(
        codes[rows],
        sample.treated[rows],
        sample.clusters["unit"][rows],
        n_groups=len(names),
    )
    return _Rows(
        rows=rows,
        codes=codes[rows],
        treated=sample.treated[rows],
        weights=pairs["weight"].to_numpy(dtype="float64"),
        sets=pairs["set"].to_numpy(dtype="int64"),
        names=names,
        counts=counts,
        cells=hide_cells(counts, min_group=min_group),
    )


def _write_notes(data: _Rows, min_group: int) -> dict[int, str]:
    """Say of each suppressed group why it is not shown."""
    few = (data.counts.min(axis=1) < min_group).to_numpy()
    small = f"Fewer than {min_group} people among its learners or others."
    return {
        group: small if few[group] else _GIVES_AWAY
        for group in data.cells.index[data.cells["suppressed"]].tolist()
    }


def _fit(
    compared: Weighted, data: _Rows, covariates: FloatArray, both: IntArray
) -> GroupRegression:
    """Regress in the rows of groups that hold learners and others."""
    sample, kept = compared.sample, np.isin(data.codes, both)
    used = data.rows[kept]
    clusters = {"matched set": data.sets[kept]}
    for key, values in sample.clusters.items():
        clusters["person" if key == "unit" else key] = values[used]
    return fit_groups(
        sample.outcome[used],
        data.treated[kept],
        covariates[used],
        codes=np.searchsorted(both, data.codes[kept]),
        weights=data.weights[kept],
        clusters={
            key: np.unique(values, return_inverse=True)[1]
            for key, values in clusters.items()
        },
    )


def _make_effect(
    fit: GroupRegression,
    place: int,
    found: Contrast,
    counts: pd.Series,
    *,
    unsized: bool,
) -> Effect:
    """Complete an effect with its baseline, unless its size is kept back.

    Baseline and effect sum to the plain mean of the learners, which with the total and
    the sizes would tell the mean of a small group.
    """
    ours = (fit.codes == place) & fit.treated
    level = float(fit.outcome[ours].mean())
    mean = np.where(ours, fit.outcome - level, 0.0) / int(ours.sum())
    own = fit.influence[:, place]
    shared = estimate_cluster_error(
        np.column_stack([own, mean - own]), fit.clusters, n_params=fit.n_params
    ).covariance
    return Effect(
        method=METHOD,
        estimand="ATT",
        value=found.value,
        std_error=found.std_error,
        df=found.df,
        baseline=math.nan if unsized else level - found.value,
        baseline_variance=float(shared[1, 1]),
        covariance=float(shared[0, 1]),
        n_treated=0 if unsized else int(counts["n_treated"]),
        n_control=0 if unsized else int(counts["n_control"]),
        n_clusters=0 if unsized else found.n_clusters,
        error="clustered" if unsized else found.error,
        plain_error=found.plain_error,
    )


def _compare_groups(
    fit: GroupRegression,
    data: _Rows,
    name: str,
    shown: list[int],
    places: Mapping[int, int],
    alpha: float,
) -> tuple[list[dict[str, object]], tuple[str, float, float, float, float]]:
    """Compare every group shown with the largest, and all at once."""
    reference = _choose_reference(data, shown)
    others = [group for group in shown if group != reference]
    gaps = [
        _coarsen(
            fit.difference(places[group], places[reference]), data, [group, reference]
        )
        for group in others
    ]
    rows: list[dict[str, object]] = [
        {
            "attribute": name,
            "group": data.names[group],
            "reference": data.names[reference],
            **_write_numbers(gap, "difference", alpha),
            "p_adjusted": math.nan,
            "detectable": _measure_power(gap, alpha),
        }
        for group, gap in zip(others, gaps, strict=True)
    ]
    covariance = fit.covariance([places[group] for group in others], places[reference])
    statistic, freedom, p_value = measure_equality(gaps, covariance)
    return rows, (name, statistic, float(len(others)), freedom, p_value)


def _coarsen(found: Contrast, data: _Rows, groups: Sequence[int]) -> Contrast:
    """Round degrees of freedom down to tens where they would tell a size."""
    if found.df < _TENS or not data.cells.loc[list(groups), "unsized"].any():
        return found
    return replace(found, df=_TENS * math.floor(found.df / _TENS))


def _choose_reference(data: _Rows, shown: list[int]) -> int:
    """Choose the largest group; people without a record only if there is no other."""
    recorded = [group for group in shown if data.names[group] != NOT_RECORDED]
    sizes = data.counts.loc[recorded].sum(axis=1)
    return int(sizes.index[int(sizes.to_numpy().argmax())])


def _list_groups(
    data: _Rows,
    name: str,
    contrasts: Mapping[int, Contrast],
    notes: Mapping[int, str],
    alpha: float,
) -> list[dict[str, object]]:
    rows = []
    for group, label in enumerate(data.names):
        row: dict[str, object] = {
            "attribute": name,
            "group": label,
            "suppressed": bool(data.cells.loc[group, "suppressed"]),
            "note": notes.get(group, ""),
        }
        if data.cells.loc[group, "unsized"]:
            row["note"] = row["note"] or _UNSIZED
        else:
            row |= {key: int(data.counts.loc[group, key]) for key in _COUNTS}
        if group in contrasts:
            row |= _write_numbers(contrasts[group], "estimate", alpha)
        rows.append(row)
    return rows


def _write_numbers(found: Contrast, value: str, alpha: float) -> dict[str, object]:
    from scipy.stats import t

    half = float(t.ppf(1 - alpha / 2, found.df)) * found.std_error
    size = abs(found.value) / found.std_error if found.std_error else math.inf
    return {
        value: found.value,
        "std_error": found.std_error,
        "df": found.df,
        "ci_low": found.value - half,
        "ci_high": found.value + half,
        "p_value": float(2 * t.sf(size, found.df)),
    }


def _measure_power(found: Contrast, alpha: float) -> float:
    """Return the difference that would be found with 80 % power."""
    from scipy.stats import norm, t

    quantile = float(t.ppf(1 - alpha / 2, found.df)) + float(norm.ppf(_POWER))
    return quantile * found.std_error
