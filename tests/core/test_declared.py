from __future__ import annotations

from pathlib import Path

import pytest

from workbench.core.declared import find_redeclared, keep_declared
from workbench.core.errors import SourceError
from workbench.core.params import Outcome


def _outcome(**more: object) -> Outcome:
    known: dict[str, object] = {
        "id": "performance_rating",
        "source": "performance.rating",
        "kind": "continuous",
        "threshold": {"relative": 0.05},
        "personas": {"team_leads": {"relative": 0.08}},
    }
    return Outcome.model_validate(known | more)


def test_nothing_has_changed_before_the_first_run_and_right_after(
    tmp_path: Path,
) -> None:
    assert find_redeclared(tmp_path, [_outcome()]) == {}
    keep_declared(tmp_path, [_outcome()])
    assert find_redeclared(tmp_path, [_outcome()]) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"threshold": {"relative": 0.03}},
            "threshold: relative 0.05, now relative 0.03",
        ),
        (
            {"threshold": {"absolute": 0.1}},
            "threshold: relative 0.05, now absolute 0.1",
        ),
        ({"threshold": None}, "threshold: relative 0.05, now none"),
        ({"lag_quarters": 2}, "lag in quarters: 1, now 2"),
        ({"horizon_days": 90}, "horizon in days: none, now 90"),
        ({"direction": "down"}, "direction: up, now down"),
        (
            {"personas": {}},
            "thresholds of personas: team_leads relative 0.08, now none",
        ),
    ],
)
def test_a_later_change_is_named_also_after_further_runs(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    keep_declared(tmp_path, [_outcome()])
    changed = _outcome(**change)
    keep_declared(tmp_path, [changed])
    assert find_redeclared(tmp_path, [changed]) == {"performance_rating": said}


def test_words_for_people_may_change(tmp_path: Path) -> None:
    keep_declared(tmp_path, [_outcome()])
    assert find_redeclared(tmp_path, [_outcome(label="Rating", target=(0, 1))]) == {}


def test_an_outcome_added_later_is_named(tmp_path: Path) -> None:
    keep_declared(tmp_path, [_outcome()])
    found = find_redeclared(tmp_path, [_outcome(), _outcome(id="second")])
    assert found == {"second": "added after the first run"}


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    keep_declared(tmp_path, [_outcome()])
    (tmp_path / "declared.json").write_text("{", encoding="utf-8")
    with pytest.raises(SourceError, match="declared"):
        find_redeclared(tmp_path, [_outcome()])
