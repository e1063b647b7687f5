"""The scorecard: one number per measure for the whole organisation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from workbench.brief.effects import (
    ADJUSTED_GRADE,
    INVITED,
    Finding,
    adjust_p_values,
    classify_effect,
    judge_threshold,
    select_effects,
)
from workbench.brief.formatting import is_missing
from workbench.brief.labels import label_outcome
from workbench.brief.levels import LevelCard, pool_level
from workbench.brief.measures import PLAYBOOK, Measure
from workbench.brief.pooling import Pooled, pool_effects
from workbench.brief.results import BriefData
from workbench.brief.stopped import EXPERIMENTS
from workbench.core.params import Outcome
from workbench.core.stages import STAGES

__all__ = ["Kpi", "build_scorecard"]

_KpiStatus = Literal["measured", "level", "suppressed", "unanswered", "unmeasured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One card of the scorecard.

    Attributes
    ----------
    measure : Measure
        What the card is about.
    label : str
        The outcome's own name where there is one.
    status : str
        ``measured``; ``level`` (how things stand, no effect); ``suppressed`` (too few
        people); ``unanswered`` (analysed, but no number could be computed);
        ``unmeasured``.
    reason : str
        Why there is no number.
    outcome : Outcome or None
        Its parameters.
    pooled : Pooled or None
        The effect.
    level : LevelCard or None
        The level, where the measure has no effect.
    relative : bool
        Whether target and verdict are relative to the baseline.
    target : tuple of float or None
        Nearer and farther end, with sign, on the scale that ``relative`` says.
    verdict : str
        ``yes``, ``no``, ``unclear``; empty without a number. A comparison that fails
        a check (grade 0 or 1) neither meets a target nor misses it: ``unclear``.
    unit, direction : str
        Of the outcome.
    p_adjusted : float
        Of the pooled effect, by Benjamini and Hochberg over all measured cards.
    finding : str
        As `classify_effect` reads the pooled effect; ``unanswered`` without a number.
    left_out : tuple of str
        Labels of personas whose number could not enter, for a footnote.
    """

    measure: Measure
    label: str
    status: _KpiStatus
    reason: str = ""
    outcome: Outcome | None = None
    pooled: Pooled | None = None
    level: LevelCard | None = None
    relative: bool = True
    target: tuple[float, float] | None = None
    verdict: str = ""
    unit: str = ""
    direction: str = "up"
    p_adjusted: float = math.nan
    finding: Finding = "unanswered"
    left_out: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[float, float, float]:
        """Effect and interval on the scale that the target uses."""
        if self.pooled is None:
            return math.nan, math.nan, math.nan
        item = self.pooled
        if self.relative:
            return item.relative, item.relative_low, item.relative_high
        return item.effect, item.ci_low, item.ci_high


def build_scorecard(
    data: BriefData, effects: pd.DataFrame | None = None
) -> tuple[Kpi, ...]:
    """Build one card per measure of the playbook and per further outcome.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    effects : DataFrame or None
        From `select_effects`, if it is at hand.

    Returns
    -------
    tuple of Kpi
        Playbook measures first, in its order; then outcomes of ``outcomes.yml`` that
        no measure covers. Negative controls have no card. A mean over personas is of
        effects of learning; that of being invited, where an experiment has no other,
        is left out.
    """
    table = select_effects(data) if effects is None else effects
    outcomes = [item for item in data.params.outcomes if not item.negative_control]
    taken: set[str] = set()
    cards = []
    for measure in PLAYBOOK:
        outcome = _find_outcome(measure, outcomes, taken)
        if outcome is not None:
            taken.add(outcome.id)
        cards.append(_build_card(data, measure, outcome, table))
    for outcome in outcomes:
        if outcome.id not in taken:
            label = label_outcome(data, outcome.id)
            measure = Measure(
                id=outcome.id,
                family=outcome.id,
                label=label,
                stages=("psm",),
                needs="a comparison of learners with others",
            )
            cards.append(_build_card(data, measure, outcome, table))
    return _read_findings(cards)


def _build_card(
    data: BriefData, measure: Measure, outcome: Outcome | None, effects: pd.DataFrame
) -> Kpi:
    """Build one card; whatever stands in the way of a number becomes its reason."""
    label = measure.label
    if outcome is not None and outcome.label:
        label = label_outcome(data, outcome.id)
    if outcome is None:
        level = pool_level(data, measure.id)
        if level is not None:
            return Kpi(measure=measure, label=label, status="level", level=level)
        return Kpi(
            measure=measure,
            label=label,
            status="unmeasured",
            reason=_explain_absence(data, measure, None),
        )
    rows = effects[effects["outcome"] == outcome.id]
    answered = rows[
        rows["estimate"].notna()
        & ~rows["suppressed"].astype(bool)
        & (rows["method"] != INVITED)
    ]
    if answered.empty:
        return _build_empty(data, measure, outcome, rows, label)
    if len(set(answered["unit"])) > 1:
        return Kpi(
            measure=measure,
            label=label,
            status="unanswered",
            outcome=outcome,
            reason="Personas are measured in different units, so no single number "
            "stands for all; see the personas.",
        )
    return _build_measured(measure, outcome, rows, answered, label)


