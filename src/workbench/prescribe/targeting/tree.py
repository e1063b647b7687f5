"""A rule of two questions that says who gains enough to be given the programme."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.wording import write_alike
from workbench.prescribe.targeting.estimates import (
    NO_SHIFT,
    PathShift,
    Value,
    estimate_values,
)
from workbench.prescribe.targeting.features import Terms
from workbench.prescribe.targeting.scores import Scores

__all__ = ["PolicyTree", "describe_tree", "grow_tree"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_DEPTH = 2
_SMALLEST_SHARE = 0.05
_WHOLE = 100
_UNITS = {"tenure_days": "days", "role_tenure_days": "days", "skill_gap": "points"}
_NAMES = {
    "tenure_days": "time in the company",
    "role_tenure_days": "time in the role",
    "prior_rating": "rating before",
    "prior_kpi": "KPI attainment before",
    "prior_courses": "courses before",
    "skill_gap": "skill gap",
    "team_prior_rating": "team rating before",
    "manager_uptake": "share of the manager's people who learnt before",
    "prior_modules": "modules of the programme before",
    "fte": "working time (1 is full time)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTree:
    """Groups of people by at most three questions, and whether each should learn.

    Attributes
    ----------
    groups : DataFrame
        One row per group: ``group`` (in words), ``give`` (bool), ``gain``, ``low`` and
        ``high`` (mean effect less cost, in thresholds, on people who had no part in
        finding the questions; missing, and nobody is given it, where they are of one
        team), ``share`` of people, ``n_people``.
    value : Value
        What such a tree is worth per person of the persona, less the cost: trees grown
        on other folds, valued on the fold held out.
    share : float
        Share of people to whom those trees give it.
    cost : float
        Cost of learning for one person, in thresholds.
    """

    groups: pd.DataFrame
    value: Value
    share: float
    cost: float


def grow_tree(
    scores: Scores,
    terms: Terms,
    *,
    cost: float = 0.0,
    shift: PathShift = NO_SHIFT,
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> PolicyTree:
    """Grow the tree that gives the programme where it is worth more than it costs.

    Parameters
    ----------
    scores : Scores
        From `score_programme`.
    terms : Terms
        Facts that may be asked for.
    cost : float
        In thresholds per learner; with a cost above every group's gain nobody learns.
    shift : PathShift
        What the chosen path adds for each learner.
    alpha : float
        One less the level of the groups' intervals.
    min_group : int
        Fewest people of a group; a group also holds a twentieth of the rows.
    seed : int
        Orders facts that ask equally well.

    Returns
    -------
    PolicyTree
        Of depth two. People of every other fold find the questions; the others tell
        the gain of each group, and so whether it learns.

    References
    ----------
    .. [1] Athey, S. and Wager, S. (2021). Policy learning with observational data.
       Econometrica 89, 133-161. doi:10.3982/ECTA15732
    """
    facts = terms.tabulate(scores.frame)
    per_person = int(scores.frame.groupby("unit").size().max())
    least = max(math.ceil(_SMALLEST_SHARE * len(facts) / 2), min_group * per_person)
    net = (cost - shift.value) / len(scores.outcomes)
    give = np.zeros(len(facts))
    for fold in range(scores.n_folds):
        held = scores.folds == fold
        asks, tells = _halve(scores, ~held)
        effect = scores.held_out[:, fold] - net
        tree = _fit(facts[asks], _scale(scores, effect, asks), least, seed)
        leaf = _find_leaves(tree, facts)
        give[held] = _mean_by(leaf, effect, scores, tells)[leaf[held]] > 0
    part = scores.effect - cost / len(scores.outcomes)
    share = scores.mean(give) / len(scores.outcomes)
    value = estimate_values(
        scores,
        [(scores.mean(give * part), scores.centre(give * part))],
        shift=shift,
        shares=[share],
    )[0]
    asks, tells = _halve(scores, np.ones(len(facts), dtype=bool))
    tree = _fit(facts[asks], _scale(scores, scores.effect - net, asks), least, seed)
    groups = _list_groups(tree, facts, scores, net, tells=tells, alpha=alpha)
    return PolicyTree(groups=groups, value=value, share=share, cost=cost)


def describe_tree(tree: PolicyTree, *, alpha: float = 0.05) -> tuple[str, ...]:
    """Say whom the tree gives the programme, and what that was worth elsewhere.

    Parameters
    ----------
    tree : PolicyTree
        From `grow_tree`.
    alpha : float
        One less the level of the interval.

    Returns
    -------
    tuple of str
        One sentence per group, joined where all groups are treated alike, and one for
        the value on people the trees were not made of.
    """
    low, high = tree.value.interval(alpha)
    value, start, end = write_alike(tree.value.value, low, high, signed=True)
    less = " less its cost" if tree.cost else ""
    return (
        *_describe_groups(tree.groups, shown=low > 0),
        "On people that it was not made of, such a rule was worth "
        f"{value} smallest worthwhile changes per person{less} ({1 - alpha:.0%} "
        f"interval {start} to {end}), with {tree.share:.0%} of them learning"
        + ("." if low > 0 else ": not shown to be better than nobody learning."),
    )


def _describe_groups(groups: pd.DataFrame, *, shown: bool) -> list[str]:
    """Say what each group gets, or would get where the rule is not shown to pay."""
    give = groups["give"].to_numpy(dtype=bool)
    if give.all():
        return ["Its questions find no group that loses by it: everybody gets it."]
    if not give.any():
        return ["No group gains more than it costs: nobody gets it."]
    verbs = ("Do not give", "Give") if shown else ("It would not give", "It would give")
    return [
        f"{verbs[int(row.give)]} it to people with {row.group} ({row.share:.0%} of "
        f"people, gain {_write_gain(row)})."
        for row in groups.itertuples()
    ]


def _halve(scores: Scores, rows: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Split people into those who find questions and those who tell gains."""
    known = np.unique(scores.folds[rows])
    asks = rows & np.isin(scores.folds, known[::2])
    return asks, rows & ~asks


