"""The examples of the docstrings run as written."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import workbench.prescribe.predict as room


def test_examples() -> None:
    names = [
        item.name for item in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
    ]
    found = [doctest.testmod(importlib.import_module(name)) for name in names]
    assert sum(item.failed for item in found) == 0
    assert sum(item.attempted for item in found) >= 10
