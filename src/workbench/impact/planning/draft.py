"""Writing a planned experiment down before it begins."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

from workbench.core.errors import ParamError
from workbench.core.params import OrgParams, check_name
from workbench.core.quarters import Quarter
from workbench.core.registration import FOLDER, Registration
from workbench.core.store import write_atomic
from workbench.core.yaml_files import read_model
from workbench.impact.planning.plan_frames import ExperimentPlan

__all__ = [
    "check_free",
    "draft_registration",
    "find_registration_path",
    "format_registration",
    "write_registration",
]

_HEAD = """\
# Written before the experiment began. Its analysis is held to this file, and what
# differs is named at the top of the report. Add secondary_outcomes, guardrails and
# subgroups now: after the first day they no longer count as registered.
"""
_LATE_HEAD = """\
# Written when the first day of the experiment had come: not before it began.
"""


def draft_registration(
    plan: ExperimentPlan, *, name: str, written_on: date, question: str = ""
) -> Registration:
    """Turn a plan into what is registered.

    Parameters
    ----------
    plan : ExperimentPlan
        One that is reachable.
    name : str
        Id of the experiment, as the table ``experiments`` will have it.
    written_on : date
        Today.
    question : str
        In words; by default made from the plan.

    Returns
    -------
    Registration
        ``smallest_effect`` is that of the offer, which the headline estimates.

    Raises
    ------
    ParamError
        If the plan does not reach its aim.
    """
    facts, request = plan.facts, plan.request
    if not plan.reachable:
        raise ParamError.build(
            "A plan that does not reach its aim is not registered",
            where=name,
            rule=f"power of at least {request.power:.0%}",
            got=f"{plan.power:.0%}",
            hint="offer it to more people, or raise uptake"
            if math.isnan(plan.detectable)
            else f"plan for an effect of {plan.detectable:.3g} or more",
        )
    wedge = request.design == "stepped_wedge"
    outcome, program = facts.outcome, facts.program
    label = outcome.label or outcome.id
    asked = f"What does the offer of {program.label or program.id} change: {label}?"
    return Registration(
        experiment=name,
        written_on=written_on,
        design=request.design,
        persona=facts.persona,
        program=program.id,
        question=question or asked,
        primary_outcome=outcome.id,
        lag_quarters=None if outcome.horizon_days else outcome.lag_quarters,
        horizon_days=outcome.horizon_days,
        allocation={}
        if wedge
        else {"control": round(1 - request.share, 6), "treatment": request.share},
        starts_on=plan.starts_on,
        ends_on=plan.ends_on,
        steps=_date_steps(plan) if wedge else (),
        people=plan.people,
        clusters=None if request.design == "individual" else plan.clusters,
        smallest_effect=float(f"{plan.offer_effect:.4g}"),
        power=request.power,
        alpha=request.alpha,
        analysis=_describe_analysis(plan),
    )


def find_registration_path(params: OrgParams, name: str) -> Path:
    """Return where the registration of an experiment lies.

    Parameters
    ----------
    params : OrgParams
        The organisation.
    name : str
        Lower-case letters, digits and underscores.

    Raises
    ------
    ParamError
        If the name is not safe in paths, or another file registers it already.
    """
    try:
        check_name(name, what="experiment")
    except ParamError as error:
        raise ParamError.build(
            "This cannot be the name of an experiment",
            where="--name",
            rule="lower-case letters, digits and underscores, a letter first",
            got=name,
            hint="a name such as coaching_2027q1; the file is called after it",
        ) from error
    path = params.folder / FOLDER / f"{name}.yml"
    taken = any(item.experiment == name for item in params.registrations)
    if taken and not path.is_file():
        raise ParamError.build(
            f"The experiment {name!r} is registered already",
            where=str(params.folder / FOLDER),
            rule="one file per experiment",
            hint="choose another --name",
        )
    return path


def check_free(path: Path, *, name: str, by: date, force: bool = False) -> None:
    """Refuse to write over a registration that is to stay.

    Parameters
    ----------
    path : Path
        From `find_registration_path`.
    name : str
        Id of the experiment to be written.
    by : date
        Today, or the last day of the data read if that is later.
    force : bool
        Whether the same experiment may be replaced as long as it has not begun.

    Raises
    ------
    ParamError
        If the file is there and `force` is not given, registers another experiment, or
        one that has begun.
    """
    if not path.exists():
        return
    if not force:
        raise ParamError.build(
            "This experiment is registered already",
            where=str(path),
            rule="what was written down before is not written over",
            hint="choose another --name; --force replaces a plan not yet begun",
        )
    there = read_model(path, Registration)
    if there.experiment != name or there.starts_on <= by:
        raise ParamError.build(
            "This registration is not replaced",
            where=str(path),
            rule=f"the experiment {name}, beginning after {by.isoformat()}",
            got=f"{there.experiment}, from {there.starts_on.isoformat()}",
            hint="choose another --name",
        )


def write_registration(
    registration: Registration,
    path: Path,
    *,
    force: bool = False,
    read_until: date = date.min,
) -> None:
    """Write a registration, whole or not at all.

    Parameters
    ----------
    registration : Registration
        From `draft_registration`.
    path : Path
        From `find_registration_path`.
    force : bool
        Whether to write over a file that is there.
    read_until : date
        Last day of the data that the plan was made with.

    Raises
    ------
    ParamError
        As `check_free`.
    """
    by = max(registration.written_on, read_until)
    check_free(path, name=registration.experiment, by=by, force=force)
    text = format_registration(registration)
    write_atomic(path, lambda file: file.write_text(text, encoding="utf-8"))


def format_registration(registration: Registration) -> str:
    """Write a registration as YAML, with what its readers must know at the top."""
    import yaml

    values = registration.model_dump(mode="json", exclude_none=True)
    kept = {key: value for key, value in values.items() if value not in ([], {}, "")}
    for name in ("written_on", "starts_on", "ends_on"):
        # the same day twice must not become a YAML alias, which readers refuse
        kept[name] = date.fromordinal(getattr(registration, name).toordinal())
    if registration.steps:
        kept["steps"] = list(registration.steps)
    body = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=88)
    late = registration.written_on >= registration.starts_on
    return (_LATE_HEAD if late else _HEAD) + body


def _date_steps(plan: ExperimentPlan) -> tuple[date, ...]:
    """Date the first day of each wave of a stepped wedge."""
    year_starts = plan.facts.quarter.year_starts
    first = Quarter.of_day(plan.starts_on, year_starts=year_starts)
    return tuple(first.shift(wave).first_day for wave in range(plan.quarters))


def _describe_analysis(plan: ExperimentPlan) -> str:
    by = {
        "individual": "person by person",
        "cluster": "with errors by team (CR2)",
        "stepped_wedge": "with effects of team and quarter, errors by team",
    }[plan.request.design]
    return (
        "Effect of being offered the programme (intention to treat), two-sided,"
        f" {by}. smallest_effect is that of the offer: {plan.effect:.4g} for completing"
        f" it, of which {plan.taken:.0%} of those offered and {plan.taken_control:.0%}"
        " of control are expected to."
    )
