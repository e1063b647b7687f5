"""What was declared when a quarter was first run, so that later changes show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.core.params import Outcome
from workbench.core.store import read_json, write_json

__all__ = ["REDECLARED", "find_redeclared", "keep_declared"]

REDECLARED = "threshold or window changed after the first run"
"""Names the threat to the evidence of an outcome that was declared anew."""

_FILE = "declared.json"
_WORDS: Mapping[str, str] = {
    "source": "source",
    "kind": "kind",
    "direction": "direction",
    "lag_quarters": "lag in quarters",
    "exposure_window_quarters": "exposure quarters read",
    "horizon_days": "horizon in days",
    "threshold": "threshold",
    "personas": "thresholds of personas",
    "negative_control": "negative control",
}


def keep_declared(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Keep the declared outcomes of a quarter that is run for the first time.

    Parameters
    ----------
    folder : Path
        The quarter's results. What was kept there before stays.
    outcomes : sequence of Outcome
        As in ``outcomes.yml`` now.
    """
    if not (folder / _FILE).is_file():
        write_json(folder / _FILE, {item.id: _describe(item) for item in outcomes})


def find_redeclared(folder: Path, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Find the outcomes whose declaration differs from that of the first run.

    Parameters
    ----------
    folder : Path
        The quarter's results; nothing has changed where no run has kept anything.
    outcomes : sequence of Outcome
        As in ``outcomes.yml`` now.

    Returns
    -------
    dict of str to str
        By outcome, what changed, in words. Outcomes that were taken out are not
        listed, as they have no number.

    Raises
    ------
    SourceError
        If the file that was kept is damaged.
    """
    if not (folder / _FILE).is_file():
        return {}
    kept = read_json(folder / _FILE)
    found = {}
    for item in outcomes:
        if item.id not in kept:
            found[item.id] = "added after the first run"
            continue
        now, before = _describe(item), kept[item.id]
        changes = [
            f"{words}: {_write(before.get(name))}, now {_write(now[name])}"
            for name, words in _WORDS.items()
            if before.get(name) != now[name]
        ]
        if changes:
            found[item.id] = "; ".join(changes)
    return found


def _describe(outcome: Outcome) -> dict[str, Any]:
    """Return what decides how an outcome is read and judged."""
    return outcome.model_dump(mode="json", include=set(_WORDS))


def _write(value: Any) -> str:
    if isinstance(value, Mapping):
        parts = [
            f"{key} {_write(part)}" for key, part in value.items() if part is not None
        ]
        return ", ".join(parts) or "none"
    return "none" if value is None else str(value)
