"""What may stand on a page: text disarmed for Quarto, HTML without active parts.

Quarto runs shortcodes wherever it finds them and passes raw HTML through. So text
that came out of a notebook is disarmed here before any renderer reads it, and raw
HTML blocks are read once more: they come from our own components, which escape what
is data, and a block that holds anything active is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from workbench.core.errors import PublishError

__all__ = [
    "check_raw_html",
    "disarm_code",
    "disarm_html",
    "disarm_markdown",
    "escape_title",
    "scrub",
    "split_fences",
]

_TAG_NAMES = (
    "a abbr article aside b blockquote br caption cite code col colgroup dd del details"
    " dfn div dl dt em figcaption figure footer h2 h3 h4 h5 h6 header hr i img ins kbd"
    " li mark meter nav ol p pre progress q s samp section small span strong sub"
    " summary sup table tbody td tfoot th thead time tr u ul var wbr"
    " svg g path rect circle ellipse line polyline polygon text tspan title desc defs"
    " clippath lineargradient radialgradient stop pattern marker use symbol"
)
_TAGS = frozenset(_TAG_NAMES.split())
_ADDRESSES = frozenset(("href", "src", "srcset", "xlink:href", "poster", "background"))
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_STYLE = re.compile(r"url\s*\(|@import|expression\s*\(|\\", re.IGNORECASE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_RAW = re.compile(r"\{\s*=")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)([^\n]*?[^`\n])\1(?!`)")
_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_RULE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_TITLE = re.compile(r"([\\`*_\[\]<>$@^~{}&])")
_ZERO_WIDTH = "\N{ZERO WIDTH SPACE}"

_PSEUDONYM = re.compile(r"(?<![0-9a-fA-F])[0-9a-f]{32}(?![0-9a-fA-F])")
_MEMORY = re.compile(r" at 0x[0-9a-fA-F]{6,}")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FOLDER = re.compile(
    r"(?<![\w/.:\-])(?:/(?:tmp|home|root|Users|var|private|opt|usr|mnt|srv)/"
    r"|[A-Za-z]:\\)[^\s\"'<>)\]`]*"
)


def scrub(text: str, *, roots: Sequence[str] = ()) -> str:
    """Take out what differs between machines or names a person.

    Folders of this machine, memory addresses, terminal colours, control characters
    and pseudonyms go; `roots` are folders written as ``.``.
    """
    text = _CONTROL.sub("", _ANSI.sub("", text))
    for root in roots:
        text = text.replace(root, ".")
    text = _FOLDER.sub("…", text)
    return _PSEUDONYM.sub("…", _MEMORY.sub("", text))


def disarm_code(text: str) -> str:
    """Break shortcodes in text shown as code, by a space of no width."""
    return text.replace("{{<", f"{{{{{_ZERO_WIDTH}<")


def disarm_html(text: str) -> str:
    """Write shortcodes in HTML so that they show and do not run."""
    return text.replace("{{<", "{{&lt;")


def disarm_markdown(text: str, *, where: str) -> str:
    """Disarm Markdown that a notebook shows.

    Outside raw blocks inline HTML becomes text, shortcodes are escaped and a line of
    three dashes, which could open a second front matter, becomes a rule. Raw HTML
    blocks pass `check_raw_html` first.

    Raises
    ------
    PublishError
        If a raw HTML block holds something active; `where` names the notebook.
    """
    parts = []
    for kind, part in split_fences(text):
        if kind == "html":
            check_raw_html(part, where=where)
            parts.append(disarm_html(part))
        elif kind == "code":
            parts.append(_break_markup(part))
        else:
            parts.append(_disarm_prose(part))
    return "".join(parts)


def escape_title(text: str) -> str:
    """Escape plain text for a title, which Quarto reads as Markdown; one line."""
    return _TITLE.sub(r"\\\1", " ".join(text.split()))


def check_raw_html(text: str, *, where: str) -> None:
    """Refuse HTML that could run, load or send something.

    Raises
    ------
    PublishError
        Naming every tag, attribute and address that is not allowed.
    """
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if reader.faults:
        raise PublishError.build(
            "A raw HTML block holds what no page may hold",
            where=where,
            rule="plain elements, no scripts, handlers or outside resources",
            got=sorted(set(reader.faults)),
            hint="escape data with workbench.brief.components.escape_html",
        )


class _Reader(HTMLParser):
    """Collects what is not allowed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if _is_active(name, value or "", link=tag == "a"):
                self.faults.append(f"<{tag} {name}>")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"<!--{data[:20]}-->")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"<!{decl[:20]}>")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"<?{data[:20]}>")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"<![{data[:20]}>")


def _is_active(name: str, value: str, *, link: bool) -> bool:
    if name.startswith("on") or name in ("srcdoc", "formaction", "action", "ping"):
        return True
    if name == "style":
        return _STYLE.search(value) is not None
    if name not in _ADDRESSES:
        return False
    if value.lstrip().startswith(("//", "\\")):
        return True
    scheme = _SCHEME.match("".join(value.split()))
    if scheme is None:
        return False
    allowed = ("http", "https", "mailto") if link else ("data",)
    return scheme[1].lower() not in allowed


def split_fences(text: str) -> Iterator[tuple[str, str]]:
    """Cut Markdown into ``prose``, ``code`` and ``html`` (raw blocks), in order.

    A fence that is never closed counts as prose, as it does for pandoc.
    """
    lines = text.splitlines(keepends=True)
    prose: list[str] = []
    at = 0
    while at < len(lines):
        end = _find_close(lines, at)
        if end is None:
            prose.append(lines[at])
            at += 1
            continue
        yield "prose", "".join(prose)
        prose = []
        raw = "{=html}" in lines[at].replace(" ", "")
        yield ("html" if raw else "code"), "".join(lines[at : end + 1])
        at = end + 1
    yield "prose", "".join(prose)


def _find_close(lines: Sequence[str], at: int) -> int | None:
    """Return the line that closes the fence opened at `at`, or None."""
    opening = _FENCE.match(lines[at])
    if opening is None:
        return None
    mark = opening[1]
    closing = re.compile(rf" {{0,3}}{re.escape(mark)}{re.escape(mark[0])}*\s*")
    for index in range(at + 1, len(lines)):
        if closing.fullmatch(lines[index]):
            return index
    return None


def _disarm_prose(text: str) -> str:
    text = _RULE.sub("***", _COMMENT.sub("", text))
    parts = []
    at = 0
    for span in _CODE_SPAN.finditer(text):
        parts.append(_disarm_words(text[at : span.start()]))
        parts.append(_break_markup(span[0]))
        at = span.end()
    parts.append(_disarm_words(text[at:]))
    return _RAW.sub(f"{{{_ZERO_WIDTH}=", "".join(parts))


def _break_markup(text: str) -> str:
    """Make code show as it is wherever a renderer may take it for markup."""
    text = _TAG_START.sub(f"<{_ZERO_WIDTH}", disarm_code(text))
    return _RAW.sub(f"{{{_ZERO_WIDTH}=", text)


def _disarm_words(text: str) -> str:
    """Escape inline HTML and shortcodes that are not escaped already."""
    text = text.replace("{{<", r"\{\{\<")
    return re.sub(r"(?<!\\)((?:\\\\)*)<(?=[A-Za-z/!?])", r"\1\\<", text)
