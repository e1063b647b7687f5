"""Cells for modules: the effect of one, of few who skipped it, and after shrinkage."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd

from tests.calibration.cells import Cell, Measured
from tests.calibration.module_draws import draw_estimates, draw_events, draw_skipped
from tests.prescribe.modules.draw_modules import (
    EFFECTS,
    list_outcomes,
    make_module_cohort,
    make_records,
)
from workbench.core.errors import DesignError
from workbench.prescribe.modules.analysis import analyse_programme
from workbench.prescribe.modules.base_model import fit_base
from workbench.prescribe.modules.effect import estimate_module
from workbench.prescribe.modules.joint import estimate_jointly
from workbench.prescribe.modules.parts import find_parts
from workbench.prescribe.modules.pool import pool_programmes
from workbench.prescribe.modules.rows import ModuleRows, prepare_rows
from workbench.prescribe.modules.shrinkage import estimate_spreads, shrink

ONE = "effect of passing a module among learners"
DRAWN = "effect of a module that is drawn anew in every run"
PATH = "worth of a path that leaves out one module, in thresholds"
_NORMAL = 1.959964
_THRESHOLD = 0.2


def measure_module(
    seed: int,
    *,
    skipped: int,
    module: int = 1,
    pull: float = 0.0,
    bend: float = 0.0,
    effects: tuple[float, ...] = EFFECTS,
    second: bool = False,
    events: bool = False,
) -> Measured:
    """Draw a programme and estimate one module; the usual interval is the normal one.

    The raw difference is that of learners who passed and skipped the module.
    """
    frame = (
        draw_events(seed, skipped=skipped)
        if events
        else draw_skipped(seed, skipped=skipped, pull=pull, bend=bend, effects=effects)
    )
    rows = _prepare(frame, seed, kind="binary" if events else "continuous")
    parts = find_parts(rows.passed[rows.learners])
    columns = [part.columns for part in parts]
    if (module,) not in columns:
        raise DesignError.build("Too few learners passed it, or skipped it")
    place = columns.index((module,))
    base = fit_base(rows, parts)
    joint = estimate_jointly(rows, base, parts)[place] if second else None
    effect = joint or estimate_module(rows, base, parts[place], place=place)
    low, high = effect.interval(0.05)
    half = _NORMAL * effect.std_error
    took = rows.passed[:, module]
    outcome = rows.sample.outcome
    return Measured(
        estimate=effect.value,
        std_error=effect.std_error,
        ci_low=low,
        ci_high=high,
        truth=0.0 if events else effects[module],
        naive=float(
            outcome[rows.learners & took].mean() - outcome[rows.learners & ~took].mean()
        ),
        warned=False,
        usual_low=effect.value - half,
        usual_high=effect.value + half,
    )


def measure_shrunk(
    seed: int, *, programmes: int, spread: float, mean: float, module: int = 1
) -> Measured:
    """Draw programmes with their modules' effects, and read one module of the first.

    The usual interval is that of the module's own comparison.
    """
    groups, truths = draw_estimates(
        seed, programmes=programmes, spread=spread, mean=mean
    )
    size = estimate_spreads({"y": groups}, alike=())["y"]
    found = shrink(groups[0], np.array([[size**2]]))
    error = math.sqrt(float(found.covariance[module, module]))
    value = float(found.values[module])
    own = math.sqrt(float(groups[0].covariance[module, module]))
    raw = float(groups[0].values[module]) if module else math.nan
    return Measured(
        estimate=value,
        std_error=error,
        ci_low=value - _NORMAL * error,
        ci_high=value + _NORMAL * error,
        truth=float(truths[0][module]),
        naive=raw,
        warned=False,
        usual_low=raw - _NORMAL * own,
        usual_high=raw + _NORMAL * own,
    )


def measure_path(seed: int, *, shrunk: bool) -> Measured:
    """Draw a programme and value the path that leaves out its third module.

    The raw value compares nothing with nobody: the programme's own effect.
    """
    frame = draw_skipped(seed, skipped=30)
    analysis = analyse_programme(make_records(frame), min_group=10, seed=seed % 1000)
    values = pool_programmes([analysis], weights={}, alpha=0.05).values[0]
    path = [name for name in values.modules if name != values.modules[2]]
    found = values.value_of_path(path) if shrunk else values.raw_value_of_path(path)
    if found is None:
        raise DesignError.build("Too few learners passed a module, or skipped it")
    return Measured(
        estimate=found.value,
        std_error=found.std_error,
        ci_low=found.low,
        ci_high=found.high,
        truth=(sum(EFFECTS) - EFFECTS[2]) / _THRESHOLD,
        naive=float(values.programme[0]),
        warned=False,
    )


def list_module_cells() -> tuple[Cell, ...]:
    """Return the cells, in the order of the published table."""
    return (
        *(
            Cell(
                name=f"module_{skipped}",
                family="modules",
                design=f"about {skipped} learners skip the module",
                estimand=ONE,
                measure=partial(measure_module, skipped=skipped),
                expect="at_least" if skipped == 20 else "covers",
                usual="the normal quantile",
            )
            for skipped in (20, 30, 60)
        ),
        Cell(
            name="module_nothing",
            family="modules",
            design="about 30 learners skip a module that does nothing",
            estimand=ONE,
            measure=partial(measure_module, skipped=30, module=2),
            no_effect=True,
        ),
        Cell(
            name="module_chosen",
            family="modules",
            design="about 30 learners skip it, mostly those expected to do badly",
            estimand=ONE,
            measure=partial(measure_module, skipped=30, pull=0.8),
        ),
        Cell(
            name="module_bent",
            family="modules",
            design="the same, and what drives the outcome is bent, about 60 skip it",
            estimand=ONE,
            measure=partial(measure_module, skipped=60, pull=0.8, bend=0.1),
        ),
        Cell(
            name="module_events",
            family="modules",
            design="an event of 12 % that no module has to do with, about 25 skip it",
            estimand=ONE,
            measure=partial(measure_module, skipped=25, events=True),
            expect="at_least",
            no_effect=True,
        ),
        Cell(
            name="module_joint",
            family="modules",
            design="all modules in one regression, about 30 learners skip each",
            estimand=ONE,
            measure=partial(measure_module, skipped=30, second=True),
        ),
        Cell(
            name="module_shrunk",
            family="modules",
            design="5 programmes of 4 modules that differ as much as their errors",
            estimand=DRAWN,
            measure=partial(measure_shrunk, programmes=5, spread=0.4, mean=0.3),
            usual="the module's own comparison",
        ),
        Cell(
            name="module_untold",
            family="modules",
            design="the same, for a module that everybody passed",
            estimand=DRAWN,
            measure=partial(
                measure_shrunk, programmes=5, spread=0.4, mean=0.3, module=0
            ),
        ),
        Cell(
            name="module_alike",
            family="modules",
            design="5 programmes of 4 modules that all do the same",
            estimand=DRAWN,
            measure=partial(measure_shrunk, programmes=5, spread=0.0, mean=0.3),
            expect="at_least",
            usual="the module's own comparison",
        ),
        Cell(
            name="module_path",
            family="modules",
            design="a path of three of four modules, about 30 learners skip each",
            estimand=PATH,
            measure=partial(measure_path, shrunk=False),
        ),
    )


def _prepare(frame: pd.DataFrame, seed: int, *, kind: str) -> ModuleRows:
    cohort = make_module_cohort(frame, list_outcomes(1, kind=kind)[0])
    courses = cohort.program.courses
    return prepare_rows(
        cohort, frame[["unit", "trial", *courses]], min_group=10, seed=seed % 1000
    )
