"""Whether learners and others can be compared at all, and where they cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import NoOverlapError
from workbench.core.results import Check
from workbench.impact.design_matrix import Design
from workbench.impact.propensity import Propensity
from workbench.impact.sample import Sample

__all__ = [
    "MAX_OUTSIDE",
    "Overlap",
    "check_overlap",
    "count_effective",
    "describe_region",
    "require_overlap",
    "tabulate_scores",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

MAX_OUTSIDE = 0.5
_NEARLY_CERTAIN = 0.95
_MAX_CERTAIN = 0.1
_MIN_EFFECTIVE = 0.5
_BULK = 0.95
_MAX_BEYOND_BULK = 0.5
_NAMED = 3
_FAR = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Where the two groups meet.

    Attributes
    ----------
    inside : array of bool
        Per row: score within the range of the others of the same trial.
    share_outside : float
        Share of learners out of that range.
    region : str
        Who they are, in words; empty if nobody is out of range.
    checks : tuple of Check
        ``common_support`` (required), ``positivity``, ``effective_sample_size``,
        ``thin_support``.
    """

    inside: BoolArray
    share_outside: float
    region: str
    checks: tuple[Check, ...]


def check_overlap(
    sample: Sample, design: Design, propensity: Propensity, *, min_group: int = 10
) -> Overlap:
    """Check that most learners have others as likely to learn as they were.

    Parameters
    ----------
    sample : Sample
        The rows.
    design : Design
        Their covariates, to describe who is out of range.
    propensity : Propensity
        Their scores.
    min_group : int
        Fewest learners in range, and fewest people that a number may describe.

    Returns
    -------
    Overlap
        ``common_support`` fails if more than half of the learners score outside the
        range of the others of their trial, or fewer than `min_group` people score
        inside. ``positivity`` warns if more than a tenth of learners were all but
        certain to learn (score above 0.95). ``effective_sample_size`` warns if the
        others, weighted to resemble the learners, are worth fewer than half as many
        people as there are learners. ``thin_support`` warns if more than half of the
        learners score above 95 % of the others of their trial: whatever the size of
        the comparison group, they are then compared with its outermost part, where
        the result leans on the model of the score.
    """
    treated = sample.treated
    inside = _find_support(sample, propensity.logit)
    share = float((~inside[treated]).mean())
    people = sample.count_units(treated & inside)
    region = describe_region(design, treated & ~inside, ~treated, min_group=min_group)
    score = propensity.probability[treated]
    certain = float((score > _NEARLY_CERTAIN).mean())
    odds = propensity.probability / (1 - propensity.probability)
    effective = count_effective(odds[~treated])
    wanted = _MIN_EFFECTIVE * int(treated.sum())
    fine = share <= MAX_OUTSIDE and people >= min_group
    checks = (
        Check(
            check="common_support",
            passed=fine,
            value=share,
            limit=MAX_OUTSIDE,
            required=True,
            text=f"{share:.0%} of learners score outside the range of the others of "
            f"their trial{': ' + region if region else ''}.",
            advice="" if fine else "There is nobody to compare these learners with.",
        ),
        Check(
            check="positivity",
            passed=certain <= _MAX_CERTAIN,
            value=certain,
            limit=_MAX_CERTAIN,
            text=f"{certain:.0%} of learners had a probability of learning above "
            f"{_NEARLY_CERTAIN}.",
        ),
        Check(
            check="effective_sample_size",
            passed=effective >= wanted,
            value=effective,
            limit=wanted,
            text=f"Weighted to resemble the learners, the {int((~treated).sum())} "
            f"others are worth {effective:.0f}.",
        ),
        _check_thinness(sample, propensity.logit),
    )
    return Overlap(inside=inside, share_outside=share, region=region, checks=checks)


def require_overlap(overlap: Overlap, *, where: str) -> None:
    """Stop where a comparison would have no ground.

    Raises
    ------
    NoOverlapError
        If ``common_support`` failed; the message describes the region.
    """
    failed = [item for item in overlap.checks if item.required and not item.passed]
    if failed:
        raise NoOverlapError.build(
            "Learners and others cannot be compared",
            where=where,
            rule=f"at most {MAX_OUTSIDE:.0%} of learners outside the others' range",
            got=failed[0].text,
            hint="change the persona or the covariates, or compare over time",
        )


def count_effective(weights: FloatArray) -> float:
    """Return how many equally weighted people the weights are worth (Kish)."""
    total = float(weights.sum())
    return total**2 / float((weights**2).sum()) if total else 0.0


