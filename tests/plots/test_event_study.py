"""The event study: reference, bands, facets, and the words that go with them."""

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

from workbench.plots.event_study import (
    describe_event_study,
    describe_event_study_alt,
    event_study_frame,
    plot_event_study,
)
from workbench.plots.style import save_svg


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def make(method: str = "did_cs", *, band: bool = True, **more: object) -> pd.DataFrame:
    values = {-3: 0.02, -2: -0.01, -1: 0.0, 0: 0.10, 1: 0.21, 2: 0.20}
    times = list(values)
    frame = pd.DataFrame({"event_time": times, "estimate": list(values.values())})
    half = np.where(frame["event_time"] == -1, 0.0, 0.06)
    wide = np.where(frame["event_time"] == -1, np.nan, 0.09 if band else np.nan)
    return frame.assign(
        method=method,
        ci_low=frame["estimate"] - half,
        ci_high=frame["estimate"] + half,
        band_low=frame["estimate"] - wide,
        band_high=frame["estimate"] + wide,
        reference=frame["event_time"] == -1,
        n_treated=[30, 40, 50, 50, 45, 20],
        outcome="performance_rating",
        unit="points",
    ).assign(**more)


@pytest.fixture
def frame() -> pd.DataFrame:
    other = make("did_sun_abraham", band=False)
    return pd.concat([other, make()], ignore_index=True)


def test_frame_puts_the_headline_first(frame: pd.DataFrame) -> None:
    drawn = event_study_frame(frame)
    assert drawn["method"].unique().tolist() == ["did_cs", "did_sun_abraham"]
    assert drawn.loc[drawn["focus"], "event_time"].unique().tolist() == [1]
    shares = event_study_frame(frame.assign(unit="probability"))
    assert shares["value"].max() == pytest.approx(21.0)
    assert set(shares["unit"]) == {"percentage points"}
    bare = frame[["method", "event_time", "estimate", "ci_low", "ci_high", "reference"]]
    assert event_study_frame(bare)["band_low"].isna().all()
    assert describe_event_study(bare).startswith("The outcome rose by 0.21 one quarter")
    assert plot_event_study(bare).get_ylabel() == "effect"


def test_titles_state_change_and_past(frame: pd.DataFrame) -> None:
    assert describe_event_study(frame, labels={"performance_rating": "Ratings"}) == (
        "Ratings rose by 0.21 points one quarter after learning; no trend before it "
        "could be seen"
    )
    up = make()
    falling = up.assign(
        estimate=-up["estimate"],
        ci_low=-up["ci_high"],
        ci_high=-up["ci_low"],
        band_low=-up["band_high"],
        band_high=-up["band_low"],
    )
    assert describe_event_study(falling).startswith("Performance rating fell by 0.21")
    assert describe_event_study(make().assign(focus=make()["event_time"] == 0)) == (
        "Performance rating rose by 0.1 points in the quarter of learning; no trend "
        "before it could be seen"
    )
    late = make()
    late = late[late["event_time"] >= -1]
    assert describe_event_study(late).endswith(
        "no quarter before it could be looked at"
    )
    past = make()[make()["event_time"] < 0]
    assert "nothing is known of the time after" in describe_event_study(past)
    none = frame.iloc[:0]
    assert describe_event_study(none) == "No comparison over time could be made"


def test_large_numbers_have_no_exponent() -> None:
    numbers = ["estimate", "ci_low", "ci_high", "band_low", "band_high"]
    sales = make(unit="EUR")
    sales[numbers] *= 10_000
    assert "rose by 2,100 EUR one quarter" in describe_event_study(sales)


def test_focus_is_judged_by_its_interval_and_the_past_by_bands() -> None:
    """One quarter is settled beforehand; the quarters before are looked at together."""
    wide = make().assign(
        band_low=make()["estimate"] - 0.5, band_high=make()["estimate"] + 0.5
    )
    assert describe_event_study(wide).startswith("Performance rating rose by 0.21")
    early = wide.assign(
        ci_low=wide["ci_low"].where(wide["event_time"] != -3, 0.01),
    )
    assert "no trend before it could be seen" in describe_event_study(early)
    loose = make().assign(ci_low=make()["estimate"] - 0.3)
    assert describe_event_study(loose).startswith("No clear change in performance")


