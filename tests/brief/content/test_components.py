"""Building blocks: safe whatever the data hold, and readable aloud."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.brief.cards import draw_cards
from workbench.brief.components import (
    Block,
    Column,
    Html,
    build_note,
    build_table,
    draw_grade,
    draw_header,
    draw_list,
    draw_verdict,
    escape_html,
    escape_markdown,
    join_blocks,
    show_figure,
    show_title,
    wrap_html,
    write_paragraph,
    write_section,
)
from workbench.brief.guard import check_raw_html
from workbench.brief.scorecard import build_scorecard

NASTY = "<script>alert(1)</script> {{< env HOME >}} ```\n\"quote\" & 'more'"


@given(st.text())
def test_escaped_html_holds_no_tag_fence_or_shortcode(text):
    safe = escape_html(text)
    assert not set("<>`\n") & set(safe)
    assert "{{<" not in safe
    assert escape_html(safe) == safe


@given(st.text())
def test_escaped_markdown_is_one_line_without_live_marks(text):
    safe = escape_markdown(text)
    assert len(safe.splitlines()) <= 1 or not set("\r\n") & set(safe)
    bare = re.sub(r"\\.", "", safe)
    assert not set("`*_{}[]<>#|~^@$&") & set(bare)


def test_data_cannot_leave_a_raw_block():
    block = build_table(
        [{"a": NASTY, "b": NASTY}],
        [Column("a", NASTY), Column("b", "n", numeric=True)],
        caption=NASTY,
        anchor="tbl-x",
    )
    assert block.text.startswith("```{=html}\n")
    assert block.text.endswith("\n```\n\n")
    assert block.text.count("```") == 2
    assert "{{<" not in block.text
    check_raw_html(block.text, where="test")


def test_every_component_passes_the_guard(data):
    blocks = (
        draw_header(NASTY, [NASTY, "b"]),
        draw_list([NASTY, Html("<b>x</b> y")], kind="decisions", ordered=True),
        build_note(NASTY, NASTY, warn=True),
        draw_cards(build_scorecard(data)),
        wrap_html(draw_verdict("good", NASTY) + draw_grade(3, words=True)),
    )
    for block in blocks:
        check_raw_html(block.text, where="test")
        assert block.text.count("```") == 2


def test_a_table_has_caption_scopes_and_numbers_to_the_right():
    text = build_table(
        [{"a": "x", "b": "1"}],
        [Column("a", "Name"), Column("b", "n", numeric=True)],
        caption="What it shows",
    ).text
    assert "<caption>What it shows</caption>" in text
    assert '<th scope="col" class="num">n</th>' in text
    assert '<th scope="row">x</th><td class="num">1</td>' in text
    assert 'tabindex="0"' in text


def test_grades_and_verdicts_speak_in_words_too():
    assert "●●●○○" in draw_grade(3)
    assert 'aria-label="evidence 3 of 5: two designs agree"' in draw_grade(3)
    assert draw_grade(0, words=True).endswith("not to rely on")
    assert "not graded" in draw_grade(None)
    assert "✗" in draw_verdict("bad", "target not met")
    assert "target not met" in draw_verdict("bad", "target not met")


def test_a_card_shows_interval_target_and_zero_in_its_bar(data):
    text = draw_cards(build_scorecard(data)).text
    bar = re.search(r'<svg class="kpi-bar".*?</svg>', text)[0]
    for part in ("band", "zero", "ci", "point"):
        assert f'class="{part}"' in bar
    assert 'aria-label="Effect +7.1\xa0%, interval +4.7 to +9.6\xa0%. Target:' in bar
    ends = [
        float(x) for x in re.findall(r'class="ci" x1="([\d.]+)" x2="([\d.]+)"', bar)[0]
    ]
    point = float(re.search(r'class="point" cx="([\d.]+)"', bar)[1])
    assert ends[0] < point < ends[1]
    assert point == pytest.approx(sum(ends) / 2, abs=0.11)


def test_blocks_show_themselves_as_markdown_only():
    block = join_blocks(
        write_section("Title", "here"), None, write_paragraph("a", "b", kind="lede")
    )
    assert block.text == "## Title {#here}\n\n::: {.lede}\na b\n:::\n\n"
    assert block._repr_markdown_() == block.text
    assert not hasattr(block, "_repr_html_")
    assert repr(Block("abc")) == "Block(3 characters)"
    assert write_paragraph("").text == ""


@pytest.fixture
def outputs(monkeypatch):
    """What is sent to the notebook."""
    sent = []
    monkeypatch.setattr(
        "IPython.display.publish_display_data",
        lambda data, metadata: sent.append((data, metadata)),
    )
    return sent


def test_a_title_is_a_heading_that_can_be_promoted(outputs):
    show_title("A *title*", description="what")
    data, metadata = outputs[0]
    assert data["text/markdown"] == "## A \\*title\\* {#answer}\n\n"
    assert metadata == {"workbench": {"title": "A *title*", "description": "what"}}


def test_a_figure_is_the_same_svg_each_time(outputs):
    from matplotlib.figure import Figure

    for _ in range(2):
        figure = Figure()
        figure.subplots().plot([0, 1], [0, 1])
        show_figure(figure, caption="c", alt="a")
    (first, metadata), (second, _) = outputs
    assert first == second
    assert "<svg" in first["image/svg+xml"]
    assert "dc:date" not in first["image/svg+xml"]
    assert metadata["workbench"] == {"fig_cap": "c", "fig_alt": "a"}
