from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.brief.executed import FOREST, PNG
from workbench.brief.builtin import render_builtin
from workbench.brief.builtin.menus import draw_contents, link_to
from workbench.brief.builtin.tree import Heading
from workbench.brief.guard import disarm_markdown
from workbench.brief.site_config import dump_yaml
from workbench.core.errors import PublishError

MAIN = re.compile(r"<main.*?</main>", re.DOTALL)


class Site:
    """Renders staged pages given as lists of cells."""

    def __init__(self, folder: Path) -> None:
        self.stage = folder / "stage"
        self.output = folder / "site"
        self.front: dict[str, str] = {}

    def render(self, **pages: list[Any]) -> None:
        (self.stage / "theme").mkdir(parents=True)
        for name in ("brief.css", "favicon.svg"):
            (self.stage / "theme" / name).write_text("", encoding="utf-8")
        addresses = [name.replace("__", "/") for name in pages]
        config = {
            "project": {"render": [f"{item}.ipynb" for item in addresses]},
            "lang": "en",
            "website": {
                "title": "Acme \\<b\\>",
                "navbar": {"left": [{"text": "Home", "href": "index.ipynb"}]},
                "sidebar": {
                    "contents": [{"text": "Home", "href": "index.ipynb"}],
                },
                "page-footer": {"left": "Edition"},
            },
            "format": {"html": {"toc": True, "toc-title": "On this page"}},
            "execute": {"echo": False},
        }
        (self.stage / "_quarto.yml").write_text(dump_yaml(config), encoding="utf-8")
        for address, cells in zip(addresses, pages.values(), strict=True):
            text = self.front.get(address, "title: Page")
            raw = {"cell_type": "raw", "metadata": {}, "source": f"---\n{text}\n---"}
            notebook = {
                "cells": [dict(raw, id="front"), *cells],
                "metadata": {},
                "nbformat": 4,
                "nbformat_minor": 5,
            }
            path = self.stage / f"{address}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(notebook), encoding="utf-8")
        render_builtin(self.stage, self.output)

    def read(self, address: str = "index") -> str:
        return (self.output / f"{address}.html").read_text(encoding="utf-8")

    def main(self, address: str = "index") -> str:
        found = MAIN.search(self.read(address))
        assert found is not None
        return found[0]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def md(text: str) -> Any:
    return new_markdown_cell(text)


def code(source: str, *data: dict[str, str]) -> Any:
    outputs = [new_output("display_data", data=item) for item in data]
    return new_code_cell(source, outputs=outputs)


def picture(options: str) -> Any:
    return code(f"{options}\nplot()", {"image/svg+xml": FOREST})


def test_frame_has_the_names_that_the_theme_knows(site: Site) -> None:
    site.render(index=[md("## One {#one}\n\n## Two {#two}")])
    page = site.read()
    for mark in (
        '<html lang="en"',
        'id="quarto-content"',
        '<main class="content" id="quarto-document-content"',
        'id="TOC"',
        'class="navbar"',
        "sidebar-navigation",
        'id="title-block-header"',
        '<a class="skip-link" href="#quarto-document-content">',
        "<title>Page – Acme &lt;b&gt;</title>",
    ):
        assert mark in page
    assert page.count("<h1") == 1


