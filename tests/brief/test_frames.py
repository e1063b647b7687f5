"""Result tables and figures as the stage notebooks show them."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.brief.frames import format_frame, show_frame
from workbench.brief.stage_exhibits import exhibit_effects, exhibit_first
from workbench.core.results import StageResult


def test_decimals_follow_the_size_of_the_column() -> None:
    frame = pd.DataFrame(
        {
            "count": [1, 12000],
            "small": [0.1234, -0.5],
            "large": [1234.6, 2.25],
            "text": ["a", None],
            "yes": [True, False],
            "gap": [1.5, None],
        }
    )
    first, second = format_frame(frame)
    assert first == {
        "count": "1", "small": "0.123", "large": "1,235", "text": "a", "yes": "yes",
        "gap": "1.50",
    }  # fmt: skip
    assert second["small"] == "−0.500"
    assert (second["text"], second["gap"], second["yes"]) == ("–", "–", "no")


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_names_from_data_cannot_become_markup(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_frame(pd.DataFrame({"name": ["<b>x</b>"]}), caption="All")
    text = shown(capsys)
    assert "&lt;b&gt;" in text
    assert "<b>x" not in text


def test_long_and_empty_tables_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    show_frame(pd.DataFrame({"a": range(300)}), caption="Many")
    assert "The first 200 of 300 rows." in shown(capsys)
    show_frame(pd.DataFrame({"a": []}), caption="None", empty="Nobody is here.")
    assert "Nobody is here." in shown(capsys)


WORDS = {"describe": lambda _: "title", "alt": lambda _: "alt", "caption": "Caption."}


def test_the_first_comparison_of_a_table_is_shown() -> None:
    table = pd.DataFrame(
        {"program": ["p", "p"], "outcome": ["rating", "kpi"], "smd": [0.1, 0.2]}
    )
    result = StageResult(stage="psm", tables={"balance": table})
    exhibit = exhibit_first(result, "balance", **WORDS)
    assert exhibit.panels[0][1]["smd"].tolist() == [0.1]
    assert exhibit.caption == "Caption. Shown for rating (p)."


def test_a_stage_without_numbers_shows_its_reason() -> None:
    result = StageResult(stage="psm", status="not_applicable", reason="no ratings")
    assert exhibit_effects(result, **WORDS).panels == ()
    assert exhibit_first(result, "balance", **WORDS).empty == "no ratings"
