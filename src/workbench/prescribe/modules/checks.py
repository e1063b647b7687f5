"""What the comparison of modules rests on, checked and said in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from workbench.core.results import Check
from workbench.prescribe.modules.analysis import ProgrammeAnalysis
from workbench.prescribe.modules.co_taking import check_bundles
from workbench.prescribe.modules.effects_table import FAMILY
from workbench.prescribe.modules.outcome import OutcomeEffects
from workbench.prescribe.modules.parts import FEWEST
from workbench.prescribe.modules.pool import COARSE, Pooled
from workbench.prescribe.modules.values import ModuleValues

__all__ = ["check_programme", "check_shared"]

_FAR = 2.0
_LEFT_OUT = 0.25


def check_shared(
    pooled: Pooled, analyses: Sequence[ProgrammeAnalysis], *, alpha: float
) -> tuple[Check, ...]:
    """Check what holds for all programmes: coarse outcomes, family, controls.

    Parameters
    ----------
    pooled : Pooled
        What was shrunk together.
    analyses : sequence of ProgrammeAnalysis
        What was estimated.
    alpha : float
        Level of the test of negative controls, shared by all of them.
    """
    return (
        _check_coarse(pooled),
        _say_spread(pooled),
        _say_family(analyses),
        _check_controls(analyses, alpha),
    )


def check_programme(
    analysis: ProgrammeAnalysis, values: ModuleValues
) -> tuple[Check, ...]:
    """Check one programme: what can be told, who is left out, whether estimates agree.

    Parameters
    ----------
    analysis : ProgrammeAnalysis
        What was estimated.
    values : ModuleValues
        The same after shrinkage.
    """
    program = analysis.records.program
    return (
        _check_identified(analysis, values),
        check_bundles(analysis.uptake, program.courses, program=program.id),
        *(
            check
            for found in analysis.outcomes
            if found.counts
            for check in _check_outcome(analysis, found)
        ),
    )


def _check_coarse(pooled: Pooled) -> Check:
    named = ", ".join(
        f"{name} (± {size:.1f})" for name, size in sorted(pooled.coarse.items())
    )
    text = (
        "Left out of the impacts, as the effect of a module is known with a standard "
        f"error of more than {COARSE:g} thresholds: {named}. A weight in paths.yml "
        "lets it count."
        if pooled.coarse
        else f"Every outcome's module effects are known within {COARSE:g} thresholds."
    )
    return Check(
        check="coarse_outcomes",
        passed=not pooled.coarse,
        value=max(pooled.coarse.values(), default=math.nan),
        limit=COARSE,
        text=text,
        advice="Gather more quarters, or a threshold that fits what can be seen."
        if pooled.coarse
        else "",
    )


def _say_spread(pooled: Pooled) -> Check:
    known = [pooled.spreads[name] for name in sorted(pooled.alike)]
    usual = float(np.median(known)) if known else math.nan
    return Check(
        check="modules_differ",
        passed=True,
        value=usual,
        text=f"Modules of one programme differ by {usual:.2g} thresholds (median over "
        "outcomes, standard deviation); what a module does to one outcome and to "
        f"another goes together with a correlation of {pooled.likeness:.2f}. Estimates "
        "are drawn together accordingly.",
    )


def _say_family(analyses: Sequence[ProgrammeAnalysis]) -> Check:
    made = sum(
        effect is not None
        for analysis in analyses
        for found in analysis.outcomes
        if not found.outcome.negative_control
        for effect in found.effects
    )
    return Check(
        check="family_of_tests",
        passed=True,
        value=float(made),
        text=f"P-values are adjusted (Benjamini and Hochberg) among {made} tests: "
        f"{FAMILY}.",
    )


def _check_controls(analyses: Sequence[ProgrammeAnalysis], alpha: float) -> Check:
    found = [
        effect.p_value()
        for analysis in analyses
        for item in analysis.outcomes
        if item.outcome.negative_control
        for effect in item.effects
        if effect is not None
    ]
    if not found:
        return Check(
            check="negative_control",
            passed=None,
            text="No negative control could be compared between those who passed a "
            "module and those who skipped it.",
        )
    least = min(min(found) * len(found), 1.0)
    fine = least >= alpha
    return Check(
        check="negative_control",
        passed=fine,
        value=least,
        limit=alpha,
        text=f"Of {len(found)} comparisons of an outcome that nothing learnt can "
        f"change, the smallest p-value, times their number, is {least:.3f}.",
        advice=""
        if fine
        else "Passing a module follows something that is not adjusted "
        "for: read all module effects with care.",
    )


def _check_identified(analysis: ProgrammeAnalysis, values: ModuleValues) -> Check:
    untold = [
        name
        for name, known in zip(values.modules, values.identified, strict=True)
        if not known
    ]
    program = analysis.records.program
    text = (
        f"{', '.join(untold)}: fewer than {FEWEST} learners passed or skipped "
        f"{'it' if len(untold) == 1 else 'them'} alone, so that no effect of "
        f"{'its' if len(untold) == 1 else 'their'} own can be told."
        if untold
        else "Every module was passed and skipped often enough to be told apart."
    )
    return Check(
        check="modules_identified",
        passed=not untold,
        value=float(len(values.modules) - len(untold)),
        limit=float(len(values.modules)),
        program=program.id,
        text=text,
        advice="Offer a part of the learners another selection of modules."
        if untold
        else "",
    )


def _check_outcome(
    analysis: ProgrammeAnalysis, found: OutcomeEffects
) -> Iterator[Check]:
    program = analysis.records.program.id
    if any(effect is not None for effect in found.effects):
        yield _check_left_out(found, program)
        yield _check_second(found, program)
    distance = _compare_sum(analysis, found)
    if distance is not None:
        yield Check(
            check="modules_add_up",
            passed=abs(distance) <= _FAR,
            value=distance,
            limit=_FAR,
            text="The effects of the modules, added up as they were passed, lie "
            f"{distance:+.1f} standard errors from the programme's own effect.".replace(
                "-", "−"
            ),
            advice=""
            if abs(distance) <= _FAR
            else "Modules may help or hinder each other: read the value of a path that "
            "few people took with care.",
            program=program,
            outcome=found.outcome.id,
        )


def _check_left_out(found: OutcomeEffects, program: str) -> Check:
    shares = [
        item.n_outside / max(item.n_outside + item.n_passed + item.n_skipped, 1)
        for item in found.effects
        if item is not None
    ]
    worst = max(shares)
    return Check(
        check="module_overlap",
        passed=worst <= _LEFT_OUT,
        value=worst,
        limit=_LEFT_OUT,
        text=f"At most {worst:.0%} of the learners who had the choice are left out of "
        "a comparison because (nearly) all people like them chose the same.",
        advice=""
        if worst <= _LEFT_OUT
        else "The effects hold for those who are left, not for all learners.",
        program=program,
        outcome=found.outcome.id,
    )


def _check_second(found: OutcomeEffects, program: str) -> Check:
    distances = [
        abs(one.value - two.value) / max(one.std_error, two.std_error)
        for one, two in zip(found.effects, found.second, strict=True)
        if one is not None and two is not None
    ]
    worst = max(distances, default=0.0)
    return Check(
        check="module_estimators_agree",
        passed=worst <= 1.0,
        value=worst,
        limit=1.0,
        text=f"Weighting and the joint regression differ by at most {worst:.1f} "
        "standard errors of a module's effect.",
        advice=""
        if worst <= 1.0
        else "The effect of a module hangs on how it is compared.",
        program=program,
        outcome=found.outcome.id,
    )


def _compare_sum(analysis: ProgrammeAnalysis, found: OutcomeEffects) -> float | None:
    """Compare the modules' effects, added up, with the programme's own effect.

    Only where each of them is known; what (nearly) everybody passed cannot be.
    """
    uptake = analysis.uptake
    told = {column for part in uptake.parts for column in part.columns}
    if len(told) < len(uptake.n_passed) or found.programme is None:
        return None
    if any(item is None for item in found.effects):
        return None
    value = found.programme.value
    influence = found.programme.influence.copy()
    for part, item in zip(uptake.parts, found.effects, strict=True):
        if item is not None:
            share = float(uptake.shares[list(part.columns)].mean())
            value -= share * item.value
            influence -= share * item.influence
    groups = np.bincount(found.rows.units, influence)
    error = math.sqrt(float((groups**2).sum()))
    return value / error if error else None
