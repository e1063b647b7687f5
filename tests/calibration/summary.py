"""From runs to the published row of a cell."""

from __future__ import annotations

import math
import os
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from tests.calibration.cells import Cell
from tests.calibration.registry import list_cells
from tests.calibration.store import ROOT, name_code

PROOF = ROOT / "src" / "workbench" / "brief" / "proofs" / "calibration.parquet"


def summarise(cell: Cell, runs: pd.DataFrame) -> dict[str, object]:
    """Summarise the runs of a cell.

    Parameters
    ----------
    cell : Cell
        What was run.
    runs : DataFrame
        One row per run, from `Cell.execute`.

    Returns
    -------
    dict
        ``coverage`` is the share of runs whose interval holds that run's own truth,
        ``coverage_error`` its Monte-Carlo error; ``bias`` mean of estimate less truth,
        ``sd`` its standard deviation over runs, ``se_ratio`` mean error over it;
        ``removed`` one less the remaining share of the naive difference's bias;
        ``usual_coverage`` and ``usual_false_positives`` the same of the usual way.
        Refused runs count in ``failed`` and ``warned``, not in the rest.
    """
    made = runs[runs["reason"] == ""]
    off = made["estimate"] - made["truth"]
    held = (made["ci_low"] <= made["truth"]) & (made["truth"] <= made["ci_high"])
    rejected = (made["ci_low"] > 0) | (made["ci_high"] < 0)
    usual = made.dropna(subset=["usual_low", "usual_high"])
    kept = (usual["usual_low"] <= usual["truth"]) & (
        usual["truth"] <= usual["usual_high"]
    )
    fooled = (usual["usual_low"] > 0) | (usual["usual_high"] < 0)
    coverage, count = float(held.mean()), max(len(made), 1)
    naive = float((made["naive"] - made["truth"]).mean())
    spread, error = float(off.std(ddof=1)), float(made["std_error"].mean())
    reasons = runs.loc[runs["reason"] != "", "reason"].value_counts()
    return {
        "cell": cell.name,
        "family": cell.family,
        "design": cell.design,
        "estimand": cell.estimand,
        "expect": cell.expect,
        "must_warn": cell.must_warn,
        "runs": len(runs),
        "failed": len(runs) - len(made),
        "reason": "; ".join(f"{text.rstrip('.')} ({n})" for text, n in reasons.items()),
        "coverage": coverage,
        "coverage_error": math.sqrt(coverage * (1 - coverage) / count),
        "false_positives": float(rejected.mean()) if cell.no_effect else math.nan,
        "size_limit": cell.size_limit,
        "usual": cell.usual,
        "usual_coverage": float(kept.mean()) if len(usual) else math.nan,
        "usual_false_positives": float(fooled.mean())
        if cell.no_effect and len(usual)
        else math.nan,
        "truth": float(made["truth"].mean()),
        "bias": float(off.mean()),
        "sd": spread,
        "std_error": error,
        "se_ratio": error / spread if spread else math.nan,
        "naive_bias": naive,
        "removed": _share_removed(float(off.mean()), naive, made["naive"]),
        "warned": float(runs["warned"].mean()),
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "code": name_code(cell),
    }


def _share_removed(bias: float, naive: float, values: pd.Series) -> float:
    """Return the share of bias removed, NaN where the naive difference has none."""
    chance = 4 * float(np.std(values, ddof=1)) / math.sqrt(max(len(values), 1))
    return 1 - abs(bias) / abs(naive) if abs(naive) > chance else math.nan


def publish(rows: list[dict[str, object]], place: Path = PROOF) -> pd.DataFrame:
    """Write rows into the published table; cells not run keep the rows they had."""
    table = pd.DataFrame(rows)
    if place.exists():
        known = pd.read_parquet(place)
        table = pd.concat([known[~known["cell"].isin(table["cell"])], table])
    order = {name: number for number, name in enumerate(list_cells())}
    table = table[table["cell"].isin(order)]
    table = table.sort_values("cell", key=lambda names: names.map(order))
    table = table.reset_index(drop=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(place, index=False)
    return table


def describe_machine() -> str:
    """Return cores and memory, nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB"
