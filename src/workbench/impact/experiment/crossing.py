"""The chance that an experiment that is looked at often crosses a boundary once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ParamError

__all__ = ["calculate_crossing"]

FloatArray = npt.NDArray[np.float64]

_POINTS = 401


def calculate_crossing(
    boundaries: Sequence[float], *, shares: Sequence[float], drift: float = 0.0
) -> float:
    r"""Calculate the chance that any of several looks finds an effect.

    Parameters
    ----------
    boundaries : sequence of float
        Standard errors from zero beyond which each look finds one; two-sided.
    shares : sequence of float
        Share of the planned sample known at each look; rising, above 0.
    drift : float
        True effect in standard errors of the planned sample; 0 gives the false
        positive rate over all looks.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ParamError
        If there is not one boundary for each look, or the shares do not rise.

    Notes
    -----
    The sum of what is known is a Brownian motion with drift; its density over those
    not yet across is carried from look to look by numerical integration [1]_ over
    401 points, exact to about four decimals.

    References
    ----------
    .. [1] Armitage, P., McPherson, C. K. and Rowe, B. C. (1969). Repeated significance
       tests on accumulating data. Journal of the Royal Statistical Society A 132,
       235-244. doi:10.2307/2343787

    Examples
    --------
    >>> round(calculate_crossing([1.96] * 5, shares=[0.2, 0.4, 0.6, 0.8, 1.0]), 3)
    0.142
    """
    steps = np.diff([0.0, *shares])
    if len(boundaries) != len(shares) or not (steps > 0).all():
        raise ParamError.build(
            "Looks need a boundary each and shares that rise",
            got=f"{len(boundaries)} boundaries, {len(shares)} shares",
        )
    points, mass = np.zeros(1), np.ones(1)
    for boundary, share, step in zip(boundaries, shares, steps, strict=True):
        limit = boundary * math.sqrt(share)
        ahead = np.linspace(-limit, limit, _POINTS)
        distance = ahead[:, None] - points[None, :] - drift * step
        density = np.exp(-(distance**2) / (2 * step)) / math.sqrt(2 * math.pi * step)
        points, mass = ahead, (density @ mass) * _weigh(limit)
    return float(np.clip(1 - mass.sum(), 0.0, 1.0))


def _weigh(limit: float) -> FloatArray:
    """Return Simpson's weights over the region not yet across."""
    weights = np.ones(_POINTS)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    return weights * (2 * limit / (_POINTS - 1) / 3)
