"""The examples of the docstrings run as written."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import workbench.impact

MODULES = [
    item.name
    for item in pkgutil.walk_packages(workbench.impact.__path__, "workbench.impact.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_there_are_examples() -> None:
    tried = [
        doctest.testmod(importlib.import_module(name)).attempted for name in MODULES
    ]
    assert sum(tried) >= 40
