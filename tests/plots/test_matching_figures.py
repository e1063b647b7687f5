"""Love plot, overlap and forest: what is drawn, and the words that go with it."""

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

from tests.impact.simulate import make_cohort, make_outcome, simulate_frame
from tests.impact.test_effects import make_effect
from workbench.core.results import tabulate_estimates
from workbench.impact.effects import make_empty_estimate, make_estimate
from workbench.plots import style
from workbench.plots.forest import (
    describe_forest,
    describe_forest_alt,
    forest_frame,
    name_scale,
    plot_forest,
)
from workbench.plots.love import (
    describe_love,
    describe_love_alt,
    love_frame,
    plot_love,
)
from workbench.plots.overlap import (
    describe_overlap,
    describe_overlap_alt,
    overlap_frame,
    plot_overlap,
)


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def balance() -> pd.DataFrame:
    rows = [
        ("tenure_days", 0.62, 0.03),
        ("role=support_l1", -0.80, -0.04),
        ("skill_gap", 0.10, 0.01),
    ]
    return pd.DataFrame(
        [
            {"term": term, "site": site, "stage": stage, "smd": smd}
            for site in ("_all", "north")
            for term, before, after in rows
            for stage, smd in (("before", before), ("after", after))
        ]
    )


@pytest.fixture
def scores() -> pd.DataFrame:
    counts = {"learners": [0, 6, 4], "others": [8, 8, 0], "matched others": [1, 5, 0]}
    return pd.DataFrame(
        [
            {
                "group": group,
                "low": place / 4,
                "high": (place + 1) / 4,
                "n": n,
                "share": n / sum(numbers),
            }
            for group, numbers in counts.items()
            for place, n in enumerate(numbers)
        ]
    )


@pytest.fixture
def estimates() -> pd.DataFrame:
    frame = simulate_frame(1, people=60)
    rating = make_cohort(frame)
    kept = make_cohort(
        frame,
        outcome=make_outcome(
            id="retention_12m", kind="binary", unit="", source="exits.voluntary"
        ),
    )
    naive = make_effect(method="naive", value=0.9)
    flat = make_effect(value=0.01, std_error=0.02, baseline=0.8, baseline_variance=1e-4)
    skill = make_cohort(frame, outcome=make_outcome(id="skill", unit="points"))
    return tabulate_estimates(
        [
            make_estimate(naive, rating),
            make_estimate(make_effect(), rating, headline=True),
            make_estimate(make_effect(method="psm_nn_unadjusted"), rating),
            make_estimate(flat, kept, headline=True),
            make_empty_estimate(skill, limitation="No outcome was observed."),
        ]
    )


def _texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_love_frame_orders_by_what_was_unlike(balance: pd.DataFrame) -> None:
    frame = love_frame(balance)
    assert frame["term"].tolist() == ["role=support_l1", "tenure_days", "skill_gap"]
    assert frame["after"].tolist() == [-0.04, 0.03, 0.01]


def test_love_plot_draws_both_stages_and_the_bands(balance: pd.DataFrame) -> None:
    ax = plot_love(balance)
    before, after = (line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(before.get_xdata(), [-0.8, 0.62, 0.1])
    np.testing.assert_allclose(after.get_xdata(), [-0.04, 0.03, 0.01])
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["role: support l1", "tenure days", "skill gap"]
    assert "SD of learners" in ax.get_xlabel()
    assert ax.get_xlim()[0] == -ax.get_xlim()[1]
    assert {"before", "after matching", "±0.25"} <= set(_texts(ax))
    assert any(line.get_xdata()[0] == 0 for line in ax.lines)
    assert ax.get_title(loc="left").startswith("Matched learners and others are")


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (0.04, "are alike: largest difference 0.04 SD, 0.80 before"),
        (0.2, "small differences, which regression adjusts"),
        (0.4, "unlike in role: support l1"),
    ],
)
def test_love_title_states_the_finding(
    balance: pd.DataFrame, after: float, words: str
) -> None:
    rows = (balance["term"] == "role=support_l1") & (balance["stage"] == "after")
    assert words in describe_love(
        balance.assign(smd=balance["smd"].where(~rows, after))
    )


