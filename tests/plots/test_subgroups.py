"""Effects by group: rows, hidden cells, and the words that go with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from workbench.plots.style import save_svg
from workbench.plots.subgroups import (
    describe_subgroups,
    describe_subgroups_alt,
    plot_subgroups,
    subgroup_frame,
)


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def table() -> pd.DataFrame:
    columns = ["kind", "attribute", "group", "reference", "estimate", "p_adjusted"]
    rows = [
        ("effect", "gender", "men", "", 0.20, np.nan),
        ("effect", "gender", "women", "", 0.50, np.nan),
        ("difference", "gender", "women", "men", 0.30, 0.01),
        ("effect", "age_band", "30 to 39", "", 0.40, np.nan),
        ("effect", "age_band", "under 30", "", 0.35, np.nan),
        ("effect", "age_band", "50 and over", "", np.nan, np.nan),
        ("effect", "age_band", "not recorded", "", np.nan, np.nan),
        ("difference", "age_band", "under 30", "30 to 39", -0.05, 0.6),
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(
        ci_low=table["estimate"] - 0.15,
        ci_high=table["estimate"] + 0.15,
        n_treated=pd.array([40] * 8, dtype="Int64"),
        n_control=pd.array([40] * 8, dtype="Int64"),
        suppressed=[False] * 5 + [True, True, False],
        unit="rating points",
        level=0.95,
    )


def test_frame_keeps_the_order_and_marks_what_is_clear(table: pd.DataFrame) -> None:
    frame = subgroup_frame(table)
    assert frame["label"].tolist()[2] == "women less men"
    assert frame["clear"].tolist() == [False, False, True, *[False] * 5]
    assert frame["hidden"].sum() == 2
    shares = subgroup_frame(table.assign(unit="probability"))
    assert shares["value"].iloc[2] == pytest.approx(30.0)


def test_titles(table: pd.DataFrame) -> None:
    assert describe_subgroups(table) == (
        "The effect differs between groups: women less men +0.30"
    )
    unclear = table.assign(p_adjusted=0.5)
    assert describe_subgroups(unclear) == (
        "No difference by gender or age band can be told from chance"
    )
    alone = table[table["kind"] == "effect"]
    assert describe_subgroups(alone) == "No two groups are large enough to compare"


def test_rows_are_drawn_and_small_cells_are_not(table: pd.DataFrame) -> None:
    ax = plot_subgroups(table, labels={"age_band": "Age"})
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == subgroup_frame(table)["label"].tolist()
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("not shown") == 2
    assert "+0.30  (+0.15 to +0.45)" in texts
    assert {"Gender", "Age"} <= set(texts)
    marks = [line for line in ax.lines if line.get_marker() == "D"]
    faces = [line.get_markerfacecolor() for line in marks]
    assert len(marks) == 2
    assert faces[0] != faces[1]
    assert "rating points, 95 % intervals" in ax.get_xlabel()
    assert len(set(ax.get_yticks())) == len(table)


def test_alt_reads_all_that_is_shown(table: pd.DataFrame) -> None:
    text = describe_subgroups_alt(table)
    assert "women +0.50  (+0.35 to +0.65)" in text
    assert "2 groups are not shown because they are small." in text
    assert "50 and over" not in text


def test_given_axes_and_nothing_to_draw(table: pd.DataFrame) -> None:
    before = table.copy()
    figure = Figure(figsize=(7.2, 6), layout="constrained")
    given = figure.subplots()
    assert plot_subgroups(table, ax=given) is given
    figure.draw_without_rendering()
    assert given.get_position().width > 0.3
    pd.testing.assert_frame_equal(table, before)
    assert plot_subgroups(table.iloc[:0]).get_yticks().size == 0


def test_svg_is_the_same_again(table: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        save_svg(plot_subgroups(table).figure, tmp_path / name)  # type: ignore[arg-type]
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
