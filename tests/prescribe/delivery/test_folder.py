"""The folder of an export: whole or as it was, and nobody else's."""

from __future__ import annotations

import json

import pytest

from workbench.core.errors import ParamError
from workbench.prescribe.delivery.folder import MANIFEST, open_export

TERMS = {"quarter": "2026Q3", "status": "approved", "identified": False}


def open_folder(root, **terms):
    return open_export(root, private=False, terms=TERMS | terms)


def write(root, name="lms", terms=TERMS, **files):
    with open_folder(root, **terms) as folder:
        with folder.replace(name) as facts:
            facts["personas"] = sorted(files)
            for path, text in files.items():
                folder.add(f"{path}.csv", text.encode())
        folder.write_manifest()


def read_manifest(root):
    return json.loads((root / MANIFEST).read_text())


def list_files(root):
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and path.name != ".export.lock"
    )


def test_a_format_is_replaced_as_a_whole(tmp_path):
    write(tmp_path / "out", a="1", b="2")
    write(tmp_path / "out", b="3")
    assert list_files(tmp_path / "out") == ["lms/b.csv", MANIFEST]
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert list(manifest["files"]) == ["lms/b.csv"]


def test_after_an_error_the_old_files_are_there_and_marked_unfinished(tmp_path):
    root = tmp_path / "out"
    write(root, a="1")

    def fail():
        with open_folder(root) as folder, folder.replace("lms"):
            folder.add("a.csv", b"2")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert (root / "lms/a.csv").read_text() == "1"
    assert list_files(root) == ["lms/a.csv", MANIFEST]
    assert json.loads((root / MANIFEST).read_text())["complete"] is False


def test_what_a_killed_export_left_is_cleared_and_put_back(tmp_path):
    root = tmp_path / "out"
    write(root, a="1")
    (root / "lms").rename(root / ".old-lms")
    (root / ".new-lms").mkdir()
    (root / ".new-lms" / "half.csv").write_text("x")
    with open_folder(root) as folder:
        folder.write_manifest()
    assert list_files(root) == ["lms/a.csv", MANIFEST]
    assert list(read_manifest(root)["files"]) == ["lms/a.csv"]


def test_a_format_swapped_by_a_killed_export_keeps_no_old_hash(tmp_path, monkeypatch):
    """Killed between the swap and the manifest, and then another format is written."""
    root = tmp_path / "out"
    write(root, a="1")

    def die(*_, **__):
        raise KeyboardInterrupt

    def start():
        with open_folder(root) as folder, folder.replace("lms"):
            folder.add("a.csv", b"2")
            monkeypatch.setattr("shutil.rmtree", die)

    with pytest.raises(KeyboardInterrupt):
        start()
    monkeypatch.undo()
    assert (root / "lms/a.csv").read_text() == "2"
    write(root, name="feed", b="3")
    manifest = read_manifest(root)
    assert list(manifest["files"]) == ["feed/b.csv"]
    assert manifest["complete"] is False
    write(root, a="4")
    assert read_manifest(root)["complete"] is True


@pytest.mark.parametrize(
    "terms", [{"status": "proposed"}, {"identified": True}, {"quarter": "2026Q2"}]
)
def test_a_folder_on_other_terms_is_refused_and_stays_as_it_was(tmp_path, terms):
    root = tmp_path / "out"
    write(root, a="1")
    before = (root / MANIFEST).read_bytes()
    with pytest.raises(ParamError, match=f"other terms[\\s\\S]*{next(iter(terms))}"):
        write(root, name="feed", terms=terms, b="2")
    assert (root / MANIFEST).read_bytes() == before
    assert list_files(root) == ["lms/a.csv", MANIFEST]


def test_facts_stand_by_the_format_that_they_are_of(tmp_path):
    write(tmp_path / "out", a="1")
    write(tmp_path / "out", name="feed", b="2")
    assert read_manifest(tmp_path / "out")["formats"] == {
        "feed": {"personas": ["b"]},
        "lms": {"personas": ["a"]},
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"kind": "workbench export"}', "lists no files"),
        ('{"kind": "workbench export", "files": []}', "lists no files"),
        ('{"kind": "workbench export", "files": {"../a": ""}}', "no export writes"),
        (
            '{"kind": "workbench export", "files": {}, "formats": {"lms": 1}}',
            "no export writes",
        ),
        ("[]", "of something else"),
        ("{", "cannot be read"),
    ],
)
def test_a_manifest_with_a_fault_is_said_to_be_one(tmp_path, text, fault):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ParamError, match=fault):
        write(tmp_path, a="1")
    assert list_files(tmp_path) == [MANIFEST]


@pytest.mark.parametrize(
    "path",
    ["../a", "a/../b", "/a", "a//b", "", ".a", "a/.b", "a\\b", "a b", "a\0", "-a", "ä"],
)
def test_a_path_that_leads_elsewhere_is_refused(path, tmp_path):
    with (
        open_folder(tmp_path / "out") as folder,
        folder.replace("lms"),
        pytest.raises(ParamError, match="cannot be the path"),
    ):
        folder.add(path, b"x")


def test_a_path_is_written_once(tmp_path):
    with (
        open_folder(tmp_path / "out") as folder,
        folder.replace("lms"),
    ):
        folder.add("a", b"x")
        with pytest.raises(ParamError, match="each path once"):
            folder.add("a", b"y")


def test_a_folder_of_something_else_is_not_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ParamError, match=r"it holds thesis\.txt"):
        write(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / MANIFEST).write_text('{"name": "an app"}')
    with pytest.raises(ParamError, match="of something else"):
        write(other)
    assert list_files(tmp_path) == ["other/manifest.json", "thesis.txt"]


def test_links_are_not_followed(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(ParamError, match="a link or a file"):
        write(tmp_path / "link", a="1")
    root = tmp_path / "out"
    write(root, a="1")
    (root / "feed").symlink_to(target)
    with pytest.raises(ParamError, match="a link lies in it"):
        write(root, a="1")
    assert list(target.iterdir()) == []


def test_a_lock_that_is_a_link_empties_nothing(tmp_path):
    target = tmp_path / "thesis.txt"
    target.write_text("years of work")
    root = tmp_path / "out"
    root.mkdir()
    (root / ".export.lock").symlink_to(target)
    with pytest.raises(ParamError, match="a link lies in it"):
        write(root, a="1")
    assert target.read_text() == "years of work"
