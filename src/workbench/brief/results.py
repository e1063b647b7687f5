"""What the stages of a quarter left behind, read once for all pages of the brief."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from workbench.core.errors import ParamError, SourceError
from workbench.core.params import OrgParams, Persona, load_org_params
from workbench.core.quarters import Quarter
from workbench.core.results import Estimate
from workbench.core.run_params import PROJECT_VARIABLE
from workbench.core.stages import STAGES, Stage
from workbench.core.store import (
    ALL_PERSONAS,
    Workspace,
    find_project_root,
    read_json,
    read_parquet,
)

__all__ = ["BriefData", "ReadStatus", "StageRead", "mask_estimates"]

ReadStatus = Literal["done", "not_applicable", "blocked", "failed", "missing"]

_QUARTER = re.compile(r"\d{4}Q[1-4]")
_READ = (
    "access",
    "balance",
    "baseline",
    "control_totals",
    "coverage",
    "diagnostics",
    "drift",
    "estimates",
    "flow",
    "freshness",
    "lineage",
    "overlap",
    "pairing",
    "personas",
    "profile",
    "quality",
    "quarantine",
    "segments",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefData:
    """All that the pages of one organisation's quarter may read.

    Numbers that privacy rules hold back are blanked here, on reading, so that no page
    can show them.

    Attributes
    ----------
    params : OrgParams
        The organisation's parameters.
    quarter : Quarter
        Reported quarter; its last day is the data cut.
    persona : Persona or None
        The persona of a persona page.
    stages : mapping of (stage, persona) to StageRead
        Every stage of the quarter that the workbench knows, run or not.
    previous : BriefData or None
        The nearest earlier quarter with estimates, if there is one.
    """

    params: OrgParams
    quarter: Quarter
    persona: Persona | None
    stages: Mapping[tuple[str, str], StageRead]
    previous: BriefData | None = None

    @classmethod
    def open(cls, *, org: str, quarter: str, persona: str | None = None) -> BriefData:
        """Read the results of a quarter.

        The project is the folder named by the environment variable
        ``WORKBENCH_PROJECT``, or the nearest one above the current folder.

        Parameters
        ----------
        org, quarter : str
            Such as ``demo`` and ``2026Q3``.
        persona : str or None
            Id of a persona, for its page.

        Returns
        -------
        BriefData
            Stages without results are there too, as ``missing``.

        Raises
        ------
        ParamError
            If the organisation, the quarter or the persona does not exist.
        SourceError
            If no project is found.
        """
        root = os.environ.get(PROJECT_VARIABLE)
        workspace = Workspace(find_project_root(Path(root) if root else None))
        params = load_org_params(org, workspace.params)
        parsed = params.parse_quarter(quarter)
        chosen = params.find_persona(persona) if persona else None
        before = _find_previous(workspace, params, parsed)
        earlier = (
            cls(
                params=params,
                quarter=before,
                persona=chosen,
                stages=_read_stages(workspace, params, before),
            )
            if before
            else None
        )
        return cls(
            params=params,
            quarter=parsed,
            persona=chosen,
            stages=_read_stages(workspace, params, parsed),
            previous=earlier,
        )

    @property
    def data_cut(self) -> date:
        """Last day that anything was read from."""
        return self.quarter.last_day

    @property
    def min_group(self) -> int:
        """Smallest group of people that is shown."""
        return self.params.workbench.privacy.min_group

    def stage(self, name: str, persona: str = ALL_PERSONAS) -> StageRead:
        """Return a stage's results; one that is unknown counts as missing."""
        absent = StageRead(stage=name, persona=persona, status="missing")
        return self.stages.get((name, persona), absent)

    def own_stage(self, name: str) -> StageRead:
        """Return a stage's results for the persona of this page.

        Raises
        ------
        ParamError
            If the page has no persona.
        """
        return self.stage(name, self.require_persona().id)

    def require_persona(self) -> Persona:
        """Return the persona of a persona page, or raise ParamError."""
        if self.persona is None:
            raise ParamError.build(
                "This page needs a persona",
                rule="one of " + ", ".join(item.id for item in self.params.personas),
            )
        return self.persona

    def label_of(self, persona: str) -> str:
        """Return a persona's name for people, or its id where it is unknown."""
        labels = {item.id: item.label for item in self.params.personas}
        return labels.get(persona, persona)

    def estimates(self, persona: str | None = None) -> pd.DataFrame:
        """Return the estimates of all stages that are done, personas in file order.

        Parameters
        ----------
        persona : str or None
            One persona only.

        Returns
        -------
        DataFrame
            The contract's columns; blanked where ``suppressed``.
        """
        tables = [
            item.table("estimates")
            for item in self.stages.values()
            if item.status == "done"
            and "estimates" in item.tables
            and persona in (None, item.persona)
        ]
        columns = [item.name for item in fields(Estimate)]
        if not tables:
            return pd.DataFrame(columns=columns)
        return pd.concat(tables, ignore_index=True)

    def list_gaps(self) -> tuple[str, ...]:
        """List, one sentence each, what stages could not give."""
        sentences = []
        for (_, persona), item in self.stages.items():
            label = "" if persona == ALL_PERSONAS else self.label_of(persona)
            sentences.append(item.explain(label))
        return tuple(item for item in sentences if item)


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


def _find_previous(
    workspace: Workspace, params: OrgParams, quarter: Quarter
) -> Quarter | None:
    """Return the nearest earlier quarter that holds estimates."""
    base = workspace.outputs / params.org
    names = sorted(
        (item.name for item in base.glob("*Q?") if _QUARTER.fullmatch(item.name)),
        reverse=True,
    )
    for name in names:
        if name < str(quarter) and any((base / name).glob("*/*/estimates.parquet")):
            return Quarter.parse(name, year_starts=quarter.year_starts)
    return None


def _read_stages(
    workspace: Workspace, params: OrgParams, quarter: Quarter
) -> dict[tuple[str, str], StageRead]:
    """Read every known stage of a quarter, for each persona where it varies."""
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
    for name in _READ:
        path = folder / f"{name}.parquet"
        if not path.is_file():
            continue
        try:
            tables[name] = read_parquet(path)
        except SourceError:
            faults.append(f"The table {name} of stage {stage} cannot be read.")
    if "estimates" in tables:
        tables["estimates"] = mask_estimates(tables["estimates"], min_group=min_group)
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
