"""The fixture project, opened."""

from __future__ import annotations

import shutil

import pytest

from tests.brief.content.prescribed_stages import save_prescribed
from tests.brief.content.project import QUARTER, write_params, write_results
from workbench.brief.results import BriefData


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The fixture project, written once; tests work on copies of it."""
    root = tmp_path_factory.mktemp("made")
    write_params(root)
    write_results(root)
    save_prescribed(root)
    return root


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A project with parameters and no results."""
    write_params(tmp_path)
    monkeypatch.setenv("WORKBENCH_PROJECT", str(tmp_path))
    return tmp_path


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    """A project with the results of one quarter."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("WORKBENCH_PROJECT", str(tmp_path))
    return tmp_path


@pytest.fixture
def data(project):
    return BriefData.open(org="alder", quarter=QUARTER)
