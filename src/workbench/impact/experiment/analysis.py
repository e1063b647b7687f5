"""One experiment and outcome: from the draw to what it says, or why it says nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.errors import DesignError
from workbench.core.results import Check
from workbench.impact.effects import Effect
from workbench.impact.experiment.baseline import compare_baseline
from workbench.impact.experiment.compliance import Compliance, estimate_cace
from workbench.impact.experiment.contrasts import (
    check_spill_over,
    compare_arms,
    compare_learners,
)
from workbench.impact.experiment.drawn import (
    CONTROL,
    Drawn,
    Obstacle,
    find_obstacle,
    read_drawn,
)
from workbench.impact.experiment.guardrails import judge_guardrail
from workbench.impact.experiment.inferences import list_errors, tabulate_reach
from workbench.impact.experiment.lee_bounds import (
    Bounds,
    Loss,
    bound_lee,
    measure_loss,
    measure_wedge_loss,
)
from workbench.impact.experiment.randomised import (
    Adjusted,
    estimate_adjusted,
    estimate_itt,
)
from workbench.impact.experiment.sample_ratio import SampleRatio, check_sample_ratio
from workbench.impact.experiment.sequential import explain_no_looks, tabulate_looks
from workbench.impact.experiment.step_down import estimate_groups, tabulate_groups
from workbench.impact.experiment.stepped_wedge import (
    SteppedWedge,
    estimate_stepped_wedge,
)
from workbench.impact.experiment.tables import tabulate_arms
from workbench.impact.groups.subgroups import Subgroups
from workbench.impact.inference import FEW_CLUSTERS
from workbench.impact.stage_parts import shorten_error

__all__ = ["Reading", "Status", "analyse_experiment"]

Status = Literal["read", "stopped", "not_answerable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one experiment says about one outcome.

    Attributes
    ----------
    experiment : Experiment
        What was read.
    status : str
        ``read``; ``stopped`` where the arms' sizes do not fit the draw;
        ``not_answerable``.
    ratio : SampleRatio
        Sizes of the arms.
    obstacle : Obstacle or None
        Why it has no answer.
    itt : Effect or None
        The headline; None unless read.
    others : tuple of Effect
        Further effects on all people: a stepped wedge's, and the raw difference of
        learners.
    by_arm : mapping of str to (Effect, float)
        Of each arm against control where there are several, with Holm's p-value.
    adjusted, compliance, bounds, loss, groups, wedge
        Parts that were made; None where they do not apply.
    no_adjustment, no_looks : str
        Why a part is missing; empty if it is not.
    tables : mapping of str to DataFrame
        Of the stage, without ``experiments``.
    checks : tuple of Check
        All but those of power and registration.
    """

    experiment: Experiment
    status: Status
    ratio: SampleRatio
    obstacle: Obstacle | None = None
    itt: Effect | None = None
    others: tuple[Effect, ...] = ()
    by_arm: Mapping[str, tuple[Effect, float]] = field(default_factory=dict)
    adjusted: Adjusted | None = None
    compliance: Compliance | None = None
    bounds: Bounds | None = None
    loss: Loss | None = None
    groups: Subgroups | None = None
    wedge: SteppedWedge | None = None
    no_adjustment: str = ""
    no_looks: str = ""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()


