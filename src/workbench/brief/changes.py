"""What changed since the quarter before: number by number, with the likely cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.brief.components import Block, Column, build_table, write_paragraph
from workbench.brief.formatting import (
    MISSING,
    format_change,
    format_count,
    format_effect,
    format_quarter,
    pluralise,
)
from workbench.brief.results import BriefData
from workbench.brief.scorecard import Kpi, build_scorecard

__all__ = ["show_changes", "tabulate_changes"]


def show_changes(data: BriefData, cards: Sequence[Kpi]) -> Block:
    """Build the table of changes, or the sentence that there is nothing to compare.

    Parameters
    ----------
    data : BriefData
        With ``previous`` where an earlier quarter has results.
    cards : sequence of Kpi
        This quarter's scorecard.
    """
    if data.previous is None:
        return write_paragraph(
            "No earlier quarter has results, so there is nothing to compare with yet."
        )
    before = format_quarter(data.previous.quarter)
    rows = tabulate_changes(data, cards)
    if not rows:
        return write_paragraph(
            f"No measure has a number in both {before} and this quarter."
        )
    columns = (
        Column("label", "Measure"),
        Column("before", before, numeric=True),
        Column("now", format_quarter(data.quarter), numeric=True),
        Column("why", "What changed"),
    )
    return build_table(
        rows,
        columns,
        caption=f"The scorecard of {before} beside this quarter's; effects differ also "
        "by chance, see the intervals above",
        anchor="tbl-changes",
    )


def tabulate_changes(data: BriefData, cards: Sequence[Kpi]) -> list[dict[str, str]]:
    """List every measure with a number now or before, and what is known to differ.

    Returns
    -------
    list of dict
        ``label``, ``before``, ``now`` and ``why``; empty without a previous quarter.
    """
    if data.previous is None:
        return []
    earlier = {item.measure.id: item for item in build_scorecard(data.previous)}
    causes = _find_causes(data, data.previous)
    rows = []
    for card in cards:
        old = earlier.get(card.measure.id)
        if not _has_number(card) and not _has_number(old):
            continue
        rows.append(
            {
                "label": card.label,
                "before": _write(old),
                "now": _write(card),
                "why": _explain(old, card, causes),
            }
        )
    return rows


def _has_number(card: Kpi | None) -> bool:
    return card is not None and (card.pooled is not None or card.level is not None)


def _write(card: Kpi | None) -> str:
    """Write a card's level, or its effect, in per cent where its target is relative."""
    if card is not None and card.level is not None:
        return card.level.write_value()
    if card is None or card.pooled is None:
        return MISSING
    effect, low, high = card.shown
    if card.relative:
        return format_change(effect, low, high)
    return format_effect(effect, card.unit)


def _explain(old: Kpi | None, new: Kpi, causes: Sequence[str]) -> str:
    if old is None or not _has_number(old):
        return "measured for the first time"
    if not _has_number(new):
        return f"not shown now. {new.reason}"
    if old.level is not None and new.level is not None:
        counted = f"{new.level.counted}s"
        numbers = f"{format_count(old.level.n)}, now {format_count(new.level.n)}"
        return f"a level; {counted}: {numbers}"
    if old.pooled is None or new.pooled is None:
        return "measured in another way"
    before, now = old.pooled.n_treated, new.pooled.n_treated
    people = (
        f"{pluralise(now, 'learner')} in both"
        if before == now
        else f"learners: {format_count(before)}, now {format_count(now)}"
    )
    return "; ".join((people, *_explain_grade(old, new), *causes))


def _explain_grade(old: Kpi, new: Kpi) -> list[str]:
    before = old.pooled.evidence if old.pooled else None
    now = new.pooled.evidence if new.pooled else None
    if before is None or now is None or before == now:
        return []
    return [f"evidence {before}, now {now}"]


def _find_causes(now: BriefData, before: BriefData) -> list[str]:
    """Name parameter files and code that differ between the runs of two quarters."""
    causes = []
    old, new = _find_manifest(before), _find_manifest(now)
    files = _mapping(new.get("parameter_files"))
    earlier = _mapping(old.get("parameter_files"))
    changed = sorted(
        name for name in files if name in earlier and files[name] != earlier[name]
    )
    if "outcomes.yml" in changed:
        causes.append("outcomes or thresholds were edited")
        changed.remove("outcomes.yml")
    if changed:
        causes.append(f"edited: {', '.join(changed)}")
    code = _mapping(new.get("code")).get("sha256")
    earlier_code = _mapping(old.get("code")).get("sha256")
    if code and earlier_code and code != earlier_code:
        causes.append("the method's code changed")
    return causes


def _find_manifest(data: BriefData) -> Mapping[str, Any]:
    """Return the manifest of the first comparison that was run."""
    for (stage, _), item in data.stages.items():
        if stage == "psm" and item.manifest:
            return item.manifest
    return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
