"""Building blocks of the pages: Markdown, and safe HTML inside Markdown raw blocks.

Everything that comes from data is escaped here, also for Quarto's shortcodes, so
that a label or a comment can neither run nor break a page. No ``text/html`` output
is ever made: publishers would answer it with scripts from elsewhere.
"""

# Classes that the theme styles, besides those agreed (.kpi-cards .kpi-card .kpi-value
# .kpi-ci .kpi-bar .verdict.good/.bad/.unsure .grade .lede .brief-header .decisions
# .note .table-wrap):
#   .kpi-cards.small         second row of cards: narrower, value in a smaller size
#   .kpi-card.unmeasured     card without a number: washed ground, dashed border
#   .kpi-card > h3           name of the measure
#   .kpi-target              one line below the bar: the target in words
#   .kpi-foot                last line of a card: verdict and grade, space between
#   .kpi-why                 why a card has no number; also limitations in a card
#   .verdict.none            neither good nor bad: not measured, no target
#   .kpi-bar .band .zero .ci .point .tick      parts of the inline drawing; they carry
#                            presentation attributes, so that the theme may override:
#                            band = target (fill), zero, ci = line, point = circle
#   .brief-header > b, span  organisation first, then facts; wraps on a phone
#   .table-wrap > table      caption at the top, th[scope], td.num right-aligned,
#                            tabular figures; td.empty = not shown (suppressed);
#                            td.long = a sentence, which gets a column wide enough
#   .lede                    first paragraph: larger
#   .finding                 one sentence that a section opens with: bold, not a heading
#   .sub                     what a figure or table shows: small and soft
#   .decisions > li > b      the verb of a decision
#   .note.warn               a thing that limits the reading: marked stronger
#   .terms > dt, dd          glossary
#
# What staging may promote: an output's metadata may hold, below the key ``workbench``,
#   title, subtitle, description   of the page, with numbers in them. They replace the
#                                  same keys of the front matter, and the output that
#                                  bears them is dropped: it holds the title as a
#                                  heading, for readers in JupyterLab.
#   fig_cap, fig_alt               of the figure that the output holds. They replace
#                                  ``#| fig-cap`` and ``#| fig-alt`` of its cell, which
#                                  say the same without numbers.
# Left alone, the page still reads right: a fixed title, then the answer as a heading.

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Block",
    "Column",
    "Html",
    "build_note",
    "build_table",
    "draw_grade",
    "draw_header",
    "draw_list",
    "draw_verdict",
    "escape_html",
    "escape_markdown",
    "join_blocks",
    "show",
    "show_figure",
    "show_title",
    "wrap_html",
    "write_paragraph",
    "write_section",
]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~^@$&])")
_GRADES = (
    "not to rely on",
    "a hint only",
    "one design, adjusted",
    "two designs agree",
    "randomised, one weakness",
    "randomised, powered",
)
_LONG = 60
_SYMBOLS = {"good": "✓", "bad": "✗", "unsure": "?", "none": "–"}


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page in Markdown; shows itself as Markdown, never as HTML."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Block({len(self.text)} characters)"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: key of the row, header, and whether it holds numbers."""

    key: str
    header: str
    numeric: bool = False


def escape_html(value: Any) -> Html:
    """Escape a value for HTML inside a raw block.

    Backticks are escaped too, as they could close the block; ``<`` becomes an
    entity, which also disarms ``{{<``.
    """
    if isinstance(value, Html):
        return value
    text = html.escape(str(value), quote=True).replace("`", "&#96;")
    return Html(" ".join(text.split("\n")))


def escape_markdown(value: Any) -> str:
    """Escape a value for running Markdown text; line breaks become spaces."""
    text = " ".join(str(value).split(" \n")).replace("\n", " ").replace("\r", " ")
    return _MARKDOWN.sub(r"\\\1", text)


def wrap_html(content: str) -> Block:
    """Wrap HTML as a Markdown raw block; blank lines inside are dropped."""
    lines = [line for line in content.splitlines() if line.strip()]
    return Block("```{=html}\n" + "\n".join(lines) + "\n```\n\n")


def show(*blocks: Block | None) -> None:
    """Show blocks in a notebook cell, joined to one Markdown output."""
    text = join_blocks(*blocks).text
    if text:
        _publish({"text/markdown": text, "text/plain": text})


def show_title(title: str, *, subtitle: str = "", description: str = "") -> None:
    """Show a page's title as a heading that the publisher may promote to the top.

    All three are plain text and are escaped here.
    """
    text = f"## {escape_markdown(title)} {{#answer}}\n\n"
    given = {"title": title, "subtitle": subtitle, "description": description}
    _publish(
        {"text/markdown": text, "text/plain": title},
        {"workbench": {key: value for key, value in given.items() if value}},
    )


def show_figure(figure: Figure, *, caption: str, alt: str) -> None:
    """Show a figure as SVG, the same bytes for the same figure.

    Parameters
    ----------
    figure : Figure
        What to show; it is closed, so that no notebook shows it a second time.
    caption, alt : str
        Plain text; the publisher may set them in place of the cell's own.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    drawn = StringIO()
    with mpl.rc_context({"svg.hashsalt": "workbench"}):
        figure.savefig(
            drawn, format="svg", bbox_inches="tight", metadata={"Date": None}
        )
    plt.close(figure)
    _publish(
        {"image/svg+xml": drawn.getvalue(), "text/plain": alt},
        {"workbench": {"fig_cap": caption, "fig_alt": alt}},
    )


def join_blocks(*blocks: Block | None) -> Block:
    """Join blocks into one, leaving out those that are None or empty."""
    return Block("".join(item.text for item in blocks if item is not None))


def write_paragraph(*sentences: str, kind: str = "") -> Block:
    """Write Markdown sentences as a paragraph, of a class if `kind` is given.

    The sentences are Markdown: escape data with `escape_markdown` first.
    """
    text = " ".join(item.strip() for item in sentences if item.strip())
    if not text:
        return Block("")
    if not kind:
        return Block(f"{text}\n\n")
    return Block(f"::: {{.{kind}}}\n{text}\n:::\n\n")


def write_section(title: str, anchor: str, *, level: int = 2) -> Block:
    """Write a heading with a fixed address; `title` is Markdown."""
    return Block(f"{'#' * level} {title} {{#{anchor}}}\n\n")


def draw_header(name: str, facts: Iterable[str]) -> Block:
    """Draw the line on top of a page: organisation, then what the page stands on."""
    spans = "\n".join(f"<span>{escape_html(item)}</span>" for item in facts)
    body = f'<div class="brief-header"><b>{escape_html(name)}</b>\n{spans}\n</div>'
    return wrap_html(body)


def draw_verdict(kind: str, words: str) -> Html:
    """Draw a verdict: symbol, words and colour say the same."""
    symbol = _SYMBOLS[kind]
    return Html(
        f'<span class="verdict {kind}"><span aria-hidden="true">{symbol}</span> '
        f"{escape_html(words)}</span>"
    )


def draw_grade(grade: int | None, *, words: bool = False) -> Html:
    """Draw an evidence grade from 0 to 5 as dots, with its meaning for readers.

    Parameters
    ----------
    grade : int or None
        None where no grade was given.
    words : bool
        Whether the meaning stands beside the dots, not only in the label.
    """
    if grade is None:
        return Html('<span class="grade">not graded</span>')
    dots = "●" * grade + "○" * (5 - grade)
    label = f"evidence {grade} of 5: {_GRADES[grade]}"
    drawn = f'<span class="grade" role="img" aria-label="{label}">{dots}</span>'
    return Html(f"{drawn} {escape_html(_GRADES[grade])}" if words else drawn)


def draw_list(items: Sequence[str], *, kind: str = "", ordered: bool = False) -> Block:
    """Draw sentences (HTML or plain) as a list."""
    tag = "ol" if ordered else "ul"
    mark = f' class="{kind}"' if kind else ""
    rows = "\n".join(f"<li>{escape_html(item)}</li>" for item in items)
    return wrap_html(f"<{tag}{mark}>\n{rows}\n</{tag}>")


def build_note(title: str, *sentences: str, warn: bool = False) -> Block:
    """Build a marked note: a lead in bold and sentences, all escaped."""
    kind = "note warn" if warn else "note"
    text = " ".join(escape_html(item) for item in sentences if item)
    lead = f"<b>{escape_html(title)}</b> " if title else ""
    return wrap_html(f'<div class="{kind}"><p>{lead}{text}</p></div>')


def build_table(
    rows: Sequence[dict[str, Any]],
    columns: Sequence[Column],
    *,
    caption: str,
    anchor: str = "",
) -> Block:
    """Build a table that reads well aloud: caption, header scopes, first cell a header.

    Parameters
    ----------
    rows : sequence of dict
        Formatted cells by column key; `Html` is taken as it is, other values are
        escaped; a missing key is an empty cell.
    columns : sequence of Column
        From left to right; the first one names the row.
    caption : str
        What the table shows, with method and n where it shows estimates.
    anchor : str
        Address of the table within the page.

    Returns
    -------
    Block
        A raw HTML block in ``.table-wrap``.
    """
    head = "".join(
        f'<th scope="col"{_number(item)}>{escape_html(item.header)}</th>'
        for item in columns
    )
    body = "\n".join(_draw_row(row, columns) for row in rows)
    mark = f' id="{escape_html(anchor)}"' if anchor else ""
    return wrap_html(
        f'<div class="table-wrap"{mark} role="region" tabindex="0" '
        f'aria-label="{escape_html(caption)}"><table>'
        f"<caption>{escape_html(caption)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _publish(data: dict[str, str], metadata: dict[str, Any] | None = None) -> None:
    """Send an output to the notebook."""
    from IPython.display import publish_display_data

    publish_display_data(data, metadata or {})  # type: ignore[no-untyped-call]


def _draw_row(row: dict[str, Any], columns: Sequence[Column]) -> str:
    """Draw one row; the first cell is its header."""
    first, *rest = columns
    name = row.get(first.key, "")
    long = not isinstance(name, Html) and len(str(name)) > _LONG
    mark = ' class="long"' if long else ""
    cells = [f'<th scope="row"{mark}>{escape_html(name)}</th>']
    for item in rest:
        value = row.get(item.key, "")
        plain = not item.numeric and not isinstance(value, Html)
        long = plain and len(str(value)) > _LONG
        mark = ' class="long"' if long else _number(item)
        cells.append(f"<td{mark}>{escape_html(value)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _number(column: Column) -> str:
    """Return the class of a column of numbers."""
    return ' class="num"' if column.numeric else ""
