"""What would overturn a finding, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["add_controls", "describe_overturn", "describe_refusal", "join_names"]

_FAR = 10.0


def describe_overturn(
    *,
    strongest: str,
    breaking: float,
    gamma: float = math.nan,
    unmeasured: Sequence[str] = (),
) -> str:
    """Say in a sentence or two what would overturn a finding.

    Parameters
    ----------
    strongest : str
        The strongest covariate measured; empty if there is none to compare with.
    breaking : float
        How many times as strong a hidden cause would have to be; 0 where the interval
        holds 0 already, infinite where none is strong enough, NaN if unknown.
    gamma : float
        Odds ratio at which the matched test loses its significance; NaN if unknown.
    unmeasured : sequence of str
        Names of causes that nobody measured.

    Returns
    -------
    str
        Plain words.

    Examples
    --------
    >>> print(describe_overturn(strongest="prior_rating", breaking=1.84)[:54])
    A cause nobody measured that is 1.8 times as strong as
    """
    if breaking == 0:
        return (
            "The interval already holds 0: it takes no hidden cause to explain the "
            "estimate, and more learners could still change the finding."
        )
    cause = "a cause nobody measured"
    if unmeasured:
        cause += f", such as {join_names(unmeasured)},"
    if not strongest or math.isnan(breaking):
        text = (
            f"How strong {cause} would have to be is not known: there is no measured "
        )
        return text + "covariate to compare it with."
    known = f"{strongest.replace('_', ' ')}, the strongest one measured,"
    if breaking > _FAR:
        text = f"Even {cause} ten times as strong as {known} would not bring the "
        text += "interval to 0."
    elif breaking > 1:
        text = f"{_start(cause)} that is {breaking:.1f} times as strong as {known}"
        text += " would bring the interval to 0."
    else:
        size = f"only {breaking:.2g}" if breaking >= 0.1 else "less than 0.1"
        text = f"{_start(cause)}, though {size} times as strong as {known} "
        text += "would bring the interval to 0: the finding is fragile."
        text = text.replace(",,", ",")
    if math.isfinite(gamma):
        text += (
            f" In the matched sets it would have to change the odds of learning by a "
            f"factor of {gamma:.2g}, and all but decide the outcome."
        )
    return text


def add_controls(text: str, controls: Sequence[str]) -> str:
    """Add what the negative controls say of causes that nobody measured.

    Parameters
    ----------
    text : str
        From `describe_overturn`.
    controls : sequence of str
        Outcomes that learning cannot change and that differ all the same.
    """
    if not controls:
        return text
    return (
        f"{text} Such a cause is at work: {join_names(controls)}, which learning "
        "cannot change, differs between learners and others."
    )


def describe_refusal(reason: str) -> str:
    """Say of a comparison that could not be made what it would take.

    Parameters
    ----------
    reason : str
        Why it could not be made.
    """
    return (
        f"There is no finding to overturn: the comparison is not answerable. {reason}"
    )


def join_names(names: Sequence[str]) -> str:
    """Write at least one id as a list for readers: ``a, b and c``."""
    words = [_soften(name.replace("_", " ")) for name in names]
    if len(words) == 1:
        return words[0]
    return ", ".join(words[:-1]) + " and " + words[-1]


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _soften(name: str) -> str:
    """Write a label within a sentence; abbreviations keep their capitals."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name
