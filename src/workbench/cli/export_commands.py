"""The command that brings what is prescribed into the flow of work."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.group import FAILED
from workbench.cli.options import (
    ExtractsOption,
    OrgOption,
    ProjectOption,
    QuarterArgument,
    make_console,
    open_org,
)

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.core.params import OrgParams
    from workbench.core.store import Workspace
    from workbench.data.reidentify import Access
    from workbench.prescribe.delivery.export import ExportReport, ExportRequest
    from workbench.prescribe.delivery.sending import SendReport

__all__ = ["export"]

_WEBHOOK = "WORKBENCH_WEBHOOK"
_FROM_ENVIRONMENT = "env"


def export(
    quarter: QuarterArgument,
    org: OrgOption,
    persona: Annotated[
        str | None,
        typer.Option("--persona", "-p", metavar="P", help="Only this persona."),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="FORMATS",
            help="Some of lms, xapi, calendar, chat, agenda, feed and pack, with commas"
            " between them; by default all.",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where to write; by default outputs/ORG/exports/QUARTER.",
        ),
    ] = None,
    status: Annotated[
        Literal["approved", "proposed"],
        typer.Option(
            help="proposed shows beforehand what would be exported; it is neither sent"
            " nor identified."
        ),
    ] = "approved",
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DAY",
            help="First day of reminders and enrolments, such as 2026-12-01; by default"
            " the day after the quarter.",
        ),
    ] = None,
    identify: Annotated[
        bool,
        typer.Option(
            "--identify",
            help="Write employee ids in place of pseudonyms. Takes the key, --by and"
            " --purpose; it is logged.",
        ),
    ] = False,
    by: Annotated[
        str, typer.Option(metavar="NAME", help="Who answers for --identify.")
    ] = "",
    purpose: Annotated[
        str, typer.Option(metavar="TEXT", help="What the ids are needed for.")
    ] = "",
    send: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Post the chat messages to this incoming webhook; env reads its"
            f" address from the variable {_WEBHOOK}, so that no list of processes"
            " shows it. What was taken is not sent again unless its text has changed;"
            " after a failure a message may come twice.",
        ),
    ] = None,
    extracts: ExtractsOption = None,
    project: ProjectOption = None,
) -> None:
    """Write what is prescribed and signed off as files for other systems.

    Enrolments for the LMS, xAPI statements, calendars, chat messages, agenda notes per
    manager, the feed of a team dashboard, and an enablement pack per persona, as
    nudges.yml says. People stay pseudonyms without --identify; nothing leaves this
    machine without --send. Only approved actions are exported. The exit code is 1 if a
    message was not taken.
    """
    from workbench.cli.show_export import show_export, show_sent
    from workbench.prescribe.delivery.export import ExportRequest
    from workbench.prescribe.delivery.formats import FORMATS

    params, workspace = open_org(project, org)
    formats = tuple(FORMATS) if only is None else _split(only)
    request = ExportRequest(
        quarter=params.parse_quarter(quarter),
        persona=persona,
        formats=formats,
        status=status,
        start=_read_day(start),
        to=None if to is None else to.absolute(),
        access=_ask(identify, by, purpose, f"export {quarter}: {', '.join(formats)}"),
        extracts=extracts,
    )
    today = _read_calendar()
    address = None if send is None else _find_address(send)
    if address is not None:
        _check_sending(address, request, today)
    console = make_console()
    report = _export(console, params, workspace, request)
    show_export(console, report, request, today=today)
    if address is not None:
        sent = _send(console, params, workspace, report, address)
        show_sent(console, sent)
        if sent.failed:
            raise typer.Exit(FAILED)


def _read_calendar() -> date:
    """Return today, which no file depends on: only whether the first day has passed."""
    return date.today()


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _read_day(text: str | None) -> date | None:
    from workbench.core.errors import ParamError

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise ParamError.build(
            "This is not a day",
            where="--from",
            rule="year, month and day, such as 2026-12-01",
            got=text,
        ) from error


def _ask(identify: bool, by: str, purpose: str, what: str) -> Access | None:
    """Put together who asks for people's ids, or refuse half a question."""
    from workbench.core.errors import ParamError
    from workbench.data.reidentify import Access

    if identify:
        return Access(by=by, purpose=purpose, what=what, at=datetime.now(UTC))
    if by or purpose:
        raise ParamError.build(
            "--by and --purpose belong to --identify",
            hint="add --identify to write employee ids, or leave them out",
        )
    return None


def _find_address(send: str) -> str:
    """Return the webhook as it was given, or from the environment."""
    from workbench.core.errors import ParamError

    if send != _FROM_ENVIRONMENT:
        return send
    address = os.environ.get(_WEBHOOK, "")
    if not address:
        raise ParamError.build(
            "The environment holds no webhook",
            where=f"--send {_FROM_ENVIRONMENT}",
            rule=f"the address in the variable {_WEBHOOK}",
        )
    return address


def _check_sending(address: str, request: ExportRequest, today: date) -> None:
    """Refuse, before anything is written, what must not be sent."""
    from workbench.core.errors import ParamError
    from workbench.prescribe.delivery.export import APPROVED
    from workbench.prescribe.delivery.formats import CHAT
    from workbench.prescribe.delivery.sending import check_address

    check_address(address)
    if request.status != APPROVED:
        raise ParamError.build(
            "Only approved actions are sent",
            where="--send",
            rule=f"--status {APPROVED}",
            got=request.status,
        )
    if CHAT not in request.formats:
        raise ParamError.build(
            "--send sends chat messages, and none are exported",
            where="--only",
            hint=f"add {CHAT} to --only, or leave it out",
        )
    if request.first_day < today:
        raise ParamError.build(
            "Messages of a first day that has passed may hold steps that have expired",
            where="--send",
            rule="a first day of today or later",
            got=request.first_day,
            hint=f"add --from {today}",
        )


def _export(
    console: Console, params: OrgParams, workspace: Workspace, request: ExportRequest
) -> ExportReport:
    """Export under one bar per format."""
    from workbench.cli.show_export import show_bars
    from workbench.prescribe.delivery.export import export_quarter

    with show_bars(console, request.formats) as tell:
        return export_quarter(params, workspace, request, tell=tell)


def _send(
    console: Console,
    params: OrgParams,
    workspace: Workspace,
    report: ExportReport,
    address: str,
) -> SendReport:
    from workbench.cli.show_export import show_bars
    from workbench.core.nudge_params import NudgeParams
    from workbench.prescribe.delivery.sending import SENT_LEDGER, send_messages

    with show_bars(console, ["sending"]) as tell:
        return send_messages(
            report.messages,
            address=address,
            chat=(params.nudges or NudgeParams()).chat,
            ledger=workspace.outputs / params.org / "exports" / SENT_LEDGER,
            tell=lambda done: tell("sending", done, len(report.messages)),
        )
