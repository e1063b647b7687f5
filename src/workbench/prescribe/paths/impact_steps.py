"""The steps in which impacts are compared."""

from __future__ import annotations

from workbench.prescribe.paths.linear_model import STEP

__all__ = ["count_steps"]


def count_steps(value: float, priority: float = 1.0) -> int:
    """Round an impact, weighed by a priority, to whole steps."""
    return round(priority * value / STEP)