def _scale(scores: Scores, effect: FloatArray, rows: BoolArray) -> FloatArray:
    """Scale scores so that a mean over rows is a sum of means over outcomes."""
    scaled: FloatArray = (effect * scores.weight)[rows] * len(effect)
    return scaled


def _fit(facts: pd.DataFrame, reward: FloatArray, least: int, seed: int) -> Any:
    from econml.policy import PolicyTree as EconmlTree

    tree = EconmlTree(
        max_depth=_DEPTH,
        min_samples_leaf=least,
        honest=False,
        random_state=seed % 2**31,
    )
    both = np.column_stack([np.zeros(len(reward)), reward])
    return tree.fit(facts.to_numpy(dtype="float64"), both)


def _find_leaves(tree: Any, facts: pd.DataFrame) -> IntArray:
    """Return the number of the leaf of every row."""
    values = facts.to_numpy(dtype="float64")
    leaf = np.zeros(len(values), dtype="int64")
    everyone = np.ones(len(values), dtype=bool)
    for number, (_, inside) in enumerate(_walk(tree.tree_, values, 0, everyone)):
        leaf[inside] = number
    return leaf


def _mean_by(
    leaf: IntArray, effect: FloatArray, scores: Scores, rows: BoolArray
) -> FloatArray:
    """Add up over outcomes the mean effect within each leaf; 0 where nobody tells."""
    codes = scores.outcome_codes
    size = (int(leaf.max()) + 1, len(scores.outcomes))
    place = np.ravel_multi_index((leaf[rows], codes[rows]), size)
    count = np.bincount(place, minlength=size[0] * size[1])
    total = np.bincount(place, effect[rows], minlength=size[0] * size[1])
    means = np.divide(total, count, out=np.zeros(len(total)), where=count > 0)
    gains: FloatArray = means.reshape(size).sum(axis=1)
    return gains


def _list_groups(
    tree: Any,
    facts: pd.DataFrame,
    scores: Scores,
    net: float,
    *,
    tells: BoolArray,
    alpha: float,
) -> pd.DataFrame:
    rows = []
    values = facts.to_numpy(dtype="float64")
    everyone = np.ones(len(values), dtype=bool)
    units = scores.frame["unit"]
    for questions, inside in _walk(tree.tree_, values, 0, everyone):
        if not (inside & tells).any():
            continue
        gain = _tell_gain(scores.keep(inside & tells), net)
        low, high = gain.interval(alpha)
        rows.append(
            {
                "group": _word(questions, facts.columns),
                "give": bool(gain.value > 0),
                "gain": gain.value,
                "low": low,
                "high": high,
                "share": float(scores.weight[inside].sum() / len(scores.outcomes)),
                "n_people": int(units[inside].nunique()),
            }
        )
    return pd.DataFrame(rows)


def _tell_gain(part: Scores, net: float) -> Value:
    """Estimate a group's gain; unknown where an outcome or other teams are absent."""
    known = part.frame["outcome"].nunique() == len(part.outcomes)
    apart = all(len(np.unique(codes)) > 1 for codes in part.clusters.values())
    if not (known and apart):
        return Value(value=math.nan, std_error=math.nan, df=1.0)
    effect = part.effect - net
    return estimate_values(part, [(part.mean(effect), part.centre(effect))])[0]


def _write_gain(row: Any) -> str:
    if math.isnan(row.gain):
        return "not told by so few"
    value, low, high = write_alike(row.gain, row.low, row.high, signed=True)
    return f"{value}, {low} to {high}"


_Question = tuple[int, bool, float]


def _walk(
    tree: Any, values: FloatArray, node: int, inside: BoolArray
) -> Iterator[tuple[list[_Question], BoolArray]]:
    """Yield the questions that lead to each leaf, and the rows that answer them so."""
    left, right = int(tree.children_left[node]), int(tree.children_right[node])
    if left < 0:
        yield [], inside
        return
    column, limit = int(tree.feature[node]), float(tree.threshold[node])
    below = values[:, column] <= limit
    for child, above in ((left, False), (right, True)):
        within = inside & (~below if above else below)
        for questions, rows in _walk(tree, values, child, within):
            yield [(column, above, limit), *questions], rows


def _word(questions: list[_Question], names: pd.Index) -> str:
    """Write the answers that lead to a group, each fact once."""
    bounds: dict[str, dict[bool, float]] = {}
    for column, above, limit in questions:
        ends = bounds.setdefault(str(names[column]), {})
        known = ends.get(above, limit)
        ends[above] = max(known, limit) if above else min(known, limit)
    return " and ".join(_word_one(name, ends) for name, ends in bounds.items()) or (
        "any answers"
    )


def _word_one(name: str, ends: dict[bool, float]) -> str:
    column, _, level = name.partition("=")
    label = _NAMES.get(column, column.replace("_", " "))
    if level:
        return f"{label} {'' if True in ends else 'other than '}{level}"
    unit = f" {_UNITS[column]}" if column in _UNITS else ""
    low, high = ends.get(True), ends.get(False)
    if low is not None and high is not None:
        return f"{label} above {_write(low)} and up to {_write(high)}{unit}"
    if low is not None:
        return f"{label} above {_write(low)}{unit}"
    return f"{label} up to {_write(high or 0.0)}{unit}"


def _write(limit: float) -> str:
    form = ",.0f" if abs(limit) >= _WHOLE else ".3g"
    return format(limit, form).replace("-", "−")
