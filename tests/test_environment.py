"""The environments: conda's is made from pyproject.toml, the lock is whole and bare."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
STATED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]


@pytest.fixture(scope="module")
def generator():
    path = ROOT / "tools" / "make_environment.py"
    spec = importlib.util.spec_from_file_location("make_environment", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def list_locked() -> dict[str, list[str]]:
    """Pinned versions by name, as the lock holds them."""
    locked: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", LOCK, re.M):
        locked.setdefault(name, []).append(version)
    return locked


def test_the_conda_environment_is_what_the_generator_makes(generator):
    made = generator.build_environment(PYPROJECT)
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == made


def test_the_conda_environment_has_quarto_and_its_own_names(generator):
    made = generator.build_environment(PYPROJECT)
    assert '- "quarto"' in made
    assert '- "python-duckdb ==2.0.*"' in made
    assert '      - "diff-diff==3.13.0"' in made
    assert "psycopg[" not in made


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("typer>=0.20", ("typer", ">=0.20")),
        ("psycopg[binary]>=3.3, <4", ("psycopg", ">=3.3,<4")),
        ("Rich", ("rich", "")),
    ],
)
def test_a_requirement_is_split(generator, text, parts):
    assert generator.split_requirement(text) == parts


def test_text_that_is_no_requirement_is_refused(generator):
    with pytest.raises(ValueError, match="not a requirement: '>=1'"):
        generator.split_requirement(">=1")


@pytest.mark.parametrize("requirement", STATED)
def test_the_lock_holds_every_dependency_within_its_range(requirement, generator):
    from packaging.specifiers import SpecifierSet

    name, versions = generator.split_requirement(requirement)
    locked = list_locked().get(name, [])
    assert locked, f"{name} is not locked; run make lock"
    assert all(SpecifierSet(versions).contains(item) for item in locked)


def test_every_pin_of_the_lock_has_hashes():
    blocks = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(blocks) > len(STATED)
    for block in blocks:
        assert re.match(r"[a-z0-9._-]+==\S+", block)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block)


def test_the_lock_names_no_host_and_no_file():
    assert not re.search(r"https?:|file:|--(?:extra-)?index|--find-links|@ ", LOCK)
