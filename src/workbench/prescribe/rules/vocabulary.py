"""Names that rules may use: personas, skills, courses and behaviours that exist."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.prescribe.rules.source import Faults, Part, guess

if TYPE_CHECKING:
    from workbench.core.params import OrgParams

__all__ = ["KINDS", "Vocabulary", "load_vocabulary"]

KINDS = ("persona", "behaviour", "course", "skill", "role")
"""Kinds of names that rules use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Names by kind: ``persona``, ``skill``, ``course``, ``behaviour``, ``role``.

    Kinds that are absent are not checked; ``protected`` may never be conditions.
    """

    names: dict[str, frozenset[str]] = field(default_factory=dict)
    protected: tuple[str, ...] = ()

    def check(self, faults: Faults, part: Part, kind: str) -> str:
        """Return a name; note it if it is no text, or does not exist."""
        if not isinstance(part.value, str) or not part.value.strip():
            faults.add(part.spot, f"the name of a {kind} is expected, got {part.kind}")
            return ""
        name = part.value.strip()
        known = self.names.get(kind)
        if known is not None and name not in known:
            faults.add(part.spot, f"there is no {kind} {name!r}{guess(name, known)}")
        return name

    def list_unchecked(self) -> list[str]:
        """List the kinds of names that are not known, and so not checked."""
        return [kind for kind in KINDS if kind not in self.names]


def load_vocabulary(params: OrgParams, store: Path) -> Vocabulary:
    """Collect the names that the rules of an organisation may use.

    Parameters
    ----------
    params : OrgParams
        Personas, behaviours of managers, protected attributes.
    store : Path
        Folder of the canonical tables; skills, courses and roles are read there.
        What has not been loaded yet is not checked.

    Returns
    -------
    Vocabulary
        Names by kind.
    """
    names = {"persona": frozenset(item.id for item in params.personas)}
    if params.managers is not None:
        names["behaviour"] = frozenset(item.id for item in params.managers.behaviours)
    tables = (
        ("course", "courses", "course_id"),
        ("skill", "role_skills", "skill"),
        ("role", "role_skills", "role"),
    )
    for kind, table, column in tables:
        found = _read_names(store / f"{table}.parquet", column)
        if found:
            names[kind] = found
    return Vocabulary(names=names, protected=params.workbench.privacy.protected)


def _read_names(path: Path, column: str) -> frozenset[str]:
    from workbench.core.store import read_parquet

    if not path.exists():
        return frozenset()
    values: Iterable[object] = read_parquet(path)[column].dropna().unique()
    return frozenset(str(item) for item in values)
