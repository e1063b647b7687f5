from __future__ import annotations

import numpy as np
import pytest

from tests.impact.survival.test_cox import NAMES, draw
from workbench.core.errors import ParamError
from workbench.impact.survival.cox import fit_cox
from workbench.impact.survival.proportional import GLOBAL, check_proportional
from workbench.impact.survival.proportional import test_proportional as find_drift


def _cut_by_event(rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Cut every row at every event time, so that time can be a covariate."""
    edges = np.append(0.0, np.unique(rows["duration"][rows["event"]]))
    parts = []
    for begin, end in zip(edges, np.append(edges[1:], np.inf), strict=True):
        there = rows["duration"] > begin
        stop = np.minimum(rows["duration"][there], end)
        parts.append(
            (
                np.full(there.sum(), begin),
                stop,
                rows["event"][there] & (rows["duration"][there] <= end),
                rows["covariates"][there],
            )
        )
    entry, stop, event, covariates = (
        np.concatenate(list(values)) for values in zip(*parts, strict=True)
    )
    return {
        "duration": stop,
        "event": event,
        "covariates": covariates,
        "entry": entry,
    }


def test_score_test_is_near_the_wald_test_of_an_interaction_with_time() -> None:
    """Two tests of one hypothesis; in 1500 rows near the null they nearly agree."""
    rows = draw(1, 1500)
    found = find_drift(**rows, names=NAMES, transform="identity")
    cut = _cut_by_event(rows)
    drift = cut["covariates"][:, :1] * cut["duration"][:, None]
    model = fit_cox(
        cut["duration"],
        cut["event"],
        np.column_stack([cut["covariates"], drift]),
        names=[*NAMES, "drift"],
        entry=cut["entry"],
    )
    wald = (model.coef[2] / model.std_error[2]) ** 2
    assert found.table["chi2"][0] == pytest.approx(wald, rel=0.1, abs=0.05)


def test_a_fading_effect_is_found_and_a_steady_one_is_not() -> None:
    rng = np.random.default_rng(1)
    size = 3000
    x = rng.integers(0, 2, size).astype(float)
    steady = np.ceil(100 * rng.exponential(size=size) * np.exp(-0.5 * x))
    early = rng.exponential(size=size) * np.exp(-1.5 * x)
    late = 0.3 + rng.exponential(size=size)
    fading = np.ceil(100 * np.where(early < 0.3, early, late))
    event = np.ones(size, dtype=bool)
    columns = x[:, None]
    for days, passed in ((steady, True), (fading, False)):
        for transform in ("km", "rank", "log", "identity"):
            found = find_drift(
                days, event, columns, names=["learning"], transform=transform
            )
            check = check_proportional(found)
            assert check.passed is passed
            assert (check.advice == "") is passed
            assert check.value == pytest.approx(found.table["p_value"].min())


def test_by_cluster_it_ignores_copies() -> None:
    rows = draw(5, 300)
    once = find_drift(**rows, names=NAMES, clusters={"row": np.arange(300)})
    thrice = {key: np.repeat(values, 3, axis=0) for key, values in rows.items()}
    naive = find_drift(**thrice, names=NAMES, weights=np.full(900, 1 / 3))
    found = find_drift(
        **thrice,
        names=NAMES,
        weights=np.full(900, 1 / 3),
        clusters={"person": np.repeat(np.arange(300), 3)},
    )
    assert naive.error == "from the information"
    assert found.error == "CR1 by person"
    # Copies are ties, which Efron's method treats a little differently.
    assert found.table["chi2"].to_numpy() == pytest.approx(
        once.table["chi2"].to_numpy(), rel=0.15, abs=0.05
    )


def test_order_and_unit_of_covariates_change_nothing() -> None:
    rows = draw(6, 200)
    found = find_drift(**rows, names=NAMES)
    order = np.random.default_rng(0).permutation(200)
    mixed = {key: values[order] for key, values in rows.items()}
    mixed["covariates"] = mixed["covariates"] * [2, 100] + 3
    other = find_drift(**mixed, names=NAMES)
    assert other.table["chi2"].to_numpy() == pytest.approx(
        found.table["chi2"].to_numpy(), rel=1e-6
    )
    assert found.table["term"].tolist() == [*NAMES, GLOBAL]


def test_the_check_stands_on_all_terms_where_the_term_is_missing() -> None:
    rows = draw(7, 200)
    found = find_drift(**rows, names=["site", "age"])
    check = check_proportional(found)
    assert check.check == "proportional_hazards"
    assert check.value == pytest.approx(found.table["p_value"].iloc[-1])
    assert "time as one less Kaplan-Meier share" in check.text


def test_unknown_transform() -> None:
    with pytest.raises(ParamError, match="Unknown transform of time"):
        find_drift(**draw(1), names=NAMES, transform="sqrt")  # type: ignore[arg-type]
