"""What pandoc leaves to Quarto, done on pandoc's tree: links, callouts, contents."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from workbench.brief.builtin.words import write_plain

__all__ = ["Heading", "PageTree", "rewrite_tree"]

_CALLOUTS = {
    "callout-note": "Note",
    "callout-warning": "Warning",
    "callout-tip": "Tip",
    "callout-important": "Important",
    "callout-caution": "Caution",
}
_SCHEMES = frozenset(("http", "https", "mailto"))
_NOTEBOOK_LINK = re.compile(r'(\shref=")([^"]+\.ipynb(?:#[^"]*)?)(")')
_BOLD_ATTRIBUTES = re.compile(r"on|style$|srcdoc$", re.IGNORECASE)

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the contents: level, id within the page, words."""

    level: int
    anchor: str
    text: str


@dataclass(slots=True)
class PageTree:
    """A rewritten page: its tree, its headings, and what could not be resolved."""

    tree: Node
    headings: list[Heading] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def rewrite_tree(
    tree: Node,
    *,
    address: str,
    pages: frozenset[str],
    labels: Mapping[str, str],
    depth: int = 3,
) -> PageTree:
    """Rewrite the tree of a page.

    Links to notebooks lead to their pages, callouts get Quarto's structure, tables a
    wrapper in which they scroll, references to figures their names. Attributes that
    could run or load something are dropped.

    Parameters
    ----------
    tree : dict
        From `workbench.brief.builtin.pandoc.read_markdown`; not changed.
    address : str
        Address of this page without ending.
    pages : frozenset of str
        Addresses of all pages.
    labels : mapping
        Names of the page's labelled figures and tables.
    depth : int
        Lowest level of headings in the contents.

    Returns
    -------
    PageTree
        ``faults`` names links and references that lead nowhere.
    """
    rewriter = _Rewriter(address, pages, labels, depth)
    blocks = rewriter.rewrite_all(tree["blocks"])
    result = rewriter.result
    result.tree = {**tree, "blocks": blocks}
    return result


