from __future__ import annotations

import copy
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.brief.executed import FOREST, PSEUDONYM, TIMINGS, front, shown
from workbench.brief.cleaning import CleanNotebook, clean_notebook
from workbench.core.errors import PublishError


def clean(*cells: Any) -> CleanNotebook:
    notebook = new_notebook(cells=list(cells))
    return clean_notebook(notebook, where="nb.ipynb", roots=["/data/proj"])


def one_output(cell: Any) -> dict[str, str]:
    """Return the single output left of a cell."""
    (kept,) = clean(cell).cells
    (output,) = kept["outputs"]
    return dict(output["data"])


def display(**data: str) -> Any:
    given = {key.replace("_", "/", 1): value for key, value in data.items()}
    return new_code_cell("x", outputs=[new_output("display_data", data=given)])


def test_metadata_ids_and_counts_go() -> None:
    cell = new_code_cell("1", execution_count=7, metadata=dict(TIMINGS))
    cell["id"] = "random"
    result = clean(cell, new_markdown_cell("text", metadata=dict(TIMINGS)))
    assert [item["id"] for item in result.cells] == ["cell-000", "cell-001"]
    assert [item["metadata"] for item in result.cells] == [{}, {}]
    assert result.cells[0]["execution_count"] is None


@pytest.mark.parametrize(
    "tag", ["parameters", "injected-parameters", "remove-cell", "hide-cell"]
)
def test_tagged_cells_go(tag: str) -> None:
    assert clean(new_code_cell("1", metadata={"tags": [tag]})).cells == []


def test_papermill_banner_marks_a_failure() -> None:
    banner = new_markdown_cell("x", metadata={"tags": ["papermill-error-cell-tag"]})
    result = clean(banner)
    assert result.failed
    assert result.cells == []


def test_error_keeps_its_message_and_no_traceback() -> None:
    output = new_output(
        "error",
        ename="ValueError",
        evalue="bad /data/proj/x",
        traceback=["File /tmp/ipykernel_1/2.py"],
    )
    result = clean(new_code_cell("x", outputs=[output]))
    assert result.failed
    text = str(result.cells)
    assert "ValueError: bad ./x" in text
    assert "ipykernel" not in text


def test_stderr_goes_and_stdout_is_escaped() -> None:
    cell = new_code_cell(
        "x",
        outputs=[
            new_output("stream", name="stderr", text="warning"),
            new_output("stream", name="stdout", text="<b>`a`</b>\n\n{{< env HOME >}}"),
        ],
    )
    (text,) = one_output(cell).values()
    assert "warning" not in text
    assert "&lt;b&gt;&#96;a&#96;&lt;/b&gt;\n\n{{&lt; env HOME" in text
    assert text.startswith("```{=html}\n<pre")


def test_markdown_wins_over_html_and_plain() -> None:
    data = one_output(
        display(text_html="<p>x</p>", text_markdown="**x**", text_plain="x")
    )
    assert data == {"text/markdown": "**x**\n\n"}


def test_html_without_a_table_falls_back_to_plain() -> None:
    data = one_output(display(text_html="<b onclick=x>y</b>", text_plain="words"))
    assert "words" in data["text/markdown"]
    assert "onclick" not in data["text/markdown"]


def test_no_html_output_is_left() -> None:
    data = one_output(display(text_html="<table><tr><td>1</td></tr></table>"))
    assert list(data) == ["text/markdown"]
    assert ">1</td>" in data["text/markdown"]


def test_picture_keeps_no_date_and_no_plain_text() -> None:
    cell = new_code_cell(
        '#| label: fig-x\n#| fig-cap: "Effects {{< env HOME >}}"\nplot()',
        outputs=[
            new_output(
                "display_data",
                data={"image/svg+xml": FOREST, "text/plain": "<Figure size 1x1>"},
            )
        ],
    )
    data = one_output(cell)
    assert list(data) == ["image/svg+xml"]
    assert data["image/svg+xml"].startswith("<svg")
    assert "dc:date" not in data["image/svg+xml"]


