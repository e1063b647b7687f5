"""Hostile text, in every form that a spreadsheet, page or path would act on."""

from __future__ import annotations

import html
import json
import re
import subprocess
import unicodedata

import pypandoc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prescribe.delivery.project import HOSTILE
from workbench.prescribe.delivery.safe_text import (
    clean_text,
    escape_chat,
    escape_markdown,
    find_file_name,
    format_json,
    guard_cell,
    is_plain_id,
)

TRIGGERS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
    "﹦",
    "﹢",
    "−",
)
ANY_TEXT = st.text(max_size=60) | st.sampled_from(HOSTILE)


@pytest.mark.parametrize("sign", TRIGGERS)
@pytest.mark.parametrize(
    "before", ["", " ", "\f", "\u00a0", "\ufeff", "\u200b", "\u3000"]
)
def test_a_cell_that_would_be_calculated_gets_an_apostrophe(sign, before):
    assert guard_cell(f"{before}{sign}1+cmd()") == f"'{before}{sign}1+cmd()"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Course;=HYPERLINK(1)", "Course;'=HYPERLINK(1)"),
        ("Course,+1", "Course,'+1"),
        ("Course|@SUM(1)", "Course|'@SUM(1)"),
        ("Course\t-1", "Course\t'-1"),
        ('Course; "=1', "Course; \"'=1"),
        ("Course;;＝1", "Course;;'＝1"),
        ("=a;=b", "'=a;'=b"),
        ("Sales; new, old", "Sales; new, old"),
    ],
)
def test_a_part_that_another_delimiter_would_make_a_cell_is_guarded(text, expected):
    assert guard_cell(text) == expected


@pytest.mark.parametrize("text", ["", "a=b", "12", "-3.5", "Größe", "(none)", "1-2"])
def test_a_harmless_cell_stays_as_it_is(text):
    assert guard_cell(text) == text


@given(ANY_TEXT)
def test_no_text_begins_a_formula_once_guarded(text):
    for cell in (guard_cell(text), guard_cell(clean_text(text))):
        shown = unicodedata.normalize("NFKC", cell.lstrip()).lstrip()
        number = re.fullmatch(r"-?\d+(\.\d+)?", cell, re.ASCII)
        assert number or not shown.startswith(("=", "+", "-", "@"))
        for delimiter in ";,|\t":
            for part in cell.split(delimiter)[1:]:
                shown = unicodedata.normalize("NFKC", part.strip(" \"'\n\r\t"))
                assert part.lstrip(' \n\r\t"').startswith("'") or not (
                    shown.startswith(("=", "+", "-", "@"))
                )


@given(ANY_TEXT)
def test_clean_text_is_one_visible_line_without_the_start_of_a_tag(text):
    clean = clean_text(text)
    assert clean == clean_text(clean)
    assert not re.search(r"[<＜﹤][A-Za-z/!?]", clean)
    assert all(unicodedata.category(sign) not in ("Cc", "Cs", "Cn") for sign in clean)
    assert clean == clean.strip()
    assert len(clean) <= 500
    clean.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u202egnp.exe", "gnp.exe"),
        ("a\r\nb\tc\x00d", "a b c d"),
        ("<script>alert(1)</script>", "‹script>alert(1)‹/script>"),
        ("5 < 6 and 7 > 6", "5 < 6 and 7 > 6"),
        ("Größe: Qualität & Öffnung", "Größe: Qualität & Öffnung"),
        (None, ""),
        (float("nan"), ""),
    ],
)
def test_clean_text_keeps_what_can_be_seen(text, expected):
    assert clean_text(text) == expected


def to_html(markdown: str) -> str:
    done = subprocess.run(
        [pypandoc.get_pandoc_path(), "-f", "gfm", "-t", "html", "--wrap=none"],
        input=markdown.encode(),
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def test_markdown_shows_every_title_and_does_nothing_else():
    """A reader of Markdown that lets HTML through, as many do, is the judge."""
    titles = [*HOSTILE, "1. one", "# one", "> one", "- one", "***", "a\\", "[a](b)"]
    titles += ["www.a.example", "HTTPS://a.example", "a@b.example", "&lt;b&gt;"]
    clean = [clean_text(title) for title in titles]
    page = to_html("\n\n".join(map(escape_markdown, clean)))
    shown = re.findall(r"<p>(.*?)</p>", page)
    assert [html.unescape(text) for text in shown] == clean
    assert set(re.findall(r"<(\w+)", page)) == {"p"}


@given(ANY_TEXT)
def test_json_can_stand_within_a_page(text):
    data = format_json({"title": text.encode("utf-8", "replace").decode()})
    assert not {b"<", b">", b"&"} & {data[i : i + 1] for i in range(len(data))}
    assert json.loads(data)["title"] == text.encode("utf-8", "replace").decode()


@given(ANY_TEXT)
def test_no_mention_is_left_in_a_chat_message(text):
    assert "<" not in escape_chat(text)
    assert html.unescape(escape_chat(text)) == html.unescape(text) or "&" in text


@given(ANY_TEXT)
def test_a_file_name_leads_nowhere(text):
    name = find_file_name(text.encode("utf-8", "replace").decode())
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name)


def test_file_names_of_different_texts_differ():
    names = {find_file_name(text) for text in (*HOSTILE, "a", "A", "../a", "a/../a")}
    assert len(names) == len(HOSTILE) + 4


@pytest.mark.parametrize("text", ["AG-0100003", "a.b@example.org", "l1-1", "CF 101"])
def test_plain_ids_may_leave(text):
    assert is_plain_id(text)


@pytest.mark.parametrize(
    "text", ["", "=1", "@sum", "-x", "a\nb", "a;b", "<b>", "é", "x" * 121]
)
def test_odd_ids_may_not(text):
    assert not is_plain_id(text)
