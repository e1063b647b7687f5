"""The tables of the stage of experiments: columns, arms, errors side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.impact.experiment.baseline import BASELINE_COLUMNS
from workbench.impact.experiment.compliance import COLUMNS as COMPLIANCE_COLUMNS
from workbench.impact.experiment.guardrails import GUARDRAIL_COLUMNS
from workbench.impact.experiment.inferences import INFERENCE_COLUMNS
from workbench.impact.experiment.lee_bounds import BOUND_COLUMNS
from workbench.impact.experiment.power import POWER_COLUMNS
from workbench.impact.experiment.sample_ratio import COLUMNS as RATIO_COLUMNS
from workbench.impact.experiment.sequential import LOOK_COLUMNS

__all__ = [
    "EXPERIMENT_COLUMNS",
    "KEY",
    "TABLES",
    "stack_experiments",
    "tabulate_arms",
]

KEY = ("program", "outcome", "experiment")

EXPERIMENT_COLUMNS = (
    *("design", "status", "started_on", "ended_on", "arms", "people", "clusters"),
    *("sample_ratio_p", "registered", "deviations", "text"),
)
_SUBGROUPS = (
    *("kind", "attribute", "group", "reference", "estimate", "std_error", "df"),
    *("ci_low", "ci_high", "p_value", "p_adjusted", "p_stepdown", "detectable"),
    *("n_treated", "n_control", "suppressed", "note", "unit", "level"),
)
TABLES: Mapping[str, tuple[str, ...]] = {
    "experiments": EXPERIMENT_COLUMNS,
    "arms": ("arm", "people", "clusters", "observed", "learnt"),
    "sample_ratio": RATIO_COLUMNS,
    "baseline": BASELINE_COLUMNS,
    "inference": INFERENCE_COLUMNS,
    "compliance": COMPLIANCE_COLUMNS,
    "looks": LOOK_COLUMNS,
    "power": POWER_COLUMNS,
    "guardrails": GUARDRAIL_COLUMNS,
    "bounds": BOUND_COLUMNS,
    "subgroups": _SUBGROUPS,
    "flow": ("step", "n_treated", "n_control"),
}
"""Names of the tables, and their columns after `KEY`."""

_KINDS: Mapping[str, Mapping[str, str]] = {
    "experiments": {"people": "Int64", "clusters": "Int64", "registered": "bool"},
    "arms": {"people": "Int64", "clusters": "Int64"},
    "power": {"n": "Int64", "clusters": "Int64"},
    "flow": {"n_treated": "Int64", "n_control": "Int64"},
}


def tabulate_arms(experiment: Experiment, *, min_group: int = 10) -> pd.DataFrame:
    """Count people and clusters of every arm, and who was observed and learnt.

    Parameters
    ----------
    experiment : Experiment
        Any design; in a stepped wedge the shares are of people and periods.
    min_group : int
        Numbers of smaller arms are missing, and of the next smallest where they would
        give it away.

    Returns
    -------
    DataFrame
        ``arm``, ``people``, ``clusters`` (missing where people were drawn one by one),
        ``observed``, ``learnt`` (shares; ``learnt`` is missing where it is not known).
    """
    frame = experiment.frame
    rows = []
    for arm in experiment.arms:
        own = frame[frame["arm"].astype("str") == arm]
        learnt = own["learnt"]
        seen = np.isfinite(own["outcome"].astype("float64"))
        whole = experiment.design != "individual"
        rows.append(
            {
                "arm": arm,
                "people": own["unit"].nunique(),
                "clusters": own["cluster"].nunique() if whole else pd.NA,
                "observed": float(seen.mean()) if len(own) else math.nan,
                "learnt": float(learnt.astype("float64").mean())
                if len(own) and learnt.notna().all()
                else math.nan,
            }
        )
    table = pd.DataFrame(rows, columns=list(TABLES["arms"])).astype(_KINDS["arms"])
    hidden = _find_small(table["people"], min_group)
    table.loc[hidden, "people"] = pd.NA
    table.loc[hidden, ["observed", "learnt"]] = math.nan
    return table


def stack_experiments(
    found: Iterable[tuple[tuple[str, str, str], Mapping[str, pd.DataFrame]]],
) -> dict[str, pd.DataFrame]:
    """Stack the tables of all experiments and outcomes.

    Parameters
    ----------
    found : iterable of tuple
        Programme, outcome and experiment, and the tables by name.

    Returns
    -------
    dict of str to DataFrame
        Every table of `TABLES`, with the columns of `KEY` first.
    """
    stacked: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for key, tables in found:
        for name, table in tables.items():
            if table.empty:
                continue
            labelled = table.copy()
            for place, (column, value) in enumerate(zip(KEY, key, strict=True)):
                labelled.insert(place, column, value)
            stacked[name].append(labelled)
    return {
        name: _finish(
            pd.concat(parts, ignore_index=True)
            if parts
            else pd.DataFrame(columns=[*KEY, *TABLES[name]]),
            name,
        )
        for name, parts in stacked.items()
    }


def _finish(table: pd.DataFrame, name: str) -> pd.DataFrame:
    columns: Sequence[str] = [*KEY, *TABLES[name]]
    kinds: dict[str, str] = dict.fromkeys(KEY, "str")
    kinds |= dict(_KINDS.get(name, {}))
    return table[list(columns)].astype(kinds)


def _find_small(people: pd.Series, min_group: int) -> pd.Series:
    """Find arms whose size is kept back: a lone small arm takes the next with it."""
    small = (people < min_group).fillna(True).astype(bool)
    if small.sum() == 1 and len(small) > 1:
        others = people[~small]
        small[others.astype("float64").idxmin()] = True
    return small
