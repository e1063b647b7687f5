"""The stage of experiments of one persona: every experiment and outcome, or why not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.results import Check, Estimate, StageResult
from workbench.impact.evidence import Findings, Grade
from workbench.impact.experiment.analysis import Reading, analyse_experiment
from workbench.impact.experiment.deviations import is_registered, list_deviations
from workbench.impact.experiment.publish import STAGE, publish_reading
from workbench.impact.experiment.report import (
    check_registration,
    describe_answer,
    describe_reading,
    find_power,
    grade_reading,
)
from workbench.impact.experiment.sample_ratio import SampleRatio, check_sample_ratio
from workbench.impact.experiment.tables import stack_experiments
from workbench.impact.findings_table import tabulate_findings
from workbench.impact.groups.subgroups import adjust_subgroups
from workbench.impact.multiplicity import adjust_family

if TYPE_CHECKING:
    from workbench.cohorts.experiments import ExperimentGap

__all__ = ["estimate_experiment_stage"]


_ONCE = ("arms", "sample_ratio")
"""Tables that are the same for all outcomes of an experiment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Graded:
    """A reading with its evidence and checks."""

    reading: Reading
    findings: Findings
    grade: Grade
    power: Check
    deviations: tuple[str, ...]
    headline: bool


def estimate_experiment_stage(
    experiments: Sequence[Experiment],
    *,
    gaps: Sequence[ExperimentGap] = (),
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> StageResult:
    """Read every experiment of a persona; one that cannot be read says why.

    Parameters
    ----------
    experiments : sequence of Experiment
        Of one persona and quarter, one per experiment and outcome.
    gaps : sequence of ExperimentGap
        Experiments, or outcomes of them, that the data do not allow to read.
    alpha : float
        One less the level of all intervals.
    min_group : int
        Fewest people of anything that is shown.
    seed : int
        Of redraws and bootstrap.

    Returns
    -------
    StageResult
        ``estimates`` (``p_adjusted`` over the headlines; where the arms' sizes do not
        fit the draw, for any outcome of an experiment, none of its outcomes has a
        number anywhere), ``checks``, the tables of `TABLES`, ``findings``, and
        ``facts``: ``family`` and ``answers``, one entry per experiment and outcome.
        ``not_applicable`` without experiments and gaps.
    """
    if not experiments and not gaps:
        return StageResult(
            stage=STAGE,
            status="not_applicable",
            reason="no experiment tested what this persona learns",
            tables={**stack_experiments([]), "findings": tabulate_findings([])},
        )
    ratios = _find_ratios(experiments, min_group)
    readings = [
        analyse_experiment(
            item,
            ratio=ratio,
            alpha=alpha,
            min_group=min_group,
            seed=seed,
        )
        for item, ratio in zip(experiments, ratios, strict=True)
    ]
    graded = _grade(_adjust_groups(readings), alpha, min_group)
    estimates: list[Estimate] = []
    checks: list[Check] = []
    for item in graded:
        estimates += publish_reading(
            item.reading,
            item.grade,
            headline=item.headline,
            alpha=alpha,
            min_group=min_group,
        )
        checks += _list_checks(item)
    checks += [_check_gap(gap) for gap in gaps]
    answers = [_answer(item, alpha) for item in graded] + [
        _answer_gap(gap) for gap in gaps
    ]
    return StageResult(
        stage=STAGE,
        estimates=_keep_adjusted(estimates),
        checks=tuple(checks),
        tables=_stack(graded, gaps, min_group, alpha),
        facts={
            "family": f"{_count_tests(estimates)} headline estimates of experiments in "
            "this stage (Benjamini-Hochberg)",
            "level": 1 - alpha,
            "answers": answers,
        },
    )


def _find_ratios(
    experiments: Sequence[Experiment], min_group: int
) -> list[SampleRatio]:
    """Return the sample ratios; a mismatch of any outcome stands for all of them."""
    own = [check_sample_ratio(item, min_group=min_group) for item in experiments]
    worst: dict[str, SampleRatio] = {}
    for item, ratio in zip(experiments, own, strict=True):
        known = worst.get(item.id)
        if ratio.mismatch and (known is None or ratio.p_value < known.p_value):
            worst[item.id] = ratio
    return [
        worst.get(item.id, ratio) for item, ratio in zip(experiments, own, strict=True)
    ]


def _adjust_groups(readings: Sequence[Reading]) -> list[Reading]:
    """Adjust the differences between groups over all experiments of the stage."""
    told = [item.groups for item in readings if item.groups is not None]
    adjusted = iter(adjust_subgroups(told))
    made = []
    for item in readings:
        if item.groups is None:
            made.append(item)
            continue
        groups = next(adjusted)
        table = item.tables["subgroups"].copy()
        table["p_adjusted"] = groups.tabulate()["p_adjusted"].to_numpy()
        made.append(
            replace(item, groups=groups, tables={**item.tables, "subgroups": table})
        )
    return made


def _grade(readings: Sequence[Reading], alpha: float, min_group: int) -> list[_Graded]:
    """Grade every reading, and find the one that stands for its outcome."""
    leading = _find_leading(readings)
    made = []
    for place, reading in enumerate(readings):
        power = find_power(reading, alpha=alpha)
        findings, grade = grade_reading(reading, power)
        made.append(
            _Graded(
                reading=reading,
                findings=findings,
                grade=grade,
                power=power,
                deviations=list_deviations(
                    reading.experiment, min_group=min_group, alpha=alpha
                ),
                headline=place in leading,
            )
        )
    return made


def _find_leading(readings: Sequence[Reading]) -> set[int]:
    """Choose, per programme and outcome, the latest experiment that was read."""
    best: dict[tuple[str, str], tuple[bool, pd.Timestamp, int]] = {}
    for place, item in enumerate(readings):
        experiment = item.experiment
        if experiment.outcome.negative_control:
            continue
        key = experiment.program.id, experiment.outcome.id
        rank = (item.itt is not None, experiment.started_on, -place)
        if key not in best or rank > best[key]:
            best[key] = rank
    return {-rank[2] for rank in best.values()}


def _list_checks(item: _Graded) -> list[Check]:
    reading, experiment = item.reading, item.reading.experiment
    own = list(reading.checks)
    if reading.status == "read":
        own.append(item.power)
    elif reading.status == "not_answerable":
        text = reading.obstacle.text if reading.obstacle else "No comparison was made."
        own.append(Check(check="comparison", passed=False, required=True, text=text))
    own.append(check_registration(experiment, item.deviations))
    own += [Check(check="note", passed=None, text=text) for text in experiment.notes]
    return [
        replace(check, program=experiment.program.id, outcome=experiment.outcome.id)
        for check in own
    ]


def _answer(item: _Graded, alpha: float) -> dict[str, Any]:
    experiment = item.reading.experiment
    return {
        "program": experiment.program.id,
        "outcome": experiment.outcome.id,
        **describe_answer(
            item.reading, item.grade, item.power, item.deviations, alpha=alpha
        ),
    }


def _answer_gap(gap: ExperimentGap) -> dict[str, Any]:
    return {
        "program": gap.program,
        "outcome": gap.outcome,
        "experiment": gap.experiment,
        "status": "not_answerable",
        "design": gap.design,
        "primary": gap.primary,
        "registered": _is_written(gap),
        "deviations": [],
        "text": f"Not answerable: {gap.reason}",
        "evidence": "0: no comparison could be made",
        "notes": list(gap.notes),
    }


def _check_gap(gap: ExperimentGap) -> Check:
    return Check(
        check="comparison",
        passed=None,
        program=gap.program,
        outcome=gap.outcome,
        text=gap.reason,
    )


def _keep_adjusted(estimates: Sequence[Estimate]) -> tuple[Estimate, ...]:
    """Adjust the headlines as one family; arms and groups keep their own."""
    family = adjust_family(estimates)
    return tuple(
        made if own.subgroup is None else replace(made, p_adjusted=own.p_adjusted)
        for own, made in zip(estimates, family, strict=True)
    )


def _count_tests(estimates: Sequence[Estimate]) -> int:
    """Count the headlines that were tested."""
    return sum(item.headline and math.isfinite(item.p_value) for item in estimates)


def _stack(
    graded: Sequence[_Graded],
    gaps: Sequence[ExperimentGap],
    min_group: int,
    alpha: float,
) -> dict[str, pd.DataFrame]:
    """Stack the tables; each experiment stands once in the first of them."""
    rows = _tell_once(graded, gaps, min_group, alpha)
    found: list[tuple[tuple[str, str, str], Mapping[str, pd.DataFrame]]] = []
    told: set[str] = set()
    for item in sorted(graded, key=lambda item: not item.reading.experiment.primary):
        experiment = item.reading.experiment
        tables = dict(item.reading.tables)
        if experiment.id in told:
            tables = {k: v for k, v in tables.items() if k not in _ONCE}
        told.add(experiment.id)
        key = experiment.program.id, experiment.outcome.id, experiment.id
        found.append((key, tables))
    found += [(key, {"experiments": row}) for key, row in rows]
    findings = [
        (
            item.reading.experiment.program.id,
            item.reading.experiment.outcome.id,
            item.findings,
        )
        for item in graded
        if item.headline
    ]
    return {**stack_experiments(found), "findings": tabulate_findings(findings)}


def _tell_once(
    graded: Sequence[_Graded],
    gaps: Sequence[ExperimentGap],
    min_group: int,
    alpha: float,
) -> list[tuple[tuple[str, str, str], pd.DataFrame]]:
    """Return one row per experiment: stopped, else what its primary outcome says."""
    ranked: list[tuple[int, tuple[str, str, str], pd.DataFrame]] = []
    for item in graded:
        experiment = item.reading.experiment
        key = experiment.program.id, experiment.outcome.id, experiment.id
        stopped = item.reading.status == "stopped"
        rank = 0 if stopped and experiment.primary else 1 if stopped else 2
        rank += 0 if experiment.primary or stopped else 1
        ranked.append((rank, key, _tell(item, min_group, alpha)))
    for gap in gaps:
        key = gap.program, gap.outcome, gap.experiment
        ranked.append((2 if gap.primary else 4, key, _tell_gap(gap, min_group)))
    best: dict[str, tuple[int, tuple[str, str, str], pd.DataFrame]] = {}
    for row in ranked:
        known = best.get(row[1][2])
        if known is None or row[0] < known[0]:
            best[row[1][2]] = row
    return [(key, table) for _, key, table in best.values()]


def _tell(item: _Graded, min_group: int, alpha: float) -> pd.DataFrame:
    """Return the row of an experiment in the table ``experiments``."""
    reading, experiment = item.reading, item.reading.experiment
    people = int(experiment.frame["unit"].nunique())
    whole = experiment.design != "individual"
    row = {
        "design": experiment.design,
        "status": reading.status,
        "started_on": experiment.started_on.date().isoformat(),
        "ended_on": _write_day(experiment.ended_on),
        "arms": ", ".join(experiment.arms),
        "people": people if people >= min_group else pd.NA,
        "clusters": int(experiment.frame["cluster"].nunique()) if whole else pd.NA,
        "sample_ratio_p": reading.ratio.p_value,
        "registered": is_registered(experiment),
        "deviations": " ".join(item.deviations),
        "text": describe_reading(reading, item.grade, alpha=alpha),
    }
    return pd.DataFrame([row])


def _tell_gap(gap: ExperimentGap, min_group: int) -> pd.DataFrame:
    row = {
        "design": gap.design,
        "status": "not_answerable",
        "started_on": _write_day(gap.started_on),
        "ended_on": _write_day(gap.ended_on),
        "arms": ", ".join(gap.arms),
        "people": gap.people if gap.people >= min_group else pd.NA,
        "clusters": gap.clusters or pd.NA,
        "sample_ratio_p": float("nan"),
        "registered": _is_written(gap),
        "deviations": "",
        "text": f"Not answerable: {gap.reason}",
    }
    return pd.DataFrame([row])


def _is_written(gap: ExperimentGap) -> bool:
    """Tell whether it was written down by the day it began, if it has begun."""
    plan, began = gap.registration, gap.started_on
    return plan is not None and (began is None or plan.written_on <= began.date())


def _write_day(day: pd.Timestamp | None) -> str:
    return "" if day is None else day.date().isoformat()
