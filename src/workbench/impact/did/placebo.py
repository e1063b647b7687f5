"""Placebo dates: the same comparison where nobody had learnt yet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import DesignError
from workbench.core.results import Check
from workbench.impact.did.changes import Window, stack_changes
from workbench.impact.did.two_by_two import estimate_change_effect
from workbench.impact.effects import Effect

__all__ = ["PlaceboDates", "adjust_holm", "estimate_placebo_dates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboDates:
    """Effects of exposure pretended some quarters too early.

    Attributes
    ----------
    table : DataFrame
        ``quarters_earlier``, ``lag`` (quarters from the pretended exposure to the
        outcome), ``cohorts``, ``n_treated``, ``n_control``, ``estimate``,
        ``std_error``, ``df``, ``ci_low``, ``ci_high``, ``p_value``, ``p_holm``.
    check : Check
        ``placebo_dates``; not applicable where no quarter lies early enough.
    """

    table: pd.DataFrame
    check: Check


def estimate_placebo_dates(
    panel: Panel, *, most: int = 4, alpha: float = 0.05
) -> PlaceboDates:
    """Pretend that learners learnt earlier, and look only at quarters before they did.

    Each true effect is zero if trends were parallel and nothing showed before
    exposure. Passing is no proof: the widths of the intervals say what could have been
    missed.

    Parameters
    ----------
    panel : Panel
        People over quarters.
    most : int
        Largest number of quarters to go back.
    alpha : float
        One less the level of the intervals; each interval is for itself.

    Returns
    -------
    PlaceboDates
        Going back k quarters, the outcome is taken `panel.lag` quarters after the
        pretended exposure if that still lies before the true one, otherwise in the last
        quarter before it. The check fails if a p-value adjusted by Holm is below
        `alpha`.

    References
    ----------
    .. [1] Holm, S. (1979). A simple sequentially rejective multiple test procedure.
       Scandinavian Journal of Statistics 6, 65-70.
    """
    columns = ["quarters_earlier", "lag", "cohorts", "n_treated", "n_control"]
    columns += ["estimate", "std_error", "df", "ci_low", "ci_high", "p_value"]
    rows = []
    for back in range(1, most + 1):
        lag = min(panel.lag, back - 1)
        found = _estimate(panel, back, lag)
        if found is None:
            continue
        effect, cohorts = found
        low, high = effect.interval(alpha)
        values = [back, lag, cohorts, effect.n_treated, effect.n_control, effect.value]
        values += [effect.std_error, effect.df, low, high, effect.p_value()]
        rows.append(dict(zip(columns, values, strict=True)))
    table = pd.DataFrame(rows, columns=columns)
    table["p_holm"] = adjust_holm(table["p_value"].to_numpy(dtype="float64"))
    return PlaceboDates(table=table, check=_check(panel, table, alpha=alpha))


def adjust_holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust p-values by Holm's step-down method.

    Parameters
    ----------
    p_values : array
        Without gaps.

    Returns
    -------
    array
        Adjusted p-values in the same order.

    Examples
    --------
    >>> adjust_holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    steps = p_values[order] * (count - np.arange(count))
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _estimate(panel: Panel, back: int, lag: int) -> tuple[Effect, int] | None:
    """Return the effect of exposure pretended `back` quarters early; its cohorts."""
    windows = [
        Window(exposure=start, before=start - back - 1, after=start - back + lag)
        for start in sorted(panel.exposures)
        if start - back - 1 >= 1
    ]
    if not windows:
        return None
    try:
        changes = stack_changes(panel, windows)
        effect = estimate_change_effect(changes, method="did_placebo")
    except DesignError:
        return None
    return effect, len(changes.windows)


def _check(panel: Panel, table: pd.DataFrame, *, alpha: float) -> Check:
    if table.empty:
        return Check(
            check="placebo_dates",
            passed=None,
            program=panel.program.id,
            outcome=panel.outcome.id,
            text="No cohort was seen in two quarters before exposure.",
        )
    least = float(table["p_holm"].min())
    widest = float(((table["ci_high"] - table["ci_low"]) / 2).max())
    found = table.loc[table["p_holm"] < alpha, "quarters_earlier"].tolist()
    verdict = (
        f"Exposure pretended {', '.join(map(str, found))} quarters early shows a "
        "change where nobody had learnt."
        if found
        else f"None of {len(table)} pretended dates shows a change."
    )
    return Check(
        check="placebo_dates",
        passed=not found,
        value=least if math.isfinite(least) else math.nan,
        limit=alpha,
        program=panel.program.id,
        outcome=panel.outcome.id,
        text=f"{verdict} The least precise interval reaches {widest:.3g} to either "
        "side: smaller departures from parallel trends could go unseen.",
        advice="read the sensitivity to unequal trends before the effect",
    )
