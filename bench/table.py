"""Holding a contest and writing its table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from bench.contest import RESULTS, ROOT, Contender, run, save

README = ROOT / "bench" / "README.md"
START, END = "<!-- results: start -->", "<!-- results: end -->"
TITLES = {
    "matching": "Matching",
    "did": "Group-time effects",
    "survival": "The survival stage",
    "paths": "Joint learning paths",
    "exports": "Exports of a quarter",
}
UNITS = {
    "matching": "rows",
    "did": "units x 10 periods",
    "survival": "people x 20 quarters",
    "paths": "personas x 200 modules",
    "exports": "people",
}


def parse_sizes(text: str) -> list[int]:
    """Read sizes written with commas between them."""
    return [int(part) for part in text.replace("_", "").split(",")]


def hold(
    kind: str,
    contenders: Sequence[Contender],
    *,
    module: str,
    sizes: Sequence[int],
    only: str,
    limit: float,
) -> None:
    """Run everybody at every size, one after the other; keep results not run again.

    Who fails at one size is not tried at a larger one.
    """
    console = Console(soft_wrap=True)
    names = [name.strip() for name in only.split(",") if name.strip()]
    chosen = [item for item in contenders if not names or item.name in names]
    columns = (
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    rows: list[dict[str, Any]] = []
    beaten: dict[str, int] = {}
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(kind, total=len(chosen) * len(sizes))
        for size in sizes:
            for item in chosen:
                progress.update(task, description=f"{item.name}, {size:,}")
                if item.name in beaten:
                    fault = f"not run: failed at {beaten[item.name]:,}"
                    row = {"name": item.name, "size": size, "fault": fault}
                else:
                    row = run(item, module=module, size=size, limit=limit)
                if "fault" in row:
                    beaten.setdefault(item.name, size)
                rows.append(row | {"does": item.does})
                said = row.get("fault") or f"{row['seconds']:.2f} s"
                progress.console.print(f"{item.name:18} {size:>9,}  {said}")
                progress.advance(task)
    merged = _merge(kind, rows, [item.name for item in contenders])
    save(kind, merged)
    write_readme()


def _merge(
    kind: str, rows: list[dict[str, Any]], names: Sequence[str]
) -> list[dict[str, Any]]:
    place = RESULTS / f"{kind}.json"
    known = (
        json.loads(place.read_text(encoding="utf-8"))["rows"] if place.exists() else []
    )
    now = {(row["size"], row["name"]): row for row in [*known, *rows]}
    return [
        now[key] for key in sorted(now, key=lambda key: (key[0], names.index(key[1])))
    ]


def write_readme() -> None:
    """Put the tables of all results between the marks of the page."""
    parts = [
        _write_table(kind, json.loads(place.read_text(encoding="utf-8")))
        for kind in TITLES
        if (place := RESULTS / f"{kind}.json").exists()
    ]
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    body = "\n\n".join(parts)
    README.write_text(f"{before}{START}\n\n{body}\n\n{END}{after}", encoding="utf-8")


def _write_table(kind: str, found: dict[str, Any]) -> str:
    lines = [
        f"## {TITLES[kind]}",
        "",
        f"{found['date']}, {found['machine']}, Python {found['python']}.",
        "",
        f"| {UNITS[kind]} | tool | seconds | CPU seconds | times ours | peak GiB "
        "| estimate (error) |",
        "| ---: | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    ours = {row["size"]: row for row in found["rows"] if row["name"] == "workbench"}
    for row in found["rows"]:
        name = f"{row['name']} {row.get('version', '')}".strip()
        if "fault" in row:
            lines.append(f"| {row['size']:,} | {name} | {row['fault']} | | | | |")
            continue
        mine = ours.get(row["size"], {}).get("cpu_seconds")
        ratio = f"{row['cpu_seconds'] / mine:.1f}" if mine else ""
        error = f" ({row['std_error']})" if row["std_error"] is not None else ""
        lines.append(
            f"| {row['size']:,} | {name} | {row['seconds']:.2f} "
            f"| {row['cpu_seconds']:.2f} | {ratio} | {row['peak_gib']:.2f} "
            f"| {row['estimate']}{error} |"
        )
    does = {row["name"]: row["does"] for row in found["rows"]}
    lines += ["", *(f"- **{name}**: {text}." for name, text in does.items())]
    return "\n".join(lines)
