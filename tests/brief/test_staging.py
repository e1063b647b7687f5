from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from nbformat.v4 import new_code_cell, new_output

from tests.brief.executed import (
    LABELS,
    ORG,
    PER_PERSONA,
    PSEUDONYM,
    QUARTER,
    Project,
    front,
    make_project,
    shown,
    write_notebook,
)
from workbench.brief.site_config import Edition, Entry, build_config, merge
from workbench.brief.staging import StagedSite, list_sources, stage_site
from workbench.core.errors import PublishError

EDITION = Edition(QUARTER, 3)
LEAKS = (
    "papermill",
    "start_time",
    "duration",
    "secret-tag",
    "injected",
    "random-",
    "text/html",
    "{{<",
    "/tmp/",
    "ipykernel",
    "stderr",
    "dc:date",
    PSEUDONYM,
)


def stage(project: Project) -> StagedSite:
    sources = list_sources(project.params, project.workspace, project.quarter)
    return stage_site(
        project.params, project.workspace, EDITION, sources, archive="Versions.\n"
    )


def read_cells(site: StagedSite, address: str) -> list[dict[str, Any]]:
    text = (site.folder / f"{address}.ipynb").read_text(encoding="utf-8")
    return list(json.loads(text)["cells"])


def read_front(site: StagedSite, address: str) -> dict[str, Any]:
    source = read_cells(site, address)[0]["source"]
    return dict(yaml.safe_load(source.strip("-")))


def test_addresses_follow_the_pages_and_stages(ran_project: Project) -> None:
    site = stage(ran_project)
    personas = [f"personas/{item}" for item in LABELS]
    appendix = [f"appendix/{item}/{name}" for item in LABELS for name in PER_PERSONA]
    assert site.addresses == (
        "index",
        *personas,
        "actions",
        "data_quality",
        "methods",
        "archive",
        "appendix/all/audit",
        "appendix/all/personas",
        "appendix/all/portfolio",
        "appendix/all/prediction",
        *appendix,
    )
    staged = {path.relative_to(site.folder) for path in site.folder.rglob("*.ipynb")}
    assert staged == {Path(f"{address}.ipynb") for address in site.addresses}
    folder = ran_project.workspace.outputs / ORG / "2026Q3" / "_all" / "pages"
    assert site.folder == folder


