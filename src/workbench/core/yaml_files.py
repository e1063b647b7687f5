"""Reading YAML parameter files into models, with the line of every fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from workbench.core.errors import ParamError

__all__ = ["Place", "read_list", "read_located", "read_model"]

_MAX_BYTES = 2_000_000
_BOOL = "tag:yaml.org,2002:bool"

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
        If the file is absent, is not YAML, or does not fit the model; all faults of
        the file are reported together, each with its line.
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
        faults = [_describe(fault, path, lines) for fault in error.errors()]
        raise ParamError.build(
            f"{path.name} does not fit its model ({len(faults)} faults)"
            if len(faults) > 1
            else f"{path.name} does not fit its model",
            where="\n         ".join(faults),
            hint="correct the lines above; params/demo holds a commented example",
        ) from error


def _load(path: Path) -> tuple[Any, dict[Place, int]]:
    """Return the plain value of a file and the line of each of its parts."""
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
        node = yaml.compose(path.read_text(encoding="utf-8-sig"), yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamError.build(
            "A parameter file is not valid YAML",
            where=str(path),
            got=" ".join(str(error).split()),
        ) from error
    if node is None:
        raise ParamError.build("A parameter file is empty", where=str(path))
    lines: dict[Place, int] = {}
    return _plain(node, (), lines, set(), path), lines


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
    """Build a scalar by its tag, refusing tags outside the safe set.

    Only ``true`` and ``false`` are truth values: columns are called ``no`` or ``on``.
    """
    if node.tag == _BOOL and str(node.value).lower() not in ("true", "false"):
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
