from __future__ import annotations

from workbench.core.params import Strict
from workbench.core.yaml_files import read_model


class Mapping(Strict):
    column: str
    other: str
    active: bool
    quiet: bool


def test_only_true_and_false_are_truth_values(tmp_path):
    path = tmp_path / "mapping.yml"
    path.write_text("column: no\nother: On\nactive: true\nquiet: off\n")
    found = read_model(path, Mapping)
    assert (found.column, found.other) == ("no", "On")
    assert (found.active, found.quiet) == (True, False)
