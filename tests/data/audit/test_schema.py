from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.data.audit.conftest import Opener
from tests.data.audit.stores import Rows, write_store
from workbench.core.errors import SourceError
from workbench.data.audit.schema import check_sample, check_schema, count_stored


def test_a_sound_store_holds_the_contract(rows: Rows, tmp_path: Path) -> None:
    rows["employees"][0]["works_council"] = "yes"  # employees may have more columns
    store = write_store(tmp_path / "store", rows)
    assert check_schema(store).empty
    assert count_stored(store)["enrollments"] == 432
    assert list(count_stored(store))[:2] == ["employees", "job_history"]


def _change(store: Path, table: str, change: object) -> pd.DataFrame:
    path = store / f"{table}.parquet"
    change(pd.read_parquet(path)).to_parquet(path, index=False)  # type: ignore[operator]
    return check_schema(store)


def test_missing_required_column_is_critical(rows: Rows, tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", rows)
    found = _change(store, "enrollments", lambda t: t.drop(columns="status"))
    assert found.iloc[0].tolist() == [
        "enrollments",
        "status",
        "missing column",
        432,
        True,
    ]


def test_missing_optional_or_unknown_column_is_not(rows: Rows, tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", rows)
    found = _change(
        store, "performance", lambda t: t.drop(columns="rating").assign(note="x")
    )
    assert found[["column", "fault"]].to_numpy().tolist() == [
        ["rating", "missing column"],
        ["note", "unknown column"],
    ]
    assert not found["critical"].any()


def test_other_type_is_named(rows: Rows, tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", rows)
    found = _change(
        store, "performance", lambda t: t.assign(rating=t["rating"].astype("int32"))
    )
    assert found["fault"].tolist() == ["type INTEGER, not DOUBLE"]


def test_a_period_that_is_no_quarter_is_critical(rows: Rows, tmp_path: Path) -> None:
    rows["performance"][3]["period"] = "2026-Q1"
    found = check_schema(write_store(tmp_path / "store", rows))
    assert found[["fault", "rows", "critical"]].to_numpy().tolist() == [
        ["not a quarter", 1, True]
    ]


def test_half_written_table_is_refused(rows: Rows, tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", rows)
    path = store / "performance.parquet"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SourceError, match=r"cannot be read(.|\n)*performance\.parquet"):
        count_stored(store)
    with pytest.raises(SourceError, match="load the organisation again"):
        check_schema(store)


def test_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no store of canonical tables"):
        count_stored(tmp_path / "nowhere")


def test_sample_agrees_with_pandera(rows: Rows, opened: Opener) -> None:
    con = opened(rows)
    assert check_sample(con).empty


def test_sample_names_the_rule_and_never_the_value(rows: Rows, opened: Opener) -> None:
    rows["enrollments"][0]["score"] = 777.0
    rows["enrollments"][1]["status"] = "vanished"
    found = check_sample(opened(rows))
    assert set(found["column"]) == {"score", "status"}
    assert found["rows"].tolist() == [1, 1]
    text = found.to_csv()
    assert "777" not in text
    assert "vanished" not in text
