"""From a quarter's results to a folder of files for other systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.core.errors import ParamError
from workbench.core.nudge_params import NudgeParams
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.store import (
    ALL_PERSONAS,
    Workspace,
    hash_file,
    read_parquet,
)
from workbench.data.reidentify import Access, identify_people
from workbench.prescribe.delivery.chat_files import Message, make_messages
from workbench.prescribe.delivery.folder import open_export
from workbench.prescribe.delivery.formats import CHAT, FORMATS, Delivery, Tell
from workbench.prescribe.delivery.steps import Selection, Step, select_steps
from workbench.prescribe.delivery.whereabouts import Whereabouts, read_whereabouts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["APPROVED", "ExportReport", "ExportRequest", "export_quarter"]

APPROVED = "approved"
"""The one state of a sign-off whose actions leave the house."""

_PORTFOLIO = "portfolio"
_PATHS = (
    *("persona", "position", "title", "modality", "effort_hours", "explore"),
    *("reason", "practice", "behaviour", "coaching_prompt"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What is to be exported.

    Attributes
    ----------
    quarter : Quarter
        Of the results.
    persona : str, optional
        Only this one.
    formats : tuple of str
        Of `FORMATS`.
    status : str
        State of the sign-off; ``proposed`` shows beforehand what would be exported,
        and is neither sent nor identified.
    start : date, optional
        First day of what is delivered; by default the day after the quarter.
    to : Path, optional
        Folder; by default ``outputs/<org>/exports/<quarter>/<persona or _all>``, for
        identified people ``.../<quarter>/_identified/...`` and for what is only
        proposed ``.../<quarter>/_proposed/...``.
    access : Access, optional
        Who asks for people's ids in place of pseudonyms, and why.
    extracts : Path, optional
        Where the extracts lie, from which ids are read.
    """

    quarter: Quarter
    persona: str | None = None
    formats: tuple[str, ...] = tuple(FORMATS)
    status: str = APPROVED
    start: date | None = None
    to: Path | None = None
    access: Access | None = None
    extracts: Path | None = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.formats) - set(FORMATS))
        if unknown or not self.formats:
            raise ParamError.build(
                "There is no such format",
                where="--only",
                rule="one or more of " + ", ".join(FORMATS),
                got=unknown or "none",
            )
        if self.status != APPROVED and self.access is not None:
            raise ParamError.build(
                "Only approved actions are exported with people's ids",
                where="--identify",
                rule=f"--status {APPROVED}",
                got=self.status,
                hint="have the actions signed off, or leave out --identify",
            )

    @property
    def first_day(self) -> date:
        """First day of what is delivered."""
        return self.start or self.quarter.last_day + timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was exported.

    Attributes
    ----------
    root : Path
        The folder.
    steps, people : int
        What is delivered, and to how many.
    counts : dict
        Numbers by format, in words.
    left_out : dict
        Actions that are not delivered, by reason.
    messages : tuple of Message
        The chat messages as they were written, to be sent.
    """

    root: Path
    steps: int
    people: int
    counts: dict[str, dict[str, int]]
    left_out: dict[str, int]
    messages: tuple[Message, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Results:
    """Actions and paths as the stages left them, and hashes of their files.

    ``beside`` are the actions of the personas that are not asked for.
    """

    actions: pd.DataFrame
    beside: pd.DataFrame
    paths: pd.DataFrame
    hashes: dict[str, str] = field(default_factory=dict)


def export_quarter(
    params: OrgParams,
    workspace: Workspace,
    request: ExportRequest,
    *,
    tell: Callable[[str, int, int], None] | None = None,
) -> ExportReport:
    """Write what is prescribed and signed off as files for other systems.

    Nothing depends on the clock: the same results, sign-offs and parameters give the
    same bytes. Each format's folder is replaced as a whole; ``manifest.json`` hashes
    every file, says for each format what it was made from, and is written last.

    Parameters
    ----------
    params : OrgParams
        The organisation.
    workspace : Workspace
        Holds results, sign-offs, store and, for ids, the key.
    request : ExportRequest
        What, whose, and where to.
    tell : callable, optional
        Told the format, how much of it is done, and of how much.

    Returns
    -------
    ExportReport
        What was written and what was left out, with reasons.

    Raises
    ------
    SourceError
        If the stage prescription has left nothing.
    ParamError
        If a template, `nudges.yml`, the folder or the key does not hold.
    """
    told = tell or (lambda *_: None)
    personas = _list_personas(params, request)
    results = _read_results(params, workspace, request.quarter, personas)
    whereabouts = read_whereabouts(
        workspace.store(params.org),
        privacy=params.workbench.privacy,
        year_starts=params.workbench.quarter.fiscal_year_starts,
        day=request.first_day,
    )
    selection = _select(params, workspace, request, results, whereabouts)
    delivery = Delivery(
        params=params,
        quarter=str(request.quarter),
        start=request.first_day,
        steps=selection.steps,
        beside=_select_beside(params, request, results, whereabouts),
        messages=_list_messages(params, request, selection, whereabouts),
        whereabouts=whereabouts,
        paths=results.paths,
    )
    facts = {
        "personas": personas,
        "from": str(request.first_day),
        "results": results.hashes,
        "left_out": selection.left_out,
    }
    root = _find_root(params, workspace, request)
    terms = _list_terms(params, request)
    counts = {}
    with open_export(root, private=request.access is not None, terms=terms) as folder:
        for name in (item for item in FORMATS if item in request.formats):
            with folder.replace(name) as own:
                counts[name] = FORMATS[name](delivery, folder, _tell_of(name, told))
                own.update(facts, counts=counts[name])
        folder.write_manifest()
    return ExportReport(
        root=root,
        steps=len(selection.steps),
        people=len({step.key for step in selection.steps}),
        counts=counts,
        left_out=selection.left_out,
        messages=delivery.messages,
    )


def _tell_of(name: str, told: Callable[[str, int, int], None]) -> Tell:
    return lambda done, whole: told(name, done, whole)


def _list_terms(params: OrgParams, request: ExportRequest) -> dict[str, object]:
    """List what must be the same for every format in a folder."""
    return {
        "organisation": params.org,
        "quarter": str(request.quarter),
        "status": request.status,
        "identified": request.access is not None,
    }


def _list_personas(params: OrgParams, request: ExportRequest) -> list[str]:
    if request.persona is not None:
        return [params.find_persona(request.persona).id]
    return [item.id for item in params.personas]


def _find_root(params: OrgParams, workspace: Workspace, request: ExportRequest) -> Path:
    if request.to is not None:
        return request.to
    base = workspace.outputs / params.org / "exports" / str(request.quarter)
    if request.status != APPROVED:
        base /= f"_{request.status}"
    if request.access is not None:
        base /= "_identified"
    return base / (request.persona or ALL_PERSONAS)


def _select(
    params: OrgParams,
    workspace: Workspace,
    request: ExportRequest,
    results: _Results,
    whereabouts: Whereabouts,
) -> Selection:
    """Choose the steps, with people's ids where they are asked for."""

    def select(names: dict[str, str] | None) -> Selection:
        return select_steps(
            results.actions,
            status=request.status,
            start=request.first_day,
            whereabouts=whereabouts,
            managers=params.managers,
            names=names,
        )

    selection = select(None)
    if request.access is None or not selection.steps:
        return selection
    wanted = {step.key for step in selection.steps}
    wanted |= {step.team_key for step in selection.steps if step.team_key}
    return select(
        identify_people(
            params,
            workspace,
            wanted,
            access=request.access,
            extracts=request.extracts,
        )
    )


