"""What may be shown of portfolio, prediction and prescription, and what is counted."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.brief.content.prescribed_stages import (
    HIDDEN,
    PERSON,
    make_actions,
    make_modules,
    make_portfolio,
    make_prediction,
    make_prescription,
)
from workbench.brief.action_counts import OTHER, count_actions
from workbench.brief.withheld import withhold_tables

FLOOR = 10


def withhold(stage, result, **changed):
    return withhold_tables(stage, {**result.tables, **changed}, min_group=FLOOR)


def test_tables_of_other_stages_stay_as_they_are():
    table = pd.DataFrame({"unit": [PERSON], "n": [1]})
    kept = withhold_tables("psm", {"access": table}, min_group=FLOOR)
    assert kept["access"] is table


def test_a_module_on_too_few_people_is_blank_in_every_table():
    made = withhold("portfolio", make_portfolio())
    modules = made["modules"].set_index(["persona", "module"])
    hidden = modules.loc[("veterans", "d")]
    assert hidden["suppressed"]
    assert (
        hidden[["impact", "ratio", "ratio_low", "raw_impact", "n_passed"]].isna().all()
    )
    assert hidden["cost"] == 120
    assert modules.loc[("veterans", "e"), "n_skipped"] == 14
    paths = made["paths"]
    assert paths.loc[paths["persona"] == "veterans", "impact"].isna().all()
    assert paths.loc[paths["module"] == "a", "impact"].tolist() == [1.2]
    text = " ".join(table.to_csv() for table in made.values())
    assert str(HIDDEN) not in text
    assert str(HIDDEN / 5) not in text


def test_a_module_that_cannot_be_told_apart_is_not_called_withheld():
    made = withhold("portfolio", make_portfolio())["modules"]
    row = made[made["module"] == "c"].iloc[0]
    assert not row["suppressed"]
    assert not row["identified"]
    assert (row["n_passed"], row["n_skipped"]) == (190, 0)


def test_what_all_modules_share_is_no_number_of_one_of_them():
    modules = make_modules()
    shared = modules.assign(impact=0.77, ratio=3.1, raw_impact=0.78)
    modules = modules.where(modules["identified"], shared)
    paths = make_portfolio().tables["paths"].assign(impact=0.77)
    made = withhold("portfolio", make_portfolio(), modules=modules, paths=paths)
    for name in ("modules", "paths"):
        own = made[name][made[name]["module"] == "c"]
        assert len(own) == 1
        assert own["impact"].isna().all()
    assert not made["modules"].loc[made["modules"]["module"] == "c", "suppressed"].any()


def test_small_groups_of_access_are_blank_whether_marked_or_not():
    access = withhold("prescription", make_prescription("leads"))["access"]
    small = access[access["group"].isin(["diverse", "not recorded"])]
    assert small["suppressed"].all()
    assert small[["rate", "ratio", "ratio_low", "selected"]].isna().all(axis=None)
    assert access.loc[access["group"] == "female", "n"].tolist() == [70, 70]


def make_access(*groups: tuple[str, int, int], **more: object) -> pd.DataFrame:
    rows = [
        {"group": name, "n": size, "selected": own, "rate": own / size, "ratio": 0.9}
        for name, own, size in groups
    ]
    given = {"kind": "prescribed", "attribute": "region", "reference": "east"}
    return pd.DataFrame(rows).assign(**given, suppressed=False, **more)


def blank_access(table: pd.DataFrame) -> pd.DataFrame:
    made = withhold_tables("prescription", {"access": table}, min_group=FLOOR)
    return made["access"].set_index("group")


def test_few_selected_and_few_left_are_blank_with_what_gives_them_away():
    regions = (("east", 13, 63), ("north", 12, 59), ("south", 5, 42), ("west", 10, 43))
    access = blank_access(make_access(*regions, verdict="falls short"))
    assert access.index[access["suppressed"]].tolist() == ["south", "west"]
    hidden = access.loc[["south", "west"]]
    assert hidden[["n", "selected", "rate", "ratio"]].isna().all(axis=None)
    assert set(hidden["verdict"]) == {"not shown"}
    assert access.loc[["east", "north"], "selected"].tolist() == [13, 12]
    rest = (("east", 30, 63), ("north", 30, 59), ("south", 38, 42), ("west", 15, 43))
    access = blank_access(make_access(*rest))
    assert access.index[access["suppressed"]].tolist() == ["south", "west"]


def test_no_ratio_is_left_to_a_rate_that_is_blank():
    regions = (("east", 4, 63), ("north", 20, 59), ("south", 15, 42), ("west", 19, 60))
    access = blank_access(make_access(*regions))
    assert access.index[access["suppressed"]].tolist() == ["east", "south"]
    assert access["ratio"].isna().all()
    assert access.loc["north", "rate"] == pytest.approx(20 / 59)


def test_nothing_that_names_a_person_or_a_team_is_kept():
    made = {
        **withhold("prescription", make_prescription("leads")),
        **withhold("prediction", make_prediction()),
    }
    assert "actions" not in made
    assert "predictions" not in made
    text = " ".join(table.to_csv() for table in made.values())
    assert PERSON[:-6] not in text
    assert "boss" not in text
    assert "0.987" not in text


def test_columns_that_a_stage_left_out_are_missing_not_an_error():
    bare = pd.DataFrame({"persona": ["leads"], "module": ["a"], "program": ["leading"]})
    made = withhold_tables("portfolio", {"modules": bare}, min_group=FLOOR)["modules"]
    assert made["impact"].isna().all()
    assert made["identified"].tolist() == [True]
    assert made["suppressed"].tolist() == [False]


def test_reading_changes_no_table():
    table = make_modules()
    before = table.copy()
    withhold_tables("portfolio", {"modules": table}, min_group=FLOOR)
    pd.testing.assert_frame_equal(table, before)


def test_small_cells_are_added_up_and_shown_once_they_are_enough():
    few = count_actions(
        make_actions(("practice", "fades", 12), ("assessment", "old", 4)),
        min_group=FLOOR,
    )["action_counts"].set_index("action")
    assert few.loc["practice", "people"] == 12
    assert math.isnan(few.loc[OTHER, "people"])
    assert few.loc[OTHER, "suppressed"]
    more = count_actions(
        make_actions(("practice", "fades", 6), ("assessment", "old", 7)),
        min_group=FLOOR,
    )["action_counts"]
    assert more["action"].tolist() == [OTHER]
    assert more["people"].tolist() == [13]


def test_people_are_counted_not_their_actions():
    twice = make_actions(("practice", "fades", 9))
    twice = pd.concat([twice, twice], ignore_index=True)
    counted = count_actions(twice, min_group=FLOOR)
    assert counted["action_counts"]["people"].isna().all()
    assert counted["action_weeks"]["suppressed"].tolist() == [True, True]


def test_weeks_begin_on_a_monday():
    actions = make_actions(("practice", "fades", 30))
    days = ["2026-10-05", "2026-10-11", "2026-10-12"]
    dated = actions.assign(effective_on=days * 10, expires_on=None)
    weeks = count_actions(dated, min_group=FLOOR)["action_weeks"]
    assert weeks["week"].tolist() == ["2026-10-05", "2026-10-12"]
    assert weeks["people"].tolist() == [20, 10]


def test_a_recommendation_is_open_until_it_expires_unless_declined():
    actions = make_actions(("practice", "fades", 30)).assign(
        effective_on=pd.Timestamp("2026-10-01"), expires_on="2026-10-19"
    )
    weeks = count_actions(actions, min_group=FLOOR)["action_weeks"]
    assert weeks["week"].tolist() == [
        "2026-09-28",
        "2026-10-05",
        "2026-10-12",
        "2026-10-19",
    ]
    assert set(weeks["people"]) == {30}
    declined = actions.assign(status="declined")
    assert count_actions(declined, min_group=FLOOR)["action_weeks"].empty
    undated = actions.assign(expires_on=None)
    assert len(count_actions(undated, min_group=FLOOR)["action_weeks"]) == 1


def count_weeks(*last: str, **changed: object) -> pd.DataFrame:
    """People whose recommendations all begin on 5 October and end on these days."""
    actions = make_actions(("practice", "fades", len(last))).assign(
        effective_on="2026-10-05", expires_on=list(last), **changed
    )
    weeks = count_actions(actions, min_group=FLOOR)["action_weeks"]
    return weeks.set_index("week")


def test_a_week_does_not_tell_the_few_who_went_since_another():
    first, second, third = "2026-10-06", "2026-10-13", "2026-10-20"
    weeks = count_weeks(*[first] * 3, *[second] * 12, *[third] * 15)
    assert weeks["people"].tolist()[::2] == [30, 15]
    assert weeks["suppressed"].tolist() == [False, True, False]
    weeks = count_weeks(*[first] * 6, *[second] * 6, *[third] * 18)
    assert weeks["suppressed"].tolist() == [False, True, False]
    weeks = count_weeks(*[first] * 10, *[third] * 20)
    assert weeks["people"].tolist() == [30, 20, 20]


def test_a_week_does_not_tell_the_few_who_declined():
    status = ["declined"] * 4 + ["proposed"] * 26
    weeks = count_weeks(*["2026-10-06"] * 30, status=status)
    assert weeks["suppressed"].tolist() == [True]
    status = ["declined"] * 10 + ["proposed"] * 20
    weeks = count_weeks(*["2026-10-06"] * 30, status=status)
    assert weeks["people"].tolist() == [20]


def test_a_week_does_not_tell_a_reason_that_is_not_shown():
    actions = make_actions(("practice", "fades", 30), ("practice", "other", 4))
    actions = actions.assign(unit=[f"u{n}" for n in range(34)])
    counted = count_actions(actions, min_group=FLOOR)
    assert counted["action_counts"]["people"].tolist()[-1] == 30
    assert set(counted["action_weeks"]["people"]) == {30}
    assert counted["action_weeks"]["suppressed"].all()


def test_a_small_status_is_hidden_with_the_next():
    actions = make_actions(("practice", "fades", 60))
    status = ["approved"] * 20 + ["declined"] * 4 + ["proposed"] * 36
    counted = count_actions(actions.assign(status=status), min_group=FLOOR)
    table = counted["action_status"].set_index("status")
    assert table["suppressed"].to_dict() == {
        "approved": True,
        "declined": True,
        "proposed": False,
    }
    assert table.loc["proposed", "people"] == 36
    alone = count_actions(
        actions.head(40).assign(
            status=status[:4] + ["declined"] * 36,
        ),
        min_group=FLOOR,
    )["action_status"]
    assert alone["people"].isna().all()


@pytest.mark.parametrize(
    ("people", "seats", "shown"),
    [(38, 40, False), (40, 40, True), (30, 40, True), (38, 30, True)],
)
def test_a_count_does_not_tell_the_few_seats_without_it(people, seats, shown):
    everyone = [f"s{n}" for n in range(40)]
    actions = make_actions(("path_module", "begin", people))
    tables = {
        "actions": actions.assign(unit=everyone[:people]),
        "seats": pd.DataFrame({"unit": everyone[:seats], "benefit": 1.0}),
    }
    made = withhold_tables("prescription", tables, min_group=FLOOR)
    assert "seats" not in made
    counts, weeks = made["action_counts"], made["action_weeks"]
    assert counts["suppressed"].tolist() == [not shown]
    assert weeks["people"].notna().all() == shown


@pytest.mark.parametrize("empty", [pd.DataFrame(), make_actions()])
def test_no_actions_give_empty_counts(empty):
    assert all(table.empty for table in count_actions(empty, min_group=FLOOR).values())
