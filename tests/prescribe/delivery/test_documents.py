"""Notes and packs, read back with python-docx and pypdf; templates an analyst edits."""

from __future__ import annotations

import io
import shutil
import zipfile
from datetime import date

import docx
import pypdf
import pytest

from tests.prescribe.delivery.project import HOSTILE, STAMP, DeliveryProject, vary
from workbench.core.errors import ParamError
from workbench.prescribe.delivery.agenda_notes import make_notes
from workbench.prescribe.delivery.documents import WordTemplate, make_pdf, make_word
from workbench.prescribe.delivery.enablement_pack import PACK
from workbench.prescribe.delivery.safe_text import clean_text
from workbench.prescribe.delivery.templates import TEMPLATES, load_template

CLEAN = [clean_text(title) for title in HOSTILE]


def read_word(content: bytes) -> str:
    """Read all text of a Word document, paragraphs and tables."""
    document = docx.Document(io.BytesIO(content))
    cells = [c.text for t in document.tables for row in t.rows for c in row.cells]
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


def read_pdf(content: bytes) -> str:
    """Read all text of a PDF, without the breaks that setting it has made."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    return text.replace("\N{MINUS SIGN}", "-")


def make(steps, folder):
    return list(
        make_notes(
            steps,
            folder=folder,
            organisation="Small",
            quarter="2026Q3",
            start=STAMP,
        )
    )


@pytest.fixture(scope="module")
def pack(made, tmp_path_factory):
    """The pack of a persona whose modules have hostile titles, made once."""
    root = tmp_path_factory.mktemp("pack") / "project"
    shutil.copytree(made.root, root)
    project = DeliveryProject(root)
    project.approve("micro_module-E01")
    report = project.export(formats=("pack",))
    folder = report.root / "pack" / "sellers"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_note_shows_every_hostile_title_as_text_in_both_forms(tmp_path):
    steps = [
        vary(action_id=str(i), title=title, reason=title, practice=title, prompt=title)
        for i, title in enumerate(CLEAN)
    ]
    (note,) = make(steps, tmp_path)
    shown = read_word(note.word)
    for title in CLEAN:
        assert shown.count(f"Why: {title}\n") == 1, title
        assert f"On the job: {title}" in shown
    assert "{{" not in shown.replace("{{manager}} and {{#people}}", "")
    with zipfile.ZipFile(io.BytesIO(note.word)) as file:
        assert file.testzip() is None
        links = file.read("word/_rels/document.xml.rels").decode()
    assert "example" not in links
    assert "passwd" not in links


def test_notes_are_apart_by_manager_and_the_same_each_time(tmp_path):
    steps = [
        vary(action_id="a", key="1", person="person-one", team="lead-a", team_key="a"),
        vary(action_id="b", key="2", person="person-two", team="lead-b", team_key="b"),
        vary(action_id="c", key="3", person="person-three", team="", team_key=""),
    ]
    first, second = make(steps, tmp_path)
    assert [first.manager, second.manager] == ["lead-a", "lead-b"]
    for note, own, other in ((first, "one", "two"), (second, "two", "one")):
        for text in (note.markdown.decode(), read_word(note.word)):
            assert f"person-{own}" in text
            assert f"person-{other}" not in text
            assert "person-three" not in text
    assert make(steps, tmp_path) == [first, second]


def test_a_pack_has_its_documents_in_two_forms(pack):
    assert set(pack) == {f"{name}.{end}" for name in PACK for end in ("docx", "pdf")}
    for name in PACK:
        assert "Sellers, new" in read_word(pack[f"{name}.docx"])
        assert "Sellers,new" in read_pdf(pack[f"{name}.pdf"])


def test_a_pack_shows_hostile_titles_as_text_and_reads_no_file(pack):
    script = read_word(pack["manager_script.docx"])
    as_pdf = read_pdf(pack["manager_script.pdf"])
    for number, title in enumerate(CLEAN, start=1):
        assert f"Module {number}: {title}\n" in script, title
        if max(title) < "\u3000":
            assert "".join(f"Module{number}:{title}".split()) in as_pdf, title
    reader = pypdf.PdfReader(io.BytesIO(pack["manager_script.pdf"]))
    assert not [page for page in reader.pages if page.images or "/Annots" in page]
    assert "root:" not in as_pdf
    assert "Coaching talk" in script
    assert script.count("Its own effect is not shown yet") == 1


def test_documents_do_not_know_the_clock(pack, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    for make_one in (make_word, make_pdf):
        first = make_one("# One\n\ntext", stamp=STAMP)
        assert first == make_one("# One\n\ntext", stamp=STAMP)
        assert first != make_one("# One\n\ntext", stamp=date(2026, 10, 2))
    core = docx.Document(io.BytesIO(pack["checklist.docx"])).core_properties
    assert core.created.date() == STAMP


@pytest.mark.parametrize("name", TEMPLATES)
def test_an_analysts_template_takes_the_place_of_the_packages(name, tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / f"{name}.md").write_text("# Ours {{ quarter }}\n")
    template = load_template(name, tmp_path)
    assert template.render({"quarter": "2026Q3"}, str) == "# Ours 2026Q3\n"
    assert template.where.endswith(f"templates/{name}.md")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a\n\n{{organization}}", 3, "did you mean organisation"),
        ("{{#people}}\n{{title}}\n{{/people}}", 2, "nothing called title here"),
        ("{{#steps}}\n{{/steps}}", 1, "one of people"),
        ("a\n{{#people}}\nb", 2, "The block people is not closed"),
        ("a\n{{/people}}\n", 2, "closed but not open"),
        ("{{#people}}\n{{#steps}}\n{{/people}}\n{{/steps}}", 3, "closed but not open"),
        ("a {{#people}} b", 1, "These braces are no placeholder"),
        ("a\nb {{quarter}", 2, "These braces are no placeholder"),
        ("{{quarter}}}}", 1, "These braces are no placeholder"),
        ("![x](logo.png)", 1, "The template holds an image"),
        ("[a](https://a.example/{{quarter}})", 1, "in the address of a link"),
        ("`{{quarter}}`", 1, "a placeholder within code"),
    ],
)
def test_a_template_that_does_not_hold_is_named_with_its_line(
    text, line, what, tmp_path
):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "agenda.md").write_text(text)
    with pytest.raises(ParamError) as error:
        load_template("agenda", tmp_path)
    assert what in str(error.value)
    assert f"agenda.md:{line}\n" in str(error.value)


def test_a_template_under_a_wrong_name_is_not_silently_ignored(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "agneda.md").write_text("x")
    with pytest.raises(ParamError, match=r"no such template[\s\S]*'agneda\.md'"):
        load_template("agenda", tmp_path)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a\0b", b"x" * 200_001])
def test_a_template_that_is_no_text_is_refused(data, tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "agenda.md").write_bytes(data)
    with pytest.raises(ParamError, match="A template is"):
        load_template("agenda", tmp_path)


def test_a_block_within_a_table_of_the_agenda_is_refused(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    rows = "| a |\n| --- |\n{{#people}}\n| {{person}} |\n{{/people}}\n"
    (folder / "agenda.md").write_text(rows)
    with pytest.raises(ParamError, match="A block stands within a table"):
        WordTemplate(load_template("agenda", tmp_path), stamp=STAMP)


def test_html_in_a_template_is_left_out():
    shown = read_word(make_word("<b>bold</b> <script>x</script>", stamp=STAMP))
    assert shown == "bold x"
