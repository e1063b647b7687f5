"""The survival stage on a large organisation: ``python -m bench.entrants_survival``."""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib.metadata import version
from typing import Any

from bench.contest import ROOT
from bench.survival_data import CUT, PERSONA, load_params, make_store

FOLDER = ROOT / "outputs" / "_bench"


def main(name: str, size: int) -> dict[str, Any]:
    """Do all that notebook 06 does for its largest persona, from the store on."""
    from workbench.cohorts.follow_up import build_follow_ups, prepare_follow_ups
    from workbench.core.quarters import Quarter
    from workbench.core.store import read_json
    from workbench.data.cut import open_cut
    from workbench.impact.practice import measure_practice
    from workbench.impact.survival.stage import estimate_survival_stage

    store = make_store(FOLDER / f"survival_{size}", size)
    params, quarter = load_params(ROOT), Quarter.of_day(CUT)
    privacy = params.workbench.privacy
    started, busy = time.perf_counter(), time.process_time()
    con = open_cut(store, CUT, privacy)
    prepare_follow_ups(con, params, quarter, persona=PERSONA)
    tables = list(read_json(store / "_load.json")["tables"])
    found = build_follow_ups(con, params, quarter, persona=PERSONA, tables=tables)
    con.close()
    read = time.process_time() - busy
    result = estimate_survival_stage(
        found.follow_ups,
        histories=found.histories,
        levels=measure_practice(found.practice, min_group=privacy.min_group),
        gaps=found.gaps,
        min_group=privacy.min_group,
        seed=1,
    )
    headline = next(item for item in result.estimates if item.headline)
    return {
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(time.process_time() - busy, 2),
        "read_cpu_seconds": round(read, 2),
        "peak_gib": round(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2
        ),
        "estimate": round(headline.estimate, 5),
        "std_error": round(headline.std_error, 5),
        "version": version(name),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
