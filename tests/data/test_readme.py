"""The example mapping of the README fits the model and the contract."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.core.yaml_files import read_model
from workbench.data.contract import TABLES
from workbench.data.source_model import SourceMap

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_example_mapping_is_complete(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    block = re.findall(r"```yaml\n(.*?)```", text, flags=re.S)[0]
    path = tmp_path / "source.yml"
    path.write_text(block, encoding="utf-8")
    mapping = read_model(path, SourceMap)
    assert set(mapping.tables) == {
        "employees",
        "job_history",
        "courses",
        "enrollments",
    }


def test_the_table_of_required_columns_is_the_contract_s() -> None:
    text = README.read_text(encoding="utf-8")
    for name in ("employees", "job_history", "courses", "enrollments"):
        row = re.search(rf"^\| `{name}` \| ([^|]+) \|", text, flags=re.M)
        assert row is not None
        needed = [item.name for item in TABLES[name].columns if not item.nullable]
        assert re.findall(r"`(\w+)`", row[1]) == needed
