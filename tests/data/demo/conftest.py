"""A small demo organisation: as a world, as extracts, and loaded."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from workbench.core.params import load_org_params
from workbench.core.quarters import Quarter
from workbench.core.store import Workspace
from workbench.data.demo import DemoSummary, make_demo
from workbench.data.demo.arrays import Draws
from workbench.data.demo.consent import Consent, draw_consent
from workbench.data.demo.simulation import simulate
from workbench.data.demo.world import World
from workbench.data.load import LoadReport, load_org
from workbench.data.pseudonyms import find_key

PARAMS = Path(__file__).resolve().parents[3] / "params"
LAST = Quarter(2026, 3)
SMALL = {"employees": 700, "seed": 11, "motivation": 0.1}


@dataclass(frozen=True)
class Made:
    """What `make_demo` left."""

    summary: DemoSummary

    @property
    def folder(self) -> Path:
        return self.summary.folder

    @property
    def truth(self) -> dict[str, Any]:
        return json.loads((self.summary.truth_folder / "truth.json").read_text())

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.summary.truth_folder / f"truth_{name}.parquet")


@dataclass(frozen=True)
class Loaded:
    """The store made of the extracts."""

    store: Path
    report: LoadReport
    pseudonyms: dict[str, str]

    def table(self, name: str) -> pd.DataFrame:
        return duckdb.read_parquet(str(self.store / f"{name}.parquet")).df()


@pytest.fixture(scope="session")
def world() -> World:
    return simulate(last=LAST, quarters=8, **SMALL)


@pytest.fixture(scope="session")
def world_without_effects() -> World:
    """The same draws, but nothing that is learnt has any effect."""
    return simulate(last=LAST, quarters=8, scale=0.0, **SMALL)


@pytest.fixture(scope="session")
def default_world() -> World:
    return simulate(employees=4000, last=LAST, quarters=8, seed=7, motivation=0.1)


@pytest.fixture(scope="session")
def consent(world) -> Consent:
    draws = Draws(SMALL["seed"])
    return draw_consent(world.people, world.timeline, world.state, draws)


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    root = tmp_path_factory.mktemp("made")
    summary = make_demo(root / "extracts", root / "truth", events_per_person=4, **SMALL)
    return Made(summary)


@pytest.fixture(scope="session")
def loaded(made, tmp_path_factory) -> Loaded:
    root = tmp_path_factory.mktemp("loaded")
    shutil.copytree(PARAMS / "demo", root / "params" / "demo")
    workspace = Workspace(root)
    params = load_org_params("demo", workspace.params)
    report = load_org(params, workspace, extracts=made.folder)
    key = find_key(params, workspace)
    names = made.table("learners")["employee_id"]
    return Loaded(
        store=workspace.store("demo"),
        report=report,
        pseudonyms={name: key.pseudonymise(name) for name in names},
    )
