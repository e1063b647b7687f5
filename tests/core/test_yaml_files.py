from __future__ import annotations

import pytest
from pydantic import ConfigDict

from workbench.core.errors import ParamError
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


class Anything(Strict):
    model_config = ConfigDict(extra="allow")


def fail(tmp_path, text, model=Anything):
    path = tmp_path / "mapping.yml"
    path.write_text(text)
    with pytest.raises(ParamError) as caught:
        read_model(path, model)
    return str(caught.value)


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ("{a: ", "}")])
def test_what_is_nested_too_deep_is_told_with_its_place(tmp_path, opened, closed):
    told = fail(tmp_path, f"\nkey: {opened * 3000}{closed * 3000}\n")
    assert "nested more than 64 levels deep" in told
    assert "mapping.yml:2:" in told
    path = tmp_path / "mapping.yml"
    path.write_text(f"key: {opened * 60}{closed * 60}\n".replace("a: }", "a: 1}"))
    assert read_model(path, Anything).key


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17", 17),
        ("-1_000", -1000),
        ("0", 0),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, "9" * 19),
        ("17:00", "17:00"),
        ("1:30.5", "1:30.5"),
        ("010", "010"),
        ("0x1f", "0x1f"),
        ("1.5", 1.5),
        ("1" + ":1" * 3000, "1" + ":1" * 3000),
    ],
)
def test_whole_numbers_are_decimal_and_times_of_day_are_texts(tmp_path, text, value):
    path = tmp_path / "mapping.yml"
    path.write_text(f"key: {text}\n")
    found = read_model(path, Anything).key
    assert (type(found), found) == (type(value), value)


def test_of_very_many_faults_the_first_are_told(tmp_path):
    keys = "".join(f"k{number}: 1\n" for number in range(300))
    told = fail(tmp_path, "column: a\nother: b\nactive: true\n" + keys, Mapping)
    assert "does not fit its model (301 faults)" in told
    assert told.count("mapping.yml:") == 50
