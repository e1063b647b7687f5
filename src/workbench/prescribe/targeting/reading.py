"""What values of rules say, and what limits them, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from workbench.core.results import Check
from workbench.impact.inference import FEW_CLUSTERS
from workbench.impact.wording import write_alike
from workbench.prescribe.targeting.estimates import PathShift
from workbench.prescribe.targeting.policies import UNIT, Policies
from workbench.prescribe.targeting.scores import Scores

__all__ = ["check_scores", "describe_policies"]

FloatArray = npt.NDArray[np.float64]

_MOST_OF_ONE = 0.8
_FEWEST_EFFECTIVE = 30.0
_AGAINST = {
    "random": "giving the same seats by lot",
    "everyone": "giving it to everyone",
    "top_risk": "giving the same seats to those worst off",
    "current": "what was done",
}


def describe_policies(
    policies: Policies, shift: PathShift, alpha: float
) -> tuple[str, ...]:
    """Say what the chosen rule is worth, and what it is worth beyond others.

    Parameters
    ----------
    policies : Policies
        From `workbench.prescribe.targeting.policies.value_policies`.
    shift : PathShift
        That of the chosen path.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    tuple of str
        Sentences; one that warns comes where the programme itself is not shown to
        bring anything, or is shown to do harm.
    """
    table = policies.table.set_index("policy")
    row = table.loc["chosen"]
    value, low, high = write_alike(row["value"], row["low"], row["high"], signed=True)
    words = [
        f"Seats for {row['share']:.0%} of the persona in this order are worth {value} "
        f"{UNIT} ({1 - alpha:.0%} interval {low} to {high}), against nobody learning."
    ]
    words += [
        _compare(str(gain.against), gain.gain, gain.low, gain.high)
        for gain in policies.gains.itertuples()
    ]
    if shift.value:
        words.append(_tell_shift(shift, alpha))
    everyone = table.loc["everyone"]
    if everyone["high"] < 0:
        words.append(
            "For the persona as a whole the programme does harm on these outcomes: no "
            "order of seats mends that."
        )
    elif everyone["low"] <= 0:
        words.append(
            "If everybody of the persona learnt, not only people like those who did, "
            "that it would help on average is not shown; the order says whose need is "
            "largest, not that learning meets it."
        )
    return tuple(words)


def _tell_shift(shift: PathShift, alpha: float) -> str:
    from scipy.special import ndtri

    half = float(ndtri(1 - alpha / 2)) * shift.whole_error
    value = shift.value
    point, low, high = write_alike(value, value - half, value + half, signed=True)
    return (
        f"The path is worth {point} ({low} to {high}) to a learner beyond the "
        "programme as it was taken; what was done keeps the modules that were taken."
    )


def check_scores(scores: Scores, chosen: FloatArray) -> list[Check]:
    """Check what the values of rules rest on.

    Parameters
    ----------
    scores : Scores
        The rows.
    chosen : array of shape (rows,)
        Probability of a seat under the chosen rule.

    Returns
    -------
    list of Check
        ``targeting_balance`` of the composite between outcomes, ``targeting_learners``
        (effective learners among the chosen) and ``targeting_clusters``, all advisory.
    """
    return [
        _check_balance(scores),
        _check_learners(scores, chosen),
        *_check_clusters(scores),
    ]


def _compare(against: str, gain: float, low: float, high: float) -> str:
    point, start, end = write_alike(gain, low, high, signed=True)
    said = f"Against {_AGAINST[against]} that is {point} ({start} to {end})"
    if low > 0:
        return f"{said}: more."
    if high < 0:
        return f"{said}: less."
    return f"{said}: not told apart."


def _check_balance(scores: Scores) -> Check:
    """See whether one outcome's noise drowns what the others say."""
    spread = scores.centre(scores.effect) ** 2
    parts = np.bincount(scores.outcome_codes, spread)
    share = float(parts.max() / parts.sum())
    name = str(scores.outcomes["outcome"].iloc[int(parts.argmax())])
    alone = len(parts) > 1 and share > _MOST_OF_ONE
    return Check(
        check="targeting_balance",
        passed=not alone,
        value=share,
        limit=_MOST_OF_ONE,
        outcome=name,
        text=f"{share:.0%} of the uncertainty of the composite comes from {name}.",
        advice="Its threshold is small against what it varies by: declare a larger one "
        "in outcomes.yml, or a smaller weight in paths.yml."
        if alone
        else "",
    )


def _check_learners(scores: Scores, chosen: FloatArray) -> Check:
    """Count learners among the chosen as if all weighed alike (Kish)."""
    learnt = scores.frame["treated"].to_numpy(dtype=bool)
    chance = scores.frame["propensity"].to_numpy(dtype="float64")
    weight = np.where(learnt, chosen / chance, 0.0)
    codes = scores.outcome_codes
    total = np.bincount(codes, weight)
    squares = np.bincount(codes, weight**2)
    counts = np.divide(total**2, squares, out=np.zeros_like(total), where=squares > 0)
    fewest = float(counts.min())
    enough = fewest >= _FEWEST_EFFECTIVE
    name = str(scores.outcomes["outcome"].iloc[int(counts.argmin())])
    return Check(
        check="targeting_learners",
        passed=enough,
        value=fewest,
        limit=_FEWEST_EFFECTIVE,
        outcome=name,
        text=f"Among the people that the rule chooses there are {fewest:.0f} learners "
        f"in effect whose {name} is known.",
        advice="" if enough else "The rule's value rests on few people: wait for more.",
    )


def _check_clusters(scores: Scores) -> Iterator[Check]:
    for name, codes in scores.clusters.items():
        count = len(np.unique(codes))
        if count < FEW_CLUSTERS:
            word = "people" if name == "unit" else f"{name}s"
            yield Check(
                check="targeting_clusters",
                passed=False,
                value=float(count),
                limit=float(FEW_CLUSTERS),
                text=f"Errors rest on {count} {word}; with so few, intervals are too "
                "narrow.",
                advice="Read the values as directions.",
            )
