"""Rendering by Quarto's command-line program, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from workbench.core.errors import PublishError

__all__ = ["find_quarto", "render_with_quarto", "require_quarto"]

_COMPLAINTS = (
    "Unable to resolve link target",
    "SCSSParsingError",
    "?meta:",
    "Unable to resolve crossref",
)
_LAST_LINES = 12
_INSTALL = (
    "install Quarto (conda install -c conda-forge quarto, or its own installer), "
    "or choose --renderer builtin"
)


def find_quarto() -> Path | None:
    """Return the ``quarto`` program on the PATH, or None."""
    found = shutil.which("quarto")
    return None if found is None else Path(found)


def require_quarto() -> Path:
    """Return the ``quarto`` program.

    Raises
    ------
    PublishError
        If it is not installed, with what to do about it.
    """
    program = find_quarto()
    if program is None:
        raise PublishError.build(
            "Quarto was asked for and is not installed",
            rule="the program quarto on the PATH",
            hint=_INSTALL,
        )
    return program


def render_with_quarto(stage: Path, output: Path) -> None:
    """Render a staged folder into an empty folder outside it.

    Quarto ends with success also when it found nothing to render, so the caller
    counts the pages.

    Parameters
    ----------
    stage : Path
        Holds ``_quarto.yml`` and the notebooks.
    output : Path
        Where the site goes; Quarto would read a relative path from `stage`, so it is
        made absolute.

    Raises
    ------
    PublishError
        If Quarto is not installed, fails, or complains of a broken link or style.
    """
    program = require_quarto()
    command = [str(program), "render", str(stage.resolve()), "--output-dir"]
    result = subprocess.run(
        [*command, str(output.resolve())],
        cwd=stage,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    lines = result.stdout.splitlines()
    if result.returncode != 0:
        raise PublishError.build(
            f"Quarto ended with status {result.returncode}",
            where=str(stage),
            got="\n         ".join(lines[-_LAST_LINES:]),
            hint="mend what it names, or choose --renderer builtin",
        )
    faults = [line for line in lines if any(text in line for text in _COMPLAINTS)]
    if faults:
        raise PublishError.build(
            "Quarto made the site but complains",
            where=str(stage),
            got=faults,
        )
