"""How commands end: with a message and a code, never with a traceback for bad input."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from workbench.core.errors import WorkbenchError

__all__ = ["FAILED", "INTERRUPTED", "WorkbenchGroup"]

FAILED = 1
"""Exit code when something asked for could not be done."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it."""


class WorkbenchGroup(TyperGroup):
    """Turns errors raised on purpose into messages; lets all others through."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command and end in one of the three ways there are."""
        try:
            with _stop_in_order():
                return super().invoke(ctx)
        except WorkbenchError as error:
            _show(str(error))
            raise typer.Exit(FAILED) from error
        except KeyboardInterrupt as error:
            _show(
                "Stopped. What has finished is kept; the same command goes on from it."
            )
            raise typer.Exit(INTERRUPTED) from error


@contextmanager
def _stop_in_order() -> Iterator[None]:
    """Let a request to end work like Ctrl-C, so that workers are ended too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show(message: str) -> None:
    first, _, rest = message.partition("\n")
    typer.secho(first, err=True, fg=typer.colors.RED, bold=True)
    if rest:
        typer.echo(rest, err=True)
