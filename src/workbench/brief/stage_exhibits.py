"""Exhibits of the stage notebooks: which comparison a figure shows, or why none."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from workbench.brief.figures import Exhibit
from workbench.core.results import StageResult, tabulate_estimates

__all__ = ["exhibit_effects", "exhibit_first"]

Describe = Callable[[pd.DataFrame], str]


def exhibit_effects(
    result: StageResult, *, describe: Describe, alt: Describe, caption: str
) -> Exhibit:
    """Prepare the forest plot of all estimates of a stage.

    Parameters
    ----------
    result : StageResult
        A stage that estimates; may have nothing to show.
    describe, alt : callable
        Turn the estimates into the figure's title and its description.
    caption : str
        Method and level.

    Returns
    -------
    Exhibit
        With the stage's reason in place of a figure where there is no number.
    """
    estimates = tabulate_estimates(result.estimates)
    return _prepare(estimates, result, describe, alt, caption, row_height=0.24)


def exhibit_first(
    result: StageResult, table: str, *, describe: Describe, alt: Describe, caption: str
) -> Exhibit:
    """Prepare a figure of the first comparison that a table of a stage holds.

    Parameters
    ----------
    result : StageResult
        May lack the table.
    table : str
        A table with the columns ``program`` and ``outcome``.
    describe, alt, caption
        See `exhibit_effects`; the comparison shown is added to the caption.
    """
    rows = result.tables.get(table, pd.DataFrame())
    if not rows.empty:
        program, outcome = rows.iloc[0][["program", "outcome"]]
        rows = rows[(rows["program"] == program) & (rows["outcome"] == outcome)]
        caption = f"{caption} Shown for {outcome} ({program})."
    return _prepare(rows, result, describe, alt, caption, fixed_height=5.4)


def _prepare(
    rows: pd.DataFrame,
    result: StageResult,
    describe: Describe,
    alt: Describe,
    caption: str,
    *,
    row_height: float = 0.34,
    fixed_height: float = 0.0,
) -> Exhibit:
    shown = not rows.empty
    return Exhibit(
        panels=((describe(rows), rows),) if shown else (),
        caption=caption,
        alt=alt(rows) if shown else "",
        empty=result.reason or "There is nothing to show.",
        row_height=row_height,
        fixed_height=fixed_height,
    )
