from __future__ import annotations

import pytest

from tests.impact.did.classic_panels import make_panel, simulate_panel
from workbench.core.errors import NoVariationError, TooFewUnitsError
from workbench.impact.did.bacon import FORBIDDEN, decompose_twfe
from workbench.impact.did.event_study import estimate_static


def test_weights_sum_to_one_and_give_the_two_way_estimate() -> None:
    panel = make_panel(simulate_panel(1, people=200))
    found = decompose_twfe(panel)
    effect, _, _ = estimate_static(panel)
    rows = found.comparisons
    assert rows["weight"].sum() == pytest.approx(1, abs=1e-10)
    assert rows["weight"] @ rows["estimate"] == pytest.approx(effect.value, abs=1e-10)
    assert found.estimate == pytest.approx(effect.value, abs=1e-10)
    assert found.kinds["weight"].sum() == pytest.approx(1, abs=1e-10)
    by_kind = rows.groupby("kind")["weight"].sum()
    assert found.forbidden_share == pytest.approx(by_kind[FORBIDDEN])


def test_growing_effects_show_in_the_forbidden_comparisons() -> None:
    """Every true effect is positive, yet learners seem to lose against earlier ones."""
    frame = simulate_panel(2, people=800, periods=8, starts=(2, 5), growth=0.5)
    found = decompose_twfe(make_panel(frame))
    kinds = found.kinds.set_index("kind")["estimate"]
    assert found.check.status == "warn"
    assert found.forbidden_share > 0.4
    assert kinds[FORBIDDEN] < 0 < kinds["earlier against later learners"]


def test_people_without_every_quarter_are_counted() -> None:
    frame = simulate_panel(3, people=300, lose=0.05)
    found = decompose_twfe(make_panel(frame))
    whole = frame.groupby("unit").size() == 6
    assert found.n_people == whole.sum()
    assert found.n_left_out == (~whole).sum()
    share = found.n_left_out / 300
    assert f"{share:.0%} of people lack a quarter" in found.check.text


def test_one_cohort_with_others_has_no_forbidden_share() -> None:
    found = decompose_twfe(make_panel(simulate_panel(4, starts=(0, 4))))
    assert found.forbidden_share == 0
    assert found.check.passed
    assert len(found.comparisons) == 1


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(NoVariationError, match="same quarter"):
        decompose_twfe(make_panel(simulate_panel(4, starts=(4,))))
    frame = simulate_panel(4, starts=(0, 4))
    frame = frame[~((frame["first_treat"] > 0) & (frame["period"] == 1))]
    with pytest.raises(TooFewUnitsError, match="every quarter"):
        decompose_twfe(make_panel(frame))
