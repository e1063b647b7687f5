from __future__ import annotations

import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.brief.executed import (
    ANSWER,
    LABELS,
    PER_PERSONA,
    PSEUDONYM,
    Project,
    make_project,
    shown,
    write_notebook,
)
from workbench.brief.gate import check_site, read_references
from workbench.brief.site import PublishedBrief, publish
from workbench.core.errors import ParamError, PublishError

PAGES = (
    "index",
    *(f"personas/{item}" for item in LABELS),
    "actions",
    "data_quality",
    "methods",
    "archive",
    "appendix/all/audit",
    "appendix/all/personas",
    "appendix/all/portfolio",
    "appendix/all/prediction",
    *(f"appendix/{item}/{name}" for item in LABELS for name in PER_PERSONA),
)
LEAKS = (
    "papermill",
    "start_time",
    "secret-tag",
    "9.87654",
    "1.234567",
    "/tmp/",
    "ipykernel",
    "{{<",
    PSEUDONYM,
    "random-",
    "<Figure size",
    "IPython.core",
    "dc:date",
    "onerror",
)


def publish_builtin(project: Project) -> PublishedBrief:
    return publish(
        project.params, project.workspace, project.quarter, renderer="builtin"
    )


def read_all(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_pages(published: PublishedBrief) -> dict[str, str]:
    return {
        address: (published.folder / f"{address}.html").read_text(encoding="utf-8")
        for address in PAGES
    }


class Outline(HTMLParser):
    """Headings, pictures and tables of a page, as a reader's tool would find them."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.without_alt = 0
        self.tables = 0
        self.headed = 0
        self._wraps: list[str] = []
        self.unwrapped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img" and not values.get("alt"):
            self.without_alt += 1
        if tag == "div":
            self._wraps.append(str(values.get("class")))
        if tag == "table":
            self.tables += 1
            self.unwrapped += "table-wrap" not in self._wraps
        if tag == "thead":
            self.headed += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self._wraps.pop()


def test_folder_index_version_and_renderer(
    ran_project: Project, published: PublishedBrief
) -> None:
    folder = ran_project.workspace.briefs("acme") / "2026Q3" / "v1"
    assert published == PublishedBrief(
        folder=folder, index=folder / "index.html", version=1, renderer="builtin"
    )
    made = {path for path in read_all(folder) if path.endswith(".html")}
    assert made == {f"{address}.html" for address in PAGES}


def test_the_answer_is_the_title_of_the_first_page(published: PublishedBrief) -> None:
    page = read_pages(published)["index"]
    assert f'<h1 class="title">{ANSWER}</h1>' in page
    assert '<p class="subtitle lead">Executive brief · version 1</p>' in page
    assert "2026 Q3 · version 1 · data to 30 September 2026" in page
    assert "Aldergrove · Learning impact" in page


@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_sound(published: PublishedBrief, address: str) -> None:
    page = read_pages(published)[address]
    outline = Outline()
    outline.feed(page)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(after - before <= 1 for before, after in steps)
    assert outline.without_alt == 0
    assert outline.unwrapped == 0
    assert outline.headed == outline.tables
    ids = read_references(page).ids
    assert len(ids) == len(set(ids))


def test_every_link_and_fragment_resolves(published: PublishedBrief) -> None:
    pages = read_pages(published)
    ids = {address: set(read_references(text).ids) for address, text in pages.items()}
    checked = 0
    for address, text in pages.items():
        found = read_references(text)
        for link in [*found.links, *found.loads]:
            assert not re.match(r"(?:https?:)?//", link)
            assert ".ipynb" not in link
            path, _, fragment = link.partition("#")
            target = published.folder / f"{address}.html"
            if path:
                target = (target.parent / path).resolve()
            assert target.is_file(), f"{address}: {link}"
            if fragment and target.suffix == ".html":
                name = target.relative_to(published.folder).as_posix()
                assert fragment in ids[name.removesuffix(".html")], link
            checked += 1
    assert checked > 100


def test_nothing_comes_from_the_outside(published: PublishedBrief) -> None:
    for name, content in read_all(published.folder).items():
        text = content.decode("utf-8", errors="replace")
        if name.endswith(".html"):
            found = read_references(text)
            assert [item for item in found.loads if "//" in item] == []
            assert "Content-Security-Policy" in text
            assert re.search(r"<script(?![^>]*\ssrc=)", text) is None
        if name.endswith(".css"):
            assert "@import" not in text
            assert "url(" not in text


def test_nothing_leaks(ran_project: Project, published: PublishedBrief) -> None:
    for name, content in read_all(published.folder).items():
        text = content.decode("utf-8", errors="replace")
        assert [leak for leak in LEAKS if leak in text] == [], name
        assert str(ran_project.root) not in text


def test_data_quality_table_is_rebuilt(published: PublishedBrief) -> None:
    page = read_pages(published)["data_quality"]
    assert "Table 1: Rows and score per source" in page
    assert '<th scope="col" class="num">score</th>' in page
    assert "<script>alert" not in page
    assert "dataframe" not in page


def test_published_twice_is_the_same_but_for_the_version(tmp_path: Path) -> None:
    sites = []
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        sites.append(read_all(publish_builtin(make_project(root)).folder))
    assert sites[0] == sites[1]


@pytest.mark.parametrize(
    "label",
    ["<script>alert(1)</script>", "{{< env HOME >}}", "../../x", '" onload="x'],
)
def test_hostile_names_are_only_words(tmp_path: Path, label: str) -> None:
    project = make_project(tmp_path, name=label, labels={"team_leads": label})
    published = publish_builtin(project)
    page = published.folder / "personas" / "team_leads.html"
    text = page.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "{{<" not in text
    assert re.search(r"<[^>]*\sonload=", text) is None
    names = {item.name for item in (published.folder / "personas").glob("*.html")}
    assert names == {"team_leads.html"}
    assert publish_builtin(project).version == 2


def test_page_with_a_dead_link_is_not_published(project: Project) -> None:
    cells = [shown("[x](personas/nobody.ipynb)\n")]
    write_notebook(project.notebook("brief_index"), cells)
    with pytest.raises(PublishError, match=r"lead nowhere(.|\n)*nobody"):
        publish_builtin(project)
    briefs = project.workspace.briefs("acme")
    assert list((briefs / "2026Q3").iterdir()) == []
    assert not (briefs / "latest").exists()


def test_console_is_told(project: Project) -> None:
    told = StringIO()
    publish(
        project.params,
        project.workspace,
        project.quarter,
        renderer="builtin",
        console=Console(file=told, width=200),
    )
    assert "Rendering 27 pages with builtin" in told.getvalue()
    assert "Published version 1" in told.getvalue()


def test_unknown_renderer_is_refused(ran_project: Project) -> None:
    with pytest.raises(ParamError, match="no such renderer"):
        publish(
            ran_project.params,
            ran_project.workspace,
            ran_project.quarter,
            renderer="word",  # type: ignore[arg-type]
        )


class TestGate:
    def write(self, folder: Path, body: str) -> Path:
        text = f"<html><body><main>{body}</main></body></html>"
        (folder / "index.html").write_text(text, encoding="utf-8")
        return folder

    def test_sound_page_passes(self, tmp_path: Path) -> None:
        body = '<a href="index.html#x">a</a><a href="https://doi.org/x">b</a>'
        check_site(self.write(tmp_path, body), ["index"], secrets=["/srv/secret"])

    @pytest.mark.parametrize(
        ("body", "fault"),
        [
            ('<img src="https://example.org/x.png">', "loads https://example.org"),
            ('<script src="//example.org/x.js"></script>', "loads //example.org"),
            ("<style>@import 'https://example.org/x.css'</style>", "loads https:"),
            ('<p style="background:url(https://example.org/x)">', "loads https:"),
            ('<b onclick="x">y</b>', "carries <b onclick>"),
            ('<a href="javascript:x">y</a>', "links to javascript:x"),
            ('<a href="methods.ipynb">y</a>', "links to the notebook"),
            ('<a href="gone.html">y</a>', "links to gone.html, which is not"),
            ("in /srv/secret/x", "names a folder"),
            ("?meta:org", "holds an unresolved shortcode"),
        ],
    )
    def test_faults_are_named(self, tmp_path: Path, body: str, fault: str) -> None:
        site = self.write(tmp_path, body)
        with pytest.raises(PublishError, match="may not be published") as caught:
            check_site(site, ["index"], secrets=["/srv/secret"])
        assert f"index.html: {fault}" in str(caught.value)

    def test_stylesheet_that_calls_out_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "x.css").write_text("@import url(https://example.org/x.css);")
        with pytest.raises(PublishError, match=r"x\.css: loads https://example"):
            check_site(self.write(tmp_path, ""), ["index"])

    def test_missing_and_empty_pages_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "empty.html").touch()
        with pytest.raises(PublishError, match=r"empty\.html, gone\.html"):
            check_site(self.write(tmp_path, ""), ["index", "empty", "gone"])
