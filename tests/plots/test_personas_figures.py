"""Figures of the personas stage: what they draw and what they say."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.plots.access import (
    access_frame,
    describe_access,
    describe_access_alt,
    plot_access,
)
from workbench.plots.profile import (
    describe_gaps,
    describe_gaps_alt,
    gap_frame,
    plot_gaps,
)


def make_access() -> pd.DataFrame:
    rows = [
        ("shift", "day", 1.2, 1.05, 1.4),
        ("shift", "night", 0.8, 0.7, 0.95),
        ("region", "east", 1.0, 0.8, 1.2),
        ("region", "north", 0.9, 0.7, 1.1),
        ("region", "south", 1.1, 0.9, 1.3),
    ]
    columns = ["group_by", "group", "ratio", "ratio_ci_low", "ratio_ci_high"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(persona="leads", program="p", suppressed=False)


def make_profile() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "persona": ["leads", "leads", "clerks", "tiny"],
            "skill": ["coaching", "planning", "planning", "planning"],
            "mean_gap": [12.4, 3.0, 8.0, 60.0],
            "suppressed": [False, False, False, True],
        }
    )


def test_two_mirrored_groups_are_drawn_once() -> None:
    frame = access_frame(make_access())
    assert frame["label"].tolist() == [
        "shift: day",
        "region: east",
        "region: north",
        "region: south",
    ]
    assert frame["differs"].tolist() == [True, False, False, False]


def test_the_title_counts_what_differs() -> None:
    assert describe_access(make_access()).startswith("1 of 4 groups")
    assert "shift: day 1.20 (1.05 to 1.40)" in describe_access_alt(make_access())
    level = make_access().assign(ratio_ci_low=0.5, ratio_ci_high=2.0)
    assert describe_access(level).startswith("No group had clearly")


def test_hidden_groups_are_not_drawn() -> None:
    hidden = make_access().assign(suppressed=True)
    assert access_frame(hidden).empty
    assert plot_access(hidden).get_title(loc="left").startswith("No group is large")


def test_the_access_axis_is_logarithmic_around_one() -> None:
    axes = plot_access(make_access(), labels={"leads": "Team leads"})
    assert axes.get_xscale() == "log"
    assert "95 % interval" in axes.get_xlabel()
    assert "Team leads" in [text.get_text() for text in axes.texts]


def test_gaps_of_small_groups_are_left_out() -> None:
    frame = gap_frame(make_profile())
    assert list(frame.columns) == ["clerks", "leads"]
    assert frame.loc["coaching", "leads"] == pytest.approx(12.4)


def test_the_widest_gap_is_named() -> None:
    profile = make_profile()
    title = plot_gaps(profile, labels={"leads": "Team leads"}).get_title(loc="left")
    assert title == "The widest gap: Team leads in coaching, 12 of 100 points"
    assert "clerks, planning 8" in describe_gaps_alt(profile)
    assert describe_gaps(profile.assign(suppressed=True)) == "No skill gap can be shown"
