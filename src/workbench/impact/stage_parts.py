"""What every stage of comparisons needs: refusals in words, labelled rows, tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from workbench.cohorts.frames import Compared
from workbench.cohorts.target_trial import Gap
from workbench.core.errors import TooFewUnitsError, WorkbenchError
from workbench.core.results import Check, Estimate
from workbench.impact.effects import make_empty_estimate

__all__ = [
    "label_answer",
    "label_check",
    "list_gaps",
    "refuse_comparison",
    "shorten_error",
    "stack_tables",
]


def shorten_error(error: WorkbenchError) -> str:
    """Write an error as one sentence; counts of too small groups stay out of it."""
    lines = [line.strip() for line in str(error).splitlines()]
    wanted = "rule:" if isinstance(error, TooFewUnitsError) else "got:"
    more = [line.removeprefix(wanted) for line in lines if line.startswith(wanted)]
    detail = more[0].strip().strip("'\"").rstrip(".") if more else ""
    return lines[0].rstrip(".") + (f" ({detail})." if detail else ".")


def refuse_comparison(
    compared: Compared,
    reason: str,
    *,
    hidden: bool,
    stage: str,
    method: str,
    estimand: str = "ATT",
    alpha: float,
) -> Estimate:
    """Return the headline of a comparison that cannot be made, with the reason.

    Where it is `hidden`, for there are too few people, nobody is counted.
    """
    made = make_empty_estimate(
        compared,
        stage=stage,
        method=method,
        estimand=estimand,
        limitation=f"Not answerable: {reason}",
        alpha=alpha,
        headline=not compared.outcome.negative_control,
    )
    if hidden:
        return replace(made, n_treated=None, n_control=None, suppressed=True)
    return made


def list_gaps(gaps: Sequence[Gap]) -> tuple[Check, ...]:
    """Turn comparisons that the data do not allow into checks that do not apply."""
    return tuple(
        Check(
            check="comparison",
            passed=None,
            program=gap.program,
            outcome=gap.outcome,
            text=gap.reason,
        )
        for gap in gaps
    )


def label_check(check: Check, compared: Compared) -> Check:
    """Name the programme and outcome that a check is about."""
    return replace(check, program=compared.program.id, outcome=compared.outcome.id)


def label_answer(compared: Compared, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts of a comparison, its programme and outcome first."""
    return {"program": compared.program.id, "outcome": compared.outcome.id, **facts}


def stack_tables(
    found: Iterable[tuple[Compared, Mapping[str, pd.DataFrame]]],
    columns: Mapping[str, Sequence[str]],
) -> dict[str, pd.DataFrame]:
    """Stack the tables of all comparisons.

    Parameters
    ----------
    found : iterable of tuple
        What was compared, and its tables by name.
    columns : mapping of str to sequence of str
        Names of the tables to keep, and the columns of one that no comparison left.

    Returns
    -------
    dict of str to DataFrame
        With the columns ``program`` and ``outcome`` first.
    """
    stacked: dict[str, list[pd.DataFrame]] = {name: [] for name in columns}
    for compared, tables in found:
        for name in columns:
            if name not in tables or tables[name].empty:
                continue
            labelled = tables[name].copy()
            labelled.insert(0, "program", compared.program.id)
            labelled.insert(1, "outcome", compared.outcome.id)
            stacked[name].append(labelled)
    return {
        name: pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["program", "outcome", *columns[name]])
        for name, parts in stacked.items()
    }
