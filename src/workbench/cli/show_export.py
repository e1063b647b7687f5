"""An export as bars while it goes on, and as tables and sentences afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from workbench.cli.show import show_lines, show_table

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.prescribe.delivery.export import ExportReport, ExportRequest
    from workbench.prescribe.delivery.sending import SendReport

__all__ = ["show_bars", "show_export", "show_sent"]

_FIRST = 5


@contextmanager
def show_bars(
    console: Console, names: Sequence[str]
) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar per name on a terminal, and nothing elsewhere.

    Yields
    ------
    callable
        To be told the name, how much is done, and of how much.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    off = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=off) as bars:
        tasks = {name: bars.add_task(name, total=None, start=False) for name in names}

        def tell(name: str, done: int, whole: int) -> None:
            bars.start_task(tasks[name])
            bars.update(tasks[name], completed=done, total=max(whole, done))

        yield tell


def show_export(
    console: Console, report: ExportReport, request: ExportRequest, *, today: date
) -> None:
    """Print what was written, what was left out and why, and where it lies."""
    show_lines(
        console,
        [f"{report.steps:,} {request.status} steps of {report.people:,} people"],
    )
    rows = [
        (name, words, f"{number:,}")
        for name, counts in report.counts.items()
        for words, number in counts.items()
    ]
    show_table(console, ["format", "what", "number"], rows)
    if report.left_out:
        left = [(why, f"{number:,}") for why, number in report.left_out.items()]
        show_table(console, ["actions left out", "number"], left)
    show_lines(console, [*_list_remarks(report, request, today), "Written to"])
    show_lines(console, [f"  {report.root}"])


def show_sent(console: Console, sent: SendReport) -> None:
    """Print how many messages were taken, and which were not."""
    from workbench.prescribe.delivery.sending import NO_ANSWER

    lines = [f"{sent.sent:,} messages sent, {sent.known:,} had been sent before"]
    if sent.failed:
        first = list(sent.failed.items())[:_FIRST]
        lines.append(
            f"{len(sent.failed):,} were not taken; the same command tries again"
        )
        if any(why.startswith(NO_ANSWER) for why in sent.failed.values()):
            lines.append(
                "Where no answer came, a message may then arrive twice; its header"
                " Idempotency-Key stays the same"
            )
        lines += [f"  {recipient}: {why}" for recipient, why in first]
    show_lines(console, lines)


def _list_remarks(
    report: ExportReport, request: ExportRequest, today: date
) -> list[str]:
    remarks = []
    if not report.steps:
        remarks.append(
            f"No action is {request.status} and can be delivered: the files are empty."
        )
    if request.first_day < today:
        remarks.append(
            f"The first day, {request.first_day}, has passed. For reminders that lie"
            f" ahead: --from {today} or later."
        )
    if request.access is not None:
        remarks.append(
            "The files name people. Who asked, and why, stands in the access log."
        )
    return remarks
