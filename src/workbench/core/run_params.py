"""The closed, typed set of parameters that a notebook may be given."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core.declared import REDECLARED, find_redeclared
from workbench.core.errors import ParamError
from workbench.core.params import OrgParams, load_org_params
from workbench.core.quarters import Quarter
from workbench.core.stages import Stage, find_stage
from workbench.core.store import ALL_PERSONAS, Workspace, find_project_root

__all__ = [
    "OUTPUT_VARIABLE",
    "PROJECT_VARIABLE",
    "RunParams",
    "check_stage_params",
    "derive_seed",
]

PROJECT_VARIABLE = "WORKBENCH_PROJECT"
"""Environment variable by which a run tells its kernels the project folder."""

OUTPUT_VARIABLE = "WORKBENCH_STAGE_FOLDER"
"""Environment variable by which a run tells a kernel where to leave its results."""

_COMMON: Mapping[str, type] = {"org": str, "quarter": str, "seed": int}
_PERSONA: Mapping[str, type] = {"persona": str}
_MATCHING: Mapping[str, type] = {"caliper": float, "ratio": int, "replace": bool}
_OWN: Mapping[str, Mapping[str, type]] = {
    "audit": {},
    "personas": {},
    "psm": _MATCHING,
    "did": {},
    "ab": {},
    "survival": _MATCHING,
    "portfolio": {},
    "prediction": {},
    "prescription": {},
}


def check_stage_params(stage: str, values: Mapping[str, Any]) -> None:
    """Refuse a parameter that the stage does not know or that has another type.

    Raises
    ------
    ParamError
        All faults of `values` together.
    """
    known = {**_COMMON, **_PERSONA, **_OWN.get(stage, {})}
    faults = []
    for name, value in values.items():
        kind = known.get(name)
        if kind is None:
            faults.append(f"{name}: unknown parameter")
        elif not _fits(value, kind):
            faults.append(f"{name}: must be {kind.__name__}, got {value!r}")
    if faults:
        raise ParamError.build(
            f"Stage {stage} cannot run with these parameters",
            where="; ".join(faults),
            rule="known are " + ", ".join(known),
        )


def _fits(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def derive_seed(seed: int, quarter: Quarter, persona: str, stage: str) -> int:
    """Derive a stage's own seed, the same on every machine and in every order."""
    text = f"{seed}|{quarter}|{persona}|{stage}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunParams:
    """What a notebook works with: checked parameters, paths and its own seed."""

    stage: Stage
    params: OrgParams
    quarter: Quarter
    persona: str
    seed: int
    workspace: Workspace
    folder: Path
    own: Mapping[str, Any]

    @classmethod
    def create(
        cls, stage: str, *, org: str, quarter: str, seed: int, **more: Any
    ) -> RunParams:
        """Check a notebook's parameters and derive all that follows from them.

        Parameters
        ----------
        stage : str
            The stage the notebook belongs to.
        org, quarter : str
            Organisation and quarter, such as ``demo`` and ``2026Q3``.
        seed : int
            0 takes the organisation's own seed.
        **more
            ``persona`` where the stage has one, and the stage's own parameters.

        Returns
        -------
        RunParams
            With ``folder``, where the stage leaves its results.

        Raises
        ------
        ParamError
            If a parameter is unknown, ill-typed or names what does not exist.
        """
        check_stage_params(stage, {"org": org, "quarter": quarter, "seed": seed} | more)
        root = os.environ.get(PROJECT_VARIABLE)
        workspace = Workspace(find_project_root(Path(root) if root else None))
        params = load_org_params(org, workspace.params)
        parsed = params.parse_quarter(quarter)
        persona = str(more.pop("persona", ALL_PERSONAS))
        if persona != ALL_PERSONAS:
            params.find_persona(persona)
        spec = find_stage(stage)
        if spec.per_persona and persona == ALL_PERSONAS:
            raise ParamError.build(f"Stage {stage} needs a persona")
        given = os.environ.get(OUTPUT_VARIABLE)
        folder = workspace.stage(org, parsed, persona, stage)
        return cls(
            stage=spec,
            params=params,
            quarter=parsed,
            persona=persona,
            seed=derive_seed(seed or params.workbench.seed, parsed, persona, stage),
            workspace=workspace,
            folder=Path(given) if given else folder,
            own=more,
        )

    def needed(self, stage: str, *, persona: str | None = None) -> Path:
        """Folder of the results of a stage that this one needs.

        Parameters
        ----------
        stage : str
            The stage.
        persona : str, optional
            Where that stage varies by persona: whose results; by default the run's.
        """
        own = self.persona if persona is None else persona
        persona = own if find_stage(stage).per_persona else ALL_PERSONAS
        return self.workspace.stage(self.params.org, self.quarter, persona, stage)

    def list_threats(self, outcome: str) -> tuple[str, ...]:
        """Name what speaks against an outcome's evidence before any of it is read."""
        folder = self.workspace.quarter(self.params.org, self.quarter)
        changed = find_redeclared(folder, self.params.outcomes)
        return (REDECLARED,) if outcome in changed else ()
