"""Commands about rules and the actions they propose: check, list, sign off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from workbench.cli.examples import format_examples
from workbench.cli.group import FAILED
from workbench.cli.options import OrgOption, ProjectOption, make_console, open_org

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.core.params import OrgParams
    from workbench.core.quarters import Quarter
    from workbench.core.store import Workspace
    from workbench.prescribe.actions.signoffs import Decision

__all__ = [
    "actions_app",
    "approve_actions",
    "check_rules",
    "decline_actions",
    "list_actions",
    "rules_app",
]

_C = TypeVar("_C", bound=Callable[..., Any])

rules_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Check the rules of the next best action (params/ORG/rules.yml).",
)
actions_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="See what is proposed to people, and approve or decline it.",
)

_QuarterOption = Annotated[
    str | None,
    typer.Option(
        "--quarter",
        "-q",
        metavar="QUARTER",
        help="Whose actions; by default the organisation's last quarter.",
    ),
]
_PersonaOption = Annotated[
    str | None,
    typer.Option("--persona", "-p", metavar="P", help="Only those of a persona."),
]
_RuleOption = Annotated[
    str | None, typer.Option("--rule", metavar="ID", help="Only those of a rule.")
]
_IdsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="Ids of actions, or how they begin."),
]
_AllOption = Annotated[
    bool, typer.Option("--all", help="All that nobody has decided on.")
]
_ByOption = Annotated[
    str, typer.Option("--by", metavar="NAME", help="Who decides; kept beside it.")
]


def check_rules(org: OrgOption, project: ProjectOption = None) -> None:
    """Check rules.yml: its language, its examples, and rules in each other's way.

    Every fault is reported with its line. The examples in the file are run. Rules that
    can never hold or are never reached, and rules that can hold at once and exclude
    each other or propose the same at one priority, are listed. The exit code is 1 if
    anything of it is found.
    """
    from workbench.cli.show_actions import show_rules
    from workbench.prescribe.rules.analyse import analyse_rules
    from workbench.prescribe.rules.examples import list_untested, run_examples
    from workbench.prescribe.rules.read import RULES_FILE, read_rules
    from workbench.prescribe.rules.vocabulary import load_vocabulary

    params, workspace = open_org(project, org)
    vocabulary = load_vocabulary(params, workspace.store(org))
    book = read_rules(params.folder / RULES_FILE, vocabulary)
    results, findings = run_examples(book), analyse_rules(book)
    show_rules(
        make_console(),
        book,
        results,
        findings,
        untested=list_untested(book),
        unchecked=vocabulary.list_unchecked(),
    )
    if findings or not all(result.passed for result in results):
        raise typer.Exit(FAILED)


def list_actions(
    org: OrgOption,
    quarter: _QuarterOption = None,
    persona: _PersonaOption = None,
    rule: _RuleOption = None,
    each: Annotated[
        bool,
        typer.Option("--each", help="List every action, with pseudonyms cut short."),
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Show how many actions are proposed, approved, declined and expired.

    An approval stands for the very action that was approved: where a later run proposes
    something else in its place, the action is open again, and is counted as changed.
    """
    from workbench.cli.show_actions import show_counts, show_each
    from workbench.prescribe.actions.quarter_actions import find_changed, read_actions

    params, workspace = open_org(project, org)
    parsed = _parse(params, quarter, persona)
    actions = read_actions(workspace, org, parsed, _list_personas(params, persona))
    if rule is not None:
        actions = actions[actions["rule"] == rule]
    show = show_each if each else show_counts
    show(
        make_console(),
        actions,
        quarter=str(parsed),
        today=_read_clock().date(),
        changed=find_changed(workspace, org, parsed, actions),
    )


def approve_actions(
    by: _ByOption,
    org: OrgOption,
    ids: _IdsArgument = None,
    quarter: _QuarterOption = None,
    persona: _PersonaOption = None,
    rule: _RuleOption = None,
    everything: _AllOption = False,
    note: Annotated[str, typer.Option(metavar="TEXT", help="A remark.")] = "",
    project: ProjectOption = None,
) -> None:
    """Approve actions: by id, or all that are open of a persona, a rule, or --all.

    Open is also what was approved and has changed since; how many were, is said.
    What has expired cannot be approved. Decisions are added to
    outputs/ORG/signoffs/QUARTER.jsonl; the last one on an action stands.
    """
    params, workspace = open_org(project, org)
    _decide(
        params,
        workspace,
        _parse(params, quarter, persona),
        status="approved",
        by=by,
        note=note,
        ids=ids or [],
        persona=persona,
        rule=rule,
        everything=everything,
    )


