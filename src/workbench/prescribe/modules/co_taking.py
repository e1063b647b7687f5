"""Who takes which module with which: what could be told apart, and what could not."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.results import Check
from workbench.prescribe.modules.parts import FEWEST, Uptake

__all__ = ["CO_TAKING", "check_bundles", "tabulate_co_taking"]

BoolArray = npt.NDArray[np.bool_]

CO_TAKING = (
    "persona",
    "program",
    "module",
    "other",
    "n_together",
    "share_of_module",
    "share_overall",
    "suppressed",
)
"""Columns of the table of modules taken together."""


def tabulate_co_taking(
    passed: BoolArray,
    modules: tuple[str, ...],
    *,
    persona: str,
    program: str,
    min_group: int,
) -> pd.DataFrame:
    """Count learners who passed two modules, for every ordered pair.

    Parameters
    ----------
    passed : array of bool of shape (learners, modules)
        One row per learner.
    modules : tuple of str
        Names of the columns.
    persona, program : str
        Ids.
    min_group : int
        A pair is kept back where fewer learners passed both, or just the one, or where
        fewer skipped the other; 0 of them gives nobody away.

    Returns
    -------
    DataFrame
        Columns `CO_TAKING`: ``share_of_module`` is the share of those who passed the
        module who passed the other too, ``share_overall`` that of all learners, which
        it would be if the two had nothing to do with each other.
    """
    rows = []
    count = len(passed)
    for at, module in enumerate(modules):
        for beside, other in enumerate(modules):
            if at == beside or not count:
                continue
            ours = int(passed[:, at].sum())
            theirs = int(passed[:, beside].sum())
            both = int((passed[:, at] & passed[:, beside]).sum())
            cells = (both, ours - both, theirs - both, count - theirs, count - ours)
            hidden = any(0 < cell < min_group for cell in cells) or ours == 0
            rows.append(
                {
                    "persona": persona,
                    "program": program,
                    "module": module,
                    "other": other,
                    "n_together": None if hidden else both,
                    "share_of_module": math.nan if hidden else both / ours,
                    "share_overall": math.nan if hidden else theirs / count,
                    "suppressed": hidden,
                }
            )
    table = pd.DataFrame(rows, columns=list(CO_TAKING))
    return table.astype(
        {
            "n_together": "Int64",
            "share_of_module": "float64",
            "share_overall": "float64",
            "suppressed": "bool",
        }
    )


def check_bundles(uptake: Uptake, modules: tuple[str, ...], *, program: str) -> Check:
    """Say which modules are (nearly) always taken together, if any are."""
    bundles = [part.columns for part in uptake.parts if part.bundled]
    named = "; ".join(
        " and ".join(modules[column] for column in columns) for columns in bundles
    )
    text = (
        f"Fewer than {FEWEST} learners passed just one of: {named}. Only the effect of "
        "taking them together can be told; it is shared equally between them."
        if bundles
        else "No two modules were always taken together."
    )
    return Check(
        check="modules_taken_together",
        passed=not bundles,
        value=float(len(bundles)),
        limit=0.0,
        program=program,
        text=text,
        advice="Offer one of them without the other." if bundles else "",
    )
