"""The last look at a finished site before it is published."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from workbench.core.errors import PublishError

__all__ = ["PageReferences", "check_site", "read_references"]

_LOADING = {
    "img": ("src", "srcset"),
    "script": ("src",),
    "link": ("href",),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
_OUTSIDE = re.compile(r"\s*(?:[a-z][a-z0-9+.\-]*:)?//", re.IGNORECASE)
_CSS_LOADS = re.compile(
    r"(?:@import\s+(?:url\()?|url\()\s*['\"]?\s*((?:https?:)?//[^'\")\s]+)",
    re.IGNORECASE,
)
_SHORTCODE = re.compile(r"\?meta:|\?var:|\?env:")


@dataclass(slots=True)
class PageReferences:
    """What a page loads, where it links to, its ids, and handlers in its main part.

    Renderers put handlers on their own controls; in what we wrote there are none.
    """

    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    handlers: list[str] = field(default_factory=list)


def read_references(text: str) -> PageReferences:
    """Read the addresses, ids and event handlers of an HTML page."""
    reader = _ReferenceReader()
    reader.feed(text)
    reader.close()
    return reader.found


def check_site(
    site: Path, addresses: Iterable[str], *, secrets: Sequence[str] = ()
) -> None:
    """Check a finished site: whole, self-contained, without traces of the machine.

    Parameters
    ----------
    site : Path
        Folder of the site.
    addresses : iterable of str
        Pages that must be there, without their ending.
    secrets : sequence of str
        Texts that no page may hold, such as the project's folder.

    Raises
    ------
    PublishError
        If a page is missing or empty, loads something from elsewhere, carries an
        event handler, links to a notebook or to a missing page, or holds a secret;
        all faults together.
    """
    missing = [
        f"{address}.html"
        for address in addresses
        if not _is_filled(site / f"{address}.html")
    ]
    if missing:
        raise PublishError.build(
            "Pages are missing from the rendered site",
            where=", ".join(missing),
            rule="every staged notebook gives a page",
            hint="read what the renderer said; an empty render can end with success",
        )
    faults = [
        f"{path.relative_to(site).as_posix()}: {fault}"
        for path in sorted(site.rglob("*.html"))
        for fault in _check_page(path, site, secrets)
    ]
    faults += [
        f"{path.relative_to(site).as_posix()}: loads {found}"
        for path in sorted(site.rglob("*.css"))
        for found in _CSS_LOADS.findall(path.read_text(encoding="utf-8"))
    ]
    if faults:
        raise PublishError.build(
            "The site may not be published as it is",
            where="\n         ".join(faults),
            rule="no outside resources, handlers, broken links or local paths",
        )


def _is_filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _check_page(path: Path, site: Path, secrets: Sequence[str]) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    found = read_references(text)
    yield from (f"loads {item}" for item in found.loads if _OUTSIDE.match(item))
    yield from (f"carries {handler}" for handler in found.handlers)
    yield from filter(None, (_check_link(link, path, site) for link in found.links))
    yield from ("names a folder of this machine" for item in secrets if item in text)
    styles = "".join(_find_styles(text))
    yield from (f"loads {address}" for address in _CSS_LOADS.findall(styles))
    if _SHORTCODE.search(text):
        yield "holds an unresolved shortcode"


def _find_styles(text: str) -> list[str]:
    blocks = re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL | re.IGNORECASE)
    return [*blocks, *re.findall(r'\sstyle="([^"]*)"', text)]


def _check_link(link: str, page: Path, site: Path) -> str:
    """Return what is wrong with a link, or an empty text."""
    parts = urlsplit(link)
    if parts.scheme.lower() in ("http", "https", "mailto"):
        return ""
    if parts.scheme:
        return f"links to {link}"
    if not parts.path:
        return ""
    if parts.path.endswith(".ipynb"):
        return f"links to the notebook {link}"
    base = site if parts.path.startswith("/") else page.parent
    target = base / unquote(parts.path).lstrip("/")
    if target.is_dir():
        target = target / "index.html"
    return "" if target.exists() else f"links to {link}, which is not there"


class _ReferenceReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = PageReferences()
        self._in_main = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_main = self._in_main or tag == "main"
        values = {name: value or "" for name, value in attrs}
        for name in _LOADING.get(tag, ()):
            if name in values and not values[name].startswith("data:"):
                self.found.loads.append(values[name])
        if tag == "a" and "href" in values:
            self.found.links.append(values["href"])
        if "id" in values:
            self.found.ids.append(values["id"])
        if self._in_main:
            self.found.handlers += [
                f"<{tag} {name}>" for name in values if name.startswith("on")
            ]

    def handle_endtag(self, tag: str) -> None:
        self._in_main = self._in_main and tag != "main"
