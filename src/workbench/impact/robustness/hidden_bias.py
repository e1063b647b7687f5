"""Rosenbaum bounds of a matched comparison, whatever its design allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.core.errors import DesignError
from workbench.core.results import Check
from workbench.impact.matching import Matches
from workbench.impact.robustness.benchmarks import make_row
from workbench.impact.robustness.rosenbaum import (
    HIGHEST_GAMMA,
    bound_discordant,
    bound_hodges_lehmann,
    bound_sets,
    bound_signed_rank,
    find_critical_gamma,
)
from workbench.impact.sample import Sample

__all__ = ["HiddenBias", "measure_hidden_bias"]

FloatArray = npt.NDArray[np.float64]
Bound = Callable[[float], tuple[float, float]]

_GAMMAS = (1.0, 1.25, 1.5, 2.0, 3.0)
_ESTIMATED = (1.0, 1.5, 2.0)
_LITTLE = 1.2
_MOST_PAIRS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenBias:
    """What hidden bias within matched sets would do to the test.

    Attributes
    ----------
    rows : tuple of dict
        For the table of `analyse_sensitivity`.
    critical : float
        Odds ratio at which the two-sided p-value reaches the level; NaN if it exceeds
        it without hidden bias or the bounds do not apply, infinite beyond 100.
    applies : bool
        False where the design has no such bounds.
    text : str
        A sentence; the reason where they do not apply.
    """

    rows: tuple[dict[str, Any], ...] = field(default=())
    critical: float
    applies: bool
    text: str

    def check(self, *, held: bool) -> Check:
        """Return the check: an odds ratio of 1.2 must not be enough.

        Parameters
        ----------
        held : bool
            Whether the headline's interval holds 0 already.
        """
        if not self.applies or held or math.isnan(self.critical):
            return Check(check="hidden_bias", passed=None, text=self.text)
        fine = self.critical > _LITTLE
        return Check(
            check="hidden_bias",
            passed=fine,
            value=min(self.critical, HIGHEST_GAMMA),
            limit=_LITTLE,
            text=self.text,
            advice="" if fine else "A little hidden bias would be enough.",
        )


def measure_hidden_bias(
    sample: Sample,
    matches: Matches,
    covariates: FloatArray,
    *,
    binary: bool,
    negative: bool,
    alpha: float = 0.05,
) -> HiddenBias:
    """Bound the matched test under hidden bias.

    Parameters
    ----------
    sample, matches
        The matched comparison.
    covariates : array of shape (rows, terms)
        A measured outcome is compared net of these; its residuals do not depend on who
        learnt, as the bounds require.
    binary : bool
        Whether the outcome is yes or no; it is compared as it is.
    negative : bool
        Whether learners are found to have less.
    alpha : float
        Level; the two-sided p-value is twice the one-sided one.

    Returns
    -------
    HiddenBias
        Signed ranks for pairs with a measured outcome, with the range of the
        Hodges-Lehmann estimate up to 20,000 pairs; McNemar for pairs with a yes-or-no
        outcome; aligned ranks and Mantel-Haenszel for sets. Not applicable where rows
        serve several learners, or learning was given by team. Sets are taken as drawn
        apart, also where one person stands in several.

    References
    ----------
    .. [1] Rosenbaum, P. R. (2002). Covariance adjustment in randomized experiments and
       observational studies. Statistical Science 17, 286-327.
       doi:10.1214/ss/1042727942
    """
    reason = _refuse(sample, matches)
    if reason:
        return HiddenBias(critical=math.nan, applies=False, text=reason)
    sign = -1.0 if negative else 1.0
    try:
        bound, ranges, name = _choose(sample, matches, covariates, binary, sign)
        critical = find_critical_gamma(
            lambda gamma: min(1.0, 2 * bound(gamma)[1]), alpha=alpha
        )
        rows = _list_rows(bound, ranges, sign)
    except DesignError as error:
        first = str(error).splitlines()[0].rstrip(".")
        text = f"Rosenbaum bounds do not apply: {first[:1].lower()}{first[1:]}."
        return HiddenBias(critical=math.nan, applies=False, text=text)
    return HiddenBias(
        rows=(*rows, _write_critical(critical)),
        critical=critical,
        applies=True,
        text=_describe(critical, name, alpha),
    )


def _refuse(sample: Sample, matches: Matches) -> str:
    if matches.replace:
        return (
            "Rosenbaum bounds do not apply: with replacement one row serves several "
            "learners, so that sets are not drawn apart."
        )
    groups = [name for name in sample.clusters if name != "unit"]
    if groups:
        return (
            f"Rosenbaum bounds do not apply: learning was given by {groups[0]}, not "
            "person by person."
        )
    return ""


def _choose(
    sample: Sample,
    matches: Matches,
    covariates: FloatArray,
    binary: bool,
    sign: float,
) -> tuple[Bound, Callable[[float], tuple[float, float]] | None, str]:
    """Return the bounds of the p-value, those of the estimate, and their name."""
    pairs = matches.pairs
    place = pairs["row"].to_numpy(dtype="int64")
    sets = pairs["set"].to_numpy(dtype="int64")
    treated, outcome = sample.treated[place], sign * sample.outcome[place]
    learns = treated.astype("float64")
    if not binary:
        weights = np.sqrt(pairs["weight"].to_numpy(dtype="float64"))[:, None]
        full = np.column_stack([np.ones(len(place)), covariates[place]])
        both = np.column_stack([outcome, learns])
        solved = np.linalg.lstsq(full * weights, both * weights, rcond=None)[0]
        outcome, learns = (both - full @ solved).T
    if np.bincount(sets).max() > 2:
        score = outcome if binary else _align(outcome, sets)
        name = "the Mantel-Haenszel test" if binary else "the aligned-rank test"
        return lambda gamma: bound_sets(score, treated, sets, gamma=gamma), None, name
    order = np.lexsort((~treated, sets))
    ours, theirs = outcome[order][::2], outcome[order][1::2]
    if binary:
        low, high = min(sign, 0.0), max(sign, 0.0)
        counts = (
            int(((ours == high) & (theirs == low)).sum()),
            int(((ours == low) & (theirs == high)).sum()),
        )
        return (
            lambda gamma: bound_discordant(*counts, gamma=gamma),
            None,
            "McNemar's test",
        )
    gaps = ours - theirs
    doses = learns[order][::2] - learns[order][1::2]
    ranges = None
    if doses.min() > 0 and len(gaps) <= _MOST_PAIRS:
        ranges = partial(_estimate, gaps, doses)
    return (
        lambda gamma: bound_signed_rank(gaps, gamma=gamma),
        ranges,
        "the signed-rank test",
    )


def _estimate(gaps: FloatArray, doses: FloatArray, gamma: float) -> tuple[float, float]:
    return bound_hodges_lehmann(gaps, gamma=gamma, doses=doses)


def _align(outcome: FloatArray, sets: npt.NDArray[np.int64]) -> FloatArray:
    """Rank the distances from the sets' means."""
    from scipy.stats import rankdata

    means = np.bincount(sets, outcome) / np.bincount(sets)
    ranks: FloatArray = np.asarray(rankdata(outcome - means[sets]), dtype="float64")
    return ranks