def describe_region(
    design: Design, rows: BoolArray, others: BoolArray, *, min_group: int = 10
) -> str:
    """Say in words how some rows differ from those they were to be compared with.

    Parameters
    ----------
    design : Design
        The covariates.
    rows, others : array of bool
        The rows to describe, and the ones they have no counterpart among.
    min_group : int
        Below this number of rows no mean is given.

    Returns
    -------
    str
        Up to three phrases; levels nobody else has come first, then the terms whose
        means lie furthest apart, in standard deviations over all rows. Empty without
        rows.
    """
    if not rows.any():
        return ""
    found = sorted(_list_differences(design, rows, others, min_group))
    if not found:
        return "no single covariate sets them apart"
    return "; ".join(text for _, text in found[:_NAMED])


def tabulate_scores(
    sample: Sample, propensity: Propensity, weights: FloatArray
) -> pd.DataFrame:
    """Count rows by score, for the overlap figure.

    Parameters
    ----------
    sample : Sample
        The rows.
    propensity : Propensity
        Their scores.
    weights : array
        Weight of each row in the matched comparison.

    Returns
    -------
    DataFrame
        ``group`` (learners, others, matched others), ``low`` and ``high`` (ends of the
        bin, probability of learning), ``n`` (rows), ``share`` (of the group's weight).
    """
    score, treated = propensity.probability, sample.treated
    ends = np.floor(score.min() * 20) / 20, np.ceil(score.max() * 20) / 20
    bins = 24 if len(score) >= 400 else 12
    edges = np.linspace(ends[0], max(ends[1], ends[0] + 0.05), bins + 1)
    groups = {
        "learners": treated.astype("float64"),
        "others": (~treated).astype("float64"),
        "matched others": np.where(treated, 0.0, weights),
    }
    tables = []
    for name, weight in groups.items():
        used = weight > 0
        mass = np.histogram(score[used], edges, weights=weight[used])[0]
        tables.append(
            pd.DataFrame(
                {
                    "group": name,
                    "low": edges[:-1],
                    "high": edges[1:],
                    "n": np.histogram(score[used], edges)[0],
                    "share": mass / max(float(mass.sum()), 1e-12),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _check_thinness(sample: Sample, score: FloatArray) -> Check:
    beyond = np.zeros(len(score), dtype=bool)
    for rows in sample.frame.groupby("trial", observed=True).indices.values():
        bulk = np.quantile(score[rows][~sample.treated[rows]], _BULK)
        beyond[rows] = score[rows] > bulk
    share = float(beyond[sample.treated].mean())
    return Check(
        check="thin_support",
        passed=share <= _MAX_BEYOND_BULK,
        value=share,
        limit=_MAX_BEYOND_BULK,
        text=f"{share:.0%} of learners score above {_BULK:.0%} of the others of their "
        "trial.",
        advice=""
        if share <= _MAX_BEYOND_BULK
        else "Few of the others resemble the learners: choose a closer comparison "
        "group, and see whether a placebo outcome shows an effect.",
    )


def _find_support(sample: Sample, score: FloatArray) -> BoolArray:
    """Mark the rows within the range of the others of their trial."""
    inside = np.zeros(len(score), dtype=bool)
    for rows in sample.frame.groupby("trial", observed=True).indices.values():
        theirs = score[rows][~sample.treated[rows]]
        inside[rows] = (score[rows] >= theirs.min()) & (score[rows] <= theirs.max())
    return inside


def _list_differences(
    design: Design, rows: BoolArray, others: BoolArray, min_group: int
) -> Iterator[tuple[tuple[int, float, str], str]]:
    """Yield phrases with a key that sorts the most telling first."""
    for name in design.terms.columns:
        values = design.terms[name].to_numpy(dtype="float64")
        ours, theirs = float(values[rows].mean()), float(values[others].mean())
        gap = (ours - theirs) / max(float(values.std()), 1e-12)
        if name not in design.numeric and ours > 0 and theirs == 0:
            count = int(values[rows].sum())
            size = f"{count}" if count >= min_group else f"fewer than {min_group}"
            yield (0, -ours, name), f"{name} ({size}, with nobody to compare)"
        elif abs(gap) > _FAR:
            yield (
                (1, -abs(gap), name),
                _phrase(name, ours, theirs, design, rows, min_group),
            )


def _phrase(
    name: str,
    ours: float,
    theirs: float,
    design: Design,
    rows: BoolArray,
    min_group: int,
) -> str:
    few = int(rows.sum()) < min_group
    if name in design.numeric:
        more = "higher" if ours > theirs else "lower"
        return f"{more} {name}" + (
            "" if few else f" (mean {ours:.3g} against {theirs:.3g})"
        )
    often = "more" if ours > theirs else "less"
    return f"{often} often {name}" + (
        "" if few else f" ({ours:.0%} against {theirs:.0%})"
    )