def test_picture_without_alternative_text_takes_its_caption() -> None:
    cell = new_code_cell(
        '#| fig-cap: "Effects of learning"\nplot()',
        outputs=[new_output("display_data", data={"image/svg+xml": FOREST})],
    )
    (kept,) = clean(cell).cells
    assert "#| fig-alt: Effects of learning" in kept["source"]


def test_promoted_caption_and_text_replace_those_of_the_cell() -> None:
    cell = new_code_cell(
        '#| label: fig-x\n#| fig-cap: "fixed"\n#| fig-alt: "fixed"\nplot()',
        outputs=[
            new_output(
                "display_data",
                data={"image/svg+xml": FOREST},
                metadata={"workbench": {"fig_cap": "n < 5_0", "fig_alt": "n < 50"}},
            )
        ],
    )
    (kept,) = clean(cell).cells
    assert "#| fig-cap: n \\< 5\\_0" in kept["source"]
    assert "#| fig-alt: n < 50" in kept["source"]
    assert kept["outputs"][0]["metadata"] == {}


@pytest.mark.parametrize(
    "text", ["<Axes: xlabel='x'>", "<Figure size 640x480 with 1 Axes>", "Text(0.5, 1)"]
)
def test_representations_of_objects_go(text: str) -> None:
    (kept,) = clean(display(text_plain=text)).cells
    assert kept["outputs"] == []


def test_pseudonyms_and_folders_go_everywhere() -> None:
    result = clean(
        new_markdown_cell(f"{PSEUDONYM} /tmp/x"),
        shown(f"{PSEUDONYM} /tmp/x"),
        display(text_html=f"<table><tr><td>{PSEUDONYM} /tmp/x</td></tr></table>"),
        new_code_cell(f"# {PSEUDONYM} /data/proj/x"),
    )
    text = str(result.cells)
    assert PSEUDONYM not in text
    assert "/tmp" not in text
    assert "/data/proj" not in text


class TestTitles:
    def test_promoted_title_wins_and_its_output_goes(self) -> None:
        promoted = shown(
            "## Answer {#answer}",
            metadata={"workbench": {"title": "Gain of 5 %", "description": "So."}},
        )
        result = clean(front('title: "Fixed"'), promoted)
        assert result.front == {"title": "Gain of 5 %", "description": "So."}
        assert result.titled
        assert result.cells[0]["outputs"] == []

    def test_front_matter_wins_over_a_heading(self) -> None:
        result = clean(front('title: "Fixed"'), new_markdown_cell("# Heading\n\ntext"))
        assert result.front["title"] == "Fixed"
        assert result.cells[0]["source"] == "text\n"

    def test_heading_is_taken_as_plain_words(self) -> None:
        result = clean(new_markdown_cell("# The *whole* `a\\_b` {#top}\n\ntext"))
        assert result.front["title"] == "The whole a_b"

    def test_comment_in_a_code_block_is_no_heading(self) -> None:
        result = clean(new_markdown_cell("```python\n# comment\n```\n\n# Title"))
        assert result.front["title"] == "Title"
        assert "# comment" in result.cells[0]["source"]

    def test_unknown_keys_of_front_matter_go(self) -> None:
        result = clean(front("title: A\ndate: last-modified\nformat: pdf\norder: 3"))
        assert result.front == {"title": "A", "order": 3}


@pytest.mark.parametrize(
    "cell",
    [front("title: [unclosed"), new_code_cell("#| fig-cap: a: b: c\nx")],
    ids=["front matter", "cell option"],
)
def test_broken_yaml_is_named(cell: Any) -> None:
    with pytest.raises(PublishError, match=r"are not YAML(.|\n)*nb.ipynb"):
        clean(cell)


def test_active_raw_html_stops_the_page() -> None:
    with pytest.raises(PublishError, match="holds what no page may hold"):
        clean(shown("```{=html}\n<b onmouseover=x>y</b>\n```\n"))


def test_input_is_left_unchanged() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("# T {{< x >}}")])
    before = copy.deepcopy(notebook)
    clean_notebook(notebook, where="x")
    assert notebook == before
