"""Whether the offer helped everybody alike, with control of the number of groups."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.results import Estimate
from workbench.impact.effects import (
    describe_unit,
    make_empty_estimate,
    make_estimate,
)
from workbench.impact.experiment.drawn import Drawn
from workbench.impact.experiment.group_draws import resample_groups, split_measured
from workbench.impact.experiment.stepping import adjust_holm
from workbench.impact.groups.subgroup_attribute import compare_attribute
from workbench.impact.groups.subgroup_tables import (
    JOINT_COLUMNS,
    stack_differences,
    stack_effects,
)
from workbench.impact.groups.subgroups import Subgroups
from workbench.impact.matching import Matches
from workbench.impact.sample import Sample

__all__ = [
    "SUBGROUP",
    "choose_attributes",
    "estimate_groups",
    "publish_groups",
    "tabulate_groups",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SUBGROUP = "ab_itt_subgroup"

_LIMITATION = "Those of the group who were offered the programme against the others."


@dataclass(frozen=True, slots=True)
class _Everybody:
    """What the comparison by groups reads, without any matching."""

    sample: Sample
    matches: Matches


def choose_attributes(experiment: Experiment) -> tuple[str, ...]:
    """Return the columns to group by: those registered, else the protected ones."""
    plan = experiment.registration.subgroups if experiment.registration else ()
    named = tuple(name for name in plan if name in experiment.frame.columns)
    return named or experiment.protected


def estimate_groups(
    experiment: Experiment, drawn: Drawn, *, alpha: float = 0.05, min_group: int = 10
) -> Subgroups:
    """Estimate what the offer changed for each group, and whether groups differ.

    The estimand is the effect of the offer (ITT) in each group; it is causal by the
    draw, since groups were fixed before it.

    Parameters
    ----------
    experiment : Experiment
        Names the groups: registered ones, else the protected attributes. Numbers with
        more than six values are split at their median.
    drawn : Drawn
        People with a known outcome.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Groups with fewer people on a side are suppressed.

    Returns
    -------
    Subgroups
        As of a matched comparison, with plain differences of means within groups.
    """
    frame = drawn.frame.copy()
    wanted = choose_attributes(experiment)
    for name in wanted:
        frame[name] = split_measured(frame[name])
    everybody = _take(drawn, frame)
    none = np.empty((len(frame), 0))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Satterthwaite DOF")
        found = [
            compare_attribute(
                everybody,
                name,
                none,
                alpha=alpha,
                min_group=min_group,
            )
            for name in wanted
        ]
    effects = {
        key: replace(effect, method=SUBGROUP, estimand="ITT")
        for item in found
        for key, effect in item.effects.items()
    }
    return Subgroups(
        program=experiment.program.id,
        outcome=experiment.outcome.id,
        effects=effects,
        table=stack_effects([item.table for item in found]),
        differences=stack_differences([item.differences for item in found]),
        joint=pd.DataFrame(
            [item.joint for item in found], columns=list(JOINT_COLUMNS)
        ).astype({"attribute": "str"}),
        level=1 - alpha,
        unit=describe_unit(experiment.outcome),
    )


def tabulate_groups(
    found: Subgroups, drawn: Drawn, *, seed: int, draws: int = 1999
) -> pd.DataFrame:
    r"""Return effects and differences by group with step-down p-values.

    Parameters
    ----------
    found : Subgroups
        From `estimate_groups`.
    drawn : Drawn
        The same people.
    seed : int
        Of the draws.
    draws : int
        Repetitions of the draw; fewer (at least 499) where there are many people.

    Returns
    -------
    DataFrame
        As `Subgroups.tabulate`, with ``p_stepdown`` after ``p_adjusted``: all effects
        of groups are one family, all differences another. For people drawn one by one
        it comes from the randomisation distribution of the largest statistic (Westfall
        and Young; Romano and Wolf); for clusters, which are few, it is Holm's.

    Notes
    -----
    Statistics are differences of means over Welch's errors. For effects the draw is
    repeated under no effect on anybody, for differences between groups under the same
    effect on everybody.

    References
    ----------
    .. [1] Westfall, P. H. and Young, S. S. (1993). Resampling-Based Multiple Testing.
       Wiley.
    .. [2] Romano, J. P. and Wolf, M. (2005). Exact and approximate stepdown methods
       for multiple hypothesis testing. Journal of the American Statistical Association
       100, 94-108. doi:10.1198/016214504000000539
    """
    table = found.tabulate()
    adjusted = np.full(len(table), np.nan)
    for kind in ("effect", "difference"):
        rows = np.flatnonzero((table["kind"] == kind) & table["p_value"].notna())
        if not len(rows):
            continue
        if drawn.whole:
            adjusted[rows] = adjust_holm(table["p_value"].to_numpy()[rows])
        else:
            adjusted[rows] = resample_groups(
                table.iloc[rows], drawn, seed=seed, draws=draws, differ=kind != "effect"
            )
    place = int(table.columns.get_indexer(["p_adjusted"])[0]) + 1
    table.insert(place, "p_stepdown", adjusted)
    return table


def publish_groups(
    found: Subgroups,
    table: pd.DataFrame,
    experiment: Experiment,
    *,
    stage: str,
    alpha: float = 0.05,
) -> list[Estimate]:
    """Turn effects by group into rows of ``estimates.parquet``.

    Parameters
    ----------
    found : Subgroups
        From `estimate_groups`.
    table : DataFrame
        From `tabulate_groups`.
    experiment : Experiment
        Names what was compared.
    stage : str
        The stage that estimated it.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    list of Estimate
        One per attribute and group, none headline, ``p_adjusted`` the step-down
        p-value. Suppressed groups have no numbers.
    """
    rows = []
    for row in table[table["kind"] == "effect"].to_dict("records"):
        key = str(row["attribute"]), str(row["group"])
        note = str(row["note"])
        if key in found.effects:
            made = make_estimate(
                found.effects[key],
                experiment,
                stage=stage,
                alpha=alpha,
                limitation=f"{_LIMITATION} {note}".strip(),
                subgroup=key,
            )
            made = replace(made, p_adjusted=float(row["p_stepdown"]))
        else:
            made = make_empty_estimate(
                experiment,
                limitation=note or "Not shown.",
                stage=stage,
                method=SUBGROUP,
                estimand="ITT",
                alpha=alpha,
                headline=False,
            )
            made = replace(
                made,
                subgroup_by=key[0],
                subgroup=key[1],
                evidence=None,
                suppressed=bool(row["suppressed"]),
            )
        rows.append(
            replace(
                made,
                n_treated=made.n_treated or None,
                n_control=made.n_control or None,
                n_clusters=made.n_clusters or None,
            )
        )
    return rows


def _take(drawn: Drawn, frame: pd.DataFrame) -> _Everybody:
    """Put everybody into the form of a matched sample: each row its own set."""
    count = len(frame)
    rows = np.arange(count)
    clusters = {"unit": rows}
    if drawn.whole:
        clusters["cluster"] = drawn.cluster
    pairs = pd.DataFrame(
        {"set": rows, "row": rows, "treated": drawn.assigned, "weight": 1.0}
    )
    return _Everybody(
        sample=Sample(
            frame=frame,
            treated=drawn.assigned,
            outcome=drawn.outcome,
            clusters=clusters,
            flow=pd.DataFrame(columns=["step", "n_treated", "n_control"]),
        ),
        matches=Matches(
            pairs=pairs,
            dropped=np.empty(0, dtype="int64"),
            weights=np.ones(count),
            caliper=np.inf,
            text="everybody",
            replace=False,
        ),
    )
