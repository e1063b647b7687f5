"""Results of commands as tables and lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.runs.report import RunReport, TaskOutcome
    from workbench.runs.status import TaskState

__all__ = ["show_lines", "show_report", "show_states", "show_table"]

_STYLES = {
    "done": "green",
    "not_applicable": "cyan",
    "blocked": "yellow",
    "failed": "bold red",
    "skipped": "yellow",
    "missing": "dim",
}
_ALL = "_all"


def show_table(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str | Text]]
) -> None:
    """Print rows under headings; long texts are folded, never cut."""
    table = Table(box=SIMPLE, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(item) if isinstance(item, str) else item for item in row))
    console.print(table)


def show_lines(console: Console, lines: Sequence[str]) -> None:
    """Print lines as they are, so that paths and commands can be copied."""
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def show_report(console: Console, report: RunReport) -> None:
    """Print how a run ended: what did not end well, why, and how to open it."""
    counts = ", ".join(
        f"{number} {word.replace('_', ' ')}" for word, number in report.count().items()
    )
    if report.bad:
        show_table(
            console,
            ["stage", "persona", "status", "notebook", "cell", "error"],
            [_list_bad(item) for item in report.bad],
        )
        for item in report.bad:
            if item.status == "failed" and item.opened is not None:
                task = f"{item.stage} of {_name(item.persona)}"
                command = f"workbench lab {item.opened.as_posix()}"
                show_lines(console, [f"to open {task}:", f"  {command}"])
    ended = f"{report.quarter} of {report.org}: {counts} in {report.seconds:.0f} s"
    show_lines(console, [ended])


def show_states(console: Console, states: Sequence[TaskState]) -> None:
    """Print what each stage of a quarter has left and whether it is up to date."""
    rows = [
        (
            item.stage,
            _name(item.persona),
            _style("out of date" if item.stale else item.status, item.status),
            item.end.replace("T", " ").removesuffix("+00:00"),
            f"{item.seconds:.1f} s" if item.end else "",
            item.reason.split("\n")[0],
        )
        for item in states
    ]
    columns = ["stage", "persona", "status", "ended (UTC)", "took", "reason"]
    show_table(console, columns, rows)


def _list_bad(item: TaskOutcome) -> tuple[str | Text, ...]:
    error = f"{item.error}: {item.reason}" if item.error else item.reason
    code = f"\n> {item.source}" if item.source else ""
    return (
        item.stage,
        _name(item.persona),
        _style(item.status, item.status),
        item.notebook.as_posix(),
        "" if item.cell is None else str(item.cell),
        error + code,
    )


def _style(words: str, status: str) -> Text:
    return Text(words.replace("_", " "), style=_STYLES.get(status, ""))


def _name(persona: str) -> str:
    return "all" if persona == _ALL else persona
