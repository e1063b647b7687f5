"""Attempts to refute a matched effect: placebo, random cause, subset, dummy outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import DesignError
from workbench.core.results import Check
from workbench.impact.inference import regress_on_treatment
from workbench.impact.matching import Matches, match_nearest
from workbench.impact.propensity import predict_propensity
from workbench.impact.sample import Sample, code_clusters

__all__ = [
    "COLUMNS",
    "REFUTERS",
    "Drawn",
    "Refit",
    "refute_effect",
    "shuffle_treatment",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

REFUTERS = ("placebo", "random_cause", "subset", "dummy_outcome")
"""In the order of the table."""

_FEW_ROWS = 10_000
_DUMMIES = 199
_NEAR = 0.5
_LEVEL = 0.05
_SORTED = ("unit", "trial")
_STEADY = ("random_cause", "subset")
_WORDS = {
    "placebo": "With learning dealt anew within each trial",
    "random_cause": "With a covariate of pure noise added",
    "subset": "In random subsets of 80 % of the rows",
    "dummy_outcome": "With the outcome dealt anew within each trial",
}
_ADVICE = {
    False: "The method finds what is not there.",
    True: "Who happens to be matched moves it; read the doubly robust one beside it.",
}
COLUMNS = (
    "refuter",
    "estimate",
    "expected",
    "spread",
    "p_value",
    "draws",
    "passed",
    "text",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What one refuter drew.

    Attributes
    ----------
    refuter : str
        One of `REFUTERS`.
    values : array
        Effect per draw; missing where a draw could not be estimated.
    expected : float
        The effect there should be.
    """

    refuter: str
    values: FloatArray
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """The headline's estimator, ready to be run on changed data.

    Attributes
    ----------
    sample : Sample
        All rows.
    matrix : array of shape (rows, terms)
        `Design.matrix` for the propensity score.
    covariates : array of shape (rows, terms)
        Columns of the regression in the matched sample.
    exact : tuple of str
        Columns equal within a set.
    matching : mapping
        ``caliper``, ``ratio`` and ``replace``.
    keys : DataFrame
        Codes of people, trials and `exact`, which match faster than names.
    """

    sample: Sample
    matrix: FloatArray
    covariates: FloatArray
    exact: tuple[str, ...]
    matching: Mapping[str, Any]
    keys: pd.DataFrame = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        frame = self.sample.frame
        keys = {
            name: pd.factorize(frame[name], sort=name in _SORTED)[0]
            for name in dict.fromkeys((*_SORTED, *self.exact))
        }
        object.__setattr__(self, "keys", pd.DataFrame(keys))

    def estimate(
        self,
        *,
        rows: IntArray | None = None,
        treated: BoolArray | None = None,
        cause: FloatArray | None = None,
    ) -> float:
        """Score, match and regress again.

        Parameters
        ----------
        rows : array of int, optional
            Positions of the rows to use; default all.
        treated : array of bool, optional
            Who learns, one value per row used; default as it was.
        cause : array, optional
            A further covariate, one value per row used.

        Returns
        -------
        float
            The effect; the headline itself if nothing is changed and the score was
            a logistic regression.

        Raises
        ------
        DesignError
            If nobody could be matched.
        """
        place = np.arange(len(self.sample.treated)) if rows is None else rows
        learns = self.sample.treated[place] if treated is None else treated
        more = np.empty((len(place), 0)) if cause is None else cause[:, None]
        matches = self._match(place, learns, np.hstack([self.matrix[place], more]))
        found = matches.pairs["row"].to_numpy(dtype="int64")
        if not learns[found].any():
            raise DesignError.build("Nobody could be matched")
        used = np.hstack([self.covariates[place], more])
        return regress_on_treatment(
            self.sample.outcome[place][found],
            learns[found],
            used[found],
            weights=matches.pairs["weight"].to_numpy(dtype="float64"),
        ).effect

    def _match(self, place: IntArray, learns: BoolArray, matrix: FloatArray) -> Matches:
        chance = predict_propensity(matrix, learns, matrix)
        chance = np.clip(chance, 1e-12, 1 - 1e-12)
        frame = self.keys.iloc[place].reset_index(drop=True)
        frame["treated"] = learns
        frame["score"] = np.log(chance / (1 - chance))
        return match_nearest(frame, exact=self.exact, **self.matching)


