"""Checks of proposed actions: consent, rules, retired modules, hours of managers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from workbench.core.results import Check
from workbench.prescribe.actions.courses import Courses
from workbench.prescribe.rules.analyse import (
    MOST_CONFLICTS,
    Finding,
    analyse_rules,
)
from workbench.prescribe.rules.language import RuleBook

__all__ = ["check_actions"]


def check_actions(
    table: pd.DataFrame,
    rules: RuleBook,
    courses: Courses,
    *,
    refused: int,
    min_group: int,
) -> tuple[Check, ...]:
    """Check what is proposed.

    Parameters
    ----------
    table : DataFrame
        The actions.
    rules : RuleBook
        The rules.
    courses : Courses
        Which of them are retired.
    refused : int
        People among those read who had not agreed, and so get nothing.
    min_group : int
        Fewest people of a number that is shown.

    Returns
    -------
    tuple of Check
        ``actions_consent``, ``rules_unreachable``, ``rules_conflict``,
        ``actions_retired`` (required), ``rules_retired`` and ``manager_hours``, whose
        value is the median over managers, in hours; NaN for fewer than `min_group`.
    """
    findings = analyse_rules(rules)
    return (
        _check_consent(refused, min_group),
        _check_findings("rules_unreachable", "unreachable", findings),
        _check_findings("rules_conflict", "conflict", findings),
        _check_proposed(table, courses),
        _check_named(rules, courses),
        _check_hours(table, rules, min_group),
    )


def _check_consent(refused: int, min_group: int) -> Check:
    count = f"{refused}" if refused >= min_group else f"fewer than {min_group}"
    return Check(
        check="actions_consent",
        passed=refused == 0,
        value=float(refused) if refused == 0 or refused >= min_group else math.nan,
        limit=0,
        text="Everybody whose data were read has agreed."
        if refused == 0
        else f"People who have not agreed ({count}) were among those read; none of them"
        " gets an action.",
        advice="" if refused == 0 else "See why they were read: consent and the cut.",
    )


def _check_findings(name: str, kind: str, findings: Sequence[Finding]) -> Check:
    own = [finding for finding in findings if finding.kind == kind]
    all_told = kind != "conflict" or len(own) < MOST_CONFLICTS
    return Check(
        check=name,
        passed=not own,
        value=len(own),
        limit=0,
        text=" ".join(f"{finding.text}." for finding in own)
        + ("" if all_told else " No more conflicts were looked for."),
        advice="Change rules.yml; workbench rules check shows it." if own else "",
    )


def _check_proposed(table: pd.DataFrame, courses: Courses) -> Check:
    retired = {name for name, course in courses.known.items() if course.retired}
    count = int(table["course_id"].isin(retired).sum())
    return Check(
        check="actions_retired",
        passed=count == 0,
        value=count,
        limit=0,
        required=True,
        text="No retired module is proposed." if count == 0 else "",
    )


def _check_named(rules: RuleBook, courses: Courses) -> Check:
    """Check that rules do not name a module that would be proposed to nobody."""
    named = []
    for rule in rules.rules:
        course = courses.known.get(rule.then.module)
        if course is not None and course.retired:
            named.append(f"{rule.id} (line {rule.spot.line}) names {course.id}")
    return Check(
        check="rules_retired",
        passed=not named,
        value=len(named),
        limit=0,
        text=f"{'; '.join(named)}: retired, so it is proposed to nobody."
        if named
        else "",
        advice="Name another module, or take the rule out." if named else "",
    )


def _check_hours(table: pd.DataFrame, rules: RuleBook, min_group: int) -> Check:
    """Check whether managers have the hours that coaching tasks ask for."""
    limit = rules.limits.manager_hours
    asked = table[table["action"] == "coaching_task"]
    hours = asked.groupby("team")["effort_hours"].sum()
    if limit is None or hours.empty:
        why = "no coaching task" if hours.empty else "rules.yml states no manager_hours"
        return Check(check="manager_hours", passed=None, text=f"Not checked: {why}.")
    over = int((hours > limit).sum())
    shown = len(hours) >= min_group
    asked_for = (
        f"{len(hours)} managers for {hours.median():.1f} hours in the middle"
        if shown
        else f"fewer than {min_group} managers"
    )
    return Check(
        check="manager_hours",
        passed=over == 0,
        value=float(hours.median()) if shown else math.nan,
        limit=limit,
        text=f"Coaching tasks ask {asked_for}, in this persona alone;"
        f" {_say_over(over, len(hours), min_group)} would need more than {limit:g}.",
        advice="Sign off fewer coaching tasks, or lower limits.actions_per_person."
        if over
        else "",
    )


def _say_over(over: int, count: int, min_group: int) -> str:
    """Say how many managers are over the limit; neither they nor the rest are few."""
    if over == 0:
        return "none of them"
    if over < min_group:
        return "some of them"
    return str(over) if count == over or count - over >= min_group else "most of them"
