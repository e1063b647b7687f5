"""Model cards: what a model is for, how good it is, and where it may not be used."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from workbench.prescribe.predict.analysis import Predicted
from workbench.prescribe.predict.card_numbers import (
    describe_calibration,
    describe_chances,
    describe_drift,
    describe_features,
    describe_groups,
    describe_importance,
    describe_model,
    describe_proxies,
    describe_scores,
    describe_use,
)

__all__ = ["COLUMNS", "PURPOSE", "refuse_card", "tabulate_card"]

COLUMNS = ["target", "section", "text"]

PURPOSE = (
    "Support for planning of learning only: how many people will need time, help or a "
    "successor, and where. It may not be used to rank or select people for any other "
    "decision, such as pay, promotion, dismissal or who is watched."
)

_OWNER = "To be named by the organisation before first use: model owner, and reviewer."


def tabulate_card(found: Predicted, *, min_group: int) -> pd.DataFrame:
    """Write the card of a model: target, section and text, one row per section.

    Parameters
    ----------
    found : Predicted
        The model and all that was measured.
    min_group : int
        Fewest people of a group that is shown.
    """
    target = found.target
    sections = {
        "Purpose": PURPOSE,
        "Outcome": describe_use(found),
        "Data and split": found.split.text,
        "Features": describe_features(found),
        "Stand-ins": describe_proxies(found),
        "Model": describe_model(found),
        "Performance": describe_scores(found),
        "Calibration": describe_calibration(found),
        "Limits of single predictions": describe_chances(found),
        "What goes with it": describe_importance(found),
        "Drift": describe_drift(found),
        "Fairness": describe_groups(found, min_group=min_group),
        "Owner": _OWNER,
    }
    return _list(target.target, sections)


def refuse_card(target: str, label: str, reason: str) -> pd.DataFrame:
    """Write the card of a model that was not built, with the reason."""
    text = f"{label} is not predicted. {reason}"
    return _list(target, {"Purpose": PURPOSE, "Not built": text, "Owner": _OWNER})


def _list(target: str, sections: dict[str, str]) -> pd.DataFrame:
    rows: Sequence[tuple[str, str, str]] = [
        (target, section, text) for section, text in sections.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
