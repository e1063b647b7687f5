"""Curves over time: what is drawn, where it ends, the numbers below, and the words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.plots.style import save_svg
from workbench.plots.survival import (
    describe_survival,
    describe_survival_alt,
    plot_survival,
    survival_frame,
)

YEAR = 365


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def make(
    cause: str = "resigned",
    *,
    kind: str = "survival",
    horizon: int = YEAR,
    last: float = np.inf,
    arms: tuple[str, ...] = ("learners", "others"),
) -> pd.DataFrame:
    marks = np.round(np.linspace(0, horizon, 5))
    grid = np.union1d(np.arange(0, horizon, 7.0), marks)
    rates = {"learners": 0.08, "others": 0.15}
    tables = []
    for arm in arms:
        happened = rates[arm] * grid / horizon
        share = 1 - happened if kind == "survival" else happened
        table = pd.DataFrame({"time": grid, "estimate": share}).assign(
            arm=arm,
            cause=cause,
            kind=kind,
            low=np.maximum(share - 0.02, 0),
            high=np.minimum(share + 0.02, 1),
            at_risk=np.where(np.isin(grid, marks), np.round(200 - grid / 3), np.nan),
            horizon=horizon,
            extrapolated=False,
        )
        gone = table["time"] > last
        table.loc[gone, ["estimate", "low", "high", "at_risk"]] = np.nan
        tables.append(table)
    return pd.concat(tables, ignore_index=True).astype({"at_risk": "Int64"})


def texts(ax: Axes) -> list[str]:
    return [item.get_text() for item in ax.texts]


def test_shares_become_per_cent_and_curves_end_where_the_table_ends() -> None:
    curves = make(last=280)
    drawn = survival_frame(curves)
    assert drawn["value"].max() == 100
    assert drawn["time"].max() == 280
    assert len(curves) > len(drawn), "the table itself is left alone"
    ax = plot_survival(curves)
    assert max(line.get_xdata()[-1] for line in ax.lines) == 280
    assert ax.get_xlim() == (0, YEAR)


def test_the_title_states_both_shares_and_how_long() -> None:
    assert describe_survival(make()) == (
        "After 12 months, 92 % of learners and 85 % of matched others had stayed"
    )
    assert describe_survival(make("promotion", kind="incidence", horizon=180)) == (
        "Promotion within 180 days: 8 % of learners, 15 % of matched others"
    )
    assert describe_survival(make(last=274)) == (
        "After 9 months, 94 % of learners and 89 % of matched others had stayed; too "
        "few were followed to 12 months"
    )
    assert "Only learners" in describe_survival(make(arms=("learners",)))
    assert describe_survival(make().iloc[:0]).startswith("Nobody could be followed")


def test_an_arm_that_ends_first_sets_the_day_of_the_title() -> None:
    curves = pd.concat(
        [make(arms=("learners",), last=182), make(arms=("others",))], ignore_index=True
    )
    assert describe_survival(curves).startswith("After 6 months, 96 % of learners")


def test_numbers_still_followed_stand_below_at_their_days() -> None:
    ax = plot_survival(make())
    below = [item for item in ax.texts if item.xyann[1] < -40]
    assert [item.get_text() for item in below[:2]] == ["still followed", "learners"]
    counted = {item.xy[0]: item.get_text() for item in below if item.xyann[0] == 0}
    assert counted == {0: "200", 91: "170", 182: "139", 274: "109", 365: "78"}
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [
        "0",
        "3",
        "6",
        "9",
        "12",
    ]
    assert ax.get_xlabel() == "months since the end of the quarter of learning"


def test_short_horizons_count_days_and_counts_kept_back_are_not_drawn() -> None:
    curves = make("promotion", kind="incidence", horizon=180)
    curves.loc[curves["time"] == 90, "at_risk"] = pd.NA
    ax = plot_survival(curves)
    assert ax.get_xlabel().startswith("days")
    below = [item.xy[0] for item in ax.texts if item.xyann == (0, -61)]
    assert below == [0, 45, 135, 180]
    assert ax.get_ylim()[0] == 0


def test_an_axis_that_does_not_start_at_zero_says_so() -> None:
    ax = plot_survival(make())
    assert ax.get_ylim() == (80, 100)
    assert "(axis from 80 %)" in ax.get_ylabel()


def test_each_cause_has_a_panel_and_the_counts_stand_once() -> None:
    both = pd.concat([make(), make("other exit", kind="incidence")], ignore_index=True)
    ax = plot_survival(both)
    assert [panel.get_title(loc="left") for panel in ax.child_axes] == [
        "Not resigned",
        "Other exit",
    ]
    counted = [sum(text == "200" for text in texts(item)) for item in ax.child_axes]
    assert counted == [0, 2]
    assert "ot resigned" not in describe_survival(both)
    assert "Other exit" in describe_survival_alt(both).replace("other", "Other")


def test_what_is_extrapolated_is_dotted_and_speaks_in_no_title() -> None:
    curves = make()
    curves.loc[curves["time"] > 182, "extrapolated"] = True
    ax = plot_survival(curves)
    assert sum(line.get_linestyle() not in ("-", "None") for line in ax.lines) == 2
    assert describe_survival(curves).startswith("After 6 months")


def test_alt_text_holds_the_numbers(tmp_path: Path) -> None:
    words = describe_survival_alt(make())
    assert "learners 100 % (98 % to 100 %) at 0 days with 200 people" in words
    assert "92 % (90 % to 94 %) at 365 days with 78 people" in words
    assert describe_survival_alt(make().iloc[:0]).endswith("long enough.")
    figure = plot_survival(make()).get_figure()
    assert isinstance(figure, Figure)
    for name in ("a", "b"):
        save_svg(figure, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_to_draw_is_an_empty_figure_with_its_title() -> None:
    ax = plot_survival(make().iloc[:0], title="None")
    assert ax.get_title(loc="left") == "None"
    figure = plt.figure()
    own = figure.add_subplot()
    assert plot_survival(make(), ax=own) is own
