"""Few clusters against R, diff-diff and classic examples.

* wild_cluster/data.csv: 96 drawn outcomes in 6 clusters, 3 treated, distributed with
  diff-diff 3 (MIT) together with the output of R fwildclusterboot::boottest
  (Rademacher, all 64 vectors, larger statistics only): coefficient 2.23239205609, CR1
  0.8998239199, t 2.480920997, p 0.03125, interval 0.226921 to 4.868718. R finds the
  ends by a search that stops at about 1e-4.
* Card and Krueger (1994), stores seen twice: diff-diff 3.13.0, 999 draws, p 0.042,
  interval 0.12 to 5.38; chance moves p by 0.006.
* Fisher (1935), The Design of Experiments, chapter 2: eight cups, four of each kind,
  all told rightly in 1 of 70 ways, and all wrongly in one more.
* Kessler and Roth's organ donors: one treated state; recomputed by listing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.impact.did.classic_panels import make_panel
from tests.reference.did_panels import read_organs, read_restaurants
from workbench.impact.did.changes import list_windows
from workbench.impact.did.few_clusters import compare_errors
from workbench.impact.did.permutation import permute_starts
from workbench.impact.did.two_by_two import estimate_two_by_two
from workbench.impact.inference import estimate_cluster_error, regress_on_treatment
from workbench.impact.wild_bootstrap import run_wild_bootstrap

EXACT = 1e-9
SEARCHED = 1e-4
CHANCE = 0.02


@pytest.fixture(scope="module")
def drawn() -> pd.DataFrame:
    return pd.read_csv(Path(__file__).parent / "wild_cluster" / "data.csv")


def test_wild_bootstrap_of_six_clusters(drawn: pd.DataFrame) -> None:
    outcome = drawn["y"].to_numpy()
    treated = (drawn["treated"] * drawn["post"]).to_numpy() == 1
    others = drawn[["treated", "post"]].to_numpy(dtype="float64")
    cluster = drawn["cluster"].to_numpy()
    fitted = regress_on_treatment(outcome, treated, others)
    error = estimate_cluster_error(
        fitted.influence[:, None], {"cluster": cluster}, n_params=fitted.n_params
    )
    assert fitted.effect == pytest.approx(2.23239205609, abs=EXACT)
    assert error.covariance[0, 0] ** 0.5 == pytest.approx(0.8998239199, abs=EXACT)
    found = run_wild_bootstrap(
        outcome,
        treated,
        others,
        cluster=cluster,
        seed=0,
        law="rademacher",
        count_ties=False,
    )
    assert found.listed
    assert found.statistic == pytest.approx(2.480920996559, abs=EXACT)
    assert found.p_value == 0.03125
    assert found.ci_low == pytest.approx(0.226920726858, abs=SEARCHED)
    assert found.ci_high == pytest.approx(4.86871767596, abs=SEARCHED)


def test_wild_bootstrap_of_the_minimum_wage() -> None:
    changes = estimate_two_by_two(read_restaurants()).changes
    found = run_wild_bootstrap(
        changes.frame["change"].to_numpy(),
        changes.treated,
        changes.others(),
        cluster=changes.code("unit"),
        seed=1,
        draws=1999,
    )
    assert found.law == "rademacher"
    assert found.p_value == pytest.approx(0.042, abs=CHANCE)
    assert found.ci_low == pytest.approx(0.12, abs=0.12)
    assert found.ci_high == pytest.approx(5.38, abs=0.12)


def test_eight_cups_of_tea() -> None:
    names = [f"cup{number}" for number in range(8)]
    milk_first = np.array([1, 0, 0, 1, 0, 1, 1, 0])
    tables = [
        pd.DataFrame(
            {
                "unit": names,
                "team": names,
                "period": period,
                "outcome": milk_first * (period == 2) * 1.0,
                "first_treat": 2 * milk_first,
            }
        )
        for period in (1, 2)
    ]
    panel = make_panel(pd.concat(tables), clusters=("unit", "team"))
    found = permute_starts(panel, list_windows([2], lag=0), cluster="team", seed=0)
    assert found.assignments == 70
    assert found.p_value == pytest.approx(2 / 70)


def test_one_treated_state() -> None:
    """Clustered errors give p 0.0002; California's change is fifth largest of 27."""
    panel = make_panel(read_organs(), clusters=("unit", "team"))
    found = compare_errors(panel, estimate_two_by_two(panel), seed=0, draws=999)
    table = found.table.set_index("method")
    wide = panel.frame.pivot_table(index="unit", columns="period", values="outcome")
    change = wide[4] - wide[3]
    gaps = [abs(own - change.drop(state).mean()) for state, own in change.items()]
    own = abs(change["California"] - change.drop("California").mean())
    assert found.recommended == "permutation"
    assert "not valid" in found.reason
    assert table.loc["permutation", "p_value"] == pytest.approx(
        np.mean(np.array(gaps) >= own - 1e-12)
    )
    assert table.loc["permutation", "p_value"] == pytest.approx(5 / 27)
    assert table.loc["cr1", "p_value"] < 0.001
    assert not table.loc["cr1", "usable"]
