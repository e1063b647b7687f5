"""Which comparisons a two-way regression is made of, and which are forbidden."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import NoVariationError, TooFewUnitsError
from workbench.core.results import Check

__all__ = ["FORBIDDEN", "Decomposition", "decompose_twfe"]

FORBIDDEN = "later against earlier learners"
"""The comparison whose controls have already learnt."""

_KINDS = {
    "treated_vs_never": "learners against people who never learnt",
    "earlier_vs_later": "earlier against later learners",
    "later_vs_earlier": FORBIDDEN,
}
_MOST_FORBIDDEN = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """Goodman-Bacon's decomposition of the two-way estimate.

    Attributes
    ----------
    estimate : float
        The two-way estimate on the balanced panel: sum of weight times estimate.
    comparisons : DataFrame
        ``kind``, ``learners`` and ``controls`` (exposure periods, 0 for people who
        never learnt), ``weight``, ``estimate``; weights sum to 1.
    kinds : DataFrame
        ``kind``, ``weight``, ``estimate`` (weighted mean; NaN without weight).
    forbidden_share : float
        Weight of comparisons of later learners with earlier ones, whose controls have
        already learnt.
    n_people, n_left_out : int
        People in the balanced panel, and those who lack a quarter.
    check : Check
        ``bacon_forbidden_share``.
    """

    estimate: float
    comparisons: pd.DataFrame
    kinds: pd.DataFrame
    forbidden_share: float
    n_people: int
    n_left_out: int
    check: Check


def decompose_twfe(panel: Panel) -> Decomposition:
    """Show which two-by-two comparisons the two-way estimate averages.

    Parameters
    ----------
    panel : Panel
        People over quarters. Only those seen in every quarter enter, and learners of
        the first quarter are left out, since the decomposition needs a balanced panel
        in which every learner has a before.

    Returns
    -------
    Decomposition
        The check fails if the forbidden comparisons carry more than a tenth.

    Raises
    ------
    TooFewUnitsError
        If no learner, or nobody to compare with, is seen in every quarter.
    NoVariationError
        If all people learnt in one quarter.

    References
    ----------
    .. [1] Goodman-Bacon, A. (2021). Difference-in-differences with variation in
       treatment timing. Journal of Econometrics 225, 254-277.
       doi:10.1016/j.jeconom.2021.03.014
    """
    os.environ.setdefault("DIFF_DIFF_BACKEND", "python")
    from diff_diff import BaconDecomposition

    frame = panel.frame
    rows = _balance(frame)
    everybody = int(frame["unit"].nunique())
    people = int(rows["unit"].nunique())
    starts = rows.loc[rows["first_treat"] > 0, "first_treat"]
    if starts.empty or people < 2:
        raise TooFewUnitsError.build(
            "No learner was seen in every quarter",
            where=f"{panel.persona}, {panel.program.id}, {panel.outcome.id}",
            got=f"{everybody - people} of {everybody} people left out",
        )
    if rows["first_treat"].nunique() < 2:
        raise NoVariationError.build(
            "All people learnt in the same quarter, so nobody can be compared",
            where=f"{panel.persona}, {panel.program.id}, {panel.outcome.id}",
        )
    found = BaconDecomposition(weights="exact").fit(
        rows, outcome="outcome", unit="unit", time="period", first_treat="first_treat"
    )
    comparisons = pd.DataFrame(
        {
            "kind": [_KINDS[item.comparison_type] for item in found.comparisons],
            "learners": [int(item.treated_group) for item in found.comparisons],
            "controls": [_number(item.control_group) for item in found.comparisons],
            "weight": [float(item.weight) for item in found.comparisons],
            "estimate": [float(item.estimate) for item in found.comparisons],
        }
    ).sort_values(["kind", "learners", "controls"], ignore_index=True)
    kinds = _sum_kinds(comparisons)
    share = float(kinds.set_index("kind").loc[FORBIDDEN, "weight"])
    return Decomposition(
        estimate=float(found.twfe_estimate),
        comparisons=comparisons,
        kinds=kinds,
        forbidden_share=share,
        n_people=people,
        n_left_out=everybody - people,
        check=_check(panel, share, left_out=everybody - people),
    )


def _balance(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep people seen in every quarter who were not learners from the first on."""
    quarters = frame["period"].nunique()
    whole = frame.groupby("unit")["period"].transform("size") == quarters
    late = (frame["first_treat"] == 0) | (frame["first_treat"] > frame["period"].min())
    columns = ["unit", "period", "outcome", "first_treat"]
    rows = frame.loc[whole & late, columns].reset_index(drop=True)
    rows["unit"] = pd.factorize(rows["unit"], sort=True)[0]
    return rows


def _number(group: object) -> int:
    return 0 if group == "never_treated" else int(str(group).split(".")[0])


def _sum_kinds(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Add up the weights of each kind, kinds that do not occur included."""
    product = comparisons["weight"] * comparisons["estimate"]
    sums = (
        comparisons.assign(product=product)
        .groupby("kind")[["weight", "product"]]
        .sum()
        .reindex(list(_KINDS.values()), fill_value=0.0)
    )
    sums["estimate"] = sums["product"] / sums["weight"].where(sums["weight"] > 0)
    return sums.drop(columns="product").rename_axis("kind").reset_index()


def _check(panel: Panel, share: float, *, left_out: int) -> Check:
    people = left_out / panel.frame["unit"].nunique()
    lost = (
        f" {people:.0%} of people lack a quarter and are not in this number."
        if left_out
        else ""
    )
    return Check(
        check="bacon_forbidden_share",
        passed=share <= _MOST_FORBIDDEN,
        value=share,
        limit=_MOST_FORBIDDEN,
        program=panel.program.id,
        outcome=panel.outcome.id,
        text=f"{share:.1%} of the two-way estimate comes from comparing later learners "
        f"with people who had already learnt.{lost}",
        advice="take the group-time design, which makes no such comparison",
    )
