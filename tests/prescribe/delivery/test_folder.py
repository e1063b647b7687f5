"""The folder of an export: whole or as it was, and nobody else's."""

from __future__ import annotations

import json

import pytest

from workbench.core.errors import ParamError
from workbench.prescribe.delivery.folder import MANIFEST, open_export


def write(root, **files):
    with open_export(root, private=False) as folder:
        with folder.replace("lms"):
            for name, text in files.items():
                folder.add(f"{name}.csv", text.encode())
        folder.write_manifest({"quarter": "2026Q3"})


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
        with open_export(root, private=False) as folder, folder.replace("lms"):
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
    with open_export(root, private=False) as folder:
        folder.write_manifest({})
    assert list_files(root) == ["lms/a.csv", MANIFEST]


@pytest.mark.parametrize(
    "path",
    ["../a", "a/../b", "/a", "a//b", "", ".a", "a/.b", "a\\b", "a b", "a\0", "-a", "ä"],
)
def test_a_path_that_leads_elsewhere_is_refused(path, tmp_path):
    with (
        open_export(tmp_path / "out", private=False) as folder,
        folder.replace("lms"),
        pytest.raises(ParamError, match="cannot be the path"),
    ):
        folder.add(path, b"x")


def test_a_path_is_written_once(tmp_path):
    with (
        open_export(tmp_path / "out", private=False) as folder,
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
