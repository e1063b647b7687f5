"""The cards of the scorecard: number, interval, bar with target, verdict, grade."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.brief.components import (
    Block,
    Column,
    Html,
    build_table,
    draw_grade,
    draw_verdict,
    escape_html,
    wrap_html,
)
from workbench.brief.formatting import (
    MISSING,
    format_change,
    format_count,
    format_effect,
    format_interval,
    format_percent,
    format_percent_range,
    format_step,
    pluralise,
    split_effect,
)
from workbench.brief.levels import LevelCard
from workbench.brief.scorecard import Kpi

__all__ = ["draw_cards", "tabulate_cards"]

_WIDTH, _HEIGHT = 220.0, 44.0
_MARGIN = 12.0
_MIDDLE = 16.0
_VERDICTS = {
    "yes": ("good", "target met"),
    "no": ("bad", "target not met"),
    "unclear": ("unsure", "unclear"),
    "": ("none", "no target set"),
}
_ABSENT = {
    "suppressed": "too few people to show",
    "unanswered": "no number this quarter",
    "unmeasured": "not measured yet",
}


def draw_cards(cards: Sequence[Kpi], *, small: bool = False) -> Block:
    """Draw cards side by side; those without a number say why.

    Parameters
    ----------
    cards : sequence of Kpi
        In the order to be shown.
    small : bool
        For measures beside the main ones: without a bar.
    """
    kind = "kpi-cards small" if small else "kpi-cards"
    drawn = "\n".join(_draw_card(item, small=small) for item in cards)
    return wrap_html(f'<div class="{kind}">\n{drawn}\n</div>')


def tabulate_cards(cards: Sequence[Kpi]) -> Block:
    """Write the cards' numbers as a table, for reading aloud and for printing."""
    columns = (
        Column("label", "Measure"),
        Column("effect", "Effect", numeric=True),
        Column("interval", "95 % interval", numeric=True),
        Column("target", "Target", numeric=True),
        Column("verdict", "Verdict"),
        Column("grade", "Evidence"),
        Column("n", "Learners", numeric=True),
    )
    return build_table(
        [_tabulate_card(item) for item in cards],
        columns,
        caption="The scorecard in numbers: mean effect on learners over all personas, "
        "weighted by learners",
        anchor="tbl-scorecard",
    )


def _draw_card(card: Kpi, *, small: bool) -> str:
    title = f"<h3>{escape_html(card.label)}</h3>"
    if card.level is not None:
        return _draw_level(title, card.level)
    if card.pooled is None:
        verdict = draw_verdict("none", _ABSENT.get(card.status, ""))
        return (
            f'<section class="kpi-card unmeasured">{title}\n'
            f'<div class="kpi-value">{MISSING}</div>\n'
            f'<div class="kpi-why">{escape_html(card.reason)}</div>\n'
            f'<div class="kpi-foot">{verdict}</div></section>'
        )
    kind, words = _VERDICTS[card.verdict]
    interval, target = _write_interval(card), _write_target(card)
    body = (
        f'<div class="kpi-ci">{escape_html(f"{interval}. {target}")}</div>'
        if small
        else f'<div class="kpi-ci">{escape_html(interval)}</div>\n{_draw_bar(card)}\n'
        f'<div class="kpi-target">{escape_html(target)}</div>'
    )
    return (
        f'<section class="kpi-card">{title}\n'
        f'<div class="kpi-value">{_draw_value(card)}</div>\n{body}\n'
        f'<div class="kpi-foot">{draw_verdict(kind, words)} '
        f"<span>{draw_grade(card.pooled.evidence, words=True)}</span></div></section>"
    )


def _draw_level(title: str, level: LevelCard) -> str:
    """Draw how things stand: number, interval, target; no grade, as it is no effect."""
    kind, words = _VERDICTS[level.verdict]
    said = f"{level.write_interval()}; {pluralise(level.n, level.counted)}"
    return (
        f'<section class="kpi-card">{title}\n'
        f'<div class="kpi-value">{escape_html(level.write_value())}</div>\n'
        f'<div class="kpi-ci">{escape_html(f"{said}. {level.write_target()}")}</div>\n'
        f'<div class="kpi-foot">{draw_verdict(kind, words)} '
        f"<span>a level, not an effect</span></div></section>"
    )


def _draw_value(card: Kpi) -> Html:
    """Draw the number large and its unit small."""
    effect, low, high = card.shown
    if card.relative:
        return escape_html(format_change(effect, low, high))
    number, unit = split_effect(effect, card.unit)
    return Html(f"{escape_html(number)} <small>{escape_html(unit)}</small>")