def test_love_alt_counts(balance: pd.DataFrame) -> None:
    text = describe_love_alt(balance)
    assert "3 covariate terms" in text
    assert "Before matching 2 differ by more than 0.25" in text
    assert "after matching 0; 3 are within 0.05" in text


def test_love_plot_says_how_many_terms_it_leaves_out() -> None:
    rows = [
        {"term": f"t{place}", "site": "_all", "stage": stage, "smd": place / 100}
        for place in range(26)
        for stage in ("before", "after")
    ]
    ax = plot_love(pd.DataFrame(rows))
    assert len(ax.get_yticks()) == 20
    assert "6 more terms, at most 0.05 after matching" in ax.get_xlabel()


def test_love_of_nothing() -> None:
    empty = pd.DataFrame(columns=["term", "site", "stage", "smd"])
    assert describe_love(empty) == "No covariate was compared"
    assert describe_love_alt(empty) == "No covariate was compared."
    assert plot_love(empty).get_yticks().size == 0


def test_overlap_draws_shares_in_percent(scores: pd.DataFrame) -> None:
    frame = overlap_frame(scores)
    assert frame["learners"].tolist() == [0.0, 60.0, 40.0]
    ax = plot_overlap(scores)
    heights = [bar.get_height() for bar in ax.patches]
    np.testing.assert_allclose(heights[:3], [0, 60, 40])
    np.testing.assert_allclose(heights[3:6], [-50, -50, 0])
    assert ax.get_ylabel() == "share of the group (%)"
    assert "probability of learning" in ax.get_xlabel()
    assert not any("-" in label.get_text() for label in ax.get_yticklabels())


def test_overlap_words(scores: pd.DataFrame) -> None:
    assert describe_overlap(scores).startswith("60% of learners have colleagues")
    assert "60% of learners lie where there are others" in describe_overlap_alt(scores)
    full = scores.assign(n=scores["n"] + 1)
    assert describe_overlap(full).startswith("Nearly all learners")


def test_forest_mixes_units_as_shares_of_the_baseline(
    estimates: pd.DataFrame,
) -> None:
    frame = forest_frame(estimates)
    assert frame["method"].tolist() == ["psm_nn", "naive", "psm_nn", "psm_nn"]
    assert frame["value"].iloc[:3].tolist() == pytest.approx([10.0, 30.0, 1.25])
    assert name_scale(estimates).startswith("%")
    one = estimates[estimates["outcome"] == "performance_rating"]
    assert forest_frame(one)["value"].tolist() == pytest.approx([0.3, 0.9])
    assert name_scale(one) == "rating points"
    kept = estimates[estimates["outcome"] == "retention_12m"]
    assert forest_frame(kept)["value"].tolist() == pytest.approx([1.0])
    assert name_scale(kept) == "percentage points"


def test_forest_draws_intervals_numbers_and_verdicts(estimates: pd.DataFrame) -> None:
    ax = plot_forest(estimates, labels={"retention_12m": "Stay a year"})
    frame = forest_frame(estimates)
    spans = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2][1:]
    np.testing.assert_allclose(
        spans, frame[["low", "high"]].dropna().to_numpy(), rtol=1e-12
    )
    texts = _texts(ax)
    assert {"Performance rating", "Stay a year", "Skill"} <= set(texts)
    assert "not answerable" in texts
    assert "unclear" in texts
    assert any(text.startswith("+10.0  (+") for text in texts)
    assert ax.get_xlabel().endswith("95 % intervals")
    assert ax.lines[0].get_xdata()[0] == 0


def test_forest_panel_without_a_name_line(estimates: pd.DataFrame) -> None:
    one = estimates[estimates["outcome"] == "performance_rating"]
    ax = plot_forest(one, labels={"performance_rating": ""}, title="Own title")
    assert ax.get_yticks().tolist() == [0.0, 1.0]
    assert "unclear" not in _texts(ax)
    assert ax.get_title(loc="left") == "Own title"