class TestCells:
    def test_code_is_hidden_unless_asked_for(self, site: Site) -> None:
        shown = {"text/markdown": "words\n\n"}
        site.render(
            index=[
                code("secret()", shown),
                code("#| echo: true\nasked_for()", shown),
                code("#| include: false\nexcluded()", shown),
                code("#| output: false\n", {"text/markdown": "unseen\n\n"}),
            ]
        )
        main = site.main()
        assert "secret" not in main
        assert "asked_for" in main
        assert main.count("words") == 2
        assert "excluded" not in main
        assert "unseen" not in main

    def test_folder_metadata_folds_code(self, site: Site) -> None:
        site.front["appendix/a"] = "title: A"
        folder = site.stage / "appendix"
        folder.mkdir(parents=True)
        (folder / "_metadata.yml").write_text(
            "execute: {echo: true}\nsearch: false\n"
            "format: {html: {code-fold: true, code-summary: Show the code}}\n",
            encoding="utf-8",
        )
        site.render(index=[md("x")], appendix__a=[code("shown()"), md("findme")])
        main = site.main("appendix/a")
        assert re.search(
            r'<details class="code-fold"><summary>Show the code</summary>\s*<div '
            r'class="sourceCode".*?</details>',
            main,
            re.DOTALL,
        )
        assert "findme" not in (site.output / "search.json").read_text("utf-8")

    def test_figures_have_number_caption_and_alternative_text(self, site: Site) -> None:
        options = '#| label: fig-{0}\n#| fig-cap: "{0} *is* small"\n#| fig-alt: "a > b"'
        site.render(
            index=[
                picture(options.format("one")),
                picture(options.format("two")),
                md("See @fig-two."),
            ]
        )
        main = site.main()
        image = (
            '<img src="index_files/figure-html/fig-one-output-1.svg" '
            'class="img-fluid figure-img" alt="a &gt; b">'
        )
        assert image in main
        assert (
            site.output / "index_files/figure-html/fig-one-output-1.svg"
        ).read_text() == FOREST
        assert re.search(r"Figure 1: one <em>is</em> small", main)
        assert re.search(r"Figure 2: two <em>is</em> small", main)
        assert '<a href="#fig-two" class="quarto-xref">Figure 2</a>' in main
        assert main.count("<figure") == main.count("</figure>") == 2

    def test_picture_without_label_lies_where_quarto_puts_it(self, site: Site) -> None:
        site.render(index=[md("x"), code("plot()", {"image/png": PNG})])
        path = site.output / "index_files/figure-html/cell-3-output-1.png"
        assert path.read_bytes().startswith(b"\x89PNG")

    def test_table_caption_stands_above_its_table(self, site: Site) -> None:
        table = {"text/markdown": "```{=html}\n<table><tr><td>1</td></tr></table>\n```"}
        site.render(
            index=[code('#| label: tbl-x\n#| tbl-cap: "Rows & co"\ndf', table)],
        )
        main = site.main()
        assert 'id="tbl-x"' in main
        assert main.index("Table 1: Rows &amp; co") < main.index("<table>")

    def test_label_twice_is_refused(self, site: Site) -> None:
        cells = [picture('#| label: fig-x\n#| fig-cap: "a"') for _ in range(2)]
        with pytest.raises(PublishError, match=r"same label(.|\n)*fig-x"):
            site.render(index=cells)

    def test_label_cannot_leave_the_folder(self, site: Site) -> None:
        with pytest.raises(PublishError, match="cannot be part of a file name"):
            site.render(index=[picture('#| label: "../../x"\n#| fig-cap: "a"')])

    def test_broken_option_names_page_and_cell(self, site: Site) -> None:
        with pytest.raises(PublishError, match=r"not YAML(.|\n)*index, cell 2"):
            site.render(index=[md("x"), code("#| fig-cap: a: b\nx")])


class TestTree:
    def test_notebook_links_lead_to_pages(self, site: Site) -> None:
        site.render(
            index=[md("[p](personas/a.ipynb#who) [q](https://example.org/x.ipynb)")],
            personas__a=[
                md("[up](../index.ipynb) [root](/index.ipynb#x)"),
                md('```{=html}\n<a href="../personas/a.ipynb">self</a>\n```'),
            ],
        )
        assert 'href="personas/a.html#who"' in site.main()
        assert 'href="https://example.org/x.ipynb"' in site.main()
        below = site.main("personas/a")
        assert 'href="../index.html"' in below
        assert 'href="../index.html#x"' in below
        assert 'href="a.html"' in below

    def test_dead_ends_are_all_named(self, site: Site) -> None:
        with pytest.raises(PublishError, match="lead nowhere") as caught:
            site.render(
                index=[
                    md("[a](nowhere.ipynb) [b](javascript:alert(1)) @fig-none"),
                    md("![x](https://example.org/x.png)"),
                ]
            )
        for text in ("nowhere.ipynb", "javascript:", "@fig-none", "example.org/x.png"):
            assert text in str(caught.value)

    def test_callouts_have_the_structure_of_quarto(self, site: Site) -> None:
        site.render(
            index=[
                md("## A {#a}\n\n## B {#b}"),
                md("::: {.callout-note}\n## Title\n\ntext\n:::"),
                md("::: {.callout-warning}\nbare\n:::"),
            ]
        )
        page = site.read()
        assert re.search(
            r'<div class="callout callout-style-default callout-note '
            r'callout-titled">\s*'
            r'<div class="callout-header">\s*<div class="callout-title-container">\s*'
            r"Title\s*</div>\s*</div>\s*"
            r'<div class="callout-body-container callout-body">\s*<p>text</p>',
            page,
        )
        assert re.search(r'callout-title-container">\s*Warning\s*<', page)
        contents = page[page.index('id="TOC"') :]
        assert "Title" not in contents

    def test_tables_scroll_in_a_wrap_of_their_own(self, site: Site) -> None:
        table = "| a | b |\n|---|--:|\n| 1 | 2 |"
        site.render(index=[md(table), md(f"::: {{.table-wrap}}\n{table}\n:::")])
        main = site.main()
        assert main.count('class="table-wrap"') == 2
        assert main.count("<table") == 2

    def test_markdown_holds_no_html_of_its_own(self, site: Site) -> None:
        site.render(
            index=[
                md("<b>x</b> <script>y</script>"),
                md("[a]{onclick=x style=color:red} [b](index.ipynb){onfocus=x}"),
            ]
        )
        main = site.main()
        assert "&lt;script&gt;" in main
        assert "<script" not in main
        for word in ("onclick", "onfocus", "style="):
            assert word not in main

    def test_math_is_mathml_and_words_are_typographic(self, site: Site) -> None:
        site.render(index=[md('$x^2$ and "quoted"')])
        main = site.main()
        assert "<math" in main
        assert "“quoted”" in main


