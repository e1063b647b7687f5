"""Figures of predictions: what is drawn, and the words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from workbench.plots.prediction import (
    calibration_frame,
    describe_calibration,
    describe_calibration_alt,
    describe_importance,
    describe_importance_alt,
    importance_frame,
    plot_calibration,
    plot_importance,
)
from workbench.plots.style import save_svg

LABELS = {"left": "Leaving (in a year)", "rating": "Rating"}


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def make_bins() -> pd.DataFrame:
    rows = [
        (target, model, number, 0.1 * number + shift, 0.1 * number)
        for target, shift in (("left", 0.0), ("rating", 0.0))
        for model in ("simple", "boosting")
        for number in (1, 2, 3)
    ]
    table = pd.DataFrame(
        rows, columns=["target", "model", "bin", "predicted", "observed"]
    )
    table = table.assign(low=table["observed"] - 0.02, high=table["observed"] + 0.02)
    table.loc[0, "predicted"] = 0.5
    return table.assign(n=50)


def make_scores() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "target": ["left", "left", "rating", "rating"],
            "model": ["simple", "boosting"] * 2,
            "chosen": [True, False, False, True],
        }
    )


def make_importance() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "target": ["left"] * 6 + ["rating"] * 2,
            "feature": [*"abcdef", "a", "b"],
            "mean_abs_shap": [0.1, 0.4, 0.2, 0.1, 0.1, 0.1, 3.0, 0.0],
            "effect_words": [f"higher {name} goes with more" for name in "abcdefab"],
        }
    )


def test_only_the_chosen_models_are_drawn() -> None:
    drawn = calibration_frame(make_bins(), make_scores())
    assert drawn.groupby("target")["model"].first().to_dict() == {
        "left": "simple",
        "rating": "boosting",
    }
    assert drawn["agrees"].tolist() == [False] + [True] * 5


def test_the_title_counts_the_groups_that_agree() -> None:
    assert describe_calibration(make_bins(), make_scores()).startswith(
        "In 5 of 6 groups"
    )
    nothing = make_bins().iloc[:0], make_scores().iloc[:0]
    assert describe_calibration(*nothing) == "Nothing could be predicted and tested"
    words = describe_calibration_alt(make_bins(), make_scores(), labels=LABELS)
    assert "Leaving: from the lowest group, 0.50 predicted and 0.10 observed" in words


def test_each_outcome_has_a_panel_with_a_diagonal_and_hollow_misses() -> None:
    ax = plot_calibration(make_bins(), make_scores(), labels=LABELS)
    panels = ax.child_axes
    assert [panel.get_title(loc="left") for panel in panels] == ["Leaving", "Rating"]
    diagonal = panels[0].lines[0]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    faces = {line.get_markerfacecolor() for line in panels[0].lines[1:]}
    assert "white" in faces
    assert len(faces) == 2
    assert panels[0].get_xlim() == panels[0].get_ylim()


def test_the_strongest_features_are_shares_of_all() -> None:
    drawn = importance_frame(make_importance())
    left = drawn[drawn["target"] == "left"]
    assert left["feature"].tolist() == ["b", "c", "a", "d"]
    assert left["share"].tolist() == pytest.approx([40, 20, 10, 10])
    assert drawn[drawn["target"] == "rating"]["feature"].tolist() == ["a"]
    assert list(drawn["target"].unique()) == ["left", "rating"]


def test_bars_bear_their_words_and_no_cause_is_claimed(tmp_path: Path) -> None:
    ax = plot_importance(make_importance(), labels=LABELS)
    assert [patch.get_width() for patch in ax.patches] == pytest.approx(
        [40, 20, 10, 10, 100]
    )
    texts = [item.get_text() for item in ax.texts]
    assert texts[:2] == ["Leaving", "higher b goes with more"]
    assert describe_importance(make_importance()) == (
        "Higher b goes with more, which need not be a cause"
    )
    words = describe_importance_alt(make_importance(), labels=LABELS)
    assert "Leaving: higher b goes with more, 40 %" in words
    assert words.endswith("None is shown to be a cause.")
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    for name in ("a", "b"):
        save_svg(figure, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_to_draw_is_an_empty_figure_with_its_title() -> None:
    ax = plot_importance(make_importance().iloc[:0])
    assert "No feature" in ax.get_title(loc="left")
    ax = plot_calibration(make_bins().iloc[:0], make_scores().iloc[:0])
    assert ax.child_axes == []
