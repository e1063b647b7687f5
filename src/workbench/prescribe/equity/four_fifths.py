"""The four-fifths rule with its error: passed only where every interval allows it."""

from __future__ import annotations

import math

import pandas as pd

from workbench.core.results import Check

__all__ = ["check_four_fifths"]

_JUDGED = ("holds", "falls short", "cannot tell")


def check_four_fifths(access: pd.DataFrame, *, floor: float = 0.8) -> tuple[Check, ...]:
    """Judge each attribute: it passes only where every interval allows it to.

    Parameters
    ----------
    access : DataFrame
        From `measure_access`, with the same `floor`.
    floor : float
        Lowest ratio.

    Returns
    -------
    tuple of Check
        One per kind and attribute; ``value`` is the ratio furthest from 1, turned
        below 1. ``passed`` is None where the data cannot tell, or too few people may
        be shown.
    """
    return tuple(
        _judge(str(kind), str(attribute), part, floor)
        for (kind, attribute), part in access.groupby(["kind", "attribute"], sort=False)
    )


def _judge(kind: str, attribute: str, part: pd.DataFrame, floor: float) -> Check:
    """Judge one attribute by the verdicts on its groups."""
    seen = part[part["verdict"].isin(_JUDGED)]
    ratios = seen.set_index("group")["ratio"].dropna()
    turned = ratios.where(ratios <= 1, 1 / ratios)
    verdicts = set(seen["verdict"])
    what = "prescribed" if kind == "prescribed" else "taken up"
    kept = int(part["suppressed"].sum())
    if seen.empty:
        passed, text = None, "Too few people to compare groups."
    elif "falls short" in verdicts:
        short = ", ".join(seen.loc[seen["verdict"] == "falls short", "group"])
        passed, text = False, f"Access differs by more than {floor:g} allows: {short}."
    elif "cannot tell" in verdicts:
        unsure = ", ".join(seen.loc[seen["verdict"] == "cannot tell", "group"])
        passed, text = None, f"The data cannot tell for {unsure}: intervals are wide."
    else:
        passed, text = True, f"Every interval lies within {floor:g} and {1 / floor:g}."
    if kept:
        text += f" {kept} groups are kept back."
        passed = None if passed else passed
    return Check(
        check=f"access {what} by {attribute}",
        passed=passed,
        value=float(turned.min()) if len(turned) else math.nan,
        limit=floor,
        text=text,
        advice="" if passed else "hold a floor of access in paths.yml (equity)",
    )
