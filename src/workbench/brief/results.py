"""What the stages of a quarter left behind, read once for all pages of the brief."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path

import pandas as pd

from workbench.brief.stage_reads import StageRead, read_stages
from workbench.brief.stopped import EXPERIMENTS
from workbench.brief.withheld import PORTFOLIO, PRESCRIBING, PRESCRIPTION
from workbench.core.declared import find_redeclared
from workbench.core.errors import ParamError
from workbench.core.params import OrgParams, Persona, load_org_params
from workbench.core.quarters import Quarter
from workbench.core.results import Estimate
from workbench.core.run_params import PROJECT_VARIABLE
from workbench.core.store import ALL_PERSONAS, Workspace, find_project_root

__all__ = ["BriefData"]

_QUARTER = re.compile(r"\d{4}Q[1-4]")


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
    redeclared : mapping of str to str
        Outcomes declared otherwise than when the quarter was first run, and how.
    """

    params: OrgParams
    quarter: Quarter
    persona: Persona | None
    stages: Mapping[tuple[str, str], StageRead]
    previous: BriefData | None = None
    redeclared: Mapping[str, str] = field(default_factory=dict)

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
                stages=read_stages(workspace, params, before),
            )
            if before
            else None
        )
        return cls(
            params=params,
            quarter=parsed,
            persona=chosen,
            stages=read_stages(workspace, params, parsed),
            previous=earlier,
            redeclared=find_redeclared(
                workspace.quarter(params.org, parsed), params.outcomes
            ),
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

    def label_program(self, program: str) -> str:
        """Return a programme's name for people, or its id where it has none."""
        labels = {item.id: item.label or item.id for item in self.params.programs}
        return labels.get(program, program)

    def estimates(self, persona: str | None = None) -> pd.DataFrame:
        """Return the estimates of all stages that are done, personas in file order.

        Stages that prescribe are left out: what they estimate is no programme's effect.

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
            and item.stage not in PRESCRIBING
            and "estimates" in item.tables
            and persona in (None, item.persona)
        ]
        columns = [item.name for item in fields(Estimate)]
        if not tables:
            return pd.DataFrame(columns=columns)
        return pd.concat(tables, ignore_index=True)

    def list_gaps(self) -> tuple[str, ...]:
        """List, one sentence each, what stages could not give.

        That no experiment was made is no gap of a stage. Where no module could be
        valued, the prescriptions that stand on it are not listed one by one.
        """
        sentences = []
        valued = self.stage(PORTFOLIO).status == "done"
        for (stage, persona), item in self.stages.items():
            if stage == EXPERIMENTS and item.status == "not_applicable":
                continue
            if stage == PRESCRIPTION and not valued:
                continue
            label = "" if persona == ALL_PERSONAS else self.label_of(persona)
            sentences.append(item.explain(label))
        return tuple(item for item in sentences if item)


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
