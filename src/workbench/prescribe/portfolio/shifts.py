"""What a path is worth to a learner beyond the programme as it was taken."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from workbench.prescribe.modules.values import ModuleValues

__all__ = ["shift_of_path"]


def shift_of_path(values: ModuleValues, path: Sequence[str]) -> tuple[float, float]:
    r"""Estimate what a path adds to, or takes from, the programme as it was taken.

    Parameters
    ----------
    values : ModuleValues
        Effects after shrinkage, with their covariance.
    path : sequence of str
        Modules; those outside the programme add nothing.

    Returns
    -------
    tuple of float
        The shift in thresholds for one learner, and its standard error.

    Notes
    -----
    :math:`\sum_m (1[m \in P] - q_m) \theta_m` with q the shares of learners who passed
    each module. Shrunk effects are used because the path was chosen by them: among
    several paths the one that looks best is, without shrinkage, seldom as good as it
    looks.
    """
    impact, joint = values.composite()
    step = np.isin(values.modules, list(path)).astype("float64") - values.shares
    return float(step @ impact), math.sqrt(max(float(step @ joint @ step), 0.0))
