"""The same effects from the library diff-diff, so that each is computed twice."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import ContractError, DesignError
from workbench.core.results import Check
from workbench.impact.did.cells import Base, Control
from workbench.impact.did.doubly_robust import Method
from workbench.impact.did.group_time import GroupTime, build_terms

__all__ = ["EngineResult", "check_against_engine", "fit_engine"]

_SAME = 1e-6
"""Largest difference of two computations of the same formula, per unit of spread."""

_CLOSE = 0.1
"""Largest difference, in standard errors, where the formulas differ by a weight."""

_CONTROL = {"not_yet": "not_yet_treated", "never": "never_treated"}
_NO_CLIP = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineResult:
    """Effects as the library reports them.

    Attributes
    ----------
    table : DataFrame
        ``group``, ``period``, ``att``, ``std_error``; cells without an estimate and
        reference cells are left out.
    value, std_error : float
        Average of all effects since exposure, weighted by group.
    """

    table: pd.DataFrame
    value: float
    std_error: float


def fit_engine(
    panel: Panel,
    *,
    method: Method = "dr",
    control: Control = "not_yet",
    anticipation: int = 0,
    base: Base = "varying",
    covariates: Sequence[str] | None = None,
) -> EngineResult:
    """Estimate group-time effects with diff-diff.

    Parameters
    ----------
    panel : Panel
        As for `estimate_group_time`.
    method, control, anticipation, base, covariates
        As there.

    Returns
    -------
    EngineResult
        Errors by person without a small-sample factor, or by team with G/(G - 1).

    Raises
    ------
    ContractError
        If the panel holds what the library would accept in silence and get wrong:
        first treatment missing or changing within a person, periods that are no whole
        numbers, people twice in a period.
    DesignError
        If the library refuses the panel.
    """
    os.environ.setdefault("DIFF_DIFF_BACKEND", "python")
    from diff_diff import CallawaySantAnna

    names = list(panel.covariates if covariates is None else covariates)
    terms, _ = build_terms(panel, names)
    terms.columns = [f"term_{place}" for place in range(terms.shape[1])]
    cluster = panel.clusters[-1]
    columns = ["unit", "period", "outcome", "first_treat"]
    frame = panel.frame[list(dict.fromkeys([*columns, cluster]))]
    _refuse_traps(frame, where=panel.persona)
    frame = frame.join(terms, on="unit").reset_index(drop=True)
    frame["unit"] = pd.factorize(frame["unit"], sort=True)[0]
    by_team = cluster != "unit"
    if by_team:
        frame[cluster] = pd.factorize(frame[cluster], use_na_sentinel=False)[0]
    model = CallawaySantAnna(
        control_group=_CONTROL[control],
        estimation_method=method,
        anticipation=anticipation,
        base_period=base,
        cluster=cluster if by_team else None,
        pscore_trim=_NO_CLIP,
        n_bootstrap=0,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = model.fit(
                frame,
                outcome="outcome",
                unit="unit",
                time="period",
                first_treat="first_treat",
                covariates=list(terms.columns) or None,
            )
    except (ValueError, np.linalg.LinAlgError) as error:
        raise DesignError.build(
            "diff-diff cannot estimate this panel", where=panel.persona, got=str(error)
        ) from error
    table = found.to_dataframe("group_time").rename(
        columns={"time": "period", "effect": "att", "se": "std_error"}
    )
    table = table.loc[table["std_error"].notna()]
    table = table[["group", "period", "att", "std_error"]]
    return EngineResult(
        table=table.astype({"group": "int64", "period": "int64"}).reset_index(
            drop=True
        ),
        value=float(found.overall_att),
        std_error=float(found.overall_se),
    )


def check_against_engine(panel: Panel, group_time: GroupTime) -> Check:
    """Check that a second program finds the same effects.

    Parameters
    ----------
    panel : Panel
        The panel behind `group_time`.
    group_time : GroupTime
        Own estimates; the library is run with the same options.

    Returns
    -------
    Check
        Advisory. ``value`` is the largest difference between effects: in units of
        the outcome's standard deviation, limit 1e-6, where both use one formula; in
        standard errors, limit 0.1, for the doubly robust method with covariates,
        since the library does not normalise the weights of the others and ours, like
        R's did and DRDID, are. Fails also if a cell of ours is missing there. Cells in
        which others were trimmed or learners lack support follow rules that the
        library does not have, and are left out.

    Notes
    -----
    Standard errors by person have the same convention in both unless ours are made
    with `small_sample`; by team both have G/(G - 1). The text gives their difference,
    which does not decide.
    """
    engine = fit_engine(
        panel,
        method=group_time.method,
        control=group_time.control,
        anticipation=group_time.anticipation,
        base=group_time.base,
        covariates=group_time.covariates,
    )
    table = group_time.table
    own_rule = (table["trimmed"] > 0) | (table["unsupported"] > 0)
    ours = table.loc[~(table["reference"] | own_rule)]
    if ours.empty:
        return Check(
            check="computed_twice",
            passed=None,
            text="No effect follows the same rules in diff-diff: others without weight "
            "or learners unlike all others are in each of them.",
        )
    both = ours.merge(
        engine.table, on=["group", "period"], how="left", suffixes=("", "_engine")
    )
    gap = (both["att"] - both["att_engine"]).abs()
    weighted = group_time.method == "dr" and bool(group_time.covariates)
    if weighted:
        scale, limit, unit = both["std_error"], _CLOSE, "standard errors"
    else:
        spread = float(np.nanstd(group_time.outcomes)) or 1.0
        scale, limit, unit = pd.Series(spread, index=both.index), _SAME, "deviations"
    missing = int(both["att_engine"].isna().sum())
    largest = float((gap / scale.where(scale > 0, 1.0)).max())
    errors = (both["std_error_engine"] / both["std_error"] - 1).abs()
    passed = missing == 0 and largest <= limit
    return Check(
        check="computed_twice",
        passed=passed,
        value=largest,
        limit=limit,
        text=f"{len(both) - missing} of {len(both)} effects by group and quarter were "
        f"computed again with diff-diff; they differ by at most {largest:.2g} {unit} "
        f"(limit {limit:g}), their errors by at most {errors.max():.2g} of their size.",
        advice="" if passed else "One of two programs errs: do not publish the effect.",
    )


def _refuse_traps(frame: pd.DataFrame, *, where: str) -> None:
    faults = []
    if frame.isna().any().any():
        gaps = frame.columns[frame.isna().any()]
        faults += [f"{name} is missing" for name in gaps if name != "team"]
    for name in ("period", "first_treat"):
        if not pd.api.types.is_integer_dtype(frame[name]):
            faults.append(f"{name} is no whole number")
    if frame.groupby("unit")["first_treat"].nunique(dropna=False).gt(1).any():
        faults.append("first_treat changes within a person")
    if frame.duplicated(["unit", "period"]).any():
        faults.append("a person stands twice in one period")
    if faults:
        raise ContractError.build(
            "The second program would misread this panel", where=where, got=faults
        )
