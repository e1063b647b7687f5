from __future__ import annotations

import numpy as np
import pytest

from tests.impact.did.classic_panels import make_panel, simulate_panel
from workbench.cohorts.frames import Panel
from workbench.impact.did.few_clusters import ErrorComparison, compare_errors
from workbench.impact.did.two_by_two import estimate_two_by_two
from workbench.impact.inference import estimate_few_cluster_error

METHODS = ["row", "cr1", "cr2", "wild", "permutation"]


def compare(panel: Panel, **more: object) -> ErrorComparison:
    known: dict[str, object] = {"seed": 1, "draws": 499}
    return compare_errors(
        panel,
        estimate_two_by_two(panel),
        **(known | more),  # type: ignore[arg-type]
    )


def make_teams(teams: int, starts: tuple[int, ...], **more: object) -> Panel:
    known: dict[str, object] = {"people": 12 * teams, "team_sd": 0.3}
    frame = simulate_panel(
        3,
        teams=teams,
        by_team=True,
        starts=starts,
        **(known | more),  # type: ignore[arg-type]
    )
    return make_panel(frame, clusters=("unit", "team"))


@pytest.mark.parametrize(
    ("teams", "starts", "choice", "few"),
    [
        (60, (0, 4), "cr1", 30),
        (20, (0, 4), "cr2", 10),
        (8, (0, 4), "permutation", 4),
        (12, (0,) * 11 + (4,), "permutation", 1),
        (50, (0,) * 24 + (4,), "permutation", 2),
    ],
)
def test_the_recommended_error_follows_the_design(
    teams: int, starts: tuple[int, ...], choice: str, few: int
) -> None:
    found = compare(make_teams(teams, starts))
    check, agreement = found.checks
    assert found.table["method"].tolist() == METHODS
    assert found.recommended == choice
    assert found.table.loc[found.table["recommended"], "method"].tolist() == [choice]
    assert check.check == "few_treated_clusters"
    assert check.value == few
    assert check.passed == (few >= 5)
    assert min(found.n_treated, found.n_control) == few
    assert agreement.check == "errors_agree"


def test_one_or_two_treated_teams_rule_cluster_errors_out() -> None:
    found = compare(make_teams(12, (0,) * 5 + (4,)))
    usable = found.table.set_index("method")["usable"]
    assert usable.to_dict() == {
        "row": False,
        "cr1": False,
        "cr2": False,
        "wild": False,
        "permutation": True,
    }
    assert "not valid" in found.reason
    assert found.checks[1].passed is None


def test_too_few_assignments_are_said_to_show_nothing() -> None:
    found = compare(make_teams(4, (0, 0, 0, 4)))
    assert "cannot fall below 0.25" in found.reason


def test_numbers_are_those_of_the_single_methods() -> None:
    panel = make_teams(20, (0, 4), lose=0.05)
    result = estimate_two_by_two(panel)
    found = compare_errors(panel, result, seed=1, draws=499)
    table = found.table.set_index("method")
    changes = result.changes
    error, df = estimate_few_cluster_error(
        changes.frame["change"].to_numpy(),
        changes.treated,
        changes.others(),
        cluster=changes.code("team"),
        weights=changes.weigh("learners"),
    )
    assert table.loc["cr2", "std_error"] == pytest.approx(error)
    assert table.loc["cr2", "df"] == pytest.approx(df)
    assert table.loc["cr1", "df"] == 19
    largest = max(table.loc["cr1", "std_error"], error)
    assert result.effect.std_error == pytest.approx(largest)
    assert table["estimate"].to_numpy() == pytest.approx(result.effect.value)
    shared = (table["clusters"] == 20) | (table.index == "row")
    assert shared.all()
    for method in METHODS:
        row = table.loc[method]
        inside = row["ci_low"] <= 0 <= row["ci_high"]
        assert inside == (row["p_value"] >= 0.05)


def test_single_starts_cannot_be_exchanged() -> None:
    panel = make_panel(simulate_panel(4, people=80))
    found = compare(panel)
    table = found.table.set_index("method")
    assert np.isnan(table.loc["permutation", "p_value"])
    assert "one by one" in table.loc["permutation", "note"]
    assert table.loc["row", "usable"]


def test_many_clusters_are_not_redrawn() -> None:
    found = compare(make_panel(simulate_panel(4, people=700)))
    row = found.table.set_index("method").loc["wild"]
    assert "not needed" in row["note"]
    assert np.isnan(row["p_value"])
    assert not row["usable"]


def test_disagreement_is_a_warning() -> None:
    for seed in range(40):
        frame = simulate_panel(
            seed,
            people=120,
            teams=10,
            by_team=True,
            starts=(0, 4),
            team_sd=0.3,
            effect=0.4,
        )
        found = compare(make_panel(frame, clusters=("unit", "team")))
        usable = found.table[found.table["usable"]]
        shown = usable["p_value"] < 0.05
        if shown.any() and not shown.all():
            break
    assert found.checks[1].status == "warn"
    assert "disagree" in found.checks[1].text