class _Rewriter:
    def __init__(
        self, address: str, pages: frozenset[str], labels: Mapping[str, str], depth: int
    ) -> None:
        self._address = address
        self._pages = pages
        self._labels = labels
        self._depth = depth
        self._silent = 0
        self._wrapped = 0
        self._special: dict[str, Callable[[Node], Node]] = {
            "Header": self._rewrite_header,
            "Div": self._rewrite_div,
            "Table": self._rewrite_table,
            "Link": self._rewrite_link,
            "Image": self._rewrite_image,
            "Cite": self._rewrite_cite,
            "RawBlock": self._rewrite_raw,
            "RawInline": self._rewrite_raw,
        }
        self.result = PageTree({})

    def rewrite_all(self, nodes: Sequence[Any]) -> list[Any]:
        return [self._rewrite(node) for node in nodes]

    def _rewrite(self, node: Any) -> Any:
        if isinstance(node, list):
            return _clean_attributes(node) if _is_attr(node) else self.rewrite_all(node)
        if not isinstance(node, dict):
            return node
        special = self._special.get(str(node.get("t")))
        if special is not None:
            return special(node)
        return {key: self._rewrite(value) for key, value in node.items()}

    def _rewrite_header(self, node: Node) -> Node:
        level, attr, inlines = node["c"]
        content = [level, _clean_attributes(attr), self.rewrite_all(inlines)]
        if 1 < level <= self._depth and not self._silent:
            heading = Heading(level, attr[0], write_plain(inlines))
            self.result.headings.append(heading)
        return {"t": "Header", "c": content}

    def _rewrite_div(self, node: Node) -> Node:
        attr, blocks = node["c"]
        kind = next((name for name in attr[1] if name in _CALLOUTS), None)
        if kind is not None:
            return self._make_callout(kind, attr, blocks)
        wrapped = "table-wrap" in attr[1]
        self._wrapped += wrapped
        content = [_clean_attributes(attr), self.rewrite_all(blocks)]
        self._wrapped -= wrapped
        return {"t": "Div", "c": content}

    def _make_callout(self, kind: str, attr: list[Any], blocks: list[Any]) -> Node:
        """Give a callout Quarto's structure; its heading stays out of the contents."""
        given = dict(attr[2]).get("title")
        title = [{"t": "Str", "c": given or _CALLOUTS[kind]}]
        if blocks and blocks[0]["t"] == "Header":
            title, blocks = blocks[0]["c"][2], blocks[1:]
        self._silent += 1
        head = _div(["callout-title-container"], [_plain(self.rewrite_all(title))])
        body = _div(
            ["callout-body-container", "callout-body"], self.rewrite_all(blocks)
        )
        self._silent -= 1
        classes = ["callout", "callout-style-default", kind, "callout-titled"]
        return _div(classes, [_div(["callout-header"], [head]), body], attr[0])

    def _rewrite_table(self, node: Node) -> Node:
        table = {"t": "Table", "c": self.rewrite_all(node["c"])}
        if self._wrapped:
            return table
        region = [["role", "region"], ["tabindex", "0"], ["aria-label", "Table"]]
        return {"t": "Div", "c": [["", ["table-wrap"], region], [table]]}

    def _rewrite_link(self, node: Node) -> Node:
        attr, inlines, (target, title) = node["c"]
        content = [
            _clean_attributes(attr),
            self.rewrite_all(inlines),
            [self._resolve(target), title],
        ]
        return {"t": "Link", "c": content}

    def _rewrite_image(self, node: Node) -> Node:
        attr, inlines, (target, title) = node["c"]
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            self.result.faults.append(f"shows a picture from elsewhere: {target}")
        content = [_clean_attributes(attr), self.rewrite_all(inlines), [target, title]]
        return {"t": "Image", "c": content}

    def _rewrite_cite(self, node: Node) -> Node:
        citations, inlines = node["c"]
        label = citations[0]["citationId"]
        if label in self._labels:
            words = [{"t": "Str", "c": self._labels[label]}]
            reference = [["", ["quarto-xref"], []], words, [f"#{label}", ""]]
            return {"t": "Link", "c": reference}
        if label.startswith(("fig-", "tbl-")):
            self.result.faults.append(f"refers to @{label}, which is not there")
        return {"t": "Span", "c": [["", [], []], self.rewrite_all(inlines)]}

    def _rewrite_raw(self, node: Node) -> Node:
        kind, text = node["c"]
        if kind != "html":
            return node

        def resolve(match: re.Match[str]) -> str:
            return f"{match[1]}{self._resolve(match[2])}{match[3]}"

        return {"t": node["t"], "c": [kind, _NOTEBOOK_LINK.sub(resolve, text)]}

    def _resolve(self, target: str) -> str:
        """Turn the address of a notebook into that of its page, from this page."""
        parts = urlsplit(target)
        if parts.scheme and parts.scheme.lower() not in _SCHEMES:
            self.result.faults.append(f"links to {target}")
            return "#"
        if parts.scheme or not parts.path.endswith(".ipynb"):
            return target
        here = posixpath.dirname(self._address)
        path = parts.path.removesuffix(".ipynb")
        rooted = path.startswith("/")
        found = posixpath.normpath(path[1:] if rooted else posixpath.join(here, path))
        if found not in self._pages:
            self.result.faults.append(f"links to {target}, which is no page")
            return "#"
        link = posixpath.relpath(f"{found}.html", here or ".")
        return f"{link}#{parts.fragment}" if parts.fragment else link


def _is_attr(node: list[Any]) -> bool:
    """Tell whether a list is pandoc's id, classes and attributes."""
    return (
        len(node) == 3
        and isinstance(node[0], str)
        and all(isinstance(part, list) for part in node[1:])
    )


def _clean_attributes(attr: list[Any]) -> list[Any]:
    """Drop attributes that could run or load something."""
    kept = [pair for pair in attr[2] if _BOLD_ATTRIBUTES.match(pair[0]) is None]
    return [attr[0], attr[1], kept]


def _div(classes: list[str], blocks: list[Any], anchor: str = "") -> Node:
    return {"t": "Div", "c": [[anchor, classes, []], blocks]}


def _plain(inlines: list[Any]) -> Node:
    return {"t": "Plain", "c": inlines}