def test_a_trend_before_is_said() -> None:
    early = make().assign(
        estimate=lambda x: x["estimate"].where(x["event_time"] > -3, 0.2)
    )
    moved = early.assign(
        band_low=early["estimate"] - 0.09, band_high=early["estimate"] + 0.09
    )
    assert describe_event_study(moved).endswith("already moving apart before it")


def test_a_trend_that_only_other_methods_see_is_said() -> None:
    other = make("did_sun_abraham", band=False)
    other.loc[0, ["estimate", "ci_low", "ci_high"]] = -0.2, -0.26, -0.14
    both = pd.concat([make(), other], ignore_index=True)
    assert "the other methods see learners moving apart" in describe_event_study(both)


def test_without_bands_the_past_is_judged_together() -> None:
    """At 0.065 ± 0.06 one interval leaves out 0, but not the wider one of two."""
    plain = make(band=False)
    plain.loc[0, ["estimate", "ci_low", "ci_high"]] = 0.065, 0.005, 0.125
    assert "no trend before it could be seen" in describe_event_study(plain)
    plain.loc[0, ["estimate", "ci_low", "ci_high"]] = 0.08, 0.02, 0.14
    assert "already moving apart" in describe_event_study(plain)


def test_reference_zero_and_offsets_are_drawn(frame: pd.DataFrame) -> None:
    ax = plot_event_study(frame)
    hollow = [line for line in ax.lines if line.get_marker() == "D"]
    assert len(hollow) == 2
    places = [line.get_xdata()[0] for line in hollow]
    assert places[0] != places[1]
    assert np.mean(places) == pytest.approx(-1)
    assert any(set(line.get_xdata()) == {-0.5} for line in ax.lines)
    assert any(set(line.get_ydata()) == {0} for line in ax.lines)
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels[0] == "−3\n30"
    assert labels[3] == "0\n50"
    texts = {text.get_text().strip() for text in ax.texts}
    assert {"before", "after", "● group-time", "● Sun-Abraham"} <= texts
    assert ax.get_ylabel() == "effect (points)"
    low, high = ax.get_ylim()
    assert low < -0.1 < 0.3 < high


def test_quarterly_changes_are_named_as_such(frame: pd.DataFrame) -> None:
    assert "change on the quarter before" not in plot_event_study(frame).get_xlabel()
    varying = frame["reference"] & (frame["method"] != "did_cs")
    label = plot_event_study(frame.assign(reference=varying)).get_xlabel()
    assert label.endswith("\ngroup-time before learning: change on the quarter before")


def test_every_outcome_has_its_own_panel_and_unit(frame: pd.DataFrame) -> None:
    kept = make(outcome="retention_12m", unit="probability")
    both = pd.concat([frame, kept], ignore_index=True)
    ax = plot_event_study(both)
    assert [panel.get_ylabel() for panel in ax.child_axes] == [
        "effect (points)",
        "effect (percentage points)",
    ]
    assert ax.child_axes[1].get_title(loc="left") == "Retention 12m"
    title = describe_event_study(both)
    assert "rose by 21 percentage points" in title
    assert title.endswith("; no trend before it could be seen")
    text = describe_event_study_alt(both)
    assert "Retention 12m, percentage points: −3 +2 (−4 to +8)" in text
    assert "2 methods" in text


def test_many_quarters_thin_the_counts() -> None:
    times = list(range(-9, 8))
    long = pd.DataFrame(
        {
            "method": "did_cs",
            "event_time": times,
            "estimate": 0.0,
            "ci_low": -1.0,
            "ci_high": 1.0,
            "reference": [time == -1 for time in times],
            "n_treated": 240,
        }
    )
    labels = [label.get_text() for label in plot_event_study(long).get_xticklabels()]
    assert labels[0] == "−9\n240"
    assert labels[1] == "−8"


def test_given_axes_and_nothing_to_draw(frame: pd.DataFrame) -> None:
    before = frame.copy()
    figure = Figure(figsize=(7.2, 4), layout="constrained")
    given = figure.subplots()
    assert plot_event_study(frame, ax=given, title="Own title") is given
    figure.draw_without_rendering()
    assert given.get_position().width > 0.3
    pd.testing.assert_frame_equal(frame, before)
    assert plot_event_study(frame.iloc[:0]).get_ylabel() == ""


def test_svg_is_the_same_again(frame: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        save_svg(plot_event_study(frame).figure, tmp_path / name)  # type: ignore[arg-type]
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
