"""Keep, boost, retire or watch a module, and the reason in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.impact.wording import write_alike, write_p

__all__ = ["SMALL", "Decision", "Harm", "ModuleFacts", "decide"]

Choice = Literal["keep", "boost", "retire", "watch"]

SMALL = 0.25
"""Share of a threshold below which an impact is not worth the effort."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """An outcome that a module was shown to make worse, or better.

    Attributes
    ----------
    label : str
        Name of the outcome.
    estimate, low, high : float
        In `unit`, before shrinkage.
    unit : str
        The outcome's unit.
    """

    label: str
    estimate: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleFacts:
    """What a decision on a module rests on.

    Attributes
    ----------
    identified : bool
        Whether its own effect can be told for any outcome that counts.
    bundle : tuple of str
        Modules that were always taken with it.
    always : bool
        Whether (nearly) everybody who completed passed it.
    impact, low, high : float
        After shrinkage, in thresholds.
    raw_low, raw_high : float
        Interval of its own comparison alone; NaN without one.
    overall : float
        Signed p-value of its own comparison over all outcomes together, adjusted for
        the number of modules; negative where they are worse. NaN without one.
    ratio, usual_ratio : float
        Impact per ten hours, and the median of the programme's modules.
    harms, helps : tuple of Harm
        Outcomes its own comparison shows to be worse, or better, because of it.
    """

    identified: bool
    bundle: tuple[str, ...] = ()
    always: bool = False
    impact: float
    low: float
    high: float
    raw_low: float
    raw_high: float
    overall: float
    ratio: float
    usual_ratio: float
    harms: tuple[Harm, ...] = ()
    helps: tuple[Harm, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with a module, and why."""

    choice: Choice
    reason: str


def decide(facts: ModuleFacts, *, alpha: float) -> Decision:
    """Decide on a module.

    Parameters
    ----------
    facts : ModuleFacts
        What was found.
    alpha : float
        Level of `overall` at which its own comparison counts as shown.

    Returns
    -------
    Decision
        ``retire`` where it does harm on the whole or in several outcomes (in one alone
        it is watched, since among many tests one goes wrong by chance), or was shown
        to be worth less than a quarter of a threshold; ``boost`` only where its own
        comparison shows a benefit and the impact per hour is at or above the
        programme's median; ``keep`` where the impact is above 0 or it belongs to every
        completion; ``watch`` where this cannot be told.

    Examples
    --------
    >>> decide(ModuleFacts(identified=False, always=True, impact=1.0, low=0.1,
    ...     high=1.9, raw_low=math.nan, raw_high=math.nan,
    ...     overall=math.nan, ratio=1.0, usual_ratio=1.0), alpha=0.05).choice
    'keep'
    """
    if not facts.identified:
        return _decide_untold(facts)
    return _find_retirement(facts, alpha) or _find_benefit(facts, alpha)


def _decide_untold(facts: ModuleFacts) -> Decision:
    if facts.bundle:
        named = " and ".join(facts.bundle)
        return Decision(
            choice="watch",
            reason=f"It was always taken together with {named}: only their joint "
            "effect can be told.",
        )
    if facts.always:
        return Decision(
            choice="keep",
            reason="It is part of (nearly) every completion, so that its own effect "
            "cannot be told from the programme's.",
        )
    return Decision(
        choice="watch",
        reason="Too few learners passed it, or skipped it, to tell its own effect.",
    )


def _find_retirement(facts: ModuleFacts, alpha: float) -> Decision | None:
    impact, low, high = write_alike(facts.impact, facts.low, facts.high)
    if facts.high < 0:
        return Decision(
            choice="retire",
            reason=f"It does harm: {impact} thresholds ({low} to {high}) for a learner "
            f"who passes it{_list(facts.harms, ', most of all in ')}.",
        )
    if -alpha < facts.overall < 0 and facts.impact < 0:
        return Decision(
            choice="retire",
            reason="It does harm: all outcomes together are worse among those "
            f"who passed it (p {write_p(-facts.overall)} after adjustment for the "
            f"number of modules){_list(facts.harms, ', most of all ')}.",
        )
    if len(facts.harms) > 1 and not facts.helps:
        return Decision(
            choice="retire",
            reason=f"It does harm in several outcomes{_list(facts.harms, ': ')}, and "
            "its own comparison shows no benefit in any other.",
        )
    if facts.high < SMALL and facts.raw_high < 1:
        return Decision(
            choice="retire",
            reason=f"It is worth less than {SMALL:g} of a threshold: {impact} ({low} "
            f"to {high}).",
        )
    return None


def _find_benefit(facts: ModuleFacts, alpha: float) -> Decision:
    impact, low, high = write_alike(facts.impact, facts.low, facts.high)
    worth = f"{impact} thresholds ({low} to {high})"
    own = (
        facts.raw_low > 0
        or 0 < facts.overall < alpha
        or (bool(facts.helps) and not facts.harms)
    )
    fast = not facts.ratio < facts.usual_ratio
    if facts.low > 0 and own and fast and not math.isnan(facts.ratio):
        shown = _list(facts.helps, "; best shown in ")
        return Decision(
            choice="boost",
            reason=f"It is worth {worth} for a learner who passes it, and per hour no "
            f"less than the programme's median{shown}{_tell_basis(facts, alpha)}.",
        )
    if facts.low > 0:
        why = (
            "its impact per hour is below the programme's median"
            if own
            else "its own comparison does not show it; the number leans on what the "
            "programme does as a whole"
        )
        return Decision(choice="keep", reason=f"It is worth {worth}, but {why}.")
    return Decision(
        choice="watch",
        reason=f"Its impact of {worth} cannot be told from none"
        f"{_list(facts.harms, '; look into harm in ')}.",
    )


def _tell_basis(facts: ModuleFacts, alpha: float) -> str:
    """Say where a module's own comparison over all outcomes does not show it."""
    if facts.raw_low > 0 or 0 < facts.overall < alpha:
        return ""
    return "; over all outcomes together its own comparison cannot be told from none"


def _list(shown: Sequence[Harm], opening: str) -> str:
    """Write the outcomes with their numbers, after an opening; nothing if none."""
    if not shown:
        return ""
    parts = []
    for item in shown:
        value, low, high = write_alike(item.estimate, item.low, item.high, signed=True)
        parts.append(f"{item.label} {value} {item.unit} ({low} to {high})")
    return opening + ", ".join(parts)
