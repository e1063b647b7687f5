"""The feed of a team dashboard: counts by team, place, persona and kind of step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.prescribe.delivery.lms_files import format_csv
from workbench.prescribe.delivery.safe_text import clean_text, format_json
from workbench.prescribe.delivery.steps import Step
from workbench.prescribe.delivery.whereabouts import Whereabouts

__all__ = ["FEED_COLUMNS", "format_feed", "list_feed"]

FEED_COLUMNS = ("level", "group", "people", "steps", "hours", "suppressed")
"""Columns of the feed; the numbers of a suppressed group are empty."""


def list_feed(
    steps: Sequence[Step], *, whereabouts: Whereabouts, min_group: int
) -> list[dict[str, Any]]:
    """Count people, steps and hours by group, keeping small groups back.

    Parameters
    ----------
    steps : sequence of Step
        What is delivered.
    whereabouts : Whereabouts
        Locations, and how many people each manager leads.
    min_group : int
        A group with steps for fewer people, or a team of fewer people, shows no
        numbers. Where all that is kept back at one level could still be found as the
        rest of the total, the smallest group shown is kept back too.

    Returns
    -------
    list of dict
        `FEED_COLUMNS`; the levels ``organisation``, ``persona``, ``kind``,
        ``location`` and ``team``, groups in order.
    """
    names = {step.team_key: step.team for step in steps}
    levels: dict[str, dict[str, list[Step]]] = {
        "organisation": {"all": list(steps)},
        **{name: {} for name in ("persona", "kind", "location", "team")},
    }
    for step in steps:
        place = whereabouts.people[step.key].place
        for level, group in (
            ("persona", step.persona),
            ("kind", step.kind),
            ("location", place),
            ("team", step.team_key),
        ):
            levels[level].setdefault(group, []).append(step)
    rows = []
    for level, groups in levels.items():
        sizes = whereabouts.team_sizes if level == "team" else None
        hidden = _find_hidden(groups, min_group, sizes)
        for group in sorted(groups):
            shown = names[group] if level == "team" else clean_text(group)
            row = {"level": level, "group": shown or "(none)"}
            rows.append(row | _count(groups[group], group in hidden))
    return rows


def format_feed(rows: Sequence[Mapping[str, Any]]) -> tuple[bytes, bytes]:
    """Write the feed as JSON and as CSV."""
    cells = [
        ["" if row[name] is None else row[name] for name in FEED_COLUMNS]
        for row in rows
    ]
    return format_json(list(rows)), format_csv([FEED_COLUMNS, *cells])


def _find_hidden(
    groups: Mapping[str, Sequence[Step]],
    min_group: int,
    sizes: Mapping[str, int] | None,
) -> set[str]:
    """Find the groups to keep back, such that no difference gives one away."""
    people = {name: len({step.key for step in own}) for name, own in groups.items()}
    hidden = {
        name
        for name, number in people.items()
        if number < min_group or (sizes is not None and sizes.get(name, 0) < min_group)
    }
    shown = sorted(set(people) - hidden, key=lambda name: (people[name], name))
    while hidden and shown and _is_exposed(hidden, people, min_group):
        hidden.add(shown.pop(0))
    return hidden


def _is_exposed(hidden: set[str], people: Mapping[str, int], min_group: int) -> bool:
    """Whether the total less what is shown would be one group, or too few people."""
    return len(hidden) == 1 or sum(people[name] for name in hidden) < min_group


def _count(steps: Sequence[Step], hidden: bool) -> dict[str, Any]:
    if hidden:
        return {"people": None, "steps": None, "hours": None, "suppressed": True}
    return {
        "people": len({step.key for step in steps}),
        "steps": len(steps),
        "hours": round(sum(step.effort_hours for step in steps), 1),
        "suppressed": False,
    }
