"""Access by group: rates, ratios, repeated persons, small cells, verdicts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from workbench.core.errors import MissingColumnError
from workbench.prescribe.equity.access import ACCESS_COLUMNS, measure_access
from workbench.prescribe.equity.four_fifths import check_four_fifths
from workbench.prescribe.equity.ratio_intervals import (
    interval_koopman,
    interval_wilson,
)
from workbench.prescribe.equity.small_cells import find_hidden


def make(counts: dict[str, tuple[int, int]]) -> pd.DataFrame:
    """People of each group, so many of whom are selected."""
    rows = [
        {"shift": name, "selected": place < selected}
        for name, (selected, size) in counts.items()
        for place in range(size)
    ]
    return pd.DataFrame(rows).assign(unit=lambda f: [f"u{n}" for n in f.index])


def measure(people: pd.DataFrame, **more: object) -> pd.DataFrame:
    given = {"kind": "prescribed", "attributes": ["shift"], **more}
    return measure_access(people, **given).set_index("group")  # type: ignore[arg-type]


DAYS = {"day": (40, 100), "late": (18, 60), "night": (12, 40)}


def test_rates_and_ratios_to_the_largest_group() -> None:
    table = measure(make(DAYS))
    assert [*table.reset_index().columns] == [
        "group",
        *ACCESS_COLUMNS[:2],
        *ACCESS_COLUMNS[3:],
    ]
    assert (table["reference"] == "day").all()
    assert table.loc["day", "verdict"] == "reference"
    late = table.loc["late"]
    assert (late["n"], late["selected"], late["rate"]) == (60, 18, 0.3)
    assert (late["rate_low"], late["rate_high"]) == pytest.approx(
        interval_wilson(18, 60)
    )
    assert late["ratio"] == pytest.approx(0.75)
    assert (late["ratio_low"], late["ratio_high"]) == pytest.approx(
        interval_koopman(18, 60, 40, 100)
    )


def test_rows_of_one_person_count_as_one() -> None:
    """Everybody three times over: the interval of Katz for the persons themselves."""
    people = make(DAYS)
    table = measure(pd.concat([people] * 3, ignore_index=True))
    late = table.loc["late"]
    low, high = confint_proportions_2indep(
        18, 60, 40, 100, compare="ratio", method="log"
    )
    stretch = math.sqrt(160 / 159)
    assert math.log(late["ratio_high"] / late["ratio"]) == pytest.approx(
        stretch * math.log(high / 0.75)
    )
    assert late["n"] == 180
    wilson = interval_wilson(18, 60)
    assert (late["rate_low"], late["rate_high"]) == pytest.approx(wilson, abs=2e-3)
    assert low < late["ratio_low"] + 0.01


def test_a_group_with_nobody_selected_has_an_interval_by_persons() -> None:
    people = make({"day": (40, 100), "late": (0, 30)})
    late = measure(pd.concat([people] * 2, ignore_index=True)).loc["late"]
    assert late["rate"] == late["ratio"] == late["ratio_low"] == 0
    assert late["ratio_high"] == pytest.approx(interval_koopman(0, 30, 40, 100)[1])
    assert late["rate_high"] == pytest.approx(interval_wilson(0, 30)[1])


def test_clustered_intervals_cover_the_ratio() -> None:
    """Persons in four quarters, alike over time, some changing shift: 250 draws."""
    inside = 0
    for seed in range(250):
        rng = np.random.default_rng(seed)
        size = 120
        taste = np.repeat(rng.beta(1, 2, size), 4)
        late = np.repeat(rng.random(size) < 0.4, 4) ^ (rng.random(4 * size) < 0.1)
        people = pd.DataFrame(
            {
                "unit": np.repeat(np.arange(size), 4),
                "shift": np.where(late, "late", "day"),
                "selected": rng.random(4 * size) < taste * np.where(late, 0.75, 1),
            }
        )
        row = measure(people).query("ratio == ratio").iloc[0]
        truth = 0.75 if row.name == "late" else 1 / 0.75
        inside += row["ratio_low"] <= truth <= row["ratio_high"]
    assert 0.915 <= inside / 250 <= 0.985


@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [
        ([50, 40, 12], [False, False, False]),
        ([50, 40, 4], [False, True, True]),
        ([50, 40, 30, 4, 3], [False, False, True, True, True]),
        ([50, 40, 6, 5], [False, False, True, True]),
        ([50, 4], [True, True]),
        ([4], [True]),
    ],
)
def test_small_groups_and_what_would_give_them_away_are_hidden(sizes, hidden) -> None:
    assert find_hidden([(size,) for size in sizes], min_group=10) == hidden


@pytest.mark.parametrize(
    ("cells", "hidden"),
    [
        # 3 of 28 are selected; with the next smallest that makes 8, so one more goes
        ([(90, 16, 74), (60, 12, 48), (40, 5, 35), (28, 3, 25)], [0, 1, 1, 1]),
        # 25 hidden people, but 4 of them are not selected
        ([(90, 40, 50), (60, 40, 20), (15, 15, 0), (12, 8, 4)], [0, 1, 1, 1]),
        # nobody selected is no small number, nor is everybody
        ([(90, 40, 50), (60, 0, 60), (30, 30, 0)], [0, 0, 0]),
    ],
)
def test_few_selected_or_few_left_are_as_telling_as_few_people(cells, hidden) -> None:
    assert find_hidden(cells, min_group=10) == [bool(item) for item in hidden]


def test_hidden_rows_show_no_number() -> None:
    table = measure(make({**DAYS, "dawn": (3, 4)}))
    assert table["suppressed"].to_dict() == {
        "dawn": True,
        "day": False,
        "late": False,
        "night": True,
    }
    numbers = table.loc[["dawn", "night"], ACCESS_COLUMNS[3:11]]
    assert numbers.isna().all(axis=None)
    assert table.loc["night", "verdict"] == "not shown"


@pytest.mark.parametrize("few", [(3, 28), (25, 28)])
def test_a_count_of_the_selected_or_the_rest_is_not_told(few) -> None:
    table = measure(make({**DAYS, "dawn": few}))
    assert table.loc["dawn", ACCESS_COLUMNS[3:11]].isna().all()
    assert table.loc["dawn", "verdict"] == "not shown"
    hidden = table.index[table["suppressed"]]
    chosen = sum({**DAYS, "dawn": few}[name][0] for name in hidden)
    people = sum({**DAYS, "dawn": few}[name][1] for name in hidden)
    assert len(hidden) > 1
    assert min(chosen, people - chosen) >= 10


def test_the_largest_group_shown_is_the_reference() -> None:
    counts = {"day": (4, 100), "late": (20, 60), "night": (15, 50), "dawn": (12, 40)}
    table = measure(make(counts))
    assert table["suppressed"].to_dict() == {
        "dawn": True,
        "day": True,
        "late": False,
        "night": False,
    }
    assert set(table["reference"]) == {"late"}
    assert table.loc["night", "ratio"] == pytest.approx(15 / 50 * 60 / 20)


def test_people_selected_count_not_their_quarters() -> None:
    """Twelve quarters of three people: 12 is no number of people."""
    people = make({"day": (40, 100), "late": (3, 60), "night": (12, 40)})
    table = measure(pd.concat([people] * 4, ignore_index=True))
    assert table.loc["late", "suppressed"]


def test_persons_not_rows_decide_what_is_small() -> None:
    people = make({"day": (40, 100), "late": (3, 6)})
    table = measure(pd.concat([people] * 5, ignore_index=True))
    assert table["suppressed"].all()


def test_a_missing_attribute_is_a_group_of_its_own() -> None:
    people = make(DAYS).assign(shift=lambda f: f["shift"].where(f["shift"] != "late"))
    assert "not recorded" in measure(people).index


def test_an_attribute_all_share_is_left_out() -> None:
    people = make({"day": (40, 100)})
    table = measure_access(people, kind="taken_up", attributes=["shift"])
    assert table.empty
    assert list(table.columns) == ACCESS_COLUMNS


@pytest.mark.parametrize(
    ("counts", "verdict", "passed"),
    [
        ({"day": (4000, 8000), "late": (3900, 8000)}, "holds", True),
        ({"day": (4000, 8000), "late": (2000, 8000)}, "falls short", False),
        ({"day": (4000, 8000), "late": (7000, 8000)}, "falls short", False),
        ({"day": (40, 80), "late": (39, 80)}, "cannot tell", None),
        ({"day": (40, 80), "late": (3, 4)}, "not shown", None),
    ],
)
def test_a_check_passes_only_where_the_interval_allows(counts, verdict, passed) -> None:
    table = measure_access(make(counts), kind="taken_up", attributes=["shift"])
    assert verdict in table["verdict"].tolist()
    (check,) = check_four_fifths(table)
    assert check.passed is passed
    assert check.check == "access taken up by shift"


def test_a_hidden_group_keeps_a_check_from_passing() -> None:
    counts = {"day": (4000, 8000), "late": (3900, 8000), "x": (5, 10), "y": (5, 10)}
    table = measure_access(make(counts), kind="prescribed", attributes=["shift"])
    (check,) = check_four_fifths(table)
    assert check.passed is None
    assert check.text.endswith("2 groups are kept back.")
    assert check.value == pytest.approx(3900 / 4000)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(MissingColumnError, match="age"):
        measure_access(make(DAYS), kind="prescribed", attributes=["age"])