@pytest.mark.parametrize(
    "text",
    [
        "```{=html}\n<script>alert(1)</script>",
        "- a\n\n    ```{=html}\n    <script>alert(1)</script>\n    ```",
        "`<script>alert(1)</script>`{=html}",
        "> ```{=html}\n> <script>alert(1)</script>\n> ```",
        "~~~{ =html }\n<script>alert(1)</script>\n~~~~ x\n~~~",
        "[x]{.a onclick=alert(1)}<img src=x onerror=alert(1)>",
        "a\\<script>alert(1)</script>",
        "\\\\<script>alert(1)</script>",
        "<scr{{<ipt>",
        "x\n```{=html}\n<script>alert(1)</script>\n```\ny",
    ],
)
def test_hostile_text_never_becomes_an_element(site: Site, text: str) -> None:
    try:
        disarmed = disarm_markdown(text, where="here")
    except PublishError:
        return
    site.render(index=[code("#| output: asis\nx", {"text/markdown": disarmed})])
    main = site.main()
    assert re.search(r"<(script|img)|\sonclick=|\sonerror=[^&]*>", main) is None


class TestMenus:
    def test_contents_nest_and_close(self) -> None:
        headings = [
            Heading(2, "a", "A"),
            Heading(3, "b", "B"),
            Heading(3, "c", "<C>"),
            Heading(2, "d", "D"),
        ]
        drawn = draw_contents(headings)
        assert re.sub(r' class="nav-link"', "", drawn) == (
            '<ul><li><a href="#a">A</a><ul><li><a href="#b">B</a></li>'
            '<li><a href="#c">&lt;C&gt;</a></li></ul></li>'
            '<li><a href="#d">D</a></li></ul>'
        )

    @pytest.mark.parametrize("levels", [(3, 2), (2, 3, 4, 2), (3, 4, 2, 3), (2, 4, 3)])
    def test_contents_are_balanced_for_any_order(self, levels: tuple[int, ...]) -> None:
        drawn = draw_contents([Heading(item, "x", "X") for item in levels])
        assert drawn.count("<ul>") == drawn.count("</ul>")
        assert drawn.count("<li>") == drawn.count("</li>") == len(levels)

    def test_one_heading_needs_no_contents(self) -> None:
        assert draw_contents([Heading(2, "a", "A")]) == ""

    @pytest.mark.parametrize(
        ("target", "address", "link"),
        [
            ("index", "index", "index.html"),
            ("personas/a", "index", "personas/a.html"),
            ("index", "appendix/a/psm", "../../index.html"),
            ("personas/a", "personas/b", "a.html"),
        ],
    )
    def test_links_are_relative(self, target: str, address: str, link: str) -> None:
        assert link_to(target, address) == link


def test_search_index_has_sections_and_no_markup(site: Site) -> None:
    site.render(
        index=[
            md("Opening *words*.\n\n## First {#first}\n\nAbout $x$ and `code`."),
            md("```{=html}\n<div><b>raw</b><svg><text>drawn</text></svg></div>\n```"),
        ]
    )
    entries = json.loads((site.output / "search.json").read_text("utf-8"))
    assert entries == [
        {
            "href": "index.html",
            "section": "",
            "text": "Opening words.",
            "title": "Home",
        },
        {
            "href": "index.html#first",
            "section": "First",
            "text": "About x and code . raw",
            "title": "Home",
        },
    ]
    script = (site.output / "search.js").read_text("utf-8")
    assert script.startswith("window.workbenchSearch = [")
    assert json.loads(script.split(" = ", 1)[1].rstrip(";\n")) == entries
