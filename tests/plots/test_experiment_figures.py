"""Looks and power: what is drawn, what the titles say, and what they refuse to say."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from workbench.plots.experiment import (
    describe_looks,
    describe_looks_alt,
    describe_power,
    describe_power_alt,
    looks_frame,
    plot_looks,
    plot_power,
    power_frame,
)


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def make_looks(effect: float = 0.05, **more: object) -> pd.DataFrame:
    days = pd.date_range("2026-01-07", periods=10, freq="7D").strftime("%Y-%m-%d")
    people = np.arange(1, 11) * 40
    error = 0.8 / np.sqrt(people)
    return pd.DataFrame({"day": days, "n": people, "estimate": effect}).assign(
        low=effect - 3 * error,
        high=effect + 3 * error,
        fixed_low=effect - 2 * error,
        fixed_high=effect + 2 * error,
        **more,
    )


def make_power(reached: float = 0.21, planned: float = 0.2) -> pd.DataFrame:
    effects = np.linspace(0, 0.4, 41)
    share = 0.05 + 0.95 * (1 - np.exp(-((effects / 0.17) ** 2)))
    return pd.DataFrame({"effect": effects, "power": share}).assign(
        n=400, clusters=20, achieved_mde=reached, planned_effect=planned
    )


def test_looks_come_in_order_of_days_and_in_their_unit() -> None:
    shuffled = make_looks(unit="probability").sample(frac=1, random_state=1)
    drawn = looks_frame(shuffled)
    assert drawn["day"].is_monotonic_increasing
    assert drawn["value"].iloc[0] == pytest.approx(5.0)
    assert set(drawn["unit"]) == {"percentage points"}
    gone = make_looks()
    gone.loc[3, "estimate"] = np.nan
    assert len(looks_frame(gone)) == 9


def test_the_title_goes_by_the_interval_that_holds_at_every_look() -> None:
    assert describe_looks(make_looks(0.01)) == (
        "In 10 looks, the interval that holds at every look never left out zero"
    )
    assert describe_looks(make_looks(0.09)) == (
        "In 10 looks, the interval that holds at every look never left out zero; the "
        "one for a single look did 3 times"
    )
    assert describe_looks(make_looks(-0.15)) == (
        "The interval that holds at every look left out zero from 18 February 2026"
    )
    assert describe_looks(make_looks().iloc[:0]) == "There was nothing to look at"


def test_both_intervals_and_the_estimate_are_drawn() -> None:
    looks = make_looks(unit="rating points")
    ax = plot_looks(looks)
    assert ax.get_ylabel() == "effect (rating points)"
    assert ax.get_xlabel() == "day of the look; 400 people at the last"
    solid = [line for line in ax.lines if len(line.get_xdata()) == 10]
    drawn = {line.get_ydata()[-1].round(4) for line in solid}
    last = looks.iloc[-1]
    columns = ["estimate", "fixed_low", "fixed_high"]
    assert drawn == {round(last[name], 4) for name in columns}
    assert len(ax.collections) == 1
    low, high = ax.get_ylim()
    assert low < last["low"] < last["high"] < high
    words = describe_looks_alt(looks)
    assert "11 March 2026, with 400 people: +0.05 rating points, −0.07" in words


def test_one_look_or_none_can_be_drawn() -> None:
    assert (
        plot_looks(make_looks().iloc[:1]).get_title(loc="left").startswith("In 1 look")
    )
    empty = plot_looks(make_looks().iloc[:0])
    assert not empty.lines
    assert describe_looks_alt(make_looks().iloc[:0]) == "There was nothing to look at."


def test_the_title_of_power_holds_what_was_reached_against_what_was_planned() -> None:
    assert describe_power(make_power()) == (
        "The smallest effect it could well have seen is 0.21, more than planned (0.2)"
    )
    assert describe_power(make_power(0.18)).endswith("0.18, as planned (0.2)")
    assert describe_power(make_power(planned=np.nan)).endswith("seen is 0.21")
    assert "not known" in describe_power(make_power(np.nan))
    assert "not known" in describe_power(make_power().iloc[:0])
    shares = make_power().assign(unit="probability")
    assert "21 percentage points" in describe_power(shares)
    assert power_frame(shares)["power"].max() <= 100


def test_planned_and_reached_effects_are_marked_and_named_apart() -> None:
    ax = plot_power(make_power())
    marks = {
        line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1
    }
    assert marks == {0.2, 0.21}
    named = {item.get_text(): item.get_ha() for item in ax.texts}
    assert named == {"could be seen: 0.21": "left", "planned: 0.2": "right"}
    assert "0: 5 %" in describe_power_alt(make_power())
    bare = plot_power(make_power(planned=np.nan))
    assert [item.get_text() for item in bare.texts] == ["could be seen: 0.21"]
    assert not plot_power(make_power().iloc[:0]).lines


def test_several_sizes_have_a_curve_each() -> None:
    both = pd.concat([make_power(), make_power().assign(n=800)], ignore_index=True)
    curves = [line for line in plot_power(both).lines if len(line.get_xdata()) == 41]
    assert len(curves) == 2
