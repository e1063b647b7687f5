"""Cells for experiments that are looked at every week."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.calibration.cells import Cell, Measured
from tests.impact.experiment.draw_looks import draw_running
from workbench.impact.experiment.sequential import intersect_looks, tabulate_looks

SIZE = 0.055
"""Largest share of draws in which any of the looks may find what is not there."""

ITT = "effect of being assigned, at all looks together"


def measure(seed: int, *, effect: float = 0.0, **settings: Any) -> Measured:
    """Look at a drawn experiment every week; the intervals are those of all looks.

    The usual way reads the ordinary interval of every look.
    """
    looks = tabulate_looks(draw_running(seed, effect=effect, **settings))
    low, high = intersect_looks(looks)
    last = looks.iloc[-1]
    return Measured(
        estimate=float(last["estimate"]),
        std_error=float(last["fixed_high"] - last["fixed_low"]) / (2 * 1.959964),
        ci_low=low,
        ci_high=high,
        truth=effect,
        naive=float("nan"),
        warned=False,
        usual_low=float(looks["fixed_low"].max()),
        usual_high=float(looks["fixed_high"].min()),
    )


def _cell(name: str, design: str, *, no_effect: bool = True, **settings: Any) -> Cell:
    return Cell(
        name=name,
        family="looks",
        design=design,
        estimand=ITT,
        measure=partial(measure, **settings),
        expect="at_least",
        no_effect=no_effect,
        size_limit=SIZE,
        usual="an ordinary test at every look",
    )


def list_look_cells() -> list[Cell]:
    """List the cells in the order of the published table."""
    return [
        _cell("looks_people", "600 people, 30 weekly looks, no effect"),
        _cell(
            "looks_skewed",
            "600 people, 30 weekly looks at a skewed outcome, no effect",
            skewed=True,
        ),
        _cell(
            "looks_yes_or_no",
            "600 people, 30 weekly looks, one in ten says yes, no effect",
            binary=True,
        ),
        _cell("looks_teams", "60 teams of 10, weekly looks, no effect", clusters=60),
        _cell(
            "looks_effect",
            "600 people, 30 weekly looks, an effect of 0.3 standard deviations",
            no_effect=False,
            effect=0.3,
        ),
    ]
