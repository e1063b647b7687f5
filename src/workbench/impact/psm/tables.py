"""The tables of the matching stage, stacked over comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.impact.before_after import COLUMNS as CHANGE_COLUMNS
from workbench.impact.matched_errors import COLUMNS as ERROR_COLUMNS
from workbench.impact.psm.analysis import PsmResult
from workbench.impact.robustness.benchmarks import COLUMNS as SENSITIVITY_COLUMNS
from workbench.impact.robustness.refuters import COLUMNS as REFUTATION_COLUMNS

__all__ = ["TABLES", "list_tables", "tabulate_answer"]

_SENTENCES = ("evidence", "overturn", "sensitivity", "refutation", "specifications")

TABLES: Mapping[str, tuple[str, ...]] = {
    "answers": (*_SENTENCES, "reason"),
    "balance": ("term", "site", "stage", "smd"),
    "pairs": ("set", "unit", "trial", "treated", "distance", "weight"),
    "overlap": ("group", "low", "high", "n", "share"),
    "changes": CHANGE_COLUMNS,
    "flow": ("step", "n_treated", "n_control"),
    "attrition": ("arm", "rows", "missing", "share", "reason"),
    "support": ("answerable", "share_outside", "region"),
    "errors": ERROR_COLUMNS,
    "sensitivity": SENSITIVITY_COLUMNS,
    "refutation": REFUTATION_COLUMNS,
    "specification": ("variant", "estimate", "ci_low", "ci_high", "headline", "sound"),
    "subgroups": ("kind", "attribute", "group", "reference", "estimate", "suppressed"),
}
"""Names, and the columns that a table without rows has at least."""


def list_tables(found: PsmResult) -> dict[str, pd.DataFrame]:
    """Return the tables of one comparison by name.

    Parameters
    ----------
    found : PsmResult
        An answered comparison; ``overlap`` holds its ``scores``.
    """
    return {
        "balance": found.balance,
        "pairs": found.pairs,
        "overlap": found.scores,
        "changes": found.changes,
        "flow": found.flow,
        "attrition": found.attrition,
        "support": found.support,
        "errors": found.errors,
        "sensitivity": found.sensitivity,
        "refutation": found.refutation,
    }


def tabulate_answer(facts: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Return the sentences of one comparison as the table ``answers``.

    Parameters
    ----------
    facts : mapping
        One of the stage's answers; sentences that are absent stay empty.
    """
    row = {name: str(facts.get(name, "")) for name in TABLES["answers"]}
    return {"answers": pd.DataFrame([row])}
