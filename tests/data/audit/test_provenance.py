from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from workbench.core.errors import SourceError
from workbench.data.audit.assemble import collect_shares
from workbench.data.audit.faults import FAULT_COLUMNS
from workbench.data.audit.provenance import (
    count_quarantine,
    map_sources,
    read_control_totals,
    read_lineage,
    tabulate_lineage,
    tabulate_quarantine,
)

_COLUMNS = ["table", "reason", "rule", "source", "file", "row", "column", "value"]


def write_quarantine(store: Path, *rows: tuple[str, str, int, str]) -> None:
    """Write a quarantine of table, reason, row and column, with telling values."""
    store.mkdir(parents=True, exist_ok=True)
    content = [
        (table, reason, "a rule", "lms", "lms/a.csv", row, column, "SECRET")
        for table, reason, row, column in rows
    ]
    frame = pd.DataFrame(content, columns=_COLUMNS)
    frame.to_parquet(store / "_quarantine.parquet", index=False)


def test_quarantine_is_counted_without_values(tmp_path: Path) -> None:
    write_quarantine(
        tmp_path,
        ("enrollments", "duplicate_key", 3, "enrollment_id"),
        ("enrollments", "duplicate_key", 4, "enrollment_id"),
        ("enrollments", "duplicate_key", 4, "enrollment_id"),
        ("enrollments", "unknown_employee", 5, "employee_id"),
        ("performance", "out_of_range", 1, "rating"),
    )
    counts = count_quarantine(tmp_path)
    assert counts[["table", "reason", "rows"]].to_numpy().tolist() == [
        ["enrollments", "duplicate_key", 2],
        ["enrollments", "unknown_employee", 1],
        ["performance", "out_of_range", 1],
    ]
    table = tabulate_quarantine(counts, {"enrollments": 97, "performance": 3})
    assert table["share"].tolist() == pytest.approx([0.02, 0.01, 0.25])
    assert "SECRET" not in table.to_csv()
    assert not {"value", "row"} & set(table.columns)


def test_a_table_that_lost_every_row(tmp_path: Path) -> None:
    write_quarantine(tmp_path, ("surveys", "unreadable_date", 1, "asked_at"))
    table = tabulate_quarantine(count_quarantine(tmp_path), {})
    assert table["share"].tolist() == [1.0]


def test_without_a_quarantine_nothing_was_set_aside(tmp_path: Path) -> None:
    counts = count_quarantine(tmp_path)
    assert counts.empty
    assert tabulate_quarantine(counts, {"enrollments": 5}).empty


def test_damaged_quarantine_is_refused(tmp_path: Path) -> None:
    (tmp_path / "_quarantine.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(SourceError, match="quarantine of the store cannot be read"):
        count_quarantine(tmp_path)


def test_lineage_keeps_the_order_of_the_loader(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        [
            ("employees", "hris", "hris/b.csv", "f" * 64, 10, 5, 1, 3, 1),
            ("employees", "persons", "persons.csv", "ee", 10, 0, 0, 0, 0),
            ("consent", "hris", "hris/b.csv", "f" * 64, 10, 5, 0, 5, 0),
        ],
        columns=[
            *("table", "source", "file", "sha256", "bytes", "rows_in"),
            *("rows_filtered", "rows_mapped", "rows_quarantined"),
        ],
    )
    frame.to_parquet(tmp_path / "_lineage.parquet", index=False)
    lineage = read_lineage(tmp_path)
    pd.testing.assert_frame_equal(lineage, frame)
    assert map_sources(lineage) == {"employees": "hris", "consent": "hris"}
    shown = tabulate_lineage(lineage)
    assert shown["file"].tolist() == ["hris/b.csv", "hris/b.csv"]
    assert shown["sha256"].tolist() == ["f" * 12] * 2
    nothing = read_lineage(tmp_path / "nowhere")
    assert nothing.empty
    assert tabulate_lineage(nothing).empty


def test_control_totals_say_by_how_much_they_are_off(tmp_path: Path) -> None:
    lineage = pd.DataFrame(
        [
            ("enrollments", "lms", "a.csv", 150),
            ("courses", "lms", "a.csv", 150),
            ("enrollments", "lms", "b.csv", 50),
        ],
        columns=["table", "source", "file", "rows_in"],
    )
    frame = pd.DataFrame(
        [
            ("exact", "lms", 100.0, 100.0, True),
            ("short", "lms", 100.0, 97.0, False),
            ("no difference expected", "lms, delivery", 0.0, -3.0, False),
            ("nothing to compare with", "delivery", 0.0, 3.0, False),
            ("not found", "lms", 100.0, math.nan, False),
        ],
        columns=["name", "source", "expected", "found", "ok"],
    )
    frame.to_parquet(tmp_path / "_control_totals.parquet", index=False)
    totals = read_control_totals(tmp_path, lineage).set_index("name")
    assert totals["off"].tolist() == pytest.approx(
        [0, 0.03, 3 / 200, math.inf, math.inf]
    )


def _shares(**changes: pd.DataFrame) -> pd.DataFrame:
    empty = {
        "quarantined": pd.DataFrame({"table": [], "reason": [], "rows": []}),
        "faults": pd.DataFrame(columns=FAULT_COLUMNS),
        "completeness": pd.DataFrame({"table": [], "value": [], "rows": []}),
        "freshness": pd.DataFrame({"table": [], "value": [], "rows": [], "text": []}),
    }
    frames = empty | changes
    return collect_shares(stored={"enrollments": 90}, **frames).set_index("dimension")


def test_shares_by_hand() -> None:
    aside = pd.DataFrame(
        [
            ("enrollments", "duplicate_key", 6),
            ("enrollments", "unknown_employee", 3),
            ("enrollments", "null_required", 1),
            ("performance", "out_of_range", 50),
        ],
        columns=["table", "reason", "rows"],
    )
    faults = pd.DataFrame(
        [
            ("enrollments", "out_of_range", "score", "validity", 90, 9, "above 100"),
            ("enrollments", "out_of_list", "status", "validity", 90, 0, "odd"),
            ("enrollments", "duplicate_key", "id", "uniqueness", 90, 0, "twice"),
        ],
        columns=FAULT_COLUMNS,
    )
    filled = pd.DataFrame({"table": ["enrollments"], "value": [0.8], "rows": [90]})
    shares = _shares(quarantined=aside, faults=faults, completeness=filled)
    assert shares["value"].to_dict() == pytest.approx(
        {
            "completeness": 0.8 * 0.99,
            "validity": 0.9,
            "uniqueness": 0.94,
            "consistency": 0.97,
            "timeliness": math.nan,
        },
        nan_ok=True,
    )
    assert shares.loc["validity", "text"] == ("9 faults in the store, most: above 100")
    assert shares.loc["uniqueness", "text"] == "6 rows set aside on loading"


def test_nothing_measured_does_not_apply() -> None:
    assert _shares()["value"].isna().all()
