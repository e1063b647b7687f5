from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from workbench.plots.quality import (
    describe_quality,
    describe_quality_alt,
    describe_quarantine_alt,
    describe_volume,
    plot_quality,
    plot_quarantine,
    plot_volume,
    quarantine_frame,
    volume_frame,
)

mpl.use("Agg")

QUALITY = pd.DataFrame(
    [
        ("employees", "completeness", 0.9999, "pass", 99.99),
        ("employees", "validity", 1.0, "pass", 99.99),
        ("enrollments", "completeness", 0.9, "warn", 59.0),
        ("enrollments", "validity", 0.5, "fail", 59.0),
        ("costs", "completeness", float("nan"), "not_applicable", float("nan")),
        ("costs", "validity", float("nan"), "not_applicable", float("nan")),
    ],
    columns=["table", "dimension", "value", "status", "table_score"],
)
QUARANTINE = pd.DataFrame(
    [
        ("enrollments", "unknown_employee", "employee_id", 60),
        ("enrollments", "unknown_employee", "instructor_id", 15),
        ("performance", "out_of_range", "rating", 25),
    ],
    columns=["table", "reason", "column", "rows"],
)
VOLUME = pd.DataFrame(
    [
        ("events", "2026Q2", 2_000_000),
        ("events", "2026Q3", 2_100_000),
        ("ratings", "2026Q2", 400),
        ("ratings", "2026Q3", 200),
    ],
    columns=["table", "quarter", "rows"],
)


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def _texts(axes: plt.Axes) -> list[str]:
    return [item.get_text() for item in axes.texts]


def _title(axes: plt.Axes) -> str:
    return axes.get_title(loc="left").replace("\n", " ")


def test_quality_shows_every_share_with_its_status() -> None:
    axes = plot_quality(QUALITY)
    assert [item.get_text() for item in axes.get_yticklabels()] == [
        "employees",
        "enrollments",
        "costs",
    ]
    labels = [item.get_text() for item in axes.get_xticklabels()]
    assert labels == ["completeness", "validity", "score of 100"]
    # a share just below one is not written as all
    assert _texts(axes) == [
        *("99.9%", "100%", "! 90%", "✗ 50%", "–", "–"),
        *("99", "59", "–"),
    ]
    assert _title(axes) == (
        "1 of 2 tables score below 90; enrollments is lowest with 59"
    )


def test_quality_in_words() -> None:
    assert describe_quality(QUALITY.head(2)) == "All 1 tables score 90 or more of 100"
    assert describe_quality(QUALITY.tail(2)) == "No table could be scored"
    alt = describe_quality_alt(QUALITY)
    assert "enrollments completeness 90%; enrollments validity 50%." in alt


def test_quarantine_draws_most_rows_first() -> None:
    assert quarantine_frame(QUARANTINE).to_numpy().tolist() == [
        ["enrollments: unknown employee", 75],
        ["performance: out of range", 25],
    ]
    axes = plot_quarantine(QUARANTINE)
    assert axes.lines[0].get_xdata().tolist() == [75, 25]  # type: ignore[union-attr]
    assert axes.get_xlabel() == "Rows set aside (logarithmic)"
    assert axes.get_xscale() == "log"
    assert _title(axes) == (
        "100 rows were set aside; 75% are enrollments: unknown employee"
    )
    assert describe_quarantine_alt(QUARANTINE).endswith("performance: out of range 25.")


def test_an_empty_quarantine_says_so() -> None:
    axes = plot_quarantine(QUARANTINE.head(0))
    assert _title(axes) == "No row was set aside on loading"
    assert not axes.axison


def test_volume_names_the_largest_change() -> None:
    axes = plot_volume(VOLUME)
    assert _texts(axes) == ["2M", "2.1M", "400", "200"]
    assert _title(axes) == (
        "Records of ratings fell by 50% from 2026Q2 to 2026Q3, the largest change"
    )
    assert volume_frame(VOLUME).loc["ratings"].tolist() == [400, 200]


@pytest.mark.parametrize(
    ("volume", "title"),
    [
        (VOLUME.head(0), "No dated records up to the data cut"),
        (VOLUME.head(1), "One quarter of records: nothing to compare with"),
        (
            VOLUME.assign(rows=[0, 5, 5, 0]),
            "No table has records in both 2026Q2 and 2026Q3",
        ),
        (VOLUME.assign(rows=5), "As many records in 2026Q3 as in 2026Q2"),
    ],
)
def test_volume_in_words(volume: pd.DataFrame, title: str) -> None:
    assert describe_volume(volume) == title
    assert _title(plot_volume(volume)) == title


def test_plots_draw_on_given_axes_and_leave_the_frame() -> None:
    _, axes = plt.subplots()
    before = QUALITY.copy()
    assert plot_quality(QUALITY, ax=axes) is axes
    pd.testing.assert_frame_equal(QUALITY, before)
