"""The figure of hidden causes: what is drawn, and the words that go with it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import matplotlib as mpl
import pandas as pd
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from workbench.plots.sensitivity import (
    describe_sensitivity,
    describe_sensitivity_alt,
    plot_sensitivity,
    sensitivity_frame,
)


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def _make(
    breaking: float = 1.8,
    *,
    low: float = 0.2,
    covariates: int = 2,
    unit: str = "points",
) -> pd.DataFrame:
    rows = [("headline", "", 0.0, 0.5, low, 0.8)]
    for place in range(covariates):
        name = "prior_rating" if place == 0 else f"other_{place}"
        rows.append(("breaking", name, breaking + place, *[math.nan] * 3))
        rows += [
            ("benchmark", name, times, value, value - 0.3, value + 0.3)
            for times, value in (
                (1.0, 0.4 + 0.01 * place),
                (2.0, 0.1),
                (3.0, -4.0 if place == 0 else math.nan),
            )
        ]
    rows.append(("e_value", "estimate", 2.0, 1.5, 1.2, 1.8))
    names = ["kind", "name", "strength", "estimate", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=names).assign(unit=unit)


def test_the_frame_holds_the_estimate_and_the_causes_only() -> None:
    frame = sensitivity_frame(_make())
    assert list(frame["times"]) == [0, 1, 2, 3, 1, 2, 3]
    assert frame["breaking"].iloc[1] == 1.8
    assert math.isnan(frame["breaking"].iloc[0])
    points = sensitivity_frame(_make(unit="probability"))
    assert points["value"].iloc[0] == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (_make(1.8), "A hidden cause 1.8 times as strong as prior rating"),
        (_make(0.4), "Fragile: a hidden cause 0.4 times"),
        (_make(math.inf), "Not even a hidden cause ten times"),
        (_make(0.0, low=-0.1), "The interval holds 0 as it is"),
        (_make(covariates=0), "no covariate to compare"),
    ],
)
def test_the_title_is_the_finding(table: pd.DataFrame, words: str) -> None:
    assert words in describe_sensitivity(table)


def test_the_description_says_numbers() -> None:
    text = describe_sensitivity_alt(_make(unit="probability"))
    assert "percentage points" in text
    assert "The estimate is 50 (20 to 80)" in text
    assert "prior rating 40 (10 to 70)" in text
    assert describe_sensitivity_alt(_make().iloc[:0]) == (
        "No hidden cause was compared."
    )


def test_what_is_drawn() -> None:
    ax = plot_sensitivity(_make())
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        "prior rating",
        "other 1",
    ]
    texts = [item.get_text() for item in ax.texts]
    assert {"1.8×", "2.8×", "holds 0 at"} <= set(texts)
    assert ax.get_title(loc="left").startswith("A hidden cause 1.8 times")
    left, right = ax.get_xlim()
    assert -1.0 < left < -0.2
    assert right > 0.8
    arrows = [line for line in ax.lines if line.get_marker() == "<"]
    assert len(arrows) == 1


def test_weak_covariates_are_counted_instead_of_drawn() -> None:
    ax = plot_sensitivity(_make(covariates=9))
    assert len(ax.get_yticklabels()) == 7
    assert "2 weaker covariates are not shown" in ax.get_xlabel()


def test_nothing_to_compare_with_can_be_drawn() -> None:
    ax = plot_sensitivity(_make(covariates=0), title="Nothing")
    assert ax.get_title(loc="left") == "Nothing"
