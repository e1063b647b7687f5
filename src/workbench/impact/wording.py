"""Numbers of one sentence, written alike."""

from __future__ import annotations

import math

__all__ = ["write_alike", "write_p"]


def write_alike(*values: float, signed: bool = False) -> tuple[str, ...]:
    """Write an effect and the ends of its interval to the same decimals.

    Parameters
    ----------
    *values : float
        Finite, in one unit; the distance of the outer two has two digits that count,
        or up to four where an end near 0 would else look like 0.
    signed : bool
        Whether numbers above 0 have a sign too.

    Returns
    -------
    tuple of str
        As many as values, with a true minus.

    Examples
    --------
    >>> write_alike(0.0323, 0.00293, 0.0627)
    ('0.032', '0.003', '0.063')
    """
    spread = max(values) - min(values)
    sign = "+" if signed else ""
    if spread == 0:
        return tuple(_write(value, f"{sign}.3g") for value in values)
    places = max(0, 1 - math.floor(math.log10(spread)))
    nearest = min(abs(value) for value in values if value)
    needed = -math.floor(math.log10(nearest))
    return tuple(
        _write(value, f"{sign}.{max(places, min(needed, places + 2))}f")
        for value in values
    )


def write_p(value: float) -> str:
    """Write a p-value with its sign of relation: ``= 0.034``, ``< 0.001``."""
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def _write(value: float, form: str) -> str:
    return format(value, form).replace("-", "−")