def _select_beside(
    params: OrgParams,
    request: ExportRequest,
    results: _Results,
    whereabouts: Whereabouts,
) -> tuple[Step, ...]:
    """Choose the steps of the other personas, which take up room in calendars."""
    return select_steps(
        results.beside,
        status=request.status,
        start=request.first_day,
        whereabouts=whereabouts,
        managers=params.managers,
    ).steps


def _list_messages(
    params: OrgParams,
    request: ExportRequest,
    selection: Selection,
    whereabouts: Whereabouts,
) -> tuple[Message, ...]:
    if CHAT not in request.formats:
        return ()
    return tuple(
        make_messages(
            selection.steps,
            chat=(params.nudges or NudgeParams()).chat,
            quarter=str(request.quarter),
            team_sizes=whereabouts.team_sizes,
            min_group=params.workbench.privacy.min_group,
        )
    )


def _read_results(
    params: OrgParams, workspace: Workspace, quarter: Quarter, personas: Sequence[str]
) -> _Results:
    """Read actions, signed off as they stand now, and paths if there are any."""
    import pandas as pd

    from workbench.prescribe.actions.quarter_actions import STAGE, read_actions
    from workbench.prescribe.actions.signoffs import find_ledger

    def find(persona: str, stage: str, table: str) -> Path:
        folder = workspace.stage(params.org, quarter, persona, stage)
        return folder / f"{table}.parquet"

    paths = find(ALL_PERSONAS, _PORTFOLIO, "paths")
    everybody = [item.id for item in params.personas]
    files = [
        *(find(persona, STAGE, "actions") for persona in everybody),
        paths,
        find_ledger(workspace, params.org, quarter),
    ]
    base = workspace.outputs / params.org
    actions = read_actions(workspace, params.org, quarter, personas)
    others = [item for item in everybody if item not in personas]
    there = any(find(item, STAGE, "actions").is_file() for item in others)
    return _Results(
        actions=actions,
        beside=read_actions(workspace, params.org, quarter, others)
        if there
        else actions.iloc[:0],
        paths=read_parquet(paths) if paths.is_file() else pd.DataFrame(columns=_PATHS),
        hashes={
            item.relative_to(base).as_posix(): hash_file(item)
            for item in files
            if item.is_file()
        },
    )
