from __future__ import annotations

import re
from importlib import resources
from itertools import product

import pytest

THEME = resources.files("workbench.brief") / "theme"
TEXT_CONTRAST = 4.5
GRAPHIC_CONTRAST = 3.0
FILES = ("brief.css", "frame.css", "brief.scss", "dark.scss", "site.js", "page.html")


def read(name: str) -> str:
    return (THEME / name).read_text(encoding="utf-8")


def read_colours(start: str) -> dict[str, str]:
    """Return the colour names of the rule that begins with `start`."""
    text = read("brief.css")
    rule = text[text.index(start) :]
    rule = rule[: rule.index("}")]
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", rule))


LIGHT = read_colours(":root,\n.quarto-light {")
DARK = read_colours(".quarto-dark {")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_words_stand_out_from_their_ground(scheme: dict[str, str]) -> None:
    inks = ("ink", "soft", "accent", "good", "bad", "unsure")
    code = ("code-keyword", "code-string", "code-number", "code-comment")
    pairs = [*product(inks, ("paper", "wash")), *product(code, ("wash",))]
    weak = [
        pair
        for pair in pairs
        if contrast(scheme[pair[0]], scheme[pair[1]]) < TEXT_CONTRAST
    ]
    assert weak == []
    assert contrast(scheme["ink"], scheme["mark"]) >= TEXT_CONTRAST
    assert contrast(scheme["accent"], scheme["band"]) >= GRAPHIC_CONTRAST


def test_the_dark_of_the_system_is_the_dark_of_the_button() -> None:
    assert read_colours(':root[data-scheme="system"] {\n    color-scheme: dark') == DARK
    assert LIGHT.keys() == DARK.keys()


@pytest.mark.parametrize("name", FILES)
def test_theme_calls_nothing_from_elsewhere(name: str) -> None:
    text = read(name)
    assert re.search(r"https?://|@import|url\(", text) is None


@pytest.mark.parametrize("name", ["brief.scss", "dark.scss"])
def test_scss_is_of_the_form_that_quarto_reads(name: str) -> None:
    text = read(name)
    assert text.startswith("/*-- scss:defaults --*/\n")
    assert "/*-- scss:rules --*/" in text
    assert "$web-font-path: false;" in text
    for line in text.splitlines():
        stripped = line.strip()
        closed = (";", "{", "}", "*/", "")
        assert stripped == "" or stripped.endswith(closed[:-1]), line


def test_scss_colours_are_those_of_the_css() -> None:
    for name, scheme in (("brief.scss", LIGHT), ("dark.scss", DARK)):
        given = dict(re.findall(r"\$([a-z-]+): (#[0-9a-f]{6});", read(name)))
        assert given["body-bg"] == scheme["paper"]
        assert given["body-color"] == scheme["ink"]
        assert given["primary"] == scheme["accent"]


def test_script_writes_no_markup() -> None:
    text = read("site.js")
    for word in ("innerHTML", "outerHTML", "document.write", "eval(", "insertAdjacent"):
        assert word not in text


def test_a_figure_that_goes_on_to_the_right_says_so_on_a_phone() -> None:
    css = read("brief.css")
    phone = css[css.index("@media (max-width: 600px)") :]
    phone = phone[: phone.index("@media print")]
    assert "Slide the figure sideways" in phone
    assert "::-webkit-scrollbar-thumb" in phone
    assert re.search(r"\.quarto-float-fig > div \{\s+overflow-x: auto;", css)


def test_every_class_of_the_components_is_styled() -> None:
    css = read("brief.css")
    for name in (
        "kpi-cards",
        "kpi-card",
        "kpi-value",
        "kpi-ci",
        "kpi-bar",
        "kpi-target",
        "kpi-foot",
        "kpi-why",
        "unmeasured",
        "small",
        "verdict",
        "good",
        "bad",
        "unsure",
        "none",
        "grade",
        "lede",
        "brief-header",
        "decisions",
        "note",
        "warn",
        "table-wrap",
        "finding",
        "sub",
        "num",
        "empty",
        "band",
        "zero",
        "ci",
        "point",
        "tick",
    ):
        assert re.search(rf"\.{name}\b", css), name
