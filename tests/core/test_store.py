from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from workbench.core.errors import ParamError, SourceError
from workbench.core.quarters import Quarter
from workbench.core.store import (
    Workspace,
    find_project_root,
    hash_file,
    hash_text,
    read_json,
    read_parquet,
    write_atomic,
    write_json,
    write_parquet,
)


def test_tables_and_json_come_back_as_written(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    write_parquet(tmp_path / "deep" / "t.parquet", table)
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "deep" / "t.parquet"), table)
    write_json(tmp_path / "v.json", {"b": 1, "a": "ü"})
    assert read_json(tmp_path / "v.json") == {"a": "ü", "b": 1}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    write_json(path, {"a": 1})

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, fail)
    assert read_json(path) == {"a": 1}
    assert [item.name for item in tmp_path.iterdir()] == ["v.json"]


def test_damaged_results_are_named(tmp_path: Path) -> None:
    (tmp_path / "v.json").write_text('{"a": ')
    with pytest.raises(SourceError, match=r"v\.json"):
        read_json(tmp_path / "v.json")
    write_parquet(tmp_path / "t.parquet", pd.DataFrame({"a": range(1000)}))
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"t\.parquet"):
        read_parquet(tmp_path / "t.parquet")
    with pytest.raises(SourceError, match=r"none\.parquet"):
        read_parquet(tmp_path / "none.parquet")


def test_stage_folders_cannot_leave_the_outputs(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    folder = workspace.stage("demo", Quarter(2026, 3), "_all", "audit")
    assert folder == tmp_path / "outputs" / "demo" / "2026Q3" / "_all" / "audit"
    for org, persona, stage in (
        ("../x", "_all", "audit"),
        ("demo", "..", "audit"),
        ("demo", "_all", "a/b"),
    ):
        with pytest.raises(ParamError, match="cannot be the name"):
            workspace.stage(org, Quarter(2026, 3), persona, stage)


def test_project_root_is_found_from_below(tmp_path: Path) -> None:
    for name in ("params", "notebooks/brief"):
        (tmp_path / name).mkdir(parents=True)
    assert find_project_root(tmp_path / "notebooks" / "brief") == tmp_path.resolve()


def test_no_project_root_says_what_one_holds(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="params/ and notebooks/"):
        find_project_root(tmp_path)


def test_hashes_are_those_of_sha_256(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_file(tmp_path / "f") == known
    assert hash_text("abc") == known
