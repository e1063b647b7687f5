"""Whether the assumptions of a stepped wedge hold, as far as the data can tell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.errors import NoVariationError
from workbench.core.results import Check
from workbench.impact.effects import Effect, describe_unit
from workbench.impact.experiment.wedge_cells import Cells, fit_column, make_effect
from workbench.impact.experiment.wedge_draws import WedgeTest

__all__ = [
    "check_agreement",
    "check_before",
    "check_constant",
    "check_leavers",
    "write_size",
]

BoolArray = npt.NDArray[np.bool_]


def check_constant(experiment: Experiment, cells: Cells, *, alpha: float) -> Check:
    """Hold the first exposed period against the later ones.

    Parameters
    ----------
    experiment : Experiment
        Names programme, outcome and unit.
    cells : Cells
        Its cells.
    alpha : float
        Level of the test.

    Returns
    -------
    Check
        ``wedge_constant_effect``; its limit is the largest difference that chance
        explains.
    """
    tested = _test_column(cells, cells.since >= 1, alpha=alpha)
    if tested is None:
        return _judge(
            experiment,
            "wedge_constant_effect",
            None,
            "The starts do not allow the effect to be told by time since then.",
        )
    value, limit = tested
    return _judge(
        experiment,
        "wedge_constant_effect",
        tested,
        "The effect in later periods differs from that in the first exposed one by "
        f"{write_size(experiment, value)}, {_by_chance(value, limit)}.",
        "read the average by time since the start: an effect that builds up or fades "
        "biases the one number",
    )


def check_before(experiment: Experiment, cells: Cells, *, alpha: float) -> Check:
    """Look for a difference in the last period before the start.

    Parameters
    ----------
    experiment : Experiment
        Names programme, outcome and unit.
    cells : Cells
        Its cells.
    alpha : float
        Level of the test.

    Returns
    -------
    Check
        ``wedge_before_start``: groups that prepared for their start, or went their
        own way before it, fail.
    """
    tested = _test_column(cells, cells.since == -1, alpha=alpha)
    if tested is None:
        return _judge(
            experiment,
            "wedge_before_start",
            None,
            "No group waits long enough to look at the time before its start.",
        )
    value, limit = tested
    return _judge(
        experiment,
        "wedge_before_start",
        tested,
        "In the last period before their start groups differ from those that wait "
        f"longer by {write_size(experiment, value)}, {_by_chance(value, limit)}.",
        "ask whether groups prepared for their start, or went their own way before it",
    )


def check_leavers(
    experiment: Experiment, effect: Effect, within: Effect | None
) -> Check:
    """Hold the effect against that of people compared with themselves.

    Parameters
    ----------
    experiment : Experiment
        Names programme, outcome and unit.
    effect, within : Effect
        With effects of groups, and of people.

    Returns
    -------
    Check
        ``wedge_leavers``; the limit is the standard error of the effect.
    """
    if within is None:
        return _judge(
            experiment,
            "wedge_leavers",
            None,
            "Too few people were seen in several periods.",
        )
    gap, limit = within.value - effect.value, effect.std_error
    size = "less" if abs(gap) <= limit else "more"
    return _judge(
        experiment,
        "wedge_leavers",
        (gap, limit),
        "Comparing people with themselves changes the effect by "
        f"{write_size(experiment, gap)}, {size} than its standard error.",
        "people who left, or came back, differ between waiting and exposed periods",
    )


def check_agreement(
    experiment: Experiment, effect: Effect, test: WedgeTest, *, alpha: float
) -> Check:
    """Report whether error and redrawn orders lead to the same conclusion.

    Parameters
    ----------
    experiment : Experiment
        Names programme and outcome.
    effect : Effect
        With its clustered error.
    test : WedgeTest
        Needs no error.
    alpha : float
        Level of both.

    Returns
    -------
    Check
        ``wedge_errors_agree``.
    """
    agree = (effect.p_value() < alpha) == (test.p_value < alpha)
    return Check(
        check="wedge_errors_agree",
        passed=agree,
        value=test.p_value,
        limit=alpha,
        program=experiment.program.id,
        outcome=experiment.outcome.id,
        text=f"P is {effect.p_value():.2g} by the clustered error and "
        f"{test.p_value:.2g} by drawing the order of the {effect.n_clusters} groups "
        "again.",
        advice="" if agree else "take the result as open",
    )


def write_size(experiment: Experiment, value: float) -> str:
    """Write an effect with the unit of its outcome."""
    unit = describe_unit(experiment.outcome)
    return f"{value:.3g}" if unit == "probability" else f"{value:.3g} {unit}"


def _test_column(
    cells: Cells, column: BoolArray, *, alpha: float
) -> tuple[float, float] | None:
    """Estimate how cells differ beyond the effect, and what chance explains of it.

    None where it cannot be told.
    """
    others = np.column_stack([cells.periods, cells.exposed])
    try:
        found = make_effect(cells, fit_column(cells, column, others), method="ab_itt")
    except NoVariationError:
        return None
    return found.value, found.quantile(alpha) * found.std_error


def _judge(
    experiment: Experiment,
    name: str,
    tested: tuple[float, float] | None,
    text: str,
    advice: str = "",
) -> Check:
    names = (experiment.program.id, experiment.outcome.id)
    if tested is None:
        return Check(
            check=name, passed=None, program=names[0], outcome=names[1], text=text
        )
    value, limit = tested
    passed = abs(value) <= limit
    return Check(
        check=name,
        passed=passed,
        value=value,
        limit=limit,
        program=names[0],
        outcome=names[1],
        text=text,
        advice="" if passed else advice,
    )


def _by_chance(value: float, limit: float) -> str:
    less = abs(value) <= limit
    return f"{'no more' if less else 'more'} than chance explains"
