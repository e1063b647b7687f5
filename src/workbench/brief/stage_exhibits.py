"""Exhibits of the stage notebooks: which comparison a figure shows, or why none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from workbench.brief.components import Block, build_note, join_blocks
from workbench.brief.experiments import describe_registration
from workbench.brief.figures import Exhibit
from workbench.brief.stopped import STOPPED
from workbench.core.results import StageResult, tabulate_estimates

__all__ = ["exhibit_effects", "exhibit_first", "exhibit_table", "note_experiments"]

Describe = Callable[[pd.DataFrame], str]

_KEY = ["program", "outcome", "experiment"]
_FIGURE, _FRAME, _PANEL = 5.4, 1.4, 2.2
_WITHOUT_UNIT = ("looks", "power")


def exhibit_effects(
    result: StageResult,
    *,
    describe: Describe,
    alt: Describe,
    caption: str,
    methods: Sequence[str] | None = None,
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
    methods : sequence of str, optional
        Methods to show; default: all.

    Returns
    -------
    Exhibit
        With the stage's reason in place of a figure where there is no number.
    """
    estimates = tabulate_estimates(result.estimates)
    if methods is not None:
        estimates = estimates[estimates["method"].isin(methods)]
    return _prepare(estimates, result, describe, alt, caption, row_height=0.24)


def exhibit_first(
    result: StageResult,
    table: str,
    *,
    describe: Describe,
    alt: Describe,
    caption: str,
    panels: str = "",
) -> Exhibit:
    """Prepare a figure of the first comparison that a table of a stage holds.

    Parameters
    ----------
    result : StageResult
        May lack the table.
    table : str
        A table with the columns ``program`` and ``outcome``, and ``experiment`` where
        it is of experiments. Where it names no unit, that of the estimates is added.
    describe, alt, caption
        See `exhibit_effects`; the comparison shown is added to the caption.
    panels : str
        Column whose values have a panel each, below each other.
    """
    rows = result.tables.get(table, pd.DataFrame())
    if not rows.empty:
        key = [name for name in _KEY if name in rows.columns]
        first = rows.iloc[0]
        program, outcome = first["program"], first["outcome"]
        rows = rows[(rows[key] == first[key]).all(axis=1)]
        if table in _WITHOUT_UNIT:
            rows = rows.assign(unit=_find_unit(result, program, outcome))
        caption = f"{caption} Shown for {outcome} ({program})."
    height = _FIGURE
    if panels and not rows.empty:
        height = max(height, _FRAME + _PANEL * rows[panels].nunique())
    return _prepare(rows, result, describe, alt, caption, fixed_height=height)


def exhibit_table(
    result: StageResult,
    table: str,
    *,
    describe: Describe,
    alt: Describe,
    caption: str,
    row_height: float = 0.34,
    fixed_height: float = 0.0,
) -> Exhibit:
    """Prepare a figure of everything that a table of a stage holds.

    Parameters
    ----------
    result : StageResult
        May lack the table.
    table : str
        Its name.
    describe, alt, caption
        See `exhibit_effects`.
    row_height, fixed_height : float
        See `workbench.brief.figures.Exhibit`.
    """
    rows = result.tables.get(table, pd.DataFrame())
    return _prepare(
        rows,
        result,
        describe,
        alt,
        caption,
        row_height=row_height,
        fixed_height=fixed_height,
    )


def note_experiments(result: StageResult) -> Block:
    """Note what limits the reading of experiments, to be shown before any number.

    Parameters
    ----------
    result : StageResult
        Of the stage that reads experiments.

    Returns
    -------
    Block
        One note per experiment that was stopped, has no answer, was not registered or
        differs from its registration; one sentence where there is no experiment.
    """
    table = result.tables.get("experiments", pd.DataFrame())
    if table.empty:
        return build_note("No experiment.", result.reason or "None could be read.")
    notes = []
    for row in table.to_dict("records"):
        named = {str(key): item for key, item in row.items()}
        said, limits = describe_registration(named)
        name = str(named["experiment"])
        if named["status"] == STOPPED:
            lead = f"{name} is stopped and not read."
            notes.append(build_note(lead, str(named["text"]), warn=True))
        elif named["status"] != "read":
            notes.append(build_note(f"{name}: no answer.", str(named["text"])))
        if limits:
            notes.append(build_note(f"{name}.", said, warn=True))
    return join_blocks(*notes)


def _find_unit(result: StageResult, program: str, outcome: str) -> str:
    units = [
        item.unit
        for item in result.estimates
        if item.program == program and item.outcome == outcome
    ]
    return units[0] if units else ""


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
