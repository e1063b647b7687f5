from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.brief.executed import Project, save_estimates
from workbench.brief.numbers import collect_numbers, compare_numbers
from workbench.brief.site import PublishedBrief, publish
from workbench.brief.versions import (
    list_versions,
    next_version,
    point_to_latest,
    read_brief,
)
from workbench.core.errors import PublishError
from workbench.core.store import hash_file


def publish_builtin(project: Project) -> PublishedBrief:
    return publish(
        project.params, project.workspace, project.quarter, renderer="builtin"
    )


def record(project: Project) -> dict[str, Any]:
    """Return what a publication now would record of the numbers."""
    numbers = collect_numbers(project.params, project.workspace, project.quarter)
    return {"numbers": numbers.rows, "sources": numbers.sources}


def touch_versions(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
    return folder


def test_record_lists_every_number_with_its_source(
    ran_project: Project, published: PublishedBrief
) -> None:
    brief = read_brief(published.folder)
    assert brief["schema"] == 1
    assert (brief["org"], brief["quarter"]) == ("acme", "2026Q3")
    assert (brief["version"], brief["renderer"]) == (1, "builtin")
    assert brief["data_cut"] == "2026-09-30"
    assert len(brief["numbers"]) == 6
    row = next(
        item
        for item in brief["numbers"]
        if item["persona"] == "team_leads" and item["headline"]
    )
    assert row["estimate"] == pytest.approx(0.1)
    assert row["unit"] == "rating points"
    assert row["source"] == "team_leads/psm"
    manifest = ran_project.notebook("psm", "team_leads").parent / "manifest.json"
    assert brief["sources"]["team_leads/psm"]["manifest"] == hash_file(manifest)


def test_hash_of_a_number_can_be_computed_again(published: PublishedBrief) -> None:
    for row in read_brief(published.folder)["numbers"]:
        content = {key: row[key] for key in row if key not in ("key", "hash")}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        assert row["hash"] == hashlib.sha256(text.encode()).hexdigest()


def test_record_lists_every_file_with_its_hash(published: PublishedBrief) -> None:
    files = read_brief(published.folder)["files"]
    found = {
        path.relative_to(published.folder).as_posix(): hash_file(path)
        for path in published.folder.rglob("*")
        if path.is_file() and path.name != "brief.json"
    }
    assert files == found
    assert "index.html" in files


def test_suppressed_numbers_are_blank(project: Project) -> None:
    save_estimates(project, "team_leads", effect=0.1, suppressed=True)
    rows = [row for row in record(project)["numbers"] if row["suppressed"]]
    assert len(rows) == 1
    for name in ("estimate", "std_error", "ci_low", "ci_high", "n_treated", "p_value"):
        assert rows[0][name] is None
    assert rows[0]["subgroup"] == "f"


def test_versions_are_never_written_over(project: Project) -> None:
    first = publish_builtin(project)
    before = {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(first.folder.rglob("*"))
        if path.is_file()
    }
    second = publish_builtin(project)
    assert (first.version, second.version) == (1, 2)
    after = {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(first.folder.rglob("*"))
        if path.is_file()
    }
    assert before == after
    assert "version 2" in second.index.read_text(encoding="utf-8")
    assert {item.name for item in first.folder.parent.iterdir()} == {"v1", "v2"}


def test_version_taken_meanwhile_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = project.workspace.briefs("acme") / "2026Q3" / "v1"

    def take(*args: Any, **more: Any) -> None:
        taken.mkdir()
        (taken / "kept").write_text("x")

    monkeypatch.setattr("workbench.brief.site.write_brief", take)
    with pytest.raises(PublishError, match="was taken while"):
        publish_builtin(project)
    assert [item.name for item in taken.iterdir()] == ["kept"]
    assert [item.name for item in taken.parent.iterdir()] == ["v1"]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"inputs": {"store/employees.parquet": "bb"}}, "data"),
        ({"parameters": {"ratio": 2}}, "parameters"),
        ({"code": {"sha256": "p2"}}, "code"),
        (
            {"inputs": {"store/employees.parquet": "bb"}, "notebook": {"sha256": "x"}},
            "data and code",
        ),
        (
            {
                "inputs": {
                    "store/employees.parquet": "aa",
                    "_all/audit/quality.parquet": "cc",
                }
            },
            "earlier stages",
        ),
        ({"start": "2026-10-02"}, "nothing recorded differs"),
    ],
)
def test_change_names_old_new_and_cause(
    project: Project, change: dict[str, Any], cause: str
) -> None:
    old = record(project)
    save_estimates(project, "team_leads", effect=0.2, manifest=change)
    numbers = collect_numbers(project.params, project.workspace, project.quarter)
    changes = compare_numbers(old, numbers)
    assert [item.cause for item in changes] == [cause, cause]
    assert {item.key.split(" | ")[0] for item in changes} == {"team_leads"}
    headline = next(item for item in changes if item.new and item.new["headline"])
    assert headline.old is not None
    assert headline.new is not None
    assert headline.old["estimate"] == pytest.approx(0.1)
    assert headline.new["estimate"] == pytest.approx(0.2)


