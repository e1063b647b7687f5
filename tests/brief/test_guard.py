from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.brief.guard import (
    check_raw_html,
    disarm_markdown,
    escape_title,
    scrub,
    split_fences,
)
from workbench.core.errors import PublishError

HOSTILE = st.text(
    alphabet=st.sampled_from(list("{<>}`~= \n\\-/ahtmlscript")), max_size=80
)


@pytest.mark.parametrize(
    "text",
    [
        "a {{< env HOME >}} b",
        "`{{< env HOME >}}`",
        "```python\n{{< env HOME >}}\n```",
        "```{=html}\n<p>{{< env HOME >}}</p>\n```",
    ],
)
def test_no_shortcode_survives(text: str) -> None:
    disarmed = disarm_markdown(text, where="here")
    assert "{{<" not in disarmed
    assert "env HOME" in disarmed


@given(HOSTILE)
def test_no_shortcode_or_inline_tag_survives_any_text(text: str) -> None:
    try:
        disarmed = disarm_markdown(text, where="here")
    except PublishError:
        return
    assert "{{<" not in disarmed
    for kind, part in split_fences(disarmed):
        if kind == "prose":
            assert "<script" not in part.replace("\\<script", "")
            assert "{=html}" not in part


@given(st.text(max_size=200))
def test_fences_cut_without_loss(text: str) -> None:
    assert "".join(part for _, part in split_fences(text)) == text


def test_open_fence_is_prose() -> None:
    kinds = [kind for kind, part in split_fences("```{=html}\n<script>") if part]
    assert kinds == ["prose"]
    disarmed = disarm_markdown("```{=html}\n<script>", where="here")
    assert "\\<script>" in disarmed
    assert "{=html}" not in disarmed


def test_inline_html_becomes_text_and_comments_go() -> None:
    text = disarm_markdown("a <b>x</b> <!-- secret --> 1 < 2", where="here")
    assert text == "a \\<b>x\\</b>  1 < 2"


def test_second_front_matter_becomes_a_rule() -> None:
    text = disarm_markdown("one\n\n---\ntitle: hijacked\n---\n", where="here")
    assert "---" not in text
    assert "***\ntitle: hijacked\n***" in text


def test_raw_html_of_ours_stays_as_it_is() -> None:
    text = (
        '```{=html}\n<svg viewBox="0 0 1 1"><rect class="band" style="fill:red"/></svg>'
        '\n<a href="methods.ipynb#x">m</a>\n```\n'
    )
    assert disarm_markdown(text, where="here") == text


@pytest.mark.parametrize(
    ("html", "named"),
    [
        ("<script>x</script>", "<script>"),
        ('<img src="x" onerror="x">', "<img onerror>"),
        ('<a href="javascript:x">y</a>', "<a href>"),
        ('<a href=" java\nscript:x">y</a>', "<a href>"),
        ('<img src="https://example.org/x.png">', "<img src>"),
        ('<img src="//example.org/x.png">', "<img src>"),
        ('<p style="background:url(x)">y</p>', "<p style>"),
        ("<iframe></iframe>", "<iframe>"),
        ("<style>p{}</style>", "<style>"),
        ("<!-- x -->", "<!-- x -->"),
        ("<h1>x</h1>", "<h1>"),
    ],
)
def test_active_html_is_refused(html: str, named: str) -> None:
    with pytest.raises(PublishError, match="holds what no page may hold") as caught:
        check_raw_html(html, where="index.ipynb")
    assert named in str(caught.value)
    assert "index.ipynb" in str(caught.value)


def test_links_to_the_outside_are_links_and_no_requests() -> None:
    check_raw_html('<a href="https://doi.org/10.1/x">paper</a>', where="here")


def test_scrub_takes_machine_and_people_out() -> None:
    text = scrub(
        "\x1b[31mat /tmp/k/1.py and /data/proj/outputs\x1b[0m <X at 0x7f00aa11bb22> "
        "0123456789abcdef0123456789abcdef C:\\Users\\x\\y",
        roots=["/data/proj"],
    )
    assert text == "at … and ./outputs <X> … …"


def test_scrub_leaves_words_and_hashes() -> None:
    text = "see ../personas/a.ipynb, 1/2, and " + "a" * 64
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("title", "escaped"),
    [
        ("Support L1, first year", "Support L1, first year"),
        ("<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"),
        ("{{< env HOME >}}", "\\{\\{\\< env HOME \\>\\}\\}"),
        ("two\nlines", "two lines"),
    ],
)
def test_titles_are_escaped(title: str, escaped: str) -> None:
    assert escape_title(title) == escaped
