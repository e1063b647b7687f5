"""The archive page: the versions of a brief, and what changed from one to the next."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.brief.html_tables import wrap_raw_html
from workbench.brief.numbers import Change
from workbench.brief.versions import list_published, list_versions, read_brief
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter

__all__ = ["write_archive"]

_MOST_ROWS = 40


def write_archive(
    params: OrgParams,
    quarter: Quarter,
    version: int,
    changes: Sequence[Change],
    *,
    folder: Path,
) -> str:
    """Write the Markdown of the archive page of a version.

    Parameters
    ----------
    params : OrgParams
        Names personas and outcomes.
    quarter : Quarter
        The quarter being published.
    version : int
        The number of the new version.
    changes : sequence of Change
        Against the version before; empty for the first one.
    folder : Path
        ``outputs/<org>/briefs/<quarter>``, where the earlier versions lie.

    Returns
    -------
    str
        Markdown without front matter.
    """
    earlier = [read_brief(folder / f"v{number}") for number in list_versions(folder)]
    parts = [
        "A published version is never written over. Each one keeps every number with "
        "its hash in the file `brief.json` beside its pages.\n\n",
        f"## Versions of {quarter.year} Q{quarter.number} {{#versions}}\n\n",
        wrap_raw_html(_draw_versions(quarter, version, changes, earlier)),
    ]
    if version > 1:
        parts.append(f"## What changed since version {version - 1} {{#changes}}\n\n")
        parts.append(_describe_changes(params, changes))
    others = [name for name in list_published(folder.parent) if name != str(quarter)]
    if others:
        parts.append("## Other quarters {#quarters}\n\n")
        parts.append(wrap_raw_html(_draw_quarters(folder.parent, others)))
    return "".join(parts)


def _draw_versions(
    quarter: Quarter,
    version: int,
    changes: Sequence[Change],
    earlier: Sequence[Mapping[str, Any]],
) -> str:
    """Draw one row per version, the newest first, with links to the earlier ones."""
    cut = quarter.last_day.isoformat()
    rows = [_draw_version(f"Version {version}, this one", cut, changes, version)]
    for record in reversed(earlier):
        number = int(record["version"])
        name = f'<a href="../v{number}/index.html">Version {number}</a>'
        rows.append(_draw_version(name, cut, record["changes"], number))
    heads = ("Version", "Data up to", "Numbers changed", "Because of")
    return _draw_table(f"Versions of {quarter}", heads, rows)


def _draw_quarters(briefs: Path, quarters: Sequence[str]) -> str:
    """Draw a list of the other quarters, the newest first, each version a link."""
    items = []
    for name in reversed(quarters):
        links = ", ".join(
            f'<a href="../../{name}/v{number}/index.html">version {number}</a>'
            for number in list_versions(briefs / name)
        )
        items.append(f"<li>{name[:4]} {name[4:]}: {links}</li>")
    return "<ul>" + "\n".join(items) + "</ul>"


def _draw_version(name: str, cut: str, changes: Sequence[Any], version: int) -> str:
    causes = sorted(
        {item.cause if isinstance(item, Change) else item["cause"] for item in changes}
    )
    count = "first version" if version == 1 else f"{len(changes):,}"
    return _draw_row([name, cut, count, html.escape("; ".join(causes) or "–")])


def _describe_changes(params: OrgParams, changes: Sequence[Change]) -> str:
    """Describe changes: the headline numbers first, the rest counted."""
    if not changes:
        return "No number differs.\n\n"
    ranked = sorted(changes, key=lambda item: (not _is_headline(item), item.key))
    shown = ranked[:_MOST_ROWS]
    rest = len(ranked) - len(shown)
    heads = ("Number", "Before", "Now", "Because of")
    rows = [_draw_change(params, item) for item in shown]
    text = wrap_raw_html(_draw_table("Numbers that changed", heads, rows))
    if rest:
        text += f"{rest:,} more changes stand in `brief.json`.\n\n"
    return text


def _is_headline(change: Change) -> bool:
    row = change.new or change.old or {}
    return bool(row.get("headline")) and row.get("subgroup") is None


def _draw_change(params: OrgParams, change: Change) -> str:
    row = change.new or change.old or {}
    cells = [
        html.escape(_name(params, row)),
        html.escape(_write_value(change.old)),
        html.escape(_write_value(change.new)),
        html.escape(change.cause),
    ]
    return _draw_row(cells)


def _name(params: OrgParams, row: Mapping[str, Any]) -> str:
    """Name a number in words: persona, outcome, method, group and period."""
    personas = {item.id: item.label for item in params.personas}
    outcomes = {item.id: item.label or item.id for item in params.outcomes}
    persona, outcome = str(row.get("persona")), str(row.get("outcome"))
    parts = [
        personas.get(persona, persona),
        outcomes.get(outcome, outcome).replace("_", " "),
        f"{row.get('estimand')} by {row.get('method')}",
        row.get("subgroup"),
        row.get("period"),
    ]
    return ", ".join(str(part) for part in parts if part)


def _write_value(row: Mapping[str, Any] | None) -> str:
    """Write an estimate with its interval, to three significant digits."""
    if row is None:
        return "not there"
    if row["estimate"] is None:
        return "not shown"
    low, high = row["ci_low"], row["ci_high"]
    value = _round(row["estimate"])
    if low is not None and high is not None:
        value += f" ({_round(low)} to {_round(high)})"
    return f"{value} {row['unit'] or ''}".strip()


def _round(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def _draw_row(cells: Sequence[str]) -> str:
    first, *rest = cells
    drawn = "".join(f"<td>{cell}</td>" for cell in rest)
    return f'<tr><th scope="row">{first}</th>{drawn}</tr>'


def _draw_table(caption: str, heads: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "\n".join(rows)
    return (
        f'<div class="table-wrap" role="region" tabindex="0" aria-label="{caption}">'
        f"<table><caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )
