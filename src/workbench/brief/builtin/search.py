"""The index that pages are searched by, readable from a server and from a disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.brief.builtin.words import split_sections

__all__ = ["list_entries", "write_index"]


def list_entries(
    address: str, title: str, tree: Mapping[str, Any], headings: Mapping[str, str]
) -> list[dict[str, str]]:
    """List what can be found on a page, one entry per section.

    Parameters
    ----------
    address : str
        Address of the page without ending.
    title : str
        Its title.
    tree : mapping
        Its rewritten tree.
    headings : mapping
        Words of the headings by their id.
    """
    entries = []
    for anchor, text in split_sections(tree["blocks"]):
        if anchor or text:
            link = f"{address}.html#{anchor}" if anchor else f"{address}.html"
            section = headings.get(anchor, "")
            words = text.removeprefix(section).strip()
            entries.append(
                {"href": link, "title": title, "section": section, "text": words}
            )
    return entries


def write_index(entries: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    """Write the index as JSON, and as a script that pages on a disk can load.

    Browsers refuse to fetch files from pages opened from a disk, but load scripts.
    """
    text = json.dumps(list(entries), ensure_ascii=False, indent=0, sort_keys=True)
    safe = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"{text}\n", f"window.workbenchSearch = {safe};\n"
