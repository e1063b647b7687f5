"""A project folder of its own, with the notebooks and parameters of this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "copy_project", "run_workbench"]

ROOT = Path(__file__).resolve().parents[2]
_COPIED = ("params", "notebooks", "requirements.lock")


def copy_project(target: Path) -> Path:
    """Copy what a run needs: parameters, notebooks, lock and Quarto's settings."""
    target.mkdir(parents=True, exist_ok=True)
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name)
        else:
            shutil.copy(source, target / name)
    for source in ROOT.glob("_quarto*.yml"):
        shutil.copy(source, target / source.name)
    return target


def run_workbench(
    project: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would, in the project folder."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("workbench")), *arguments],
        cwd=project,
        env={**os.environ, "COLUMNS": "140", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
