"""Reading YAML parameter files into models, with the line of every fault."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from workbench.core.errors import ParamError

__all__ = [
    "Place",
    "compose_file",
    "read_list",
    "read_located",
    "read_model",
    "stays_text",
]

_MAX_BYTES = 2_000_000
_DEEPEST = 64
_MOST_FAULTS = 50
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9_]{0,17})")

_M = TypeVar("_M", bound=BaseModel)
Place = tuple[str | int, ...]
"""Keys and list positions that lead to a part of a file."""


def read_model(path: Path, model: type[_M]) -> _M:
    """Read one YAML mapping into a model.

    Parameters
    ----------
    path : Path
        The file; at most 2 MB, without aliases, each key once.
    model : type
        The pydantic model that says which keys and values are right.

    Returns
    -------
    BaseModel
        A frozen instance of the model.

    Raises
    ------
    ParamError
        If the file is absent, is not YAML, or does not fit the model; the faults of
        the file, the first 50 at most, are reported together, each with its line.
    """
    return read_located(path, model)[0]


def read_located(path: Path, model: type[_M]) -> tuple[_M, dict[Place, int]]:
    """Read one YAML mapping as `read_model` does, with the line of each of its parts.

    Returns
    -------
    tuple of (BaseModel, dict)
        The model, and the line by keys and list positions, such as
        ``("nodes", 3, "label")``; for faults that only a later check can see.
    """
    value, lines = _load(path)
    result: _M = _validate(path, value, lines, TypeAdapter(model))
    return result, lines


def read_list(path: Path, model: type[_M]) -> tuple[_M, ...]:
    """Read a YAML list of mappings into a tuple of models; see `read_model`."""
    value, lines = _load(path)
    adapter: TypeAdapter[Any] = TypeAdapter(list[model])  # type: ignore[valid-type]
    return tuple(_validate(path, value, lines, adapter))


def _validate(
    path: Path, value: Any, lines: dict[Place, int], adapter: TypeAdapter[Any]
) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        found = error.errors()
        faults = [_describe(fault, path, lines) for fault in found[:_MOST_FAULTS]]
        raise ParamError.build(
            f"{path.name} does not fit its model ({len(found)} faults)"
            if len(found) > 1
            else f"{path.name} does not fit its model",
            where="\n         ".join(faults),
            hint="correct the lines above; params/demo holds a commented example",
        ) from error


def _load(path: Path) -> tuple[Any, dict[Place, int]]:
    """Return the plain value of a file and the line of each of its parts."""
    node = compose_file(path)
    lines: dict[Place, int] = {}
    return _plain(node, (), lines, set(), path), lines


class _Loader(yaml.SafeLoader):
    """Refuses parts nested so deep that reading them would end in a RecursionError."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if parent is not None and self.depth > _DEEPEST:
            text = f"nested more than {_DEEPEST} levels deep"
            raise yaml.composer.ComposerError(None, None, text, parent.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def compose_file(path: Path) -> yaml.Node:
    """Read a YAML file as nodes, which know their lines and columns.

    Parameters
    ----------
    path : Path
        At most 2 MB, and nested at most 64 levels deep.

    Returns
    -------
    yaml.Node
        The whole file.

    Raises
    ------
    ParamError
        If the file is absent, too large, empty, nested too deep or not YAML; with line
        and column where they are known.
    """
    if not path.is_file():
        raise ParamError.build(
            "A parameter file is missing",
            where=str(path),
            hint="copy it from params/demo and adapt it",
        )
    if path.stat().st_size > _MAX_BYTES:
        raise ParamError.build(
            "A parameter file is too large",
            where=str(path),
            rule=f"at most {_MAX_BYTES:,} bytes",
            got=path.stat().st_size,
        )
    try:
        node = yaml.compose(path.read_text(encoding="utf-8-sig"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamError.build(
            "A parameter file is not valid YAML",
            where=_locate(path, error),
            got=" ".join(str(error).split()),
        ) from error
    if node is None:
        raise ParamError.build("A parameter file is empty", where=str(path))
    return node


def _locate(path: Path, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)


def stays_text(node: yaml.Node) -> bool:
    """Say whether a scalar is read as the text it is, although YAML 1.1 types it.

    Of truth values only ``true`` and ``false`` are read: columns are called ``no`` or
    ``on``. Of whole numbers, those of at most 18 decimal digits: ``17:00`` is a time of
    day and no number of base 60, ``007`` is a code, and numbers of thousands of digits
    could not be written in a message.
    """
    text = str(node.value)
    if node.tag == _BOOL:
        return text.lower() not in ("true", "false")
    if node.tag == _INT:
        return _WHOLE.fullmatch(text) is None
    return node.tag == _FLOAT and ":" in text


def _plain(
    node: yaml.Node, at: Place, lines: dict[Place, int], seen: set[int], path: Path
) -> Any:
    """Turn a node into plain values, noting lines; aliases and doubles are refused."""
    line = node.start_mark.line + 1
    lines[at] = line
    if id(node) in seen:
        raise ParamError.build(
            "YAML aliases are not read in parameter files",
            where=f"{path}:{line}",
            hint="write the value out",
        )
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        return _plain_mapping(node, at, lines, seen, path)
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(item, (*at, index), lines, seen, path)
            for index, item in enumerate(node.value)
        ]
    return _scalar(node, path)


def _plain_mapping(
    node: yaml.MappingNode,
    at: Place,
    lines: dict[Place, int],
    seen: set[int],
    path: Path,
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        where = f"{path}:{key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise ParamError.build("A key must be a plain word", where=where)
        key = str(key_node.value)
        if key in result:
            raise ParamError.build(f"The key {key!r} stands twice", where=where)
        result[key] = _plain(value_node, (*at, key), lines, seen, path)
        lines[(*at, key)] = key_node.start_mark.line + 1
    return result


def _scalar(node: yaml.Node, path: Path) -> Any:
    """Build a scalar by its tag, refusing tags outside the safe set."""
    if stays_text(node):
        return str(node.value)
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ParamError.build(
            "A value cannot be read",
            where=f"{path}:{node.start_mark.line + 1}",
            got=str(node.value),
        ) from error
    finally:
        loader.dispose()


def _describe(fault: Any, path: Path, lines: dict[Place, int]) -> str:
    """Write one pydantic fault with file, line, key and what was found."""
    at: Place = tuple(fault["loc"])
    known = at
    while known and known not in lines:
        known = known[:-1]
    key = ".".join(str(part) for part in at) or "(whole file)"
    own_rule = fault["type"] == "value_error"
    text = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"]
    text = text.removeprefix("Value error, ")
    shown = own_rule or fault["type"] == "missing"
    got = "" if shown else f", got {str(fault['input'])[:80]!r}"
    return f"{path}:{lines.get(known, 1)}: {key}: {text}{got}"
