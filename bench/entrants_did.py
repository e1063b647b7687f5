"""One contender of the group-time contest: ``python -m bench.entrants_did``."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pandas as pd

from bench.data import make_panel

Result = tuple[float, float]


def _estimate_ours(frame: pd.DataFrame) -> Callable[[], Result]:
    from threadpoolctl import threadpool_limits

    from workbench.cohorts.frames import Panel
    from workbench.core.params import Outcome, Program
    from workbench.impact.did.aggregate import aggregate_dynamic, aggregate_simple
    from workbench.impact.did.group_time import estimate_group_time

    outcome = {"id": "score", "source": "performance.rating", "kind": "continuous"}
    program = {"id": "p", "personas": ["all"], "courses": ["a"]}
    rows = frame.assign(unit=frame["unit"].map("{:07d}".format), team="t", site="s")
    panel = Panel(
        quarter="2026Q3",
        persona="all",
        program=Program.model_validate(program | {"complete": {"at_least": 1}}),
        outcome=Outcome.model_validate(outcome | {"unit": "points"}),
        frame=rows,
        periods=tuple(f"Q{number}" for number in range(1, 11)),
        exposures=(4, 6, 8),
        lag=0,
        covariates=("x",),
        flow=pd.DataFrame(),
    )

    def work() -> Result:
        with threadpool_limits(1):
            found = estimate_group_time(panel)
            aggregate_dynamic(found)
            overall = aggregate_simple(found)
        return overall.value, overall.std_error

    return work


def _estimate_diff_diff(frame: pd.DataFrame) -> Callable[[], Result]:
    from diff_diff import CallawaySantAnna

    def work() -> Result:
        model = CallawaySantAnna(
            control_group="not_yet_treated", estimation_method="dr"
        )
        found = model.fit(
            frame,
            outcome="outcome",
            unit="unit",
            time="period",
            first_treat="first_treat",
            covariates=["x"],
        )
        found.aggregate("event_study")
        return float(found.overall_att), float(found.overall_se)

    return work


def _estimate_csdid(frame: pd.DataFrame) -> Callable[[], Result]:
    from csdid.att_gt import ATTgt

    def work() -> Result:
        found = ATTgt(
            yname="outcome",
            gname="first_treat",
            idname="unit",
            tname="period",
            xformla="outcome ~ x",
            data=frame,
            control_group="notyettreated",
        ).fit(est_method="dr", base_period="varying", bstrap=False)
        found.aggte(typec="dynamic", bstrap=False)
        overall = found.aggte(typec="simple", bstrap=False).atte
        return float(overall["overall_att"]), float(overall["overall_se"])

    return work


def _estimate_differences(frame: pd.DataFrame) -> Callable[[], Result]:
    import differences

    rows = frame.assign(
        first_treat=frame["first_treat"].where(frame["first_treat"] > 0)
    )

    def work() -> Result:
        model = differences.ATTgt(
            data=rows.set_index(["unit", "period"]), cohort_column="first_treat"
        )
        model.fit(formula="outcome ~ x", control_group="not_yet_treated")
        model.aggregate("event")
        overall = model.aggregate("simple")
        return float(overall.iloc[0, 0]), float(overall.iloc[0, 1])

    return work


ENTRANTS: dict[str, tuple[Callable[[pd.DataFrame], Callable[[], Result]], str]] = {
    "workbench": (_estimate_ours, "workbench"),
    "diff-diff": (_estimate_diff_diff, "diff-diff"),
    "csdid": (_estimate_csdid, "csdid"),
    "differences": (_estimate_differences, "differences"),
}


def main(name: str, size: int) -> dict[str, Any]:
    make, package = ENTRANTS[name]
    work = make(make_panel(size))
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
        "std_error": round(error, 5),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
