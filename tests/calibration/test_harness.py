"""The calibration's own arithmetic, and a few runs of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.calibration.cells import Cell, Measured
from tests.calibration.registry import list_cells
from tests.calibration.store import (
    find_sources,
    list_missing,
    read_runs,
    run_all,
)
from tests.calibration.summary import publish, summarise
from workbench.brief.validation import judge_cells, read_calibration
from workbench.core.errors import NoOverlapError

EXAMPLES = (
    "psm_half",
    "did_teams_8",
    "ab_teams_8",
    "wedge_no_effect",
    "looks_people",
    "immortal_headline",
)
"""A cell of every family."""

FEWEST_RUNS = 500


def _toss(seed: int, *, error: float = 1.0, refuse: float = 0.0) -> Measured:
    """Estimate a mean of 2 from one normal draw, the naive one 1 higher."""
    rng = np.random.default_rng(seed)
    if rng.random() < refuse:
        raise NoOverlapError.build("Nobody to compare")
    value = float(rng.normal(2.0, 1.0))
    return Measured(
        estimate=value,
        std_error=error,
        ci_low=value - 1.96 * error,
        ci_high=value + 1.96 * error,
        truth=2.0,
        naive=value + 1.0,
        warned=value > 2.0,
        usual_low=value - 1.0,
        usual_high=value + 1.0,
    )


def _cell(name: str = "toss", **options: Any) -> Cell:
    return Cell(
        name=name,
        family="psm",
        design="tosses",
        estimand="a mean",
        measure=partial(_toss, **options),
    )


def _draw(cell: Cell, runs: int) -> pd.DataFrame:
    return pd.DataFrame([cell.execute(run) for run in range(runs)])


def test_summary_of_a_sound_estimator() -> None:
    row = summarise(_cell(), _draw(_cell(), 2000))
    assert row["coverage"] == pytest.approx(0.95, abs=0.015)
    assert row["se_ratio"] == pytest.approx(1.0, abs=0.05)
    assert row["naive_bias"] == pytest.approx(1.0, abs=0.1)
    assert row["removed"] == pytest.approx(1.0, abs=0.1)
    assert row["warned"] == pytest.approx(0.5, abs=0.05)
    assert row["failed"] == 0


def test_the_usual_way_is_summed_up_beside() -> None:
    """An interval of one standard deviation either way holds the truth in 68 %."""
    row = summarise(_cell(), _draw(_cell(), 2000))
    assert row["usual_coverage"] == pytest.approx(0.683, abs=0.03)
    assert pd.isna(row["usual_false_positives"])
    nothing = replace(_cell(), no_effect=True, usual="one deviation")
    row = summarise(nothing, _draw(nothing, 2000))
    assert row["usual_false_positives"] == pytest.approx(0.84, abs=0.03)
    assert row["usual"] == "one deviation"


def test_an_error_that_is_too_small_is_seen() -> None:
    row = summarise(_cell(error=0.5), _draw(_cell(error=0.5), 500))
    judged = judge_cells(pd.DataFrame([row]))
    assert row["se_ratio"] == pytest.approx(0.5, abs=0.05)
    assert judged["verdict"].tolist() == ["intervals too narrow"]
    assert not judged["fine"].any()


def test_refusals_are_counted_with_their_reason() -> None:
    row = summarise(_cell(refuse=0.3), _draw(_cell(refuse=0.3), 400))
    assert row["failed"] == pytest.approx(120, abs=30)
    assert str(row["reason"]) == f"Nobody to compare ({row['failed']})"


def test_seeds_depend_on_cell_and_run_only() -> None:
    cells = list(list_cells().values())
    seeds = {cell.seed(run) for cell in cells for run in range(50)}
    assert len(seeds) == 50 * len(cells)
    assert _cell("psm_confounded").seed(7) == list_cells()["psm_confounded"].seed(7)


def test_the_code_of_a_cell_is_all_that_it_imports() -> None:
    found = {path.name for path in find_sources("tests.calibration.matching_cells")}
    wanted = {"matching_cells.py", "simulate.py", "analysis.py", "neighbours.py"}
    assert wanted <= found
    assert not {"registry.py", "bacon.py", "stepped_wedge.py"} & found


def test_finished_chunks_are_not_run_again(tmp_path: Path) -> None:
    cells = [list_cells()[name] for name in EXAMPLES]
    missing = list_missing(cells, runs=2, folder=tmp_path)
    assert len(missing) == len(cells)
    first = list(run_all(missing[:1], folder=tmp_path, workers=1))
    assert first == missing[:1]
    assert list_missing(cells, runs=2, folder=tmp_path) == missing[1:]
    list(run_all(missing[1:], folder=tmp_path, workers=1))
    for cell in cells:
        runs = read_runs(cell, runs=2, folder=tmp_path)
        again = pd.DataFrame([cell.execute(run) for run in range(2)])
        pd.testing.assert_frame_equal(runs, again)
        assert np.isfinite(runs["estimate"]).all()
        assert runs["truth"].between(0, 1).all()


def test_publishing_replaces_rows_of_cells_that_were_run(tmp_path: Path) -> None:
    place = tmp_path / "calibration.parquet"
    names = ["psm_half", "psm_confounded"]
    rows = [summarise(_cell(name), _draw(_cell(name), 50)) for name in names]
    publish(rows, place)
    more = summarise(_cell("psm_half"), _draw(_cell("psm_half"), 80))
    table = publish([more], place)
    assert table["cell"].tolist() == ["psm_confounded", "psm_half"]
    assert table["runs"].tolist() == [50, 80]


def test_the_published_table_knows_its_cells() -> None:
    table = read_calibration()
    cells = list_cells()
    assert set(table["cell"]) == set(cells)
    assert table["cell"].is_unique
    assert table["runs"].min() >= FEWEST_RUNS
    for row in table.to_dict("records"):
        assert row["design"] == cells[row["cell"]].design
        assert row["expect"] == cells[row["cell"]].expect
