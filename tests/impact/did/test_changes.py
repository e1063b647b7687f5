from __future__ import annotations

import pandas as pd
import pytest

from tests.impact.did.classic_panels import make_panel, simulate_panel
from workbench.core.errors import TooFewUnitsError
from workbench.impact.did.changes import Window, list_windows, stack_changes


def make_small() -> pd.DataFrame:
    """Person a learns in 2, b in 3, c never; d lacks quarter 3, e learns in 2."""
    rows = [
        *[("a", t, y, 2) for t, y in ((1, 1.0), (2, 2.0), (3, 5.0), (4, 6.0))],
        *[("b", t, y, 3) for t, y in ((1, 1.0), (2, 1.5), (3, 3.0), (4, 4.0))],
        *[("c", t, y, 0) for t, y in ((1, 2.0), (2, 2.5), (3, 3.0), (4, 3.0))],
        *[("d", t, y, 0) for t, y in ((1, 0.0), (2, 1.0), (4, 2.0))],
        *[("e", t, y, 2) for t, y in ((2, 2.0), (3, 2.0), (4, 2.0))],
    ]
    return pd.DataFrame(rows, columns=["unit", "period", "outcome", "first_treat"])


def test_windows_reach_from_before_exposure_to_the_lag() -> None:
    assert list_windows([5, 3], lag=2) == (
        Window(exposure=3, before=2, after=5),
        Window(exposure=5, before=4, after=7),
    )


def test_rows_controls_and_who_is_missing() -> None:
    panel = make_panel(make_small(), lag=0)
    found = stack_changes(panel, list_windows([2, 3], lag=0))
    rows = found.frame.set_index(["exposure", "unit"])
    assert rows.index.tolist() == [
        *[(2, "a"), (2, "b"), (2, "c"), (2, "d")],
        *[(3, "b"), (3, "c")],
    ]
    assert rows["treated"].tolist() == [True, False, False, False, True, False]
    assert rows["change"].tolist() == [1.0, 0.5, 0.5, 1.0, 1.5, 0.5]
    assert (found.missing_treated, found.missing_control) == (1, 1)


def test_not_yet_learnt_is_judged_at_the_end_of_the_window() -> None:
    panel = make_panel(make_small(), lag=1)
    found = stack_changes(panel, list_windows([2], lag=1))
    assert found.frame["unit"].tolist() == ["a", "c"]


def test_weights_let_controls_count_as_their_cohort() -> None:
    panel = make_panel(simulate_panel(1))
    found = stack_changes(panel, list_windows(panel.exposures, lag=0))
    weights = pd.Series(found.weigh("learners"))
    sums = weights.groupby([found.frame["exposure"], found.frame["treated"]]).sum()
    for exposure in panel.exposures:
        assert sums[exposure, False] == pytest.approx(sums[exposure, True])
    assert set(found.weigh("precision")) == {1.0}


def test_cohorts_that_cannot_be_compared_are_named() -> None:
    panel = make_panel(make_small(), lag=2)
    found = stack_changes(panel, list_windows([2, 3], lag=2))
    assert [window.exposure for window in found.windows] == [2]
    assert found.notes == ("cohort 3 was left out: quarter 2 or 5 was not observed",)


def test_without_controls_nothing_is_compared() -> None:
    frame = make_small()
    frame = frame[frame["first_treat"] > 0]
    panel = make_panel(frame, lag=1)
    with pytest.raises(
        TooFewUnitsError, match=r"No cohort of learners.*(\n.*)*no controls"
    ):
        stack_changes(panel, list_windows([2, 3], lag=1))