def decline_actions(
    by: _ByOption,
    org: OrgOption,
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="Why; kept beside it.")
    ],
    ids: _IdsArgument = None,
    quarter: _QuarterOption = None,
    persona: _PersonaOption = None,
    rule: _RuleOption = None,
    everything: _AllOption = False,
    project: ProjectOption = None,
) -> None:
    """Decline actions, with a note: by id, or all of a persona, a rule, or --all."""
    params, workspace = open_org(project, org)
    _decide(
        params,
        workspace,
        _parse(params, quarter, persona),
        status="declined",
        by=by,
        note=note,
        ids=ids or [],
        persona=persona,
        rule=rule,
        everything=everything,
    )


def _add(group: typer.Typer, name: str, typed: str) -> Callable[[_C], _C]:
    """Make a command of a group, with its examples below its help."""
    return group.command(name, epilog=format_examples(f"{typed} {name}"))


_add(rules_app, "check", "rules")(check_rules)
_add(actions_app, "list", "actions")(list_actions)
_add(actions_app, "approve", "actions")(approve_actions)
_add(actions_app, "decline", "actions")(decline_actions)


def _read_clock() -> datetime:
    """Return the present moment; the only place of sign-offs that looks at it."""
    return datetime.now(UTC)


def _parse(params: OrgParams, quarter: str | None, persona: str | None) -> Quarter:
    """Read the quarter, and check the persona."""
    if persona is not None:
        params.find_persona(persona)
    return params.parse_quarter(quarter or params.workbench.quarter.last)


def _list_personas(params: OrgParams, persona: str | None) -> list[str]:
    return [persona] if persona else [item.id for item in params.personas]


def _decide(
    params: OrgParams,
    workspace: Workspace,
    quarter: Quarter,
    *,
    status: Decision,
    by: str,
    note: str,
    ids: list[str],
    persona: str | None,
    rule: str | None,
    everything: bool,
) -> None:
    """Choose actions, write the decision to the ledger, and say what was done."""
    from workbench.prescribe.actions.quarter_actions import (
        choose_actions,
        expand_ids,
        find_changed,
        read_actions,
    )
    from workbench.prescribe.actions.signoffs import find_ledger, sign_off

    _check_choice(ids, persona, rule, everything=everything)
    now = _read_clock()
    actions = read_actions(
        workspace, params.org, quarter, _list_personas(params, persona)
    )
    expired = 0
    if ids:
        ids = expand_ids(actions, ids)
    else:
        ids, expired = choose_actions(
            actions,
            on=now.date(),
            persona=persona,
            rule=rule,
            open_only=status == "approved",
        )
    ledger = find_ledger(workspace, params.org, quarter)
    changed = find_changed(workspace, params.org, quarter, actions).intersection(ids)
    count = 0
    if ids:
        count = sign_off(
            ledger, actions, action_ids=ids, status=status, by=by, at=now, note=note
        )
    done = f"{count} action{'' if count == 1 else 's'} of {quarter} {status} by {by}"
    _tell(done, ledger if count else None, expired=expired, changed=len(changed))


def _check_choice(
    ids: list[str], persona: str | None, rule: str | None, *, everything: bool
) -> None:
    """Refuse to decide on everything by accident, or on two choices at once."""
    from workbench.core.errors import ParamError

    if ids and (rule is not None or everything):
        raise ParamError.build(
            "Actions are named by id and by something else",
            rule="ids alone, or --persona, --rule or --all",
        )
    if not (ids or persona or rule or everything):
        raise ParamError.build(
            "Which actions are meant is not said",
            rule="ids, --persona, --rule or --all",
            hint="workbench actions list --each shows ids",
        )


def _tell(done: str, ledger: Path | None, *, expired: int, changed: int) -> None:
    """Say what was decided, what was left out, and what had been approved before."""
    from workbench.cli.show import show_lines

    left = f"; {expired} had expired and were left out" if expired else ""
    lines = [done + left]
    if changed:
        lines.append(f"{changed} of them had been approved and have changed since")
    if ledger is not None:
        lines += ["Kept in", f"  {ledger}"]
    show_lines(make_console(), lines)
