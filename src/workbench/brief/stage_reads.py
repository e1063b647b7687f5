"""One stage's results as they lie on disk: read whole, blanked where they must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from workbench.brief.stopped import EXPERIMENTS, blank_stopped
from workbench.brief.withheld import (
    PORTFOLIO,
    PREDICTION,
    PRESCRIPTION,
    SHOWN,
    withhold_tables,
)
from workbench.core.errors import SourceError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.results import Estimate
from workbench.core.stages import STAGES, Stage
from workbench.core.store import ALL_PERSONAS, Workspace, read_json, read_parquet

__all__ = ["ReadStatus", "StageRead", "mask_estimates", "read_stages"]

ReadStatus = Literal["done", "not_applicable", "blocked", "failed", "missing"]

_READ = (
    "access",
    "adjustment",
    "arms",
    "attrition",
    "balance",
    "baseline",
    "bounds",
    "changes",
    "control_totals",
    "coverage",
    "curves",
    "datings",
    "diagnostics",
    "drift",
    "estimates",
    "experiments",
    "extrapolated",
    "flow",
    "freshness",
    "graph_arrows",
    "graph_nodes",
    "guardrails",
    "inference",
    "levels",
    "lineage",
    "looks",
    "overlap",
    "pairing",
    "personas",
    "power",
    "profile",
    "quality",
    "quarantine",
    "sample_ratio",
    "segments",
    "sensitivity",
    "specification",
    "subgroups",
    "triangulation",
)
_BLANKED = (
    "estimate",
    "std_error",
    "ci_low",
    "ci_high",
    "p_value",
    "p_adjusted",
    "baseline",
    "relative_effect",
    "relative_ci_low",
    "relative_ci_high",
    "n_treated",
    "n_control",
    "n_clusters",
    "evidence",
    "meets_threshold",
)
_STATUS_WORDS = {
    "not_applicable": "does not apply this quarter",
    "blocked": "was stopped by a check",
    "failed": "failed",
    "missing": "has not been run for this quarter",
}
_STAGE_WORDS = {
    "audit": "The data audit",
    "personas": "The personas stage",
    "psm": "The matched comparison",
    "did": "The comparison of before and after",
    "ab": "The reading of experiments",
    "survival": "The comparison over time",
    PORTFOLIO: "The portfolio of modules",
    PREDICTION: "The prediction of outcomes",
    PRESCRIPTION: "The prescription",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRead:
    """One stage's results as found on disk.

    Attributes
    ----------
    stage, persona : str
        Name of the stage; persona id, or ``_all``.
    status : str
        ``done``, ``not_applicable``, ``blocked``, ``failed`` or ``missing``.
    reason : str
        Why it is not done, as the stage gave it; empty when done.
    facts, manifest : mapping
        Contents of ``status.json`` (its facts) and ``manifest.json``.
    tables : mapping of str to DataFrame
        The tables that could be read, by name.
    faults : tuple of str
        Files that are there but cannot be read, one sentence each.
    """

    stage: str
    persona: str
    status: ReadStatus
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def table(self, name: str) -> pd.DataFrame:
        """Return a copy of a table, or an empty one where it is absent."""
        return self.tables[name].copy() if name in self.tables else pd.DataFrame()

    def explain(self, label: str = "") -> str:
        """Say in a sentence why there is nothing to show, or return an empty text.

        Parameters
        ----------
        label : str
            The persona's name for people, where the stage is one persona's.
        """
        if self.status == "done":
            return " ".join(self.faults)
        name = _STAGE_WORDS.get(self.stage, f"The {self.stage} stage")
        who = f" of {label}" if label else ""
        why = f": {self.reason.rstrip('.')}" if self.reason else ""
        return " ".join(
            (f"{name}{who} {_STATUS_WORDS[self.status]}{why}.", *self.faults)
        )


def mask_estimates(table: pd.DataFrame, *, min_group: int) -> pd.DataFrame:
    """Bring estimates to the contract's columns and blank what may not be shown.

    Parameters
    ----------
    table : DataFrame
        As a stage wrote it; columns that are absent are added as missing.
    min_group : int
        A row on fewer treated or control people than this is blanked, counts
        included, and marked ``suppressed``. A row without an estimate that is not
        marked keeps its reason and loses only small counts.

    Returns
    -------
    DataFrame
        A new table.
    """
    masked = table.reindex(columns=[item.name for item in fields(Estimate)]).copy()
    flagged = masked["suppressed"].astype("boolean").fillna(False).astype(bool)
    counts = masked[["n_treated", "n_control"]].apply(pd.to_numeric).astype("Float64")
    small = (counts < min_group).fillna(True).any(axis=1).astype(bool)
    answered = masked["estimate"].notna()
    hidden = flagged | (small & answered)
    masked["suppressed"] = hidden
    masked["headline"] = masked["headline"].astype("boolean").fillna(False).astype(bool)
    for column in _BLANKED:
        masked[column] = masked[column].mask(hidden)
    for column in ("n_treated", "n_control", "n_clusters"):
        masked[column] = masked[column].mask(small)
    return masked


def read_stages(
    workspace: Workspace, params: OrgParams, quarter: Quarter
) -> dict[tuple[str, str], StageRead]:
    """Read every known stage of a quarter, for each persona where it varies.

    Returns
    -------
    dict of (stage, persona) to StageRead
        In the order of stages and personas; those not run are ``missing``.
    """
    found: dict[tuple[str, str], StageRead] = {}
    for spec in STAGES:
        personas = [item.id for item in params.personas]
        for persona in personas if spec.per_persona else [ALL_PERSONAS]:
            folder = workspace.stage(params.org, quarter, persona, spec.name)
            read = _read_stage(
                folder,
                stage=spec.name,
                persona=persona,
                min_group=params.workbench.privacy.min_group,
            )
            found[spec.name, persona] = _name_cause(read, spec, found)
    return found


def _name_cause(
    read: StageRead, spec: Stage, found: Mapping[tuple[str, str], StageRead]
) -> StageRead:
    """Give a stage that was not run the stage before it that failed, as its reason."""
    if read.status != "missing":
        return read
    for need in spec.needs:
        for persona in (read.persona, ALL_PERSONAS):
            before = found.get((need, persona))
            if before is not None and before.status in {"failed", "blocked"}:
                name = _STAGE_WORDS.get(need, f"the {need} stage")
                words = f"{name} {_STATUS_WORDS[before.status]}"
                return replace(read, reason=words[:1].lower() + words[1:])
    return read


def _read_stage(folder: Path, *, stage: str, persona: str, min_group: int) -> StageRead:
    """Read one stage's folder; what cannot be read becomes a fault, not an error."""
    faults: list[str] = []
    status = _read_object(folder / "status.json", faults)
    manifest = _read_object(folder / "manifest.json", faults)
    state, reason = _judge(status, manifest)
    tables = {}
    for name in dict.fromkeys((*_READ, *SHOWN)):
        path = folder / f"{name}.parquet"
        if not path.is_file():
            continue
        try:
            tables[name] = read_parquet(path)
        except SourceError:
            faults.append(f"The table {name} of stage {stage} cannot be read.")
    if "estimates" in tables:
        tables["estimates"] = mask_estimates(tables["estimates"], min_group=min_group)
    if stage == EXPERIMENTS:
        tables = blank_stopped(tables)
    tables = withhold_tables(stage, tables, min_group=min_group)
    return StageRead(
        stage=stage,
        persona=persona,
        status=state,
        reason=reason,
        facts=status.get("facts") or {},
        manifest=manifest,
        tables=tables,
        faults=tuple(faults),
    )


def _judge(
    status: Mapping[str, Any], manifest: Mapping[str, Any]
) -> tuple[ReadStatus, str]:
    """Return a stage's status and reason from what it and its run wrote."""
    if manifest.get("status") in {"failed", "error"}:
        return "failed", _first_line(manifest.get("reason"))
    known: dict[str, ReadStatus] = {
        "done": "done",
        "not_applicable": "not_applicable",
        "blocked": "blocked",
    }
    state = known.get(str(status.get("status", "")), "missing")
    return state, _first_line(status.get("reason"))


def _first_line(value: object) -> str:
    """Return the first line of a reason: what is wrong, without the where and how."""
    return next(iter(str(value or "").strip().splitlines()), "")


def _read_object(path: Path, faults: list[str]) -> Mapping[str, Any]:
    """Read a JSON object, or return an empty one and note a damaged file."""
    if not path.is_file():
        return {}
    try:
        value = read_json(path)
    except SourceError:
        faults.append(f"The file {path.name} of stage {path.parent.name} is damaged.")
        return {}
    return value if isinstance(value, Mapping) else {}
