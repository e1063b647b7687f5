"""YAML with the line and column of every part, and all faults of a file at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias

import yaml

from workbench.core.errors import ParamError
from workbench.core.yaml_files import compose_file, stays_text

__all__ = ["Faults", "Part", "Scalar", "Spot", "guess", "read_part"]

_MOST_FAULTS = 50
_LONGEST_SHOWN = 80
_LONGEST_NAME = 100
_DATE = "tag:yaml.org,2002:timestamp"
_KNOWN_TAGS = tuple(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")
)

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """Line and column of a part, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A mapping, a list or a scalar of a file, and where it begins.

    Attributes
    ----------
    spot : Spot
        Where the part begins.
    value : dict, list or scalar
        Parts by key, parts in order, or the plain value.
    keys : dict of str to Spot
        Where the keys of a mapping stand.
    """

    spot: Spot
    value: dict[str, Part] | list[Part] | Scalar
    keys: dict[str, Spot] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Name what the part is, for messages."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        if self.value is None:
            return "nothing"
        return _quote(self.value) if isinstance(self.value, str) else repr(self.value)


@dataclass(slots=True)
class Faults:
    """Collects faults with their places, to report them together: 50 at most."""

    path: Path
    found: dict[tuple[Spot, str], None] = field(default_factory=dict)

    def add(self, spot: Spot, text: str) -> None:
        """Note one fault.

        Raises
        ------
        ParamError
            If it is the fiftieth: what follows is not looked at.
        """
        self.found[spot, text] = None
        if len(self.found) >= _MOST_FAULTS:
            self.raise_any()

    def check_keys(
        self, part: Part, *, known: Iterable[str], needed: Iterable[str] = ()
    ) -> dict[str, Part]:
        """Return a mapping's parts; note what is no mapping, unknown or missing."""
        if not isinstance(part.value, dict):
            self.add(part.spot, f"a mapping is expected here, got {part.kind}")
            return {}
        names = list(known)
        for key, spot in part.keys.items():
            if key not in names:
                self.add(spot, f"unknown key {_quote(key)}{guess(key, names)}")
        for key in needed:
            if key not in part.value:
                self.add(part.spot, f"the key {key!r} is missing")
        return {key: item for key, item in part.value.items() if key in names}

    def read_items(self, part: Part) -> list[Part]:
        """Return a list's parts; a single scalar counts as a list of one."""
        if isinstance(part.value, list):
            return part.value
        if isinstance(part.value, dict) or part.value is None:
            self.add(part.spot, f"a list is expected here, got {part.kind}")
            return []
        return [part]

    def raise_any(self) -> None:
        """Raise ParamError with all faults in the order of the file, if there are any.

        Raises
        ------
        ParamError
            With file, line and column of every fault.
        """
        if not self.found:
            return
        count = len(self.found)
        many = f" ({count} faults)" if count > 1 else ""
        if count >= _MOST_FAULTS:
            many = f" (the first {count} faults; the rest was not looked at)"
        places = [
            f"{self.path}:{spot.line}:{spot.column}: {text}"
            for spot, text in sorted(self.found)
        ]
        raise ParamError.build(
            f"{self.path.name} cannot be used as it is{many}",
            where="\n         ".join(places),
            hint="correct the lines above; params/demo/rules.yml is a commented"
            " example",
        )


def _quote(text: str) -> str:
    """Quote a text; one that is too long for a message is cut."""
    if len(text) <= _LONGEST_SHOWN:
        return repr(text)
    return f"{text[:_LONGEST_SHOWN]!r} and so on"


def guess(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that offers the nearest known name, or nothing."""
    if len(name) > _LONGEST_NAME:
        return ""
    close = get_close_matches(name, list(known), n=1)
    return f"; {close[0]!r} is meant?" if close else ""


def read_part(path: Path) -> Part:
    """Read a YAML file with the line and column of every part.

    Parameters
    ----------
    path : Path
        At most 2 MB, nested at most 64 levels deep; without aliases and tags; each key
        once.

    Returns
    -------
    Part
        The whole file.

    Raises
    ------
    ParamError
        If the file is absent, too large, empty or not such YAML.
    """
    node = compose_file(path)
    faults = Faults(path)
    part = _Conversion(faults=faults).convert(node)
    faults.raise_any()
    return part


def _spot(node: yaml.Node) -> Spot:
    return Spot(node.start_mark.line + 1, node.start_mark.column + 1)


@dataclass(slots=True, kw_only=True)
class _Conversion:
    """Turns nodes into parts; an alias would be the same node a second time."""

    faults: Faults
    seen: set[int] = field(default_factory=set)
    loader: yaml.SafeLoader = field(default_factory=lambda: yaml.SafeLoader(""))

    def convert(self, node: yaml.Node) -> Part:
        spot = _spot(node)
        if id(node) in self.seen:
            self.faults.add(spot, "YAML aliases are not read: write this out each time")
            return Part(spot=spot, value=None)
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._convert_mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return Part(spot=spot, value=[self.convert(item) for item in node.value])
        return Part(spot=spot, value=self._convert_scalar(node))

    def _convert_mapping(self, node: yaml.MappingNode) -> Part:
        values: dict[str, Part] = {}
        keys: dict[str, Spot] = {}
        for key, value in node.value:
            spot = _spot(key)
            if not isinstance(key, yaml.ScalarNode):
                self.faults.add(spot, "a key must be a plain word")
            elif key.value in values:
                self.faults.add(spot, f"the key {_quote(key.value)} stands twice")
            else:
                keys[key.value] = spot
                values[key.value] = self.convert(value)
        return Part(spot=_spot(node), value=values, keys=keys)

    def _convert_scalar(self, node: yaml.Node) -> Scalar:
        """Read a scalar; dates stay texts, and so does what `stays_text` names."""
        text = str(node.value)
        if node.tag == _DATE or stays_text(node):
            return text
        if node.tag not in _KNOWN_TAGS:
            self.faults.add(_spot(node), f"tags are not read here: {node.tag}")
            return text
        try:
            value = self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError):
            self.faults.add(_spot(node), f"this value cannot be read: {_quote(text)}")
            return None
        return value if isinstance(value, str | int | float | bool) else None