def test_forest_titles(estimates: pd.DataFrame) -> None:
    labels = {"performance_rating": "KPI rating"}
    assert describe_forest(estimates, labels=labels) == (
        "Higher KPI rating among learners; no measurable change in 1 other outcome"
    )
    kept = estimates[estimates["outcome"] == "retention_12m"]
    assert describe_forest(kept) == "No measurable change in retention 12m"
    lost = estimates[estimates["outcome"] == "skill"]
    assert describe_forest(lost) == "No comparison could be made"
    none = estimates.iloc[:0]
    assert describe_forest(none) == "No comparison could be made"
    assert plot_forest(none).get_yticks().size == 0
    turned = estimates.assign(
        ci_low=-estimates["ci_high"],
        ci_high=-estimates["ci_low"],
        relative_ci_low=-estimates["relative_ci_high"],
        relative_ci_high=-estimates["relative_ci_low"],
    )
    assert describe_forest(turned).startswith("Lower performance rating among")


def test_forest_alt_reads_the_headlines(estimates: pd.DataFrame) -> None:
    text = describe_forest_alt(estimates)
    assert "Performance rating +10.0  (+" in text
    assert "Skill not answerable" in text
    assert "95 % intervals" in text


@pytest.mark.parametrize("kind", ["love", "overlap", "forest"])
def test_drawing_on_given_axes_leaves_the_frame_alone(
    kind: str,
    balance: pd.DataFrame,
    scores: pd.DataFrame,
    estimates: pd.DataFrame,
) -> None:
    plot, frame = {
        "love": (plot_love, balance),
        "overlap": (plot_overlap, scores),
        "forest": (plot_forest, estimates),
    }[kind]
    before = frame.copy()
    figure = Figure(figsize=(7.2, 6), layout="constrained")
    given = figure.subplots()
    assert plot(frame, ax=given) is given  # type: ignore[operator]
    pd.testing.assert_frame_equal(frame, before)
    figure.draw_without_rendering()
    assert given.get_position().width > 0.3


@pytest.mark.parametrize("kind", ["love", "overlap", "forest"])
def test_svg_is_the_same_again(
    kind: str,
    balance: pd.DataFrame,
    scores: pd.DataFrame,
    estimates: pd.DataFrame,
    tmp_path: Path,
) -> None:
    plot, frame = {
        "love": (plot_love, balance),
        "overlap": (plot_overlap, scores),
        "forest": (plot_forest, estimates),
    }[kind]
    for name in ("a.svg", "b.svg"):
        style.save_svg(plot(frame).figure, tmp_path / name)  # type: ignore[operator]
    first = (tmp_path / "a.svg").read_bytes()
    assert first == (tmp_path / "b.svg").read_bytes()
    assert b"<dc:date>" not in first


def test_a_title_wraps_to_the_figure() -> None:
    ax = plt.figure(figsize=(4, 2)).add_subplot()
    style.set_title(ax, "A finding that is too long for a figure of this width")
    assert "\n" in ax.get_title(loc="left")


def test_colours_can_be_read() -> None:
    """Text at least 4.5 to 1 against the paper, marks at least 3 to 1 (WCAG)."""

    def light(colour: str) -> float:
        parts = np.array(mpl.colors.to_rgb(colour))
        low = parts <= 0.04045
        linear = np.where(low, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(colour: str) -> float:
        return (light(style.PAPER) + 0.05) / (light(colour) + 0.05)

    text = (style.INK, style.SOFT, style.ACCENT, style.GOOD, style.BAD, style.UNSURE)
    assert min(contrast(colour) for colour in text) >= 4.5
    assert min(contrast(colour) for colour in (style.MUTED, *style.CYCLE)) >= 3.0


def test_apply_style_sets_the_session() -> None:
    with mpl.rc_context():
        style.apply_style()
        assert mpl.rcParams["svg.hashsalt"] == "workbench"
        assert mpl.rcParams["axes.titlelocation"] == "left"