def _write_value(card: Kpi) -> str:
    effect, low, high = card.shown
    if card.relative:
        return format_change(effect, low, high)
    return format_effect(effect, card.unit)


def _write_range(card: Kpi) -> str:
    _, low, high = card.shown
    if card.relative:
        return format_percent_range(low, high)
    return format_interval(low, high, card.unit)


def _write_interval(card: Kpi) -> str:
    """Write the interval, then what the effect is in its own unit."""
    if card.pooled is None:
        return ""
    item = card.pooled
    learners = pluralise(item.n_treated, "learner")
    step = format_step(item.baseline, item.baseline + item.effect, card.unit)
    level = "" if step == MISSING else f", {step}"
    return f"{_write_range(card)}{level}; {learners}"


def _write_target(card: Kpi, *, short: bool = False) -> str:
    """Write the target in words; `short` without its name and unit."""
    if card.target is None:
        return MISSING if short else "No target set"
    near, far = card.target
    start = "" if short else "Target: "
    if near == 0:
        return f"{start}above zero" if far > 0 else f"{start}below zero"
    if not card.relative:
        number, unit = split_effect(near, card.unit)
        words = number if short else f"{number} {unit}"
        return f"{start}{words} or beyond"
    first = format_percent(near, signed=True, digits=0)
    if not math.isfinite(far) or far == near:
        return f"{start}{first}{'' if far == near else ' or beyond'}"
    last = format_percent(far, signed=True, digits=0)
    return f"{start}{first.split()[0]} to {last}"


def _draw_bar(card: Kpi) -> Html:
    """Draw interval and point over the target band, with the zero line."""
    effect, low, high = card.shown
    near, far = card.target or (math.nan, math.nan)
    finite = [item for item in (0.0, low, high, near, far) if math.isfinite(item)]
    left, right = min(finite), max(finite)
    room = 0.06 * (right - left or 1.0)
    left, right = left - room, right + room

    def place(value: float) -> float:
        bounded = min(max(value, left), right)
        return _MARGIN + (bounded - left) / (right - left) * (_WIDTH - 2 * _MARGIN)

    label = (
        f"Effect {_write_value(card)}, interval {_write_range(card)}. "
        f"{_write_target(card)}."
    )
    band = "" if card.target is None else _draw_band(place(near), place(far))
    zero = place(0.0)
    bar = (
        f'<svg class="kpi-bar" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" width="100%" '
        f'role="img" aria-label="{escape_html(label)}">{band}'
        f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="3" y2="29" '
        f'stroke="currentColor" stroke-width="1"/>'
        f'<line class="ci" x1="{place(low):.1f}" x2="{place(high):.1f}" '
        f'y1="{_MIDDLE}" y2="{_MIDDLE}" stroke="currentColor" stroke-width="4" '
        f'stroke-linecap="round"/>'
        f'<circle class="point" cx="{place(effect):.1f}" cy="{_MIDDLE}" r="6" '
        f'fill="currentColor"/>'
        f'<text class="tick" x="{zero:.1f}" y="41" text-anchor="middle" '
        f'font-size="11" fill="currentColor">0</text></svg>'
    )
    return Html(bar)


def _draw_band(near: float, far: float) -> str:
    left, width = min(near, far), abs(far - near)
    return (
        f'<rect class="band" x="{left:.1f}" y="8" width="{width:.1f}" height="16" '
        f'fill="currentColor" fill-opacity="0.18"/>'
    )


def _tabulate_card(card: Kpi) -> dict[str, object]:
    if card.level is not None:
        return {
            "label": f"{card.label} (a level, not an effect)",
            "effect": card.level.write_value(),
            "interval": card.level.write_interval(),
            "target": card.level.write_target().removeprefix("Target: "),
            "verdict": draw_verdict(*_VERDICTS[card.level.verdict]),
            "grade": MISSING,
            "n": format_count(card.level.n),
        }
    if card.pooled is None:
        blank = dict.fromkeys(("effect", "interval", "target", "n"), MISSING)
        return {"label": card.label, "verdict": _ABSENT[card.status], **blank}
    return {
        "label": card.label,
        "effect": _write_value(card),
        "interval": _write_range(card),
        "target": _write_target(card, short=True),
        "verdict": draw_verdict(*_VERDICTS[card.verdict]),
        "grade": draw_grade(card.pooled.evidence),
        "n": format_count(card.pooled.n_treated),
    }
