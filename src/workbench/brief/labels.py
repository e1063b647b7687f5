"""Names of outcomes for people."""

from __future__ import annotations

import re

from workbench.brief.results import BriefData

__all__ = ["label_outcome", "list_controls"]

_LABEL_ADDS = re.compile(r"\s+in the quarter after\b.*$|\s*\([^()]*\)\s*$")


def label_outcome(data: BriefData, outcome: str) -> str:
    """Return an outcome's short name for people.

    What a label adds in brackets, and that the outcome is read in the quarter after,
    stands on the methods page.
    """
    labels = {item.id: item.label for item in data.params.outcomes}
    label = labels.get(outcome) or outcome.replace("_", " ")
    return _LABEL_ADDS.sub("", label) or label


def list_controls(data: BriefData) -> list[str]:
    """List the outcomes that learning cannot change."""
    return [item.id for item in data.params.outcomes if item.negative_control]
