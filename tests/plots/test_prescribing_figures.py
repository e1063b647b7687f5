"""Figures of modules, policies, gain curves, the price of a floor, and doses."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from workbench.plots.access import plot_access
from workbench.plots.dose import describe_dose, describe_dose_alt, dose_frame, plot_dose
from workbench.plots.frontier import (
    describe_frontier,
    describe_frontier_alt,
    frontier_frame,
    plot_frontier,
)
from workbench.plots.gain_curve import (
    describe_gain_curve,
    describe_gain_curve_alt,
    gain_frame,
    plot_gain_curve,
)
from workbench.plots.modules import (
    describe_modules,
    describe_modules_alt,
    module_frame,
    plot_modules,
)
from workbench.plots.persona_rows import list_places
from workbench.plots.policies import (
    describe_policies,
    describe_policies_alt,
    plot_policies,
    policy_frame,
)

NAN = math.nan
LABELS = {"leads": "Team leads", "clerks": "Clerks"}


def make_modules() -> pd.DataFrame:
    rows = [
        ("leads", "Feedback", "boost", 4.0, 1.0, 7.0),
        ("clerks", "Tickets", "watch", 0.5, -2.0, 3.0),
        ("leads", "Closing", "retire", -3.0, -5.0, -1.0),
        ("leads", "Planning", "keep", NAN, NAN, NAN),
    ]
    columns = ["persona", "title", "decision", "ratio", "ratio_low", "ratio_high"]
    return pd.DataFrame(rows, columns=columns)


def make_policies(*, gain_low: float = 0.1) -> pd.DataFrame:
    rows = [
        (persona, policy, share, value, gain_low if policy == "chosen" else NAN)
        for persona in ("leads", "clerks")
        for policy, share, value in (
            ("everyone", 1.0, 0.9),
            ("current", 0.4, 0.3),
            ("chosen", 0.4, 0.5),
        )
    ]
    table = pd.DataFrame(
        rows, columns=["persona", "policy", "share", "value", "gain_low"]
    )
    low, high = table["value"] - 0.1, table["value"] + 0.1
    return table.assign(low=low, high=high, unit="thresholds")


def make_curves(*, lift: float) -> pd.DataFrame:
    shares = [0.1, 0.25, 0.5, 1.0]
    values = [lift, lift / 2, lift / 4, 0.0]
    toc = pd.DataFrame({"share": shares[::-1], "value": values[::-1]})
    toc = toc.assign(low=toc["value"] - 0.1, high=toc["value"] + 0.1, curve="toc")
    return pd.concat([toc, toc.assign(curve="qini", value=9.0)], ignore_index=True)


def make_frontier(*, price: float) -> pd.DataFrame:
    rows = [
        (attribute, floor, 0.6 - paid, paid)
        for attribute, cost in (("gender", 0.0), ("age_band", price))
        for floor in (1.0, 0.0)
        for paid in (floor * cost,)
    ]
    table = pd.DataFrame(rows, columns=["attribute", "floor", "value", "price"])
    return table.assign(
        value_low=table["value"] - 0.1,
        value_high=table["value"] + 0.1,
        selection_ratio=0.9,
    )


def make_dose(*values: float) -> pd.DataFrame:
    table = pd.DataFrame({"dose": range(1, len(values) + 1), "estimate": values})
    return table.assign(
        ci_low=table["estimate"] - 0.1, ci_high=table["estimate"] + 0.1, n=50
    ).iloc[::-1]


def read_title(axes) -> str:
    return " ".join(axes.get_title(loc="left").split())


def test_modules_stand_by_persona_with_room_for_its_name() -> None:
    frame = module_frame(make_modules())
    assert frame["label"].tolist() == ["Feedback", "Closing", "Planning", "Tickets"]
    assert list_places(frame) == [1.0, 2.0, 3.0, 5.0]


def test_the_portfolio_title_names_what_to_boost_and_to_retire() -> None:
    title = "Of 4 modules 1 to boost (Feedback) and 1 to retire (Closing)"
    assert describe_modules(make_modules()) == title
    unsure = make_modules().assign(decision="watch")
    assert describe_modules(unsure).startswith("No module of 4 is clearly")
    assert describe_modules(unsure.iloc[:0]) == "No module could be valued"
    many = pd.concat([make_modules()] * 3)
    assert describe_modules(many) == "Of 12 modules 3 to boost and 3 to retire"


def test_the_portfolio_marks_decisions_in_words_and_filling() -> None:
    axes = plot_modules(make_modules(), labels=LABELS)
    texts = [item.get_text() for item in axes.texts]
    assert {"Team leads", "Clerks", "boost", "retire", "watch", "no number"} <= set(
        texts
    )
    faces = {
        tuple(item.get_offsets().data[0]): item.get_facecolor()[0].tolist()
        for item in axes.collections
        if len(item.get_offsets().data) and len(item.get_facecolor())
    }
    white = [1.0, 1.0, 1.0, 1.0]
    assert faces[(4.0, 1.0)] != white
    assert faces[(0.5, 5.0)] == white
    assert "thresholds (95 % interval)" in axes.get_xlabel()
    alt = describe_modules_alt(make_modules(), labels=LABELS)
    assert "Team leads, Closing: -3.00 (-5.00 to -1.00), retire" in alt
    assert "Team leads, Planning: without a number, keep" in alt


def test_policies_are_in_one_order_and_bear_their_share() -> None:
    frame = policy_frame(make_policies())
    assert frame["label"].tolist()[:3] == [
        "As chosen (40 %)",
        "As at present (40 %)",
        "Everyone (100 %)",
    ]
    hidden = make_policies()
    hidden.loc[0, "value"] = NAN
    assert len(policy_frame(hidden)) == len(frame) - 1


@pytest.mark.parametrize(
    ("gain_low", "title"),
    [
        (0.1, "Seats as chosen are worth more than what was done in 2 of 2 personas"),
        (
            -0.1,
            "Seats as chosen are worth more than what was done in none of 2 personas",
        ),
    ],
)
def test_the_policy_title_counts_clear_gains(gain_low: float, title: str) -> None:
    table = make_policies(gain_low=gain_low)
    assert describe_policies(table) == title
    assert read_title(plot_policies(table, labels=LABELS)) == title
    one = table[table["persona"] == "leads"].drop(columns="persona")
    assert ("not clearly" in describe_policies(one)) == (gain_low < 0)


def test_the_policy_figure_names_its_unit_and_reads_aloud() -> None:
    axes = plot_policies(make_policies(), labels=LABELS)
    assert axes.get_xlabel() == "Value in thresholds (95 % interval)"
    alt = describe_policies_alt(make_policies(), labels=LABELS)
    assert "Clerks, Everyone (100 %): 0.90 (0.80 to 1.00)" in alt
    nothing = make_policies().assign(value=NAN)
    assert describe_policies(nothing) == "No way to give out seats could be valued"


def test_a_gain_curve_runs_from_few_to_all_and_is_one_of_the_two() -> None:
    frame = gain_frame(make_curves(lift=0.8))
    assert frame["share"].tolist() == [0.1, 0.25, 0.5, 1.0]
    assert frame["value"].max() == pytest.approx(0.8)
    assert gain_frame(make_curves(lift=0.8), "qini")["value"].unique().tolist() == [9.0]


def test_the_gain_curve_says_whether_a_ranking_sorts() -> None:
    sorts, blind = make_curves(lift=0.8), make_curves(lift=0.05)
    assert describe_gain_curve(sorts).startswith("By predicted benefit: up to 50 %")
    assert "is not shown to sort" in describe_gain_curve(blind)
    assert "could not be tested" in describe_gain_curve(sorts.iloc[:0])
    need = sorts.assign(curve=sorts["curve"] + "_need")
    assert describe_gain_curve(need).startswith("By declared need: up to 50 %")
    assert describe_gain_curve_alt(need).startswith("TOC curve. By declared need")
    assert "10 % 0.80 (0.70 to 0.90)" in describe_gain_curve_alt(sorts)
    axes = plot_gain_curve(sorts)
    assert axes.get_xlim() == (0.0, 1.0)
    assert "95 % band" in axes.get_xlabel()


def test_the_frontier_goes_up_by_floor_within_an_attribute() -> None:
    frame = frontier_frame(make_frontier(price=0.12))
    assert frame["attribute"].tolist() == ["gender"] * 2 + ["age_band"] * 2
    assert frame["floor"].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_the_frontier_title_states_the_price() -> None:
    table = make_frontier(price=0.12)
    assert describe_frontier(table) == (
        "A floor of 1 by age band costs 0.12 of 0.60 a seat"
    )
    assert describe_frontier(make_frontier(price=0.0)).endswith("costs nothing")
    assert "could not be computed" in describe_frontier(table.assign(value=NAN))
    assert "age band, floor 1: 0.48 (95 % interval 0.38 to 0.58), price 0.12" in (
        describe_frontier_alt(table)
    )


def test_the_declared_floor_is_marked() -> None:
    axes = plot_frontier(make_frontier(price=0.12), declared=0.8, unit="points")
    assert axes.get_ylabel() == "points a seat"
    marked = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert [line.get_xdata()[0] for line in marked] == [0.8]
    assert [item.get_text() for item in axes.get_legend().get_texts()] == [
        "gender",
        "age band",
    ]


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ((0.0, 0.3, 0.5), "Clearly more from 2 modules on"),
        ((-0.3, -0.4), "Clearly less from 1 module on"),
        ((0.0, 0.05), "No number of modules differs clearly from none"),
        ((NAN,), "Too few people stopped at different numbers of modules"),
    ],
)
def test_the_dose_title_says_from_where_it_is_clear(values, title) -> None:
    table = make_dose(*values)
    assert describe_dose(table) == title
    assert title in describe_dose_alt(table)
    assert read_title(plot_dose(table, unit="rating points")) == title


def test_doses_are_in_order_and_name_their_unit() -> None:
    assert dose_frame(make_dose(0.1, 0.2, 0.3))["dose"].tolist() == [1, 2, 3]
    axes = plot_dose(make_dose(0.1, 0.2), unit="rating points")
    assert axes.get_ylabel() == "Effect in rating points"


def test_access_takes_a_title_and_an_axis_of_its_own() -> None:
    access = pd.DataFrame(
        {
            "persona": "leads",
            "program": "p",
            "group_by": "shift",
            "group": ["day", "night", "late"],
            "ratio": [1.2, 0.8, 1.0],
            "ratio_ci_low": [1.1, 0.7, 0.9],
            "ratio_ci_high": [1.3, 0.9, 1.1],
            "suppressed": False,
        }
    )
    axes = plot_access(access, title="Prescribed: 1 more", x_label="Share (95 %)")
    assert read_title(axes) == "Prescribed: 1 more"
    assert axes.get_xlabel() == "Share (95 %)"