def _list_rows(
    bound: Bound,
    ranges: Callable[[float], tuple[float, float]] | None,
    sign: float,
) -> list[dict[str, Any]]:
    rows = []
    for gamma in _GAMMAS:
        ends = (math.nan, math.nan)
        if ranges is not None and gamma in _ESTIMATED:
            low, high = sorted(sign * end for end in ranges(gamma))
            ends = (low, high)
        rows.append(
            make_row(
                "hidden_bias",
                strength=gamma,
                p_value=min(1.0, 2 * bound(gamma)[1]),
                ci_low=ends[0],
                ci_high=ends[1],
                text="largest p-value if the odds of learning differ within a set by "
                f"a factor of up to {gamma:g}",
            )
        )
    return rows


def _write_critical(critical: float) -> dict[str, Any]:
    text = "odds ratio at which the p-value reaches the level"
    if math.isnan(critical):
        text = "the level is exceeded without hidden bias"
    elif math.isinf(critical):
        text = f"the level is not reached below {HIGHEST_GAMMA:g}"
    return make_row("critical_gamma", strength=critical, text=text)


def _describe(critical: float, name: str, alpha: float) -> str:
    if math.isnan(critical):
        return f"Without hidden bias {name} is above {alpha:g} already."
    if math.isinf(critical):
        return (
            f"No hidden bias up to an odds ratio of {HIGHEST_GAMMA:g} overturns {name}."
        )
    return (
        "Within matched sets, the odds of learning would have to differ by a factor "
        f"of {critical:.2f} to bring {name} above {alpha:g}."
    )
