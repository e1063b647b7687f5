"""The specification curve: order, marks, and the words that go with it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from workbench.plots.specification import (
    CHOICE_LABELS,
    describe_specification,
    describe_specification_alt,
    measure_height,
    plot_specification,
    specification_frame,
)
from workbench.plots.style import save_svg


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def table() -> pd.DataFrame:
    base = {
        "covariates": "all declared",
        "method": "nearest neighbour",
        "model": "logistic",
        "caliper": "0.2",
        "ratio": "1",
        "replacement": "without",
        "exact": "trial",
        "adjusted": "adjusted",
        "headline": False,
        "sound": True,
        "reading": "higher",
        "reason": "",
        "unit": "rating points",
        "level": 0.95,
    }
    rows = [
        base | {"headline": True, "estimate": 0.30},
        base | {"caliper": "none", "estimate": 0.34},
        base | {"ratio": "2", "estimate": 0.26},
        base
        | {"covariates": "job only", "estimate": 0.60, "sound": False}
        | {"adjusted": "unadjusted"},
        base
        | {"method": "weighting", "estimate": 0.28, "caliper": "", "ratio": ""}
        | {"replacement": "", "exact": "", "adjusted": ""},
        base | {"exact": "trial and role", "estimate": np.nan, "sound": False},
    ]
    table = pd.DataFrame(rows)
    table.insert(0, "variant", range(1, len(table) + 1))
    return table.assign(ci_low=table["estimate"] - 0.1, ci_high=table["estimate"] + 0.1)


def test_frame_orders_by_estimate(table: pd.DataFrame) -> None:
    frame = specification_frame(table)
    assert frame["variant"].tolist() == [3, 5, 1, 2, 4]
    assert frame["place"].tolist() == list(range(5))
    shares = specification_frame(table.assign(unit="probability"))
    assert shares["estimate"].tolist() == pytest.approx([26, 28, 30, 34, 60])
    assert shares["ci_low"].iloc[0] == pytest.approx(16)


def test_titles_state_the_finding(table: pd.DataFrame) -> None:
    assert describe_specification(table) == (
        "A gain in all 4 sound variants: +0.26 to +0.34"
    )
    mixed = table.assign(reading=["higher", "no clear change", *["higher"] * 4])
    assert describe_specification(mixed).startswith("A gain in 3 of 4 sound variants")
    lower = table.assign(reading="lower")
    assert describe_specification(lower).startswith("A loss in all 4")
    nothing = table.assign(reading="no clear change")
    assert describe_specification(nothing).startswith("No clear change in all 4")
    alone = table.assign(sound=False)
    assert "no sound variant to test it by" in describe_specification(alone)
    lost = table.assign(estimate=np.nan)
    assert describe_specification(lost) == "The comparison could not be made"
    assert describe_specification_alt(lost).endswith("could not be made.")


def test_large_numbers_have_no_exponent(table: pd.DataFrame) -> None:
    sales = table.assign(estimate=table["estimate"] * 1e4, unit="EUR")
    assert describe_specification(sales).endswith("+2,600 to +3,400")


def test_alt_text_says_what_the_pale_ones_are(table: pd.DataFrame) -> None:
    text = describe_specification_alt(table)
    assert "Curve of 5 variants in rating points" in text
    assert "the headline is +0.3." in text
    assert "The other 1 leave declared covariates out or unbalanced" in text


def test_curve_and_choices_line_up(table: pd.DataFrame) -> None:
    ax = plot_specification(table)
    curve, choices = ax.child_axes
    assert curve.get_xlim() == choices.get_xlim()
    dots = [line for line in curve.lines if line.get_marker() == "."]
    drawn = np.concatenate([line.get_ydata() for line in dots])
    assert sorted(drawn) == pytest.approx([0.26, 0.28, 0.30, 0.34, 0.60])
    own = next(line for line in curve.lines if line.get_marker() == "o")
    assert own.get_xdata().tolist() == [2]
    assert own.get_ydata().tolist() == pytest.approx([0.30])
    squares = [line for line in choices.lines if line.get_marker() == "s"]
    assert {place for line in squares for place in line.get_xdata()} == {2}
    low, high = curve.get_ylim()
    assert low < 0 < 0.7 < high
    assert "effect (rating points)" in curve.get_ylabel()
    assert "5 variants, ordered by estimate; 1 could not" in choices.get_xlabel()


def test_only_choices_that_vary_have_rows(table: pd.DataFrame) -> None:
    choices = plot_specification(table).child_axes[1]
    labels = [label.get_text() for label in choices.get_yticklabels()]
    assert labels == [
        "all declared",
        "job only",
        "nearest neighbour",
        "weighting",
        "0.2",
        "none",
        "1",
        "2",
        "adjusted",
        "unadjusted",
    ]
    texts = {text.get_text() for text in choices.texts}
    assert texts == {"covariates", "method", "caliper", "others each", "regression"}
    assert texts <= set(CHOICE_LABELS.values())


def test_rows_do_not_touch(table: pd.DataFrame) -> None:
    """Labels of 8.8 points need at least that many points from row to row."""
    many = pd.concat(
        [
            table.assign(covariates=f"set {place}", headline=False)
            for place in range(12)
        ],
        ignore_index=True,
    )
    many.loc[0, "headline"] = True
    many["variant"] = range(1, len(many) + 1)
    ax = plot_specification(many)
    ax.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.child_axes[1].get_yticklabels()]
    gaps = [above.y0 - below.y1 for above, below in itertools.pairwise(boxes)]
    assert min(gaps) > -1
    assert measure_height(many) > measure_height(table)


def test_given_axes_and_nothing_to_draw(table: pd.DataFrame) -> None:
    before = table.copy()
    figure = Figure(figsize=(7.2, 9), layout="constrained")
    given = figure.subplots()
    assert plot_specification(table, ax=given, title="Own title") is given
    figure.draw_without_rendering()
    assert given.get_position().width > 0.3
    pd.testing.assert_frame_equal(table, before)
    empty = plot_specification(table.iloc[:0])
    assert empty.child_axes[1].get_yticks().size == 0


def test_svg_is_the_same_again(table: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        save_svg(plot_specification(table).figure, tmp_path / name)  # type: ignore[arg-type]
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
