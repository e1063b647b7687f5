"""Effects by group: known differences, small cells, and what may be said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.impact.simulate import make_cohort, make_outcome, simulate_frame
from workbench.cohorts.frames import Cohort
from workbench.core.errors import MissingColumnError, NoVariationError
from workbench.core.results import tabulate_estimates
from workbench.impact.comparison import Comparison, compare_groups
from workbench.impact.groups.subgroup_cells import hide_cells, label_groups
from workbench.impact.groups.subgroup_regression import fit_groups
from workbench.impact.groups.subgroups import (
    METHOD,
    Subgroups,
    adjust_subgroups,
    estimate_subgroups,
    publish_subgroups,
)
from workbench.impact.inference import regress_on_treatment
from workbench.impact.psm.analysis import estimate_psm

AGES = ("under 30", "30 to 39", "50 and over")
NUMBERS = ["estimate", "std_error", "df", "ci_low", "ci_high", "p_value"]


def build(
    seed: int,
    *,
    extra: float = 0.0,
    women: float = 0.5,
    missing: float = 0.0,
    people: int = 600,
    **more: object,
) -> Cohort:
    """Give people a gender and an age band; women gain `extra` more from learning."""
    frame = simulate_frame(seed, people=people, trials=2)
    rng = np.random.default_rng(seed + 100)
    ids = sorted(frame["unit"].unique())
    draw = rng.random(len(ids))
    gender = np.where(draw < women, "women", "men").astype("object")
    gender[rng.random(len(ids)) < missing] = None
    ages = rng.choice(AGES, size=len(ids))
    frame["gender"] = frame["unit"].map(dict(zip(ids, gender, strict=True)))
    frame["age_band"] = frame["unit"].map(dict(zip(ids, ages, strict=True)))
    gain = frame["treated"] & (frame["gender"] == "women")
    frame["outcome"] += extra * gain
    known: dict[str, object] = {"protected": ("gender", "age_band")}
    return make_cohort(frame, **(known | more))


def compare(cohort: Cohort, **more: object) -> Comparison:
    known: dict[str, object] = {"caliper": 0.2, "ratio": 1, "replace": False}
    return compare_groups(
        cohort,
        matching=known | more,
        exact=(),
        propensity="logistic",
        min_group=10,
        seed=1,
    )


def estimate(cohort: Cohort, **more: object) -> Subgroups:
    return estimate_subgroups(cohort, compare(cohort), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def uneven() -> Subgroups:
    return estimate(build(3, extra=0.4, people=900))


def test_known_effects_and_difference_are_found(uneven: Subgroups) -> None:
    table = uneven.table.set_index(["attribute", "group"])
    for group, truth in (("women", 0.9), ("men", 0.5)):
        row = table.loc[("gender", group)]
        assert abs(row["estimate"] - truth) < 3 * row["std_error"]
        assert row["ci_low"] < row["estimate"] < row["ci_high"]
    gap = uneven.differences.set_index("attribute").loc["gender"]
    assert {gap["group"], gap["reference"]} == {"men", "women"}
    sign = 1 if gap["group"] == "women" else -1
    assert abs(sign * gap["difference"] - 0.4) < 3 * gap["std_error"]
    assert gap["p_adjusted"] < 0.05
    assert gap["p_adjusted"] >= gap["p_value"]
    check = uneven.check()[0]
    assert check.passed is False
    assert "the effect differs, in rating points:" in check.text


def test_two_groups_make_the_joint_test_a_t_test(uneven: Subgroups) -> None:
    joint = uneven.joint.set_index("attribute")
    gaps = uneven.differences.set_index("attribute")
    assert joint.loc["gender", "p_value"] == pytest.approx(
        gaps.loc["gender", "p_value"]
    )
    assert joint.loc["age_band", "df_1"] == 2
    assert joint.loc["age_band", "df_2"] == pytest.approx(
        gaps.loc["age_band", "df"].min() - 1
    )


def test_no_difference_is_not_called_equality() -> None:
    found = estimate(build(11))
    for check in found.check():
        assert check.passed is True
        assert "could have been missed" in check.text
        assert "equal" not in check.text
        assert check.value >= check.limit
    assert "no difference in the effect can be told from" in found.describe()["gender"]
    assert "joint test p" in found.describe()["age_band"]
    gaps = found.differences
    assert (gaps["detectable"] > 2 * gaps["std_error"]).all()


def test_the_regression_is_the_one_with_interactions() -> None:
    """Against least squares with every column written out."""
    rng = np.random.default_rng(2)
    size = 300
    codes = rng.integers(0, 3, size)
    treated = rng.random(size) < 0.4
    x = rng.normal(size=(size, 2))
    weights = rng.uniform(0.5, 1.0, size)
    outcome = x @ [1.0, -1.0] + codes + treated * (0.2 + codes) + rng.normal(size=size)
    fit = fit_groups(
        outcome,
        treated,
        x,
        codes=codes,
        weights=weights,
        clusters={"row": np.arange(size)},
    )
    member = (codes[:, None] == np.arange(3)).astype("float64")
    full = np.hstack([member * treated[:, None], member, x])
    root = np.sqrt(weights)
    solved = np.linalg.lstsq(full * root[:, None], outcome * root, rcond=None)[0]
    assert fit.values == pytest.approx(solved[:3])
    rest = outcome - full @ solved
    bread = np.linalg.inv((full * weights[:, None]).T @ full)
    scores = full * (weights * rest)[:, None]
    meat = bread @ scores.T @ scores @ bread * size / (size - 8)
    assert fit.error.covariance == pytest.approx(meat[:3, :3])
    gap = fit.difference(0, 2)
    assert gap.value == pytest.approx(solved[0] - solved[2])
    assert gap.plain_error**2 == pytest.approx(meat[0, 0] + meat[2, 2] - 2 * meat[0, 2])


def test_one_group_gives_the_effect_of_the_headline() -> None:
    cohort = build(4, women=1.0, protected=("gender",))
    found = estimate(cohort)
    published = estimate_psm(cohort, seed=1).headline
    effect = found.effects["gender", "women"]
    assert effect.value == pytest.approx(published.estimate)
    assert effect.std_error == pytest.approx(published.std_error)
    assert effect.baseline == pytest.approx(published.baseline)
    assert effect.relative(0.05)[1] == pytest.approx(published.relative_ci_low)
    assert found.differences.empty
    assert found.check()[0].passed is None
    assert "one group only" in found.describe()["gender"]


def test_small_groups_and_what_gives_them_away_are_hidden() -> None:
    cohort = build(5, women=0.02, people=400)
    found = estimate(cohort, min_group=10)
    rows = found.table[found.table["attribute"] == "gender"]
    assert rows["suppressed"].all()
    assert rows[[*NUMBERS, "n_treated", "n_control"]].isna().all(axis=None)
    notes = dict(zip(rows["group"], rows["note"], strict=True))
    assert notes["women"].startswith("Fewer than 10 people")
    assert notes["men"].startswith("Not shown: with the total")
    assert ("gender", "men") not in found.effects
    assert "gender" not in set(found.differences["attribute"])
    published = publish_subgroups(found, cohort)
    hidden = [item for item in published if item.subgroup_by == "gender"]
    assert all(item.suppressed and np.isnan(item.estimate) for item in hidden)
    assert {item.n_treated for item in hidden} == {None}
    shown = [item for item in published if item.subgroup_by == "age_band"]
    assert not any(item.suppressed for item in shown)


def test_missing_attributes_are_a_group() -> None:
    found = estimate(build(6, missing=0.2, people=800))
    rows = found.table[found.table["attribute"] == "gender"]
    assert rows["group"].tolist() == ["men", "women", "not recorded"]
    assert rows[["estimate", "n_treated"]].notna().all(axis=None)
    assert "not recorded" not in set(found.differences["reference"])


def test_beside_a_small_group_effects_are_shown_but_not_every_size() -> None:
    """Total less what is shown must tell neither size nor mean of the small group."""
    cohort = build(6, missing=0.02, people=800)
    found = estimate(cohort)
    rows = found.table[found.table["attribute"] == "gender"].set_index("group")
    assert rows["suppressed"].tolist() == [False, False, True]
    assert rows["estimate"].notna().tolist() == [True, True, False]
    assert rows["n_treated"].notna().sum() == 1
    assert len(found.differences[found.differences["attribute"] == "gender"]) == 1
    kept_back = rows.index[rows["n_treated"].isna() & ~rows["suppressed"]][0]
    assert rows.loc[kept_back, "note"].startswith("Its size is not shown")
    effect = found.effects["gender", str(kept_back)]
    assert np.isnan(effect.baseline)
    assert np.isnan(effect.relative(0.05)).all()
    assert rows.loc[kept_back, "df"] % 10 == 0
    published = publish_subgroups(found, cohort)
    item = next(item for item in published if item.subgroup == kept_back)
    assert item.n_treated is None
    assert item.n_control is None
    assert item.n_clusters is None
    assert not item.suppressed
    assert "Its size is not shown" in item.limitation
    assert np.isnan(item.baseline)


def test_published_rows_fit_the_contract(uneven: Subgroups) -> None:
    cohort = build(3, extra=0.4, people=900)
    table = tabulate_estimates(publish_subgroups(uneven, cohort))
    assert set(table["method"]) == {METHOD}
    assert not table["headline"].any()
    assert table["subgroup_by"].tolist() == ["gender"] * 2 + ["age_band"] * 3
    both = uneven.table.set_index("group").loc[table["subgroup"]]
    for name in ("estimate", "std_error", "ci_low", "ci_high", "p_value"):
        assert table[name].to_numpy() == pytest.approx(both[name].to_numpy())
    assert table["relative_effect"].notna().all()
    assert table["limitation"].str.contains("not matched within it").all()


def test_the_family_spans_all_comparisons(uneven: Subgroups) -> None:
    other = estimate(build(11))
    one, two = adjust_subgroups([uneven, other])
    assert one.family == two.family
    assert one.family.startswith("6 differences between groups")
    stacked = pd.concat([one.differences, two.differences])
    assert (stacked["p_adjusted"] >= stacked["p_value"]).all()
    smallest = stacked["p_value"].idxmin()
    alone = uneven.differences["p_adjusted"].min()
    assert one.differences.loc[smallest, "p_adjusted"] == pytest.approx(alone * 2)
    assert adjust_subgroups([]) == ()


def test_few_teams_get_a_careful_error() -> None:
    frame = build(7).frame
    frame["team"] = "t" + (frame["unit"].str[-2:].astype(int) % 12).astype(str)
    cohort = make_cohort(
        frame, protected=("gender",), clusters=("unit", "team"), quarter="2026Q3"
    )
    found = estimate(cohort)
    effect = found.effects["gender", "women"]
    assert effect.n_clusters == 12
    assert "CR2 by team" in effect.error
    assert effect.df < 11.5
    assert effect.std_error >= effect.plain_error
    assert found.differences["df"].max() < 12


def test_order_of_rows_does_not_matter(uneven: Subgroups) -> None:
    cohort = build(3, extra=0.4, people=900)
    shuffled = cohort.frame.sample(frac=1.0, random_state=1)
    again = estimate(make_cohort(shuffled, protected=("gender", "age_band")))
    pd.testing.assert_frame_equal(again.table, uneven.table, check_exact=True)
    pd.testing.assert_frame_equal(
        again.differences, uneven.differences, check_exact=True
    )
    assert again.describe() == uneven.describe()


def test_matching_with_replacement_clusters_by_person() -> None:
    frame = build(9).frame
    once = frame[frame["trial"] == "2025Q1"].reset_index(drop=True)
    cohort = make_cohort(once, protected=("gender",))
    found = estimate_subgroups(cohort, compare(cohort, replace=True, ratio=2))
    effect = found.effects["gender", "men"]
    assert "person" in effect.error
    assert abs(effect.value - 0.5) < 3.5 * effect.std_error


def test_yes_or_no_outcomes_are_told_in_percentage_points() -> None:
    cohort = build(12)
    stayed = cohort.frame.assign(outcome=(cohort.frame["outcome"] > 3).astype(float))
    outcome = make_outcome(
        id="retention_12m", kind="binary", unit="", source="exits.voluntary"
    )
    found = estimate(make_cohort(stayed, outcome=outcome, protected=("gender",)))
    assert found.unit == "probability"
    assert "percentage points" in found.describe()["gender"]


def test_an_absent_attribute_is_refused() -> None:
    cohort = build(12)
    with pytest.raises(MissingColumnError, match="Attributes to group by are absent"):
        estimate(cohort, attributes=("shoe_size",))


def test_covariates_that_decide_learning_are_refused() -> None:
    treated = np.tile([True, False], 30)
    with pytest.raises(NoVariationError, match="within a group"):
        fit_groups(
            np.arange(60.0),
            treated,
            treated[:, None].astype("float64"),
            codes=np.repeat([0, 1], 30),
            weights=np.ones(60),
            clusters={"row": np.arange(60)},
        )


def test_labels_keep_missing_values_last() -> None:
    codes, names = label_groups(pd.Series(["b", None, "z", "a"], dtype="object"))
    assert names == ["a", "b", "z", "not recorded"]
    assert codes.tolist() == [1, 3, 2, 0]


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=6),
    st.integers(2, 15),
)
def test_no_small_group_can_be_had_by_subtraction(
    cells: list[tuple[int, int]], floor: int
) -> None:
    counts = pd.DataFrame(cells, columns=["n_treated", "n_control"])
    found = hide_cells(counts, min_group=floor)
    small = counts.min(axis=1) < floor
    assert found.loc[small, "suppressed"].all()
    assert found.loc[found["suppressed"], "unsized"].all()
    assert (~found["suppressed"]).sum() != 1 or not small.any()
    if small.any() and not found["unsized"].all():
        hidden = counts[found["unsized"]]
        assert len(hidden) > 1
        assert (hidden.sum() >= floor).all()
    if not small.any():
        assert not found.any(axis=None)


def test_one_effect_for_all_is_the_plain_regression() -> None:
    rng = np.random.default_rng(0)
    treated = rng.random(80) < 0.5
    outcome = treated + rng.normal(size=80)
    x = rng.normal(size=(80, 1))
    fit = fit_groups(
        outcome,
        treated,
        x,
        codes=np.zeros(80, dtype="int64"),
        weights=np.ones(80),
        clusters={"row": np.arange(80)},
    )
    plain = regress_on_treatment(outcome, treated, x)
    assert fit.values[0] == pytest.approx(plain.effect)
    assert fit.influence[:, 0] == pytest.approx(plain.influence)


def test_one_table_holds_effects_and_differences(uneven: Subgroups) -> None:
    table = uneven.tabulate()
    assert table["kind"].tolist() == [
        *["effect"] * 2,
        "difference",
        *["effect"] * 3,
        *["difference"] * 2,
    ]
    assert table["attribute"].tolist() == ["gender"] * 3 + ["age_band"] * 5
    gaps = table[table["kind"] == "difference"]
    assert gaps["estimate"].tolist() == uneven.differences["difference"].tolist()
    assert set(table["unit"]) == {"rating points"}
    assert table["n_treated"].isna().sum() == 3
    nothing = estimate(build(4, people=400), attributes=()).tabulate()
    assert nothing.empty
    assert list(nothing) == list(table)
