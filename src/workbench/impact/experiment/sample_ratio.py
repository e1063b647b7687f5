"""Whether the arms have the sizes that were drawn, and where they do not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.results import Check
from workbench.impact.experiment.drawn_units import (
    covers_arms,
    cut_levels,
    list_columns,
    plan_shares,
    take_units,
)
from workbench.impact.experiment.shares import (
    FEWEST_EXPECTED,
    compare_levels,
    compare_shares,
)
from workbench.impact.experiment.stepping import adjust_holm
from workbench.impact.groups.subgroup_cells import hide_cells, label_groups

__all__ = [
    "COLUMNS",
    "DOUBTFUL",
    "MISMATCH",
    "SampleRatio",
    "check_sample_ratio",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MISMATCH = 0.001
"""Below this p-value no effect is read."""

DOUBTFUL = 0.01
"""Below this p-value the effect is read, and trusted less."""

COLUMNS = ("dimension", "level", "arm", "observed", "expected", "p_value")

_CAUSE = 0.01
_MANY_LEVELS = 60
_ALL = "everybody"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """Observed against planned sizes of the arms.

    Attributes
    ----------
    p_value : float
        Of all units drawn, or of shares that differ between the quarters of the draw
        where that is what does not fit; NaN where no test can be made.
    table : DataFrame
        `COLUMNS`: units drawn (people, or clusters) by arm; the first rows are those
        of everybody. Numbers of small levels are kept back (missing); p-values of
        levels are adjusted over all of them (Holm).
    cause : str
        Dimension that shows the imbalance; empty if none does or none is needed.
    text : str
        One or two sentences.
    check : Check
        ``sample_ratio``; required.
    """

    p_value: float
    table: pd.DataFrame
    cause: str
    text: str
    check: Check

    @property
    def mismatch(self) -> bool:
        """Tell whether the sizes do not fit the draw."""
        return self.p_value < MISMATCH

    @property
    def doubtful(self) -> bool:
        """Tell whether the sizes would hardly come by chance, though they may."""
        return MISMATCH <= self.p_value < DOUBTFUL


@dataclass(frozen=True, slots=True)
class _Search:
    """One dimension: units by level and arm, and what its tests say."""

    name: str
    levels: tuple[str, ...]
    counts: IntArray
    p_values: FloatArray
    shown: npt.NDArray[np.bool_]
    worst: int
    p_value: float


def check_sample_ratio(experiment: Experiment, *, min_group: int = 10) -> SampleRatio:
    r"""Test whether the arms have the sizes that were planned.

    A mismatch means that people were lost or added in an arm after the draw, or that
    the draw is not what was written down: the arms are then no longer comparable, so
    no effect is read. The units are people, or clusters where whole clusters were
    drawn, since people of a cluster are not independent.

    Parameters
    ----------
    experiment : Experiment
        Shares come from its registration; without one all arms have the same. In a
        stepped wedge waves are compared by their number of clusters.
    min_group : int
        Fewest people in every arm of a level whose numbers are shown.

    Returns
    -------
    SampleRatio
        The search for the cause goes through assignment week, missing outcome, site,
        team, protected attributes and covariates (numbers in quarters of their
        distribution).

    Notes
    -----
    Pearson's :math:`\chi^2`; where an expected count is below 5 the exact multinomial
    test, as long as there are at most 200,000 outcomes. Where the draw took several
    quarters their shares are compared as well (:math:`\chi^2` test of homogeneity over
    the quarters in which at least 5 units of each arm are expected): imbalances that
    cancel out in the sum still mix what changed over time into the effect. A
    dimension is named as the
    cause when its levels differ in their shares (:math:`\chi^2` test of homogeneity, p
    below 0.01 after Holm's adjustment over the dimensions).

    References
    ----------
    .. [1] Fabijan, A. et al. (2019). Diagnosing sample ratio mismatch in online
       controlled experiments. KDD 2019, 2156-2164. doi:10.1145/3292500.3330722
    """
    units = take_units(experiment)
    arms, shares = plan_shares(experiment, units)
    observed = units["_arm"].value_counts().reindex(arms, fill_value=0)
    counts = observed.to_numpy(dtype="int64")
    p_value = compare_shares(counts, shares)
    rows = _list_rows(_ALL, _ALL, arms, counts, shares, p_value, shown=True)
    drift = _compare_quarters(experiment, units, arms, shares)
    if units["_people"].groupby(units["_arm"]).sum().reindex(arms).min() < min_group:
        rows = _hide(rows)
    found = _search(experiment, units, arms, shares, min_group)
    mismatch = min(p_value, drift) < MISMATCH
    cause = _find_cause(found) if mismatch else None
    rows += _list_levels(found, arms, shares)
    text = _describe(experiment, arms, counts, shares, (p_value, drift), min_group)
    if drift < DOUBTFUL:
        p_value = min(p_value, drift)
    if mismatch:
        text += " " + _describe_cause(cause, min_group)
    return SampleRatio(
        p_value=p_value,
        table=pd.DataFrame(rows, columns=list(COLUMNS)),
        cause=cause.name if cause else "",
        text=text,
        check=_check(p_value, text, mismatch=mismatch),
    )


def _compare_quarters(
    experiment: Experiment, units: pd.DataFrame, arms: list[str], shares: FloatArray
) -> float:
    """Test whether the shares are the same in every quarter of the draw.

    1 where that cannot be told, and in a stepped wedge, which is drawn once.
    """
    if experiment.design == "stepped_wedge":
        return 1.0
    counts = pd.crosstab(units["trial"].astype("str"), units["_arm"])
    found = counts.reindex(columns=arms, fill_value=0).to_numpy(dtype="int64")
    large = found.sum(axis=1) * shares.min() >= FEWEST_EXPECTED
    return compare_levels(found[large])


def _search(
    experiment: Experiment,
    units: pd.DataFrame,
    arms: list[str],
    shares: FloatArray,
    min_group: int,
) -> list[_Search]:
    """Count units by level and arm in every dimension."""
    names = {"week of assignment": "_week"}
    if "_known" in units:
        names["outcome"] = "_known"
    names |= {name: name for name in list_columns(experiment)}
    code = units["_arm"].map({name: place for place, name in enumerate(arms)})
    inside = code.notna().to_numpy()
    people = units["_people"].to_numpy(dtype="float64")[inside]
    found = []
    for label, column in names.items():
        codes, levels = label_groups(cut_levels(units.loc[inside, column]))
        if not 1 < len(levels) <= _MANY_LEVELS:
            continue
        cells = codes * len(arms) + code[inside].to_numpy(dtype="int64")
        size = len(levels) * len(arms)
        shape = (len(levels), len(arms))
        counts = np.bincount(cells, minlength=size).astype("int64").reshape(shape)
        heads = np.bincount(cells, people, minlength=size).astype("float64")
        heads = heads.reshape(shape)
        found.append(_judge(label, levels, (counts, heads), shares, min_group))
    return found


def _judge(
    name: str,
    levels: Sequence[str],
    sizes: tuple[IntArray, FloatArray],
    shares: FloatArray,
    min_group: int,
) -> _Search:
    """Test one dimension."""
    counts, people = sizes
    hidden = hide_cells(pd.DataFrame(people), min_group=min_group)["unsized"]
    expected = np.outer(counts.sum(axis=1), shares)
    gaps = ((counts - expected) ** 2 / np.maximum(expected, 1e-12)).sum(axis=1)
    return _Search(
        name=name,
        levels=tuple(str(level) for level in levels),
        counts=counts,
        p_values=np.array([compare_shares(row, shares) for row in counts]),
        shown=~hidden.to_numpy(dtype=bool),
        worst=int(np.argmax(gaps)),
        p_value=compare_levels(counts),
    )


def _list_levels(
    found: Sequence[_Search], arms: list[str], shares: FloatArray
) -> list[dict[str, object]]:
    """Write the rows of levels, their p-values adjusted over all that were tested.

    Dimensions of small levels only have no rows.
    """
    raw = np.concatenate([np.empty(0), *(item.p_values for item in found)])
    adjusted = iter(adjust_holm(raw).tolist())
    rows: list[dict[str, object]] = []
    for item in found:
        for place, level in enumerate(item.levels):
            p_value = next(adjusted)
            if not item.shown.any():
                continue
            rows += _list_rows(
                item.name,
                level,
                arms,
                item.counts[place],
                shares,
                p_value,
                shown=bool(item.shown[place]),
            )
    return rows


def _find_cause(found: Sequence[_Search]) -> _Search | None:
    """Return the dimension whose levels differ most, if it does beyond chance."""
    if not found:
        return None
    first = min(found, key=lambda item: item.p_value)
    return first if first.p_value * len(found) < _CAUSE else None


def _list_rows(
    dimension: str,
    level: str,
    arms: list[str],
    counts: IntArray,
    shares: FloatArray,
    p_value: float,
    *,
    shown: bool,
) -> list[dict[str, object]]:
    total = int(counts.sum())
    rows: list[dict[str, object]] = [
        {
            "dimension": dimension,
            "level": level,
            "arm": arm,
            "observed": float(counts[place]),
            "expected": float(shares[place] * total),
            "p_value": p_value,
        }
        for place, arm in enumerate(arms)
    ]
    return rows if shown else _hide(rows)


def _hide(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    blank = dict.fromkeys(("observed", "expected", "p_value"), math.nan)
    return [{**row, **blank} for row in rows]


def _describe(
    experiment: Experiment,
    arms: Sequence[str],
    counts: IntArray,
    shares: FloatArray,
    p_values: tuple[float, float],
    min_group: int,
) -> str:
    p_value, drift = p_values
    wedge = experiment.design == "stepped_wedge"
    if math.isnan(p_value):
        what = "waves, of which fewer than two have started," if wedge else "arms"
        return f"The sizes of the {what} cannot be tested."
    total = int(counts.sum())
    people = experiment.design == "individual"
    what = "people" if people else "started clusters" if wedge else "clusters"
    told = "; ".join(
        f"{arm} {count / total:.1%} of {what} where {share:.1%} was planned"
        for arm, count, share in zip(arms, counts, shares, strict=True)
    )
    small = people and int(counts.min()) < min_group
    if small:
        told = f"an arm has fewer than {min_group} people"
    source = (
        "registered" if covers_arms(experiment) else "no shares are registered, equal"
    )
    sizes = "waves'" if wedge and not covers_arms(experiment) else "arms'"
    least = min(p_value, drift)
    verdict = "fit" if least >= DOUBTFUL else "hardly fit"
    if least < MISMATCH:
        verdict = "do not fit"
    apart = (
        f"; the shares differ between the quarters of the draw (p {drift:.2g}), which "
        "mixes what changed over time into any difference"
        if drift < DOUBTFUL
        else ""
    )
    return (
        f"The {sizes} sizes {verdict} the draw ({source}): {told} "
        f"(p {p_value:.2g}){apart}."
    )


def _describe_cause(cause: _Search | None, min_group: int) -> str:
    if cause is None:
        return (
            "No site, team, week, group or covariate stands out: look at how the "
            "assignment was drawn, and at how its records were made."
        )
    shown = bool(cause.shown[cause.worst])
    tail = "" if shown else f" (an arm has fewer than {min_group} people there)"
    if cause.name == "outcome":
        return (
            "The arms differ in whose outcome is missing: people seem to have been "
            "lost on one side after the draw."
        )
    worst = cause.levels[cause.worst]
    return (
        f"The imbalance differs by {cause.name} and is largest at {worst}{tail}: "
        "look there for people who were lost, or added, after the draw."
    )


def _check(p_value: float, text: str, *, mismatch: bool) -> Check:
    tested = not math.isnan(p_value)
    return Check(
        check="sample_ratio",
        passed=not mismatch if tested else None,
        value=p_value,
        limit=MISMATCH if tested else math.nan,
        required=True,
        text=text,
        advice="Find the cause and correct the records before reading any effect."
        if mismatch
        else "",
    )