def test_nothing_leaks_into_the_staged_notebooks(ran_project: Project) -> None:
    site = stage(ran_project)
    for path in sorted(site.folder.rglob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        assert [leak for leak in LEAKS if leak in text] == [], path.name
        assert str(ran_project.root) not in text
        notebook = json.loads(text)
        assert all(cell["metadata"] == {} for cell in notebook["cells"])
        ids = [cell["id"] for cell in notebook["cells"]]
        assert ids[1:] == [f"cell-{number:03d}" for number in range(len(ids) - 1)]


def test_configuration_holds_plain_values_and_the_safe_settings(
    ran_project: Project,
) -> None:
    site = stage(ran_project)
    config = yaml.safe_load((site.folder / "_quarto.yml").read_text(encoding="utf-8"))
    assert config["project"]["render"] == [f"{item}.ipynb" for item in site.addresses]
    assert "profile" not in config
    assert "output-dir" not in config["project"]
    assert config["execute"] == {"enabled": False, "echo": False, "warning": False}
    assert config["format"]["html"]["html-math-method"] == "mathml"
    assert config["format"]["html"]["html-table-processing"] == "none"
    assert config["website"]["title"] == "Aldergrove · Learning impact"
    footer = config["website"]["page-footer"]["left"]
    assert footer == "2026 Q3 · version 3 · data to 30 September 2026"
    sections = [
        item["section"]
        for item in config["website"]["sidebar"]["contents"]
        if "section" in item
    ]
    assert sections == ["Personas", "Appendix"]
    named = [*config["format"]["html"]["theme"]["light"][1:], "theme/favicon.svg"]
    assert all((site.folder / name).is_file() for name in named)


def test_appendix_shows_code_folded_and_is_not_searched(ran_project: Project) -> None:
    site = stage(ran_project)
    text = (site.folder / "appendix" / "_metadata.yml").read_text(encoding="utf-8")
    metadata = yaml.safe_load(text)
    assert metadata["execute"]["echo"] is True
    assert metadata["format"]["html"]["code-fold"] is True
    assert metadata["search"] is False


def test_front_matter_names_page_persona_and_edition(ran_project: Project) -> None:
    site = stage(ran_project)
    assert read_front(site, "index")["title"].startswith("Learning returned 64 %")
    assert read_front(site, "personas/team_leads")["title"] == "Team leads"
    assert read_front(site, "personas/support_l1_new")["order"] == 2
    audit = read_front(site, "appendix/all/audit")
    assert audit["title"] == "Data audit"
    assert audit["subtitle"].startswith("Appendix · 2026 Q3 · version 3")
    assert (
        read_front(site, "appendix/team_leads/psm")["title"] == "Matching: Team leads"
    )


def test_a_page_that_states_its_quarter_bears_only_its_version(
    ran_project: Project,
) -> None:
    site = stage(ran_project)
    assert read_front(site, "index")["subtitle"] == "Executive brief · version 3"
    edition = "2026 Q3 · version 3 · data to 30 September 2026"
    assert read_front(site, "methods")["subtitle"] == edition


def test_root_copy_has_the_same_notebooks_and_no_project(ran_project: Project) -> None:
    site = stage(ran_project)
    copy = ran_project.workspace.outputs / "pages"
    assert not (copy / "_quarto.yml").exists()
    for address in site.addresses:
        name = f"{address}.ipynb"
        assert (copy / name).read_bytes() == (site.folder / name).read_bytes()
    assert (copy / "appendix" / "_metadata.yml").is_file()


def test_staging_again_replaces_what_was_there(project: Project) -> None:
    first = stage(project)
    (first.folder / "stale.ipynb").write_text("{}", encoding="utf-8")
    second = stage(project)
    assert not (second.folder / "stale.ipynb").exists()
    beside = sorted(item.name for item in second.folder.parent.iterdir())
    assert [name for name in beside if name.startswith("pages")] == ["pages"]


def test_missing_pages_are_all_named(project: Project) -> None:
    project.notebook("brief_index").unlink()
    project.notebook("brief_persona", "team_leads").unlink()
    with pytest.raises(PublishError, match="have not been made") as caught:
        list_sources(project.params, project.workspace, project.quarter)
    assert "_all/brief_index/notebook.ipynb" in str(caught.value)
    assert "team_leads/brief_persona/notebook.ipynb" in str(caught.value)
    assert "workbench run 2026Q3 --org acme" in str(caught.value)


def test_missing_stage_notebook_leaves_the_appendix_shorter(project: Project) -> None:
    project.notebook("psm", "team_leads").unlink()
    addresses = stage(project).addresses
    assert "appendix/team_leads/psm" not in addresses
    assert "appendix/support_l1_new/psm" in addresses


def test_failed_page_is_not_published(project: Project) -> None:
    failed = new_code_cell(
        "x", outputs=[new_output("error", ename="E", evalue="v", traceback=[])]
    )
    path = project.notebook("brief_methods")
    write_notebook(path, [front('title: "M"'), failed])
    with pytest.raises(PublishError, match=r"holds an error(.|\n)*brief_methods"):
        stage(project)
    assert not (project.workspace.outputs / "pages").exists()


def test_failed_stage_is_shown_by_its_message(project: Project) -> None:
    failed = new_code_cell(
        "x", outputs=[new_output("error", ename="NoOverlap", evalue="v", traceback=[])]
    )
    write_notebook(project.notebook("audit"), [front('title: "A"'), failed])
    cells = read_cells(stage(project), "appendix/all/audit")
    assert "NoOverlap: v" in str(cells)


@pytest.mark.parametrize(
    "label",
    [
        "<script>alert(1)</script>",
        "{{< env HOME >}}",
        "../../x",
        "a: b # c 'd' \"e\"",
        "---",
        "*bold* [x](y) `z` $1$",
    ],
)
def test_hostile_labels_are_only_words(tmp_path: Path, label: str) -> None:
    project = make_project(tmp_path, name=label, labels={"team_leads": label})
    site = stage(project)
    text = (site.folder / "_quarto.yml").read_text(encoding="utf-8")
    assert "{{<" not in text
    config = yaml.safe_load(text)
    contents = config["website"]["sidebar"]["contents"]
    shown_label = contents[1]["contents"][0]["text"]
    assert "<script" not in shown_label.replace("\\<script", "")
    assert shown_label.replace("\\", "") == label
    names = {path.name for path in (site.folder / "personas").iterdir()}
    assert names == {"team_leads.ipynb"}


def test_project_settings_reach_the_site_and_cannot_undo_the_safe_ones(
    project: Project,
) -> None:
    (project.root / "_quarto.yml").write_text(
        "lang: de\nprofile: {default: root}\nexecute: {enabled: true}\n"
        "website: {site-url: null, reader-mode: true}\n",
        encoding="utf-8",
    )
    entries = [Entry("index", "Brief", "")]
    config = build_config(project.root, project.params, EDITION, entries)
    assert config["lang"] == "de"
    assert config["website"]["reader-mode"] is True
    assert config["execute"]["enabled"] is False
    assert "profile" not in config


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "\xff"])
def test_broken_project_settings_are_named(project: Project, text: str) -> None:
    (project.root / "_quarto.yml").write_bytes(text.encode("latin-1"))
    with pytest.raises(PublishError, match=r"(not YAML|mapping)(.|\n)*_quarto.yml"):
        build_config(project.root, project.params, EDITION, [])


def test_merge_is_deep_and_replaces_lists() -> None:
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    assert merge(base, {"a": {"y": [3]}, "c": 2}) == {
        "a": {"x": 1, "y": [3]},
        "b": 1,
        "c": 2,
    }
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": 1}


def test_repository_settings_are_those_of_quarto_that_stay_offline() -> None:
    root = Path(__file__).parents[2]
    shared = yaml.safe_load((root / "_quarto.yml").read_text(encoding="utf-8"))
    profile = yaml.safe_load((root / "_quarto-root.yml").read_text(encoding="utf-8"))
    assert shared["execute"] == {"enabled": False, "echo": False, "warning": False}
    assert shared["format"]["html"]["html-math-method"] == "mathml"
    assert shared["profile"] == {"default": "root"}
    assert profile["project"]["render"][0] == "outputs/pages/index.ipynb"
    theme = profile["format"]["html"]["theme"]
    for name in (theme["light"][1], theme["dark"][1], profile["format"]["html"]["css"]):
        assert (root / name).is_file()
    lines = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.quarto/", "**/*.quarto_ipynb"} <= set(lines)


def test_pages_of_the_project_hold_no_active_html(project: Project) -> None:
    path = project.notebook("brief_index")
    write_notebook(path, [shown("```{=html}\n<script>x</script>\n```\n")])
    with pytest.raises(PublishError, match=r"<script>(.|\n)*") as caught:
        stage(project)
    assert "brief_index/notebook.ipynb" in str(caught.value)
