"""The site's configuration: what the project says, and what the run adds to it.

The staged ``_quarto.yml`` holds plain values only. It is the project's
``_quarto.yml`` and ``_quarto-stage.yml``, with titles, menus and the list of pages of
this edition, and with the settings that keep a page from calling other servers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from workbench.brief.formatting import format_date
from workbench.brief.guard import escape_title
from workbench.core.errors import PublishError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter

__all__ = ["Edition", "Entry", "build_config", "dump_yaml", "merge", "read_yaml"]

_REQUIRED: Mapping[str, Any] = {
    "project": {"type": "website"},
    "execute": {"enabled": False, "echo": False, "warning": False},
    "format": {
        "html": {
            "html-math-method": "mathml",
            "html-table-processing": "none",
            "code-copy": False,
            "theme": {
                "light": ["default", "theme/brief.scss"],
                "dark": ["default", "theme/dark.scss"],
            },
            "css": "theme/brief.css",
        }
    },
    "website": {"favicon": "theme/favicon.svg"},
}
_DEFAULTS: Mapping[str, Any] = {
    "lang": "en",
    "website": {"search": True},
    "format": {"html": {"toc": True, "toc-depth": 3, "toc-title": "On this page"}},
}


@dataclass(frozen=True, slots=True)
class Edition:
    """Which brief this is: a quarter and its version."""

    quarter: Quarter
    version: int

    @property
    def line(self) -> str:
        """Quarter, version and data cut in words."""
        cut = self.quarter.last_day
        day = format_date(cut)
        return (
            f"{self.quarter.year} Q{self.quarter.number} · version {self.version}"
            f" · data to {day}"
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One page in the menus: address without ending, label, and group or empty."""

    address: str
    label: str
    group: str

    @property
    def appendix(self) -> bool:
        """Whether the page belongs to the appendix."""
        return self.address.startswith("appendix/")


def build_config(
    root: Path, params: OrgParams, edition: Edition, entries: Sequence[Entry]
) -> dict[str, Any]:
    """Build the configuration of one edition of the site.

    Parameters
    ----------
    root : Path
        Project folder; the two configuration files are read there if they exist.
    params : OrgParams
        Gives the organisation's name.
    edition : Edition
        Shown in the footer.
    entries : sequence of Entry
        All pages, the index first; labels are plain text and are escaped here.

    Returns
    -------
    dict
        Plain values, as `dump_yaml` writes them.

    Raises
    ------
    PublishError
        If a configuration file is not YAML.
    """
    config = merge(_DEFAULTS, read_yaml(root / "_quarto.yml"))
    config = merge(config, read_yaml(root / "_quarto-stage.yml"))
    config.pop("profile", None)
    own = {
        "project": {"render": [f"{item.address}.ipynb" for item in entries]},
        "website": {
            "title": escape_title(f"{params.workbench.name} · Learning impact"),
            "navbar": {"left": [_link(item) for item in entries if not item.group]},
            "sidebar": {"style": "docked", "contents": _build_sidebar(entries)},
            "page-footer": {"left": escape_title(edition.line)},
        },
    }
    config = merge(merge(config, own), _REQUIRED)
    config["project"].pop("output-dir", None)
    return config


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; an absent file is an empty one.

    Raises
    ------
    PublishError
        If the file is not a YAML mapping.
    """
    if not path.is_file():
        return {}
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PublishError.build(
            "A configuration file is not YAML",
            where=str(path),
            got=" ".join(str(error).split())[:200],
        ) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PublishError.build(
            "A configuration file must be a mapping", where=str(path)
        )
    return value


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge mappings deeply; any other value of `over` replaces that of `base`."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def dump_yaml(value: Mapping[str, Any]) -> str:
    """Write plain values as YAML, keys in their order."""
    plain = yaml.safe_dump(
        _thaw(value), sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return str(plain)


def _thaw(value: Any) -> Any:
    """Copy nested values, so that none is written as an alias."""
    if isinstance(value, Mapping):
        return {key: _thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_thaw(item) for item in value]
    return value


def _link(entry: Entry) -> dict[str, str]:
    return {"text": escape_title(entry.label), "href": f"{entry.address}.ipynb"}


def _build_sidebar(entries: Sequence[Entry]) -> list[Any]:
    """List pages: the index, personas, other pages, and the appendix in sections."""
    pages = [item for item in entries if not item.appendix]
    contents: list[Any] = []
    for group, items in groupby(pages, key=lambda item: item.group):
        links = [_link(item) for item in items]
        contents += [_section(group, links)] if group else links
    appendix = [item for item in entries if item.appendix]
    if appendix:
        sections = [
            _section(group, [_link(item) for item in items])
            for group, items in groupby(appendix, key=lambda item: item.group)
        ]
        contents.append(_section("Appendix", sections))
    return contents


def _section(title: str, contents: list[Any]) -> dict[str, Any]:
    return {"section": escape_title(title), "contents": contents}
