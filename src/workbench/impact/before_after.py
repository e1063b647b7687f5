"""Change since before learning, among learners and their matches."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.params import Outcome
from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import make_cluster_effect
from workbench.impact.matched import estimate_matched, list_match_clusters
from workbench.impact.matching import Matches
from workbench.impact.sample import Sample

__all__ = ["COLUMNS", "METHOD", "estimate_change", "find_prior", "tabulate_changes"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

METHOD = "psm_change"
COLUMNS = ("arm", "before", "after", "change", "low", "high", "people")

_PRIOR = {"skill_assessments.proficiency": "prior_program_skill"}


def find_prior(outcome: Outcome, frame: pd.DataFrame) -> str | None:
    """Return the column of the same outcome before time zero, if there is one.

    Ratings and KPIs have theirs too, but are compared over time by stage 04.
    """
    name = _PRIOR.get(outcome.source)
    return name if name in frame.columns else None


def estimate_change(
    sample: Sample, matches: Matches, *, prior: str, min_group: int
) -> Effect | None:
    """Compare the change since before learning in the matched sets.

    Parameters
    ----------
    sample : Sample
        The rows, with the column `prior`.
    matches : Matches
        Who was matched with whom.
    prior : str
        The same outcome, before time zero.
    min_group : int
        Fewest people of either arm in sets where everybody's earlier value is known.

    Returns
    -------
    Effect or None
        Method ``psm_change``: change of learners less change of their matches, errors
        as in `estimate_matched`; None where too few sets are complete.
    """
    complete, kept = _keep_complete(sample, matches, prior)
    rows = kept.pairs["row"].to_numpy()
    sides = [rows[kept.pairs["treated"]], rows[~kept.pairs["treated"]]]
    if min(sample.count_units(side) for side in sides) < min_group:
        return None
    found = estimate_matched(complete, kept, error="cluster")
    return replace(found, method=METHOD)


def tabulate_changes(
    sample: Sample, matches: Matches, *, prior: str, alpha: float, min_group: int
) -> pd.DataFrame:
    """Tabulate the mean before and after, and the change, in either arm.

    Returns
    -------
    DataFrame
        ``arm`` (learners, others), ``before``, ``after``, ``change``, ``low``,
        ``high``, ``people``; empty where an arm has too few people.
    """
    complete, kept = _keep_complete(sample, matches, prior)
    after = sample.outcome
    clusters = list_match_clusters(complete, kept)
    rows, treated = kept.pairs["row"].to_numpy(), kept.pairs["treated"].to_numpy()
    weights = kept.pairs["weight"].to_numpy(dtype="float64")
    listed = []
    for arm, side in (("learners", treated), ("others", ~treated)):
        people = sample.count_units(rows[side])
        if people < min_group:
            return pd.DataFrame(columns=COLUMNS)
        share = weights[side] / weights[side].sum()
        change = complete.outcome[rows[side]]
        mean = float(change @ share)
        error = make_cluster_effect(
            method=METHOD,
            estimand="MEAN",
            value=mean,
            baseline=0.0,
            influence=np.column_stack([(change - mean) * share, np.zeros(len(share))]),
            clusters={name: _recode(codes[side]) for name, codes in clusters.items()},
            counts=(people, 0),
        )
        low, high = error.interval(alpha)
        level = float(after[rows[side]] @ share)
        listed.append(
            dict(
                zip(
                    COLUMNS,
                    [arm, level - mean, level, mean, low, high, people],
                    strict=True,
                )
            )
        )
    return pd.DataFrame(listed, columns=COLUMNS)


def _recode(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = np.unique(codes, return_inverse=True)[1]
    return found


def _keep_complete(
    sample: Sample, matches: Matches, prior: str
) -> tuple[Sample, Matches]:
    """Return changes as outcomes, and the sets whose people all have both values."""
    before = sample.frame[prior].to_numpy(dtype="float64")
    known = np.isfinite(before)
    pairs = matches.pairs
    whole = pd.Series(known[pairs["row"]], index=pairs.index)
    kept = pairs[whole.groupby(pairs["set"]).transform("all")].copy()
    kept["set"] = pd.factorize(kept["set"])[0]
    weights = np.zeros(len(known))
    np.add.at(weights, kept["row"].to_numpy(), kept["weight"].to_numpy())
    change = np.where(known, sample.outcome - before, math.nan)
    return (
        replace(sample, outcome=change),
        replace(matches, pairs=kept.reset_index(drop=True), weights=weights),
    )
