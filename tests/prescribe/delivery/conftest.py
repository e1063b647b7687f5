"""A project made once, and copied for each test that changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.prescribe.delivery.project import DeliveryProject


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> DeliveryProject:
    """Loaded, with proposed actions; tests only read it."""
    return DeliveryProject(tmp_path_factory.mktemp("delivery") / "made").make()


@pytest.fixture
def project(made: DeliveryProject, tmp_path: Path) -> DeliveryProject:
    """A copy with nothing approved."""
    shutil.copytree(made.root, tmp_path / "project")
    return DeliveryProject(tmp_path / "project")


@pytest.fixture
def approved(project: DeliveryProject) -> DeliveryProject:
    """A copy in which every action is approved."""
    project.approve()
    return project
