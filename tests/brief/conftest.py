"""A project that has been run, and the site published from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.brief.executed import Project, make_project, open_project
from workbench.brief.site import PublishedBrief, publish


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that nothing was published from."""
    return make_project(tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def project(tmp_path: Path, pristine: Project) -> Project:
    """A project of one's own, fit to be changed."""
    shutil.copytree(pristine.root, tmp_path, dirs_exist_ok=True)
    return open_project(tmp_path)


@pytest.fixture(scope="session")
def ran_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project shared by the tests that only read."""
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def published(ran_project: Project) -> PublishedBrief:
    """The site of the shared project, made by the built-in renderer."""
    return publish(
        ran_project.params,
        ran_project.workspace,
        ran_project.quarter,
        renderer="builtin",
    )
