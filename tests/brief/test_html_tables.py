from __future__ import annotations

import pandas as pd
import pytest

from workbench.brief.html_tables import draw_table, read_tables, wrap_raw_html


def test_frame_is_rebuilt_with_scopes_and_numbers_to_the_right() -> None:
    frame = pd.DataFrame({"n": [1, 20], "who": ["a<b", "c"]}, index=["x", "y"])
    (table,) = read_tables(frame.to_html())
    drawn = draw_table(table)
    assert '<th scope="col" class="num">n</th><th scope="col">who</th>' in drawn
    assert '<th scope="row">x</th><td class="num">1</td><td>a&lt;b</td>' in drawn
    assert 'class="table-wrap"' in drawn
    assert "border=" not in drawn


def test_spans_are_kept_and_bounded() -> None:
    html = (
        '<table><tr><th colspan="2">a</th></tr>'
        '<tr><td rowspan="99999">1</td><td colspan="x">2</td></tr></table>'
    )
    (table,) = read_tables(html)
    drawn = draw_table(table)
    assert 'colspan="2"' in drawn
    assert 'rowspan="1000"' in drawn
    assert drawn.count("colspan") == 1


@pytest.mark.parametrize("tag", ["style", "script"])
def test_silent_parts_are_left_out(tag: str) -> None:
    html = f"<table><tr><td><{tag}>secret</{tag}>shown</td></tr></table>"
    (table,) = read_tables(html)
    assert "secret" not in draw_table(table)
    assert "shown" in draw_table(table)


def test_sentences_get_a_wide_column() -> None:
    html = f"<table><tr><td>{'word ' * 20}</td><td>word</td></tr></table>"
    (table,) = read_tables(html)
    drawn = draw_table(table)
    assert drawn.count('class="long"') == 1


def test_caption_names_the_region() -> None:
    html = '<table><caption>A "b"</caption><tr><td>1</td></tr></table>'
    (table,) = read_tables(html)
    drawn = draw_table(table)
    assert 'aria-label="A &quot;b&quot;"' in drawn
    assert "<caption>A &quot;b&quot;</caption>" in drawn


def test_text_without_a_table_gives_none() -> None:
    assert read_tables("<p>words</p>") == []


def test_raw_block_cannot_be_closed_from_inside() -> None:
    block = wrap_raw_html("<pre>\n````\n</pre> {{< env HOME >}}")
    lines = block.strip().splitlines()
    assert lines[0] == "`````{=html}"
    assert lines[-1] == "`````"
    assert "{{<" not in block