def analyse_experiment(
    experiment: Experiment,
    *,
    ratio: SampleRatio | None = None,
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> Reading:
    """Analyse one experiment and outcome as it was drawn.

    Use it for any design. The estimand is the effect of the offer (ITT), causal by the
    draw; what is read beside it assumes more, and says so.

    Parameters
    ----------
    experiment : Experiment
        Everybody who was assigned.
    ratio : SampleRatio, optional
        Where another outcome of the same experiment decides; default: its own.
    alpha : float
        One less the level of all intervals.
    min_group : int
        Fewest people of anything that is shown.
    seed : int
        Of redraws and bootstrap.

    Returns
    -------
    Reading
        Without any effect where the sizes of the arms do not fit the draw (p below
        0.001), or where it has no answer.

    Notes
    -----
    See `estimate_itt`, `estimate_adjusted`, `estimate_cace`, `estimate_stepped_wedge`.

    References
    ----------
    .. [1] Gerber, A. S. and Green, D. P. (2012). Field Experiments. W. W. Norton.

    Examples
    --------
    The stage calls it for every experiment: `estimate_experiment_stage`.
    """
    ratio = ratio or check_sample_ratio(experiment, min_group=min_group)
    obstacle = find_obstacle(experiment, min_group=min_group)
    tables = {
        "arms": tabulate_arms(experiment, min_group=min_group),
        "sample_ratio": ratio.table,
        "flow": _hide_flow(experiment.flow, min_group),
    }
    empty = obstacle is not None and _misses_arm(experiment)
    if ratio.mismatch and not empty:
        tables["arms"] = tables["arms"].assign(learnt=math.nan)
        return Reading(
            experiment=experiment,
            status="stopped",
            ratio=ratio,
            tables=tables,
            checks=(ratio.check,),
        )
    if obstacle is None:
        try:
            if experiment.design == "stepped_wedge":
                return _read_wedge(experiment, ratio, tables, alpha, min_group, seed)
            return _read(experiment, ratio, tables, alpha, min_group, seed)
        except DesignError as error:
            obstacle = Obstacle(text=shorten_error(error))
    return Reading(
        experiment=experiment,
        status="not_answerable",
        ratio=ratio,
        obstacle=obstacle,
        tables=tables,
        checks=(ratio.check,),
    )


def _read(
    experiment: Experiment,
    ratio: SampleRatio,
    tables: dict[str, pd.DataFrame],
    alpha: float,
    min_group: int,
    seed: int,
) -> Reading:
    """Read a design in which people or whole clusters were drawn into arms."""
    drawn = read_drawn(experiment)
    itt = estimate_itt(drawn)
    adjusted, no_adjustment = _adjust(experiment, drawn, min_group)
    compliance = estimate_cace(drawn, itt_p=itt.p_value(), alpha=alpha)
    baseline = compare_baseline(experiment, min_group=min_group, seed=seed)
    loss = measure_loss(experiment, alpha=alpha)
    bounds = bound_lee(experiment, alpha=alpha)
    groups = estimate_groups(experiment, drawn, alpha=alpha, min_group=min_group)
    no_looks = explain_no_looks(experiment)
    tables = tables | {
        "baseline": baseline.table,
        "inference": list_errors(drawn, itt, adjusted, alpha=alpha, seed=seed),
        "compliance": compliance.table,
        "looks": tabulate_looks(experiment, alpha=alpha),
        "power": tabulate_reach(experiment, itt, drawn, alpha=alpha),
        "guardrails": judge_guardrail(itt, experiment, alpha=alpha),
        "subgroups": tabulate_groups(groups, drawn, seed=seed),
    }
    if bounds is not None:
        tables["bounds"] = bounds.tabulate()
    return Reading(
        experiment=experiment,
        status="read",
        ratio=ratio,
        itt=itt,
        others=compare_learners(drawn, min_group),
        by_arm=compare_arms(experiment, min_group),
        adjusted=adjusted,
        compliance=compliance,
        bounds=bounds,
        loss=loss,
        groups=groups,
        no_adjustment=no_adjustment,
        no_looks=no_looks,
        tables=tables,
        checks=(
            ratio.check,
            baseline.check,
            *loss.checks,
            _check_clusters(drawn, itt),
            compliance.check,
            *(() if drawn.whole else (check_spill_over(drawn),)),
            *(adjusted.checks if adjusted else ()),
            *groups.check(),
        ),
    )


def _read_wedge(
    experiment: Experiment,
    ratio: SampleRatio,
    tables: dict[str, pd.DataFrame],
    alpha: float,
    min_group: int,
    seed: int,
) -> Reading:
    """Read a stepped wedge, in which the order of the groups was drawn."""
    found = estimate_stepped_wedge(
        experiment, alpha=alpha, seed=seed, min_group=min_group
    )
    more = (found.average, found.within_people, found.naive)
    tables = tables | {
        "inference": found.inference,
        "guardrails": judge_guardrail(found.effect, experiment, alpha=alpha),
        "power": tabulate_reach(experiment, found.effect, None, alpha=alpha),
    }
    lost = measure_wedge_loss(experiment)
    return Reading(
        experiment=experiment,
        status="read",
        ratio=ratio,
        itt=found.effect,
        others=tuple(item for item in more if item is not None),
        loss=lost,
        wedge=found,
        no_looks=explain_no_looks(experiment),
        tables=tables,
        checks=(
            ratio.check,
            *lost.checks,
            _check_few(found.effect.n_clusters, found.effect),
            *found.checks,
        ),
    )


def _adjust(
    experiment: Experiment, drawn: Drawn, min_group: int
) -> tuple[Adjusted | None, str]:
    try:
        found = estimate_adjusted(
            drawn, covariates=experiment.covariates, min_level=min_group
        )
    except DesignError as error:
        return None, shorten_error(error)
    return found, ""


def _check_clusters(drawn: Drawn, itt: Effect) -> Check:
    if not drawn.whole:
        return Check(
            check="few_clusters",
            passed=None,
            text="People were drawn one by one, so there are no clusters.",
        )
    return _check_few(sum(drawn.units), itt)


def _check_few(count: int, itt: Effect) -> Check:
    enough = count >= FEW_CLUSTERS
    return Check(
        check="few_clusters",
        passed=enough,
        value=float(count),
        limit=float(FEW_CLUSTERS),
        text=f"{count} clusters were drawn. Standard error {itt.std_error:.4g}: "
        f"{itt.error}.",
        advice=""
        if enough
        else "Read the bootstrap and the redrawn assignments beside the interval.",
    )


def _misses_arm(experiment: Experiment) -> bool:
    """Tell whether an arm has nobody, which is no matter of chance."""
    if experiment.design == "stepped_wedge":
        return bool(experiment.frame.empty)
    present = set(experiment.frame["arm"].astype("str"))
    return CONTROL not in experiment.arms or not set(experiment.arms) <= present


def _hide_flow(flow: pd.DataFrame, min_group: int) -> pd.DataFrame:
    """Keep small counts of people back."""
    shown = flow.copy()
    for name in ("n_treated", "n_control"):
        counts = shown[name].astype("Int64")
        shown[name] = counts.mask((counts > 0) & (counts < min_group))
    return shown