def test_same_numbers_are_no_change(project: Project) -> None:
    old = record(project)
    numbers = collect_numbers(project.params, project.workspace, project.quarter)
    assert compare_numbers(old, numbers) == ()


def test_number_that_is_gone_is_a_change(project: Project) -> None:
    old = record(project)
    (project.notebook("psm", "team_leads").parent / "estimates.parquet").unlink()
    numbers = collect_numbers(project.params, project.workspace, project.quarter)
    changes = compare_numbers(old, numbers)
    assert len(changes) == 2
    assert all(item.new is None for item in changes)
    assert "not part of both" in changes[0].cause


def test_archive_tells_what_changed(project: Project) -> None:
    publish_builtin(project)
    save_estimates(
        project, "team_leads", effect=0.2, manifest={"parameters": {"ratio": 2}}
    )
    second = publish_builtin(project)
    page = (second.folder / "archive.html").read_text(encoding="utf-8")
    assert '<a href="../v1/index.html">Version 1</a>' in page
    assert "What changed since version 1" in page
    row = page[page.index("Team leads, Performance rating") :]
    assert "+0.1 (+0.06 to +0.14) rating points</td><td>+0.2" in row
    assert "<td>parameters</td>" in row
    brief = read_brief(second.folder)
    assert len(brief["changes"]) == 2
    assert brief["changes"][0]["cause"] == "parameters"


def test_archive_links_to_the_versions_of_other_quarters(project: Project) -> None:
    briefs = project.workspace.briefs("acme")
    for number in (1, 2):
        site = touch_versions(briefs / "2026Q2", f"v{number}") / f"v{number}"
        (site / "index.html").write_text("<main>old</main>", encoding="utf-8")
    published = publish_builtin(project)
    page = (published.folder / "archive.html").read_text(encoding="utf-8")
    assert '2026 Q2: <a href="../../2026Q2/v1/index.html">version 1</a>, <a' in page
    assert (published.folder / "../../2026Q2/v2/index.html").is_file()


def test_latest_points_to_the_newest_quarter_and_version(tmp_path: Path) -> None:
    touch_versions(tmp_path / "2026Q2", "v1", "v11")
    touch_versions(tmp_path / "2026Q3", "v2", "v10", "v9", "v11.partial-x")
    assert point_to_latest(tmp_path) == tmp_path / "2026Q3" / "v10"
    pointer = tmp_path / "latest"
    assert pointer.is_symlink()
    assert pointer.readlink() == Path("2026Q3/v10")
    touch_versions(tmp_path / "2026Q3", "v12")
    point_to_latest(tmp_path)
    assert pointer.readlink() == Path("2026Q3/v12")
    assert not (tmp_path / "latest.partial").exists()


def test_latest_is_a_text_file_where_links_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    touch_versions(tmp_path / "2026Q3", "v1")
    point_to_latest(tmp_path)
    assert (tmp_path / "latest").read_text(encoding="utf-8") == "2026Q3/v1\n"


def test_versions_are_numbers_and_nothing_else(tmp_path: Path) -> None:
    touch_versions(tmp_path, "v2", "v10", "v0", "v01", "vx", "v3.partial-a", "w1")
    assert list_versions(tmp_path) == (2, 10)
    assert next_version(tmp_path) == 11
    assert next_version(tmp_path / "none") == 1


@pytest.mark.parametrize("content", [None, "{", "[]", '{"schema": 99}'])
def test_unreadable_record_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "brief.json").write_text(content, encoding="utf-8")
    with pytest.raises(PublishError, match=r"record(.|\n)*brief\.json"):
        read_brief(tmp_path)