def refute_effect(
    refit: Refit,
    matches: Matches,
    *,
    std_error: float,
    draws: int | None = None,
    seed: int,
) -> tuple[pd.DataFrame, tuple[Check, ...]]:
    """Try to refute the headline.

    Each attempt changes the data so that the answer is known, and runs scores, matching
    and regression again. The functions are those of dowhy, run on a clean copy; the
    dummy outcome, which dowhy refuses for estimators of others, is drawn here.

    Parameters
    ----------
    refit : Refit
        The estimator.
    matches : Matches
        Its matches, which a changed outcome leaves as they are.
    std_error : float
        Error of the headline.
    draws : int, optional
        Draws per attempt; default 12 up to 10,000 rows and 8 above; 199 dummy
        outcomes, which need no matching.
    seed : int
        Of all draws.

    Returns
    -------
    tuple
        A table with ``refuter``, ``estimate`` (mean over draws), ``expected``,
        ``spread`` (standard deviation over draws), ``p_value``, ``draws``, ``passed``
        and ``text``; and one check per refuter. ``placebo``: learning dealt anew
        within each trial, by team where it was given by team; expected 0.
        ``random_cause``: one more covariate of pure noise; expected the estimate.
        ``subset``: 80 % of the rows; expected the estimate. ``dummy_outcome``: the
        outcome dealt anew within each trial; expected 0. Where 0 is expected, an
        attempt passes if the mean over draws lies within half the headline's error of
        it, or within three of its own simulation errors. Where the estimate is
        expected, it passes if the mean lies within one error of it, or the estimate is
        not unusual among the draws (p of 0.05 or more): another draw of noise matches
        other people, which moves the estimate as its error says. One that could not be
        run neither passes nor fails. ``p_value`` is two-sided, from a normal
        distribution (twice dowhy's, which is one-sided).
    """
    from workbench.impact.robustness.dowhy_refuters import draw_with_dowhy

    rows = len(refit.sample.treated)
    count = _count_draws(rows) if draws is None else draws
    made = [
        *draw_with_dowhy(refit, draws=count, seed=seed),
        _draw_dummy(refit, matches, seed=seed),
    ]
    judged = [_judge(item, std_error) for item in made]
    table = pd.DataFrame(judged, columns=list(COLUMNS))
    table["passed"] = table["passed"].astype("boolean")
    return table, tuple(_check(row) for row in judged)


def shuffle_treatment(sample: Sample, random: np.random.RandomState) -> IntArray:
    """Deal learning anew within each trial, by team where it was given by team.

    Parameters
    ----------
    sample : Sample
        The rows.
    random : RandomState
        Draws.

    Returns
    -------
    array of int
        The row whose learning each row takes. By team, the rows of the teams in a
        random order take the learning of the rows in the teams' own order: as many
        learn, and learners still sit together.
    """
    trials = code_clusters(sample.frame["trial"])
    further = [name for name in sample.clusters if name != "unit"]
    teams = sample.clusters[further[0]] if further else np.arange(len(trials))
    ranks = random.permutation(int(teams.max()) + 1)
    source = np.lexsort((teams, trials))
    target = np.lexsort((ranks[teams], trials))
    taken = np.empty(len(trials), dtype="int64")
    taken[target] = source
    return taken


def _count_draws(rows: int) -> int:
    return 12 if rows <= _FEW_ROWS else 8


def _draw_dummy(refit: Refit, matches: Matches, *, seed: int) -> Drawn:
    """Deal the outcome anew within trials; the effect is linear in the outcome."""
    sample = refit.sample
    place = matches.pairs["row"].to_numpy(dtype="int64")
    weights = matches.pairs["weight"].to_numpy(dtype="float64")
    learns = sample.treated[place].astype("float64")
    scale = np.sqrt(weights)
    full = np.column_stack([np.ones(len(place)), refit.covariates[place]])
    full = full * scale[:, None]
    rest = learns * scale
    rest = rest - full @ np.linalg.lstsq(full, rest, rcond=None)[0]
    share = rest * scale / float(rest @ (learns * scale))
    random = np.random.RandomState(seed)
    trials = code_clusters(sample.frame["trial"])
    order = np.argsort(trials, kind="stable")
    values = np.empty(_DUMMIES)
    for draw in range(_DUMMIES):
        dealt = np.empty(len(trials))
        mixed = np.lexsort((random.permutation(len(trials)), trials))
        dealt[order] = sample.outcome[mixed]
        values[draw] = float(share @ dealt[place])
    return Drawn(refuter="dummy_outcome", values=values, expected=0.0)


def _judge(drawn: Drawn, std_error: float) -> dict[str, Any]:
    """Compare the draws with what they should give."""
    from scipy.stats import norm

    values = drawn.values[np.isfinite(drawn.values)]
    if len(values) < max(2, len(drawn.values) / 2):
        return {
            "refuter": drawn.refuter,
            "estimate": math.nan,
            "expected": drawn.expected,
            "spread": math.nan,
            "p_value": math.nan,
            "draws": len(values),
            "passed": None,
            "text": "Most draws could not be matched.",
        }
    mean, spread = float(values.mean()), float(values.std())
    gap = abs(mean - drawn.expected)
    p_value = float(2 * norm.sf(gap / spread)) if spread else float(gap == 0)
    if drawn.refuter in _STEADY:
        fine = gap <= std_error or p_value >= _LEVEL
    else:
        fine = gap <= max(_NEAR * std_error, 3 * spread / math.sqrt(len(values)))
    return {
        "refuter": drawn.refuter,
        "estimate": mean,
        "expected": drawn.expected,
        "spread": spread,
        "p_value": p_value,
        "draws": len(values),
        "passed": bool(fine),
        "text": f"{_WORDS[drawn.refuter]}: {mean:.3g} on average over {len(values)} "
        f"draws (spread {spread:.2g}), where {drawn.expected:.3g} is expected.",
    }


def _check(row: Mapping[str, Any]) -> Check:
    name = f"refute_{row['refuter']}"
    if row["passed"] is None:
        return Check(check=name, passed=None, text=row["text"])
    return Check(
        check=name,
        passed=row["passed"],
        value=abs(row["estimate"] - row["expected"]),
        text=row["text"],
        advice="" if row["passed"] else _ADVICE[row["refuter"] in _STEADY],
    )
