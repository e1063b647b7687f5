"""Files that are too deep, too long or too odd end in a short message."""

from __future__ import annotations

import pytest

from tests.prescribe.rules.books import GOOD, make_book, make_rule
from tests.prescribe.rules.test_read import fail, find_line
from workbench.core.errors import ParamError
from workbench.prescribe.rules.source import Faults, Spot


def test_what_is_nested_too_deep_is_told_with_its_place(tmp_path):
    assert "nested more than 64 levels deep" in fail(tmp_path, "[" * 3000 + "]" * 3000)
    when = "{not: " * 400 + "{tenure: known}" + "}" * 400
    text = make_book(make_rule("one", when))
    told = fail(tmp_path, text)
    assert f"rules.yml:{find_line(text, '    when:')}:" in told


@pytest.mark.parametrize(
    "number", ["1:30", "1" + ":1" * 3000, "0x" + "f" * 5000, "010"]
)
def test_numbers_that_are_not_decimal_are_texts(tmp_path, number):
    told = fail(tmp_path, GOOD.replace("priority: 2", f"priority: {number}"))
    shown = number[:80]
    assert f"priority is a whole number from 1 to 99, got '{shown}'" in told
    assert len(told) < 1000


def test_of_very_many_faults_the_first_are_told(tmp_path):
    keys = "".join(f"k{number}: 1\n" for number in range(2000))
    told = fail(tmp_path, GOOD + keys)
    assert "(the first 50 faults; the rest was not looked at)" in told
    assert told.count("unknown key") == 50
    line = GOOD.count("\n") + 1
    assert f"rules.yml:{line}:1: unknown key 'k0'" in told
    assert f"rules.yml:{line + 49}:1: unknown key 'k49'" in told


def test_a_fault_at_one_place_is_told_once(tmp_path):
    faults = Faults(tmp_path / "rules.yml")
    for _ in range(99):
        faults.add(Spot(1, 1), "odd")
    with pytest.raises(ParamError, match=r"cannot be used as it is\."):
        faults.raise_any()


def test_long_names_are_cut_in_messages(tmp_path):
    told = fail(tmp_path, GOOD + f'? "{"rules" * 9000}"\n: 1\n')
    assert "unknown key" in told
    assert len(told) < 500
