"""What the numbers do not say, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from workbench.brief.effects import adjust_p_values, find_contradictions
from workbench.brief.experiments import describe_experiments, describe_invitations
from workbench.brief.formatting import (
    format_count,
    format_effect,
    format_interval,
    pluralise,
)
from workbench.brief.header import describe_consent
from workbench.brief.labels import label_outcome
from workbench.brief.narrative import (
    describe_contradiction,
    join_words,
)
from workbench.brief.results import BriefData
from workbench.brief.rivals import describe_rivals
from workbench.brief.scorecard import Kpi
from workbench.brief.stopped import EXPERIMENTS
from workbench.brief.triangulated import describe_disagreements

__all__ = ["list_limitations", "report_redeclared"]

_LEVEL = 0.05


def list_limitations(
    data: BriefData, effects: pd.DataFrame, cards: Sequence[Kpi]
) -> tuple[str, ...]:
    """List what limits the reading of the quarter, the weightiest first.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    effects : DataFrame
        From `select_effects`.
    cards : sequence of Kpi
        The scorecard.

    Returns
    -------
    tuple of str
        Plain sentences: the assumption under the numbers, outcomes that were declared
        anew after the first run, designs that disagree, what being invited changed in
        experiments, those that were stopped, differ from their registration or have
        none, control outcomes that moved, comparisons withheld or without answer,
        measures without a number, stages without results, people without consent.
    """
    contradictions = find_contradictions(data)
    sentences = [
        _state_assumption(effects),
        *report_redeclared(data),
        *(describe_contradiction(row) for row in contradictions.to_dict("records")),
        *describe_disagreements(data),
        *describe_rivals(data, effects),
        *describe_invitations(data),
        *describe_experiments(data),
        *_report_controls(effects),
        _count_withheld(data, effects),
        _count_unanswered(effects),
        _name_unmeasured(cards),
        *data.list_gaps(),
        describe_consent(data),
    ]
    return tuple(dict.fromkeys(item for item in sentences if item))


def _state_assumption(effects: pd.DataFrame) -> str:
    """State what must be true for the effects to be what learning did."""
    shown = effects[effects["estimate"].notna() & ~effects["control"].astype(bool)]
    if shown.empty:
        return ""
    chance = int((shown["stage"] == EXPERIMENTS).sum())
    if chance == len(shown):
        return "All effects rest on chance assignment."
    start = (
        "None of the effects rests on chance assignment: learners"
        if chance == 0
        else f"{chance} of {len(shown)} effects rest on chance assignment; in the "
        "others learners"
    )
    return (
        f"{start} are compared with colleagues who were alike in what was recorded "
        "before. A cause that nobody recorded, such as motivation, may still explain a "
        "part."
    )


def report_redeclared(
    data: BriefData, outcomes: Iterable[str] | None = None
) -> list[str]:
    """Report outcomes whose threshold or window is not that of the first run.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    outcomes : iterable of str or None
        Those to report on; all of them by default.
    """
    asked = None if outcomes is None else set(outcomes)
    return [
        f"{label_outcome(data, outcome)} was declared otherwise after the data of this "
        f"quarter had been seen ({change}); its evidence is graded one lower for it."
        for outcome, change in data.redeclared.items()
        if asked is None or outcome in asked
    ]


def _report_controls(effects: pd.DataFrame) -> list[str]:
    """Report outcomes that learning cannot change."""
    controls = effects[effects["control"].astype(bool) & effects["estimate"].notna()]
    if controls.empty:
        return []
    moved = controls[(controls["ci_low"] > 0) | (controls["ci_high"] < 0)]
    sure = bool((adjust_p_values(controls["p_value"]) <= _LEVEL).any())
    name = join_words(dict.fromkeys(controls["outcome_label"]))
    if moved.empty:
        return [
            f"The control outcome ({name}), which learning cannot change, did not move "
            f"beyond its error in any of {format_count(len(controls))} comparisons."
        ]
    meaning = (
        "so learners and their matches differ in something unrecorded"
        if sure
        else "which may be chance with so many comparisons, or something unrecorded"
    )
    return [
        f"The control outcome ({name}), which learning cannot change, moved beyond its "
        f"error in {format_count(len(moved))} of {format_count(len(controls))} "
        f"comparisons, {meaning}: "
        + join_words(
            f"{row.label} {format_effect(row.estimate, str(row.unit))} "
            f"({format_interval(row.ci_low, row.ci_high, str(row.unit))})"
            for row in moved.itertuples()
        )
        + "."
    ]


def _count_withheld(data: BriefData, effects: pd.DataFrame) -> str:
    hidden = int(effects["suppressed"].astype(bool).sum())
    if not hidden:
        return ""
    return (
        f"{pluralise(hidden, 'comparison')} on fewer than {data.min_group} people "
        f"{'is' if hidden == 1 else 'are'} not shown."
    )


def _count_unanswered(effects: pd.DataFrame) -> str:
    rows = effects[effects["finding"] == "unanswered"]
    if rows.empty:
        return ""
    names = [f"{row.outcome_label} of {row.label}" for row in rows.itertuples()]
    return f"Without an answer: {join_words(names)}; the pages of the personas say why."


def _name_unmeasured(cards: Sequence[Kpi]) -> str:
    names = [item.label for item in cards if item.status == "unmeasured"]
    return f"Not measured yet: {join_words(names)}." if names else ""