def _build_measured(
    measure: Measure,
    outcome: Outcome,
    rows: pd.DataFrame,
    answered: pd.DataFrame,
    label: str,
) -> Kpi:
    pooled = pool_effects(answered)
    relative, target = _find_target(measure, outcome, pooled)
    left_out = rows[~rows.index.isin(answered.index)]["label"]
    card = Kpi(
        measure=measure,
        label=label,
        status="measured",
        outcome=outcome,
        pooled=pooled,
        relative=relative,
        target=target,
        unit=str(answered["unit"].iloc[0]),
        direction=outcome.direction,
        left_out=tuple(dict.fromkeys(left_out)),
    )
    _, low, high = card.shown
    if target is None:
        return card
    verdict = judge_threshold(
        low, high, threshold=abs(target[0]), up=outcome.direction == "up"
    )
    doubted = pooled.evidence is not None and pooled.evidence < ADJUSTED_GRADE
    return replace(card, verdict="unclear" if doubted else verdict)


def _read_findings(cards: list[Kpi]) -> tuple[Kpi, ...]:
    """Adjust p-values over the cards and say what each pooled effect shows."""
    values = pd.Series([item.pooled.p_value if item.pooled else None for item in cards])
    adjusted = adjust_p_values(values.astype(float))
    return tuple(
        replace(item, p_adjusted=float(value), finding=_read_finding(item, value))
        for item, value in zip(cards, adjusted, strict=True)
    )


def _read_finding(card: Kpi, p_adjusted: float) -> Finding:
    """Classify a card's pooled effect, with the near end of its target as threshold."""
    if card.pooled is None:
        return "suppressed" if card.status == "suppressed" else "unanswered"
    effect, low, high = card.shown
    return classify_effect(
        {
            "estimate": effect,
            "ci_low": low,
            "ci_high": high,
            "direction": card.direction,
            "threshold": abs(card.target[0]) if card.target else math.nan,
            "p_adjusted": p_adjusted,
        }
    )


def _build_empty(
    data: BriefData, measure: Measure, outcome: Outcome, rows: pd.DataFrame, label: str
) -> Kpi:
    """Build the card of an outcome that is declared but has no number to show."""
    status: _KpiStatus = "unmeasured"
    reason = _explain_absence(data, measure, outcome)
    if rows["suppressed"].astype(bool).any():
        status = "suppressed"
        reason = (
            f"Not shown: every comparison rests on fewer than {data.min_group} people."
        )
    elif not rows.empty:
        status = "unanswered"
        said = [str(item) for item in rows["limitation"] if not _blank(item)]
        reason = said[0] if said else "No number could be computed."
    return Kpi(
        measure=measure, label=label, status=status, reason=reason, outcome=outcome
    )


def _explain_absence(data: BriefData, measure: Measure, outcome: Outcome | None) -> str:
    """Say why a measure has no estimate."""
    known = {item.name for item in STAGES}
    if not known & set(measure.stages):
        return f"It needs {measure.needs}, which this release does not do yet."
    if outcome is None:
        return f"It needs {measure.needs}."
    waiting = [
        item.explain(data.label_of(item.persona))
        for item in data.stages.values()
        if item.stage in measure.stages
        and item.status != "done"
        and not (item.stage == EXPERIMENTS and item.status == "not_applicable")
    ]
    if waiting:
        return waiting[0]
    gaps = _list_reasons(data, outcome.id, measure.stages)
    if gaps:
        return " ".join(gaps[:2])
    return "No persona has an estimate of it this quarter."


def _list_reasons(data: BriefData, outcome: str, stages: tuple[str, ...]) -> list[str]:
    """List why the stages that measure an outcome could not, as their checks say."""
    reasons = []
    for item in data.stages.values():
        if item.stage not in stages:
            continue
        checks = item.table("diagnostics")
        if {"check", "outcome", "text"} <= set(checks.columns):
            rows = (checks["check"] == "comparison") & (checks["outcome"] == outcome)
            reasons += [
                f"{str(text).rstrip('.')}." for text in checks.loc[rows, "text"]
            ]
    return list(dict.fromkeys(reasons))


def _find_outcome(
    measure: Measure, outcomes: list[Outcome], taken: set[str]
) -> Outcome | None:
    """Return the outcome of a measure: by id, else the first of its family."""
    free = [item for item in outcomes if item.id not in taken]
    exact = [item for item in free if item.id == measure.id]
    kin = [item for item in free if item.id.startswith(f"{measure.family}_")]
    return next(iter([*exact, *kin]), None)


def _find_target(
    measure: Measure, outcome: Outcome, pooled: Pooled
) -> tuple[bool, tuple[float, float] | None]:
    """Return the scale and the ends of the target, the nearer one first.

    ``outcomes.yml`` goes before the playbook: its threshold is the nearer end, its
    target range gives the farther one. An absolute threshold is held against the
    effect in its own unit; so is a relative one where the playbook asks for no more
    than a direction, since a share of a small baseline says little.
    """
    sign = 1.0 if outcome.direction == "up" else -1.0
    threshold = outcome.threshold
    if threshold is not None and threshold.absolute is not None:
        return False, (sign * threshold.absolute, sign * math.inf)
    if measure.target is not None and measure.target[0] == 0:
        share = threshold.relative if threshold and threshold.relative else 0.0
        near = share * abs(pooled.baseline) if share else 0.0
        return False, (sign * near, sign * math.inf)
    ends = _declared_range(measure, outcome)
    if threshold is not None and threshold.relative is not None:
        far = abs(ends[1]) if ends else math.inf
        ends = (sign * threshold.relative, sign * max(far, threshold.relative))
    relative = not is_missing(pooled.relative)
    return relative, ends if relative else None


def _declared_range(measure: Measure, outcome: Outcome) -> tuple[float, float] | None:
    """Return the target range of the outcome or the playbook, nearer end first."""
    if outcome.target is not None:
        near, far = sorted(outcome.target, key=abs)
        return near, far
    return measure.target


def _blank(value: object) -> bool:
    return not isinstance(value, str) or not value.strip()
