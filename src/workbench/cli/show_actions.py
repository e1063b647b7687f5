"""Rules, their examples, and proposed actions as tables and lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from workbench.cli.show import show_lines, show_table

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd
    from rich.console import Console

    from workbench.prescribe.rules.analyse import Finding
    from workbench.prescribe.rules.examples import ExampleResult
    from workbench.prescribe.rules.language import Rule, RuleBook

__all__ = ["show_counts", "show_each", "show_rules"]

_PSEUDONYM = 8
_STATES = ("open", "approved", "declined", "expired")


def show_rules(
    console: Console,
    book: RuleBook,
    results: Sequence[ExampleResult],
    findings: Sequence[Finding],
    *,
    untested: Sequence[Rule],
    unchecked: Sequence[str],
) -> None:
    """Print the rules by priority, examples that fail, and what the analysis found."""
    rows = [
        (
            str(rule.then.priority),
            rule.id,
            str(rule.spot.line),
            rule.then.action.replace("_", " "),
            rule.label,
            str(sum(rule.id in result.example.expect for result in results)),
        )
        for rule in book.order
    ]
    columns = ["priority", "rule", "line", "action", "label", "examples"]
    show_table(console, columns, rows)
    failed = [result for result in results if not result.passed]
    show_lines(
        console,
        [
            f"{len(book.rules)} rules, {len(results)} examples, {len(failed)} of them"
            " come out otherwise",
            *(_say_failed(book, result) for result in failed),
            *(f"{book.path}:{item.lines[0]}: {item.text}" for item in findings),
            *_say_unsought(findings),
            *(
                f"{book.path}:{rule.spot.line}: no example expects {rule.id}"
                for rule in untested
            ),
            *(
                f"names of {kind}s were not checked: no data are loaded"
                for kind in unchecked
            ),
        ],
    )


def show_counts(
    console: Console,
    actions: pd.DataFrame,
    *,
    quarter: str,
    today: date,
    changed: Collection[str] = (),
) -> None:
    """Print how many actions there are by persona, rule and state.

    Those that were approved and have changed since (ids in `changed`) are open.
    """
    states = actions.assign(state=_list_states(actions, today))
    rows = []
    for (persona, rule, action), group in states.groupby(["persona", "rule", "action"]):
        counts = group["state"].value_counts()
        people = group["unit"].nunique()
        rows.append(
            (
                str(persona),
                str(rule),
                str(action).replace("_", " "),
                str(people),
                *(str(counts.get(state, 0)) for state in _STATES),
                f"{group['effort_hours'].sum():,.1f}",
            )
        )
    columns = ["persona", "rule", "action", "people", *_STATES, "hours"]
    show_table(console, columns, rows)
    show_lines(console, [_say_total(actions, quarter, today, changed)])


def show_each(
    console: Console,
    actions: pd.DataFrame,
    *,
    quarter: str,
    today: date,
    changed: Collection[str] = (),
) -> None:
    """Print every action; people are named by the beginning of their pseudonym.

    Open ones that were approved and have changed since (ids in `changed`) say so.
    """
    states = _list_states(actions, today)
    rows = [
        (
            row.action_id,
            row.rule,
            f"{row.unit[:_PSEUDONYM]}…",
            row.title,
            f"{row.effort_hours:g}",
            str(row.expires_on.date()),
            _say_state(row, state, changed),
        )
        for row, state in zip(actions.itertuples(), states, strict=True)
    ]
    columns = ["id", "rule", "who", "what", "hours", "until", "state"]
    show_table(console, columns, rows)
    show_lines(console, [_say_total(actions, quarter, today, changed)])


def _say_unsought(findings: Sequence[Finding]) -> list[str]:
    from workbench.prescribe.rules.analyse import MOST_CONFLICTS

    count = sum(item.kind == "conflict" for item in findings)
    return ["no more conflicts were looked for"] if count >= MOST_CONFLICTS else []


def _say_state(row: Any, state: str, changed: Collection[str]) -> str:
    if state == "open" and row.action_id in changed:
        return "open again: changed since approved"
    return state if state in ("open", "expired") else f"{state} by {row.signed_by}"


def _say_total(
    actions: pd.DataFrame, quarter: str, today: date, changed: Collection[str]
) -> str:
    total = f"{len(actions)} actions of {quarter}, as of {today}"
    if not changed:
        return total
    return f"{total}; {len(changed)} were approved and have changed since: decide again"


def _list_states(actions: pd.DataFrame, today: date) -> list[str]:
    """Say of each action whether it is open, decided on, or expired undecided."""
    return [
        str(status)
        if status != "proposed"
        else ("expired" if ends.date() < today else "open")
        for status, ends in zip(actions["status"], actions["expires_on"], strict=True)
    ]


def _say_failed(book: RuleBook, result: ExampleResult) -> str:
    from workbench.prescribe.rules.examples import say_difference

    line = result.example.spot.line
    return f"{book.path}:{line}: {say_difference(result)}"
