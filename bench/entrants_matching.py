"""One contender of the matching contest: ``python -m bench.entrants_matching``."""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from bench.data import COVARIATES, make_people

Result = tuple[float, float]


def _match_ours(frame: pd.DataFrame, *, replace: bool) -> Callable[[], Result]:
    import scipy.stats  # noqa: F401  (imports are not timed, here as with the others)
    import sklearn.linear_model  # noqa: F401
    from threadpoolctl import threadpool_limits

    from workbench.impact.balance import check_balance, tabulate_balance
    from workbench.impact.design_matrix import build_design
    from workbench.impact.matched import estimate_matched
    from workbench.impact.matching import match_nearest
    from workbench.impact.propensity import fit_propensity
    from workbench.impact.sample import Sample

    people = frame.assign(
        unit=np.char.add("p", np.arange(len(frame)).astype("U8")),
        trial="2026Q1",
        treated=frame["treated"] == 1,
    )
    sample = Sample(
        frame=people,
        treated=people["treated"].to_numpy(),
        outcome=people["outcome"].to_numpy(),
        clusters={"unit": np.arange(len(people))},
        flow=pd.DataFrame(),
    )

    def work() -> Result:
        with threadpool_limits(1):
            design = build_design(people, covariates=COVARIATES)
            matrix = design.matrix()
            scores = fit_propensity(matrix, sample.treated)
            matches = match_nearest(people.assign(score=scores.logit), replace=replace)
            table = tabulate_balance(design, sample.treated, weights=matches.weights)
            check_balance(table)
            found = estimate_matched(
                sample, matches, covariates=matrix, score=scores.logit
            )
        return found.value, found.std_error

    return work


def _match_dowhy(frame: pd.DataFrame, *, error: bool) -> Callable[[], Result]:
    from dowhy import CausalModel

    people = frame.assign(treated=frame["treated"] == 1)

    def work() -> Result:
        model = CausalModel(
            people, treatment="treated", outcome="outcome", common_causes=COVARIATES
        )
        estimand = model.identify_effect(proceed_when_unidentifiable=True)
        found = model.estimate_effect(
            estimand,
            method_name="backdoor.propensity_score_matching",
            target_units="att",
        )
        if not error:
            return float(found.value), math.nan
        spread = found.get_standard_error(method="bootstrap", num_simulations=100)
        return float(found.value), float(np.squeeze(spread))

    return work


def _match_psmpy(frame: pd.DataFrame) -> Callable[[], Result]:
    from psmpy import PsmPy

    people = frame.assign(number=np.arange(len(frame)))

    def work() -> Result:
        made = PsmPy(people, treatment="treated", indx="number", exclude=["outcome"])
        made.logistic_ps(balance=False)
        width = 0.2 * float(made.predicted_data["propensity_logit"].std())
        made.kdtree_matched(
            matcher="propensity_logit", replacement=False, caliper=width
        )
        outcome = frame["outcome"].to_numpy()
        pairs = made.matched_ids.dropna()
        ours = pairs["number"].to_numpy(dtype="int64")
        theirs = pairs.iloc[:, 1].to_numpy(dtype="int64")
        return float((outcome[ours] - outcome[theirs]).mean()), math.nan

    return work


def _match_causalml(frame: pd.DataFrame) -> Callable[[], Result]:
    from causalml.match import NearestNeighborMatch, create_table_one
    from causalml.propensity import LogisticRegressionPropensityModel

    def work() -> Result:
        values = frame[COVARIATES].to_numpy()
        model = LogisticRegressionPropensityModel(clip_bounds=(1e-6, 1 - 1e-6))
        score = model.fit_predict(values, frame["treated"].to_numpy())
        people = frame.assign(score=np.log(score / (1 - score)))
        matcher = NearestNeighborMatch(caliper=0.2, replace=False, random_state=1)
        matched = matcher.match(
            data=people, treatment_col="treated", score_cols=["score"]
        )
        create_table_one(matched, "treated", COVARIATES)
        means = matched.groupby("treated")["outcome"].mean()
        return float(means[1] - means[0]), math.nan

    return work


ENTRANTS: dict[str, tuple[Callable[[pd.DataFrame], Callable[[], Result]], str]] = {
    "workbench": (lambda frame: _match_ours(frame, replace=False), "workbench"),
    "workbench_replace": (lambda frame: _match_ours(frame, replace=True), "workbench"),
    "dowhy": (lambda frame: _match_dowhy(frame, error=False), "dowhy"),
    "dowhy_error": (lambda frame: _match_dowhy(frame, error=True), "dowhy"),
    "psmpy": (_match_psmpy, "psmpy"),
    "causalml": (_match_causalml, "causalml"),
}


def main(name: str, size: int) -> dict[str, Any]:
    make, package = ENTRANTS[name]
    work = make(make_people(size))
    started, busy = time.perf_counter(), time.process_time()
    value, error = work()
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "version": version(package),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(busy, 2),
        "peak_gib": round(peak, 2),
        "estimate": round(value, 4),
        "std_error": None if math.isnan(error) else round(error, 5),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
