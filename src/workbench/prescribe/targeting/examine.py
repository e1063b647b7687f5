"""Who goes first: the order of seats, what it is worth, and whether that was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import MissingColumnError
from workbench.core.path_params import PathParams
from workbench.core.results import Check
from workbench.prescribe.targeting.benefit import (
    Benefit,
    fit_benefit,
    predict_benefit,
)
from workbench.prescribe.targeting.dr_tester import test_with_econml
from workbench.prescribe.targeting.estimates import NO_SHIFT, PathShift
from workbench.prescribe.targeting.heterogeneity import (
    Ranking,
    describe_value,
    draw_curves,
    examine_order,
    fit_best_line,
)
from workbench.prescribe.targeting.policies import Select, value_policies
from workbench.prescribe.targeting.ranking import Order
from workbench.prescribe.targeting.reading import check_scores, describe_policies
from workbench.prescribe.targeting.seat_order import (
    SeatOrder,
    decide_order,
    order_unseen,
)
from workbench.prescribe.targeting.tree import PolicyTree, describe_tree, grow_tree

__all__ = ["Targeting", "examine_targeting", "rank_people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Targeting:
    """Who goes first in one persona's programme, and what that is worth.

    Attributes
    ----------
    persona, program : str
        Ids.
    ranking : {"predicted", "need"}
        What the order goes by: predicted benefit where held-out people show that it
        sorts, else the need declared, which is the skill gap.
    ranking_text : str
        Why, in a sentence.
    seats : float
        Share of the persona that gets a seat in a quarter.
    policies, gains : DataFrame
        See `workbench.prescribe.targeting.policies.Policies`.
    gain_curve : DataFrame
        ``curve``, ``share``, ``value``, ``low``, ``high``: ``toc`` and ``qini`` of
        predicted benefit, ``toc_need`` and ``qini_need`` of the need, with bands that
        hold throughout.
    heterogeneity : DataFrame
        ``test``, ``value``, ``std_error``, ``p_value``, ``passed``, ``text``.
    tree : PolicyTree
        A rule of two questions, with its value on people it was not made of.
    words : tuple of str
        What is known, in sentences; those of the tree last.
    checks : tuple of Check
        What limits the numbers.
    need : str
        Column of the need.
    benefit : Benefit
        The model of predicted benefit, fitted to everybody.
    """

    persona: str
    program: str
    ranking: Ranking
    ranking_text: str
    seats: float
    policies: pd.DataFrame
    gains: pd.DataFrame
    gain_curve: pd.DataFrame
    heterogeneity: pd.DataFrame
    tree: PolicyTree
    words: tuple[str, ...]
    checks: tuple[Check, ...]
    need: str
    benefit: Benefit


def examine_targeting(
    cohorts: Sequence[Cohort],
    *,
    paths: PathParams,
    seats: float | None = None,
    risk: str | None = None,
    need: str = "skill_gap",
    features: Sequence[str] | None = None,
    select: Select | None = None,
    shift: PathShift = NO_SHIFT,
    cost: float = 0.0,
    forest: bool = False,
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> Targeting:
    """Decide who of a persona goes first, and estimate what that order is worth.

    Use it for a programme with more takers than seats. Values are causal if the
    covariates hold everything that drives both learning and the outcomes.

    Parameters
    ----------
    cohorts : sequence of Cohort
        One programme of one persona, one cohort per outcome.
    paths : PathParams
        Weights of the outcomes.
    seats : float, optional
        Share of the persona that gets a seat in a quarter; by default the share that
        learnt in a quarter.
    risk : str, optional
        Column of the cohorts' frames with a risk score, the highest most at risk. By
        default the composite expected without learning, by models of other people.
    need : str
        Column of the declared need; a missing one counts as the median.
    features : sequence of str, optional
        Facts that predict benefit. By default the covariates that all cohorts share;
        name fewer where less is known of people now.
    select : callable, optional
        Another way of giving the seats in that order, such as one with a floor for
        groups; see `workbench.prescribe.targeting.policies.value_policies`.
    shift : PathShift
        What the chosen path adds to the programme as it was taken.
    cost : float
        Cost of learning for one person in thresholds: hours times what an hour should
        bring. It counts in the tree only; with 0 the tree asks for gain alone.
    forest : bool
        Whether an honest forest is examined beside the linear model of benefit; it
        decides nothing.
    alpha : float
        One less the level of all intervals.
    min_group : int
        Fewest people in an arm, and in a group of the tree.
    seed : int
        Of folds, bands and trees.

    Returns
    -------
    Targeting
        The order and its evidence. Predicted benefit is valued on people of later folds
        than those it was learnt from. That it was chosen on the same people makes its
        value a little too high.

    Raises
    ------
    DesignError
        If no outcome can enter, or there are too few learners.
    MissingColumnError
        If the need, the risk or a feature is no column of the cohorts.
    """
    order = decide_order(
        cohorts,
        paths=paths,
        risk=risk,
        need=need,
        features=features,
        alpha=alpha,
        min_group=min_group,
        seed=seed,
    )
    scores, terms, valued = order.scores, order.terms, order.chosen.scores
    share = order.current if seats is None else seats
    policies = value_policies(
        valued,
        chosen=order.chosen,
        risk=order.by_risk,
        seats=share,
        select=select,
        shift=shift,
        alpha=alpha,
    )
    tree = grow_tree(
        scores,
        terms,
        cost=cost,
        shift=shift,
        alpha=alpha,
        min_group=min_group,
        seed=seed,
    )
    said = describe_policies(policies, shift, alpha)
    return Targeting(
        persona=cohorts[0].persona,
        program=cohorts[0].program.id,
        ranking=order.ranking,
        ranking_text=order.text,
        seats=share,
        policies=policies.table,
        gains=policies.gains,
        gain_curve=_draw_all(order, alpha=alpha, seed=seed),
        heterogeneity=_tabulate_tests(order, forest=forest, alpha=alpha, seed=seed),
        tree=tree,
        words=(order.text, *said, *describe_tree(tree, alpha=alpha)),
        checks=(*scores.checks, *check_scores(valued, policies.chosen)),
        need=need,
        benefit=fit_benefit(scores, terms),
    )


def rank_people(targeting: Targeting, people: pd.DataFrame) -> pd.Series:
    """Give people of today their place in the order.

    Parameters
    ----------
    targeting : Targeting
        From `examine_targeting`.
    people : DataFrame
        One row per person, with the need, or with the features of the model where the
        order goes by predicted benefit.

    Returns
    -------
    Series
        ``score`` on the index of `people`: the highest goes first. Points of skill gap,
        or thresholds; someone whose need is not known comes after all whose is.

    Raises
    ------
    MissingColumnError
        If a column is missing.
    """
    if targeting.ranking == "predicted":
        values = targeting.benefit.predict(people)
        return pd.Series(values, index=people.index, name="score")
    if targeting.need not in people.columns:
        raise MissingColumnError.build(
            "People lack the need by which they are ordered", got=targeting.need
        )
    values = people[targeting.need].astype("Float64")
    numbers = values.to_numpy(dtype="float64", na_value=np.nan)
    score = np.where(np.isfinite(numbers), numbers, -np.inf)
    return pd.Series(score, index=people.index, name="score")


def _draw_all(order: SeatOrder, *, alpha: float, seed: int) -> pd.DataFrame:
    need = draw_curves(order.by_need, alpha=alpha, seed=seed)
    need["curve"] += "_need"
    if order.unseen is None:
        return need
    predicted = draw_curves(order.unseen, alpha=alpha, seed=seed)
    return pd.concat([predicted, need], ignore_index=True)


def _tabulate_tests(
    order: SeatOrder, *, forest: bool, alpha: float, seed: int
) -> pd.DataFrame:
    sorts = examine_order(order.by_need)
    named = [
        ("autoc_need", "AUTOC of the need declared", sorts.autoc),
        ("qini_need", "Qini area of the need declared", sorts.qini),
    ]
    tables = []
    if order.unseen is not None and order.evidence is not None:
        shown = order.evidence
        line = fit_best_line(order.unseen.scores, order.unseen.merit)
        named = [
            ("autoc", "AUTOC of predicted benefit on unseen people", shown.autoc),
            ("qini", "Qini area of predicted benefit on unseen people", shown.qini),
            ("blp", "Best linear predictor (1 where predictions are right)", line),
            *named,
        ]
        tables.append(
            test_with_econml(
                order.unseen.scores, order.unseen.merit, alpha=alpha, seed=seed
            )
        )
    other = _order_by_forest(order, seed) if forest else None
    if other is not None:
        found = examine_order(other)
        named += [
            ("autoc_forest", "AUTOC of a forest on unseen people", found.autoc),
            ("qini_forest", "Qini area of a forest on unseen people", found.qini),
        ]
    own = [
        {
            "test": test,
            "value": value.value,
            "std_error": value.std_error,
            "p_value": value.p_value(),
            "passed": value.interval(alpha)[0] > 0,
            "text": describe_value(name, value, alpha) + ".",
        }
        for test, name, value in named
    ]
    return pd.concat([pd.DataFrame(own), *tables], ignore_index=True)


def _order_by_forest(order: SeatOrder, seed: int) -> Order | None:
    predicted = predict_benefit(
        order.scores, order.terms, sequential=True, model="forest", seed=seed
    )
    return order_unseen(order.scores, predicted)
