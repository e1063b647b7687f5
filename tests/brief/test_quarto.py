from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.brief.executed import Project
from workbench.brief.quarto import find_quarto, render_with_quarto
from workbench.brief.site import PublishedBrief, publish
from workbench.core.errors import PublishError

SCRIPT = """#!{python}
import json, os, sys
from pathlib import Path
stage, output = Path(sys.argv[2]), Path(sys.argv[4])
Path({record!r}).write_text(json.dumps({{"args": sys.argv[1:], "cwd": os.getcwd()}}))
mode = {mode!r}
config = (stage / "_quarto.yml").read_text()
if mode == "fail":
    print("ERROR: bad indentation of a mapping entry")
    sys.exit(1)
if mode == "complain":
    print("WARN: Unable to resolve link target: gone.ipynb")
names = [line.strip()[2:] for line in config.splitlines() if line.endswith(".ipynb")]
names = [name for name in names if not name.startswith("href")]
for name in [] if mode == "empty" else names:
    page = output / name.replace(".ipynb", ".html")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("<html><main>quarto</main></html>")
"""


class FakeQuarto:
    """A program named quarto on the PATH that records how it was called."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.record = folder / "record.json"
        monkeypatch.setenv("PATH", str(folder))

    def install(self, mode: str = "render") -> None:
        program = self.folder / "quarto"
        text = SCRIPT.format(python=sys.executable, record=str(self.record), mode=mode)
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)

    def read(self) -> dict[str, Any]:
        return dict(json.loads(self.record.read_text(encoding="utf-8")))


@pytest.fixture
def quarto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeQuarto:
    folder = tmp_path / "bin"
    folder.mkdir()
    return FakeQuarto(folder, monkeypatch)


def publish_with(project: Project, renderer: Any = "auto") -> PublishedBrief:
    return publish(
        project.params, project.workspace, project.quarter, renderer=renderer
    )


def test_quarto_is_taken_where_it_is_installed(
    project: Project, quarto: FakeQuarto
) -> None:
    quarto.install()
    published = publish_with(project)
    assert published.renderer == "quarto"
    assert "quarto" in published.index.read_text(encoding="utf-8")
    call = quarto.read()
    stage = project.workspace.outputs / "acme" / "2026Q3" / "_all" / "pages"
    assert call["args"][:2] == ["render", str(stage)]
    assert call["args"][2] == "--output-dir"
    output = Path(call["args"][3])
    assert output.is_absolute()
    assert output.parent == published.folder.parent
    assert output.name.startswith("v1.partial-")
    assert call["cwd"] == str(stage)
    assert len(call["args"]) == 4


def test_builtin_is_taken_where_quarto_is_not(
    project: Project, quarto: FakeQuarto
) -> None:
    assert find_quarto() is None
    assert publish_with(project).renderer == "builtin"


def test_quarto_asked_for_and_missing_says_what_to_do(
    project: Project, quarto: FakeQuarto
) -> None:
    with pytest.raises(PublishError, match=r"not installed(.|\n)*conda-forge quarto"):
        publish_with(project, "quarto")
    assert not (project.workspace.briefs("acme") / "latest").exists()


def test_empty_render_with_success_is_no_publication(
    project: Project, quarto: FakeQuarto
) -> None:
    quarto.install("empty")
    with pytest.raises(PublishError, match=r"Pages are missing(.|\n)*index\.html"):
        publish_with(project)
    folder = project.workspace.briefs("acme") / "2026Q3"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("fail", r"ended with status 1(.|\n)*bad indentation"),
        ("complain", r"complains(.|\n)*gone\.ipynb"),
    ],
)
def test_faults_of_quarto_are_shown(
    project: Project, quarto: FakeQuarto, mode: str, message: str
) -> None:
    quarto.install(mode)
    with pytest.raises(PublishError, match=message):
        publish_with(project)
    folder = project.workspace.briefs("acme") / "2026Q3"
    assert list(folder.iterdir()) == []


def test_relative_output_is_made_absolute(
    tmp_path: Path, quarto: FakeQuarto, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarto.install()
    stage = tmp_path / "stage"
    stage.mkdir()
    (stage / "_quarto.yml").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    render_with_quarto(Path("stage"), Path("out"))
    assert quarto.read()["args"][3] == str(tmp_path / "out")
