"""Errors side by side where a programme was given to few teams."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import DesignError
from workbench.core.results import Check
from workbench.impact.did.changes import Changes
from workbench.impact.did.permutation import PermutationTest, permute_starts
from workbench.impact.did.two_by_two import TwoByTwo
from workbench.impact.inference import (
    FEW_CLUSTERS,
    estimate_cluster_error,
    estimate_few_cluster_error,
    regress_on_treatment,
)
from workbench.impact.wild_bootstrap import run_wild_bootstrap

__all__ = ["FEW_TREATED", "ErrorComparison", "compare_errors"]

FEW_TREATED = 5
"""Below this number of treated or control clusters no cluster error is safe."""

_HOPELESS = 2
_MOST_REDRAWN = 400
_NUMBERS = ["estimate", "std_error", "df", "p_value", "ci_low", "ci_high"]
_EMPTY: dict[str, object] = dict.fromkeys(_NUMBERS, math.nan)
_WORDS = {
    "row": "every row by itself",
    "cr1": "clustered (CR1)",
    "cr2": "clustered, CR2 with Satterthwaite",
    "wild": "wild cluster bootstrap",
    "permutation": "permutation of clusters' starts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorComparison:
    """One effect with every error that may apply.

    Attributes
    ----------
    table : DataFrame
        ``method`` (row, cr1, cr2, wild, permutation), ``label``, ``estimate``,
        ``std_error``, ``df``, ``p_value``, ``ci_low``, ``ci_high``, ``clusters``,
        ``usable`` (False where the number of clusters rules the method out),
        ``recommended``, ``note``. NaN where a method has no such number.
    recommended : str
        The method to read.
    reason : str
        Why, in one sentence.
    n_treated, n_control : int
        Clusters with learners of the compared periods, and those without.
    checks : tuple of Check
        ``few_treated_clusters`` and ``errors_agree``.
    """

    table: pd.DataFrame
    recommended: str
    reason: str
    n_treated: int
    n_control: int
    checks: tuple[Check, ...]


def compare_errors(
    panel: Panel,
    result: TwoByTwo,
    *,
    seed: int,
    alpha: float = 0.05,
    draws: int = 9999,
) -> ErrorComparison:
    """Put the errors of a two-by-two effect side by side, and say which to read.

    Parameters
    ----------
    panel : Panel
        The panel `result` comes from; errors are clustered by its widest cluster.
    result : TwoByTwo
        The effect.
    seed : int
        Of the bootstrap and of the permutations.
    alpha : float
        One less the level of the intervals.
    draws : int
        Draws of the bootstrap; the permutation takes half as many.

    Returns
    -------
    ErrorComparison
        With many clusters the clustered error is recommended; below 40, CR2 with
        Satterthwaite's degrees of freedom; with fewer than 5 treated or control
        clusters, the permutation of the clusters' starts, because errors estimated
        from so few clusters are too small and the restricted bootstrap loses its power.

    References
    ----------
    .. [1] MacKinnon, J. G. and Webb, M. D. (2018). The wild bootstrap for few (treated)
       clusters. Econometrics Journal 21, 114-135. doi:10.1111/ectj.12107
    """
    cluster = panel.clusters[-1]
    changes = result.changes
    treated, control = _count_clusters(changes, cluster)
    tested = _permute(panel, changes, cluster, seed=seed, draws=draws // 2, alpha=alpha)
    total = int(changes.frame[cluster].nunique())
    choice, reason = _recommend((treated, control, total), tested, alpha=alpha)
    rows = [
        *_list_errors(result, cluster, alpha=alpha),
        _bootstrap(result, cluster, seed=seed, draws=draws, alpha=alpha),
        _describe_permutation(tested, total),
    ]
    table = pd.DataFrame(rows)
    table.insert(1, "label", table["method"].map(_WORDS))
    few = min(treated, control)
    usable = pd.Series(True, index=table.index)
    usable[table["method"] == "row"] = cluster == "unit"
    usable[table["method"] == "cr1"] = total >= FEW_CLUSTERS
    usable[table["method"].isin(["cr2", "wild"])] = few > _HOPELESS
    usable &= table["p_value"].notna()
    table["usable"] = usable
    table["recommended"] = table["method"] == choice
    order = ["method", "label", *_NUMBERS, "clusters", "usable", "recommended", "note"]
    table = table[order]
    return ErrorComparison(
        table=table,
        recommended=choice,
        reason=reason,
        n_treated=treated,
        n_control=control,
        checks=(
            _check_few(panel, few, treated, control, reason),
            _check_agreement(panel, table, alpha=alpha),
        ),
    )


def _count_clusters(changes: Changes, cluster: str) -> tuple[int, int]:
    """Count clusters with learners in a window, and those without in some window.

    A cluster that starts later stands on both sides: it serves as control before.
    """
    has = changes.frame.groupby(["exposure", cluster])["treated"].any()
    treated = has[has].index.get_level_values(cluster).nunique()
    control = has[~has].index.get_level_values(cluster).nunique()
    return int(treated), int(control)


def _recommend(
    counts: tuple[int, int, int], tested: PermutationTest | str, *, alpha: float
) -> tuple[str, str]:
    """Choose the error from the clusters with learners, as controls, and in all."""
    treated, control, total = counts
    few = min(treated, control)
    size = f"{treated} treated and {control} control clusters"
    if total >= FEW_CLUSTERS and few >= FEW_TREATED:
        return "cr1", f"With {size} the clustered error holds."
    if few >= FEW_TREATED:
        return "cr2", (
            f"With {size}, fewer than {FEW_CLUSTERS} in all, the plain clustered error "
            "is too small; CR2 with Satterthwaite's degrees of freedom allows for it."
        )
    invalid = (
        "errors estimated by cluster are not valid"
        if few <= _HOPELESS
        else "errors estimated by cluster are doubtful"
    )
    if isinstance(tested, str):
        return "cr2", (
            f"With {size}, {invalid}, and starts cannot be exchanged ({tested}): take "
            "every interval as too narrow."
        )
    weak = (
        f" It allows {tested.assignments} assignments only, so its p-value cannot fall "
        f"below {tested.smallest_p:.2f} and no effect could be shown."
        if tested.smallest_p > alpha
        else ""
    )
    return "permutation", (
        f"With {size}, {invalid}; exchanging the clusters' starts needs no error.{weak}"
    )


def _list_errors(
    result: TwoByTwo, cluster: str, *, alpha: float
) -> list[dict[str, object]]:
    """Return rows for the error of single rows, CR1 and CR2."""
    changes = result.changes
    change = changes.frame["change"].to_numpy(dtype="float64")
    weights = changes.weigh(result.weighting)
    others = changes.others()
    fitted = regress_on_treatment(change, changes.treated, others, weights=weights)
    influence = fitted.influence[:, None]
    codes = changes.code(cluster)
    count = int(codes.max()) + 1
    row = estimate_cluster_error(
        influence, {"row": np.arange(len(change))}, n_params=fitted.n_params
    )
    cr1 = estimate_cluster_error(influence, {cluster: codes}, n_params=fitted.n_params)
    errors = [
        ("row", math.sqrt(row.covariance[0, 0]), float(len(change) - fitted.n_params)),
        ("cr1", math.sqrt(cr1.covariance[0, 0]), cr1.df),
    ]
    note = ""
    try:
        found = estimate_few_cluster_error(
            change, changes.treated, others, cluster=codes, weights=weights
        )
    except (ValueError, np.linalg.LinAlgError):
        found, note = (math.nan, math.nan), "cannot be computed for these clusters"
    errors.append(("cr2", *found))
    rows = []
    for method, error, df in errors:
        low, high, p_value = _interval(fitted.effect, error, df, alpha=alpha)
        rows.append(
            {
                "method": method,
                "estimate": fitted.effect,
                "std_error": error,
                "df": df,
                "p_value": p_value,
                "ci_low": low,
                "ci_high": high,
                "clusters": len(change) if method == "row" else count,
                "note": note if method == "cr2" else "",
            }
        )
    return rows


def _interval(
    value: float, error: float, df: float, *, alpha: float
) -> tuple[float, float, float]:
    from scipy.stats import t

    if not (math.isfinite(error) and math.isfinite(df) and error > 0 and df > 0):
        return math.nan, math.nan, math.nan
    half = float(t.ppf(1 - alpha / 2, df)) * error
    return value - half, value + half, float(2 * t.sf(abs(value) / error, df))


def _bootstrap(
    result: TwoByTwo, cluster: str, *, seed: int, draws: int, alpha: float
) -> dict[str, object]:
    """Return the row of the bootstrap, empty where clusters are too many to need it."""
    changes = result.changes
    codes = changes.code(cluster)
    clusters = int(codes.max()) + 1
    row = _EMPTY | {"method": "wild", "clusters": clusters}
    if clusters > _MOST_REDRAWN:
        return row | {"note": f"not needed with {clusters} clusters"}
    wild = run_wild_bootstrap(
        changes.frame["change"].to_numpy(dtype="float64"),
        changes.treated,
        changes.others(),
        cluster=codes,
        weights=changes.weigh(result.weighting),
        seed=seed,
        draws=draws,
        alpha=alpha,
    )
    kind = "all" if wild.listed else "random"
    return row | {
        "estimate": result.effect.value,
        "p_value": wild.p_value,
        "ci_low": wild.ci_low,
        "ci_high": wild.ci_high,
        "note": f"{wild.draws} {kind} draws, {wild.law} weights",
    }


def _permute(
    panel: Panel, changes: Changes, cluster: str, *, seed: int, draws: int, alpha: float
) -> PermutationTest | str:
    """Return the test, or why there is none."""
    if cluster == "unit":
        return "people chose to start one by one"
    try:
        return permute_starts(
            panel,
            changes.windows,
            cluster=cluster,
            seed=seed,
            draws=draws,
            alpha=alpha,
        )
    except DesignError:
        return "no cluster waits while another starts"


def _describe_permutation(
    tested: PermutationTest | str, clusters: int
) -> dict[str, object]:
    row = _EMPTY | {"method": "permutation", "clusters": clusters}
    if isinstance(tested, str):
        return row | {"note": tested}
    kind = "all" if tested.listed else "a random part of"
    return row | {
        "estimate": tested.estimate,
        "p_value": tested.p_value,
        "ci_low": tested.ci_low,
        "ci_high": tested.ci_high,
        "note": f"{kind} {tested.assignments} assignments; effect of the cluster's "
        f"start, {tested.compliance:.0%} of whose people learnt then",
    }


def _check_few(
    panel: Panel, few: int, treated: int, control: int, reason: str
) -> Check:
    return Check(
        check="few_treated_clusters",
        passed=few >= FEW_TREATED,
        value=float(few),
        limit=float(FEW_TREATED),
        program=panel.program.id,
        outcome=panel.outcome.id,
        text=f"{treated} clusters with learners are compared with {control} without. "
        f"{reason}",
        advice="let more teams start, at different times, chosen by lot",
    )


def _check_agreement(panel: Panel, table: pd.DataFrame, *, alpha: float) -> Check:
    """Report whether the usable methods draw the same conclusion."""
    usable = table[table["usable"]]
    if len(usable) < 2:
        return Check(
            check="errors_agree",
            passed=None,
            program=panel.program.id,
            outcome=panel.outcome.id,
            text="Fewer than two methods can be used with these clusters.",
        )
    shown = usable["p_value"] < alpha
    agree = bool(shown.all() or not shown.any())
    words = "; ".join(
        f"{label}: p {p_value:.3f}"
        for label, p_value in zip(usable["label"], usable["p_value"], strict=True)
    )
    return Check(
        check="errors_agree",
        passed=agree,
        value=float(usable["p_value"].max()),
        limit=alpha,
        program=panel.program.id,
        outcome=panel.outcome.id,
        text=f"The methods {'agree' if agree else 'disagree'} at {1 - alpha:.0%}: "
        f"{words}.",
        advice="read the most careful one" if not agree else "",
    )
