"""Next best actions of a persona's people, as the organisation's rules propose them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbench.cohorts.people_now import PeopleNow
from workbench.core.errors import ParamError
from workbench.core.managers import ManagerParams
from workbench.core.results import Check
from workbench.prescribe.actions.action_checks import check_actions
from workbench.prescribe.actions.action_counts import count_rules
from workbench.prescribe.actions.courses import list_courses
from workbench.prescribe.actions.expected import Effects
from workbench.prescribe.actions.facts_now import Subjects, describe_people
from workbench.prescribe.actions.rows import Chosen, tabulate_actions
from workbench.prescribe.rules.evaluate import find_candidates
from workbench.prescribe.rules.examples import check_examples
from workbench.prescribe.rules.language import RuleBook
from workbench.prescribe.rules.settle import Fate, settle

__all__ = ["Actions", "propose_actions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What is proposed to the people of a persona.

    Attributes
    ----------
    table : DataFrame
        One row per action, by ``unit`` and precedence: ``action_id`` (16 hexadecimal
        digits, the same in every run), ``unit``, ``team`` (who is asked to help),
        ``persona``, ``rule``, ``priority``, ``action``, ``course_id``, ``skill``,
        ``behaviour`` (missing where the action has none), ``title``, ``reason_code``,
        ``reason``, ``expected_effect``, ``expected_low``, ``expected_high`` (in
        ``expected_unit``; missing where that is "not known"), ``expected_text``,
        ``effort_hours`` (the manager's for coaching tasks, else the learner's),
        ``effective_on``, ``expires_on``, ``status`` (``proposed``), ``signed_by``,
        ``signed_at`` (missing).
    counts : DataFrame
        One row per rule: ``rule``, ``label``, ``action``, ``people_met`` (conditions
        hold), ``people_open`` (and the action has a target), ``people_proposed``;
        blank and ``suppressed`` where a number, or a difference of two, is small.
    checks : tuple of Check
        Consent, rules in each other's way, retired modules, hours of managers.
    facts : mapping
        ``people``, ``people_with_action``, ``learner_hours``, ``manager_hours``.
    """

    table: pd.DataFrame
    counts: pd.DataFrame
    checks: tuple[Check, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


def propose_actions(
    people: PeopleNow,
    *,
    rules: RuleBook,
    modules: pd.DataFrame,
    paths: pd.DataFrame,
    persona: str,
    quarter: str,
    as_of: date,
    consent: Collection[str],
    path_summary: pd.DataFrame | None = None,
    catalogue: pd.DataFrame | None = None,
    managers: ManagerParams | None = None,
    min_group: int = 10,
) -> Actions:
    """Propose the next best actions of a persona's people.

    Parameters
    ----------
    people : PeopleNow
        People on the day after the cut.
    rules : RuleBook
        Of `read_rules`; its examples are run first.
    modules, paths : DataFrame
        Tables of the portfolio, of all personas. Retired modules are never proposed.
    persona : str
        Whose people are looked at.
    quarter : str
        Reported quarter; a part of every action's id.
    as_of : date
        Day on which actions take effect, the day after the cut.
    consent : collection of str
        Pseudonyms of the people who may be read of. Nobody else gets an action, even
        if the tables hold them.
    path_summary : DataFrame, optional
        Table of the portfolio: the value of whole paths.
    catalogue : DataFrame, optional
        Further courses that ``best_for_skill`` may take; see `list_courses`.
    managers : ManagerParams, optional
        Labels of behaviours, and what practising a skill means.
    min_group : int
        Fewest people of a count that is shown.

    Returns
    -------
    Actions
        The table, counts per rule, checks, and totals.

    Raises
    ------
    ParamError
        If an example of the rules does not come out as the file says, the tables are
        of another quarter or day, or a rule asks for what the data do not hold.
    """
    _check_dates(people, quarter, as_of)
    check_examples(rules)
    own = people.frame[people.frame["persona"] == persona]
    agreed = own["unit"].isin(set(consent))
    courses = list_courses(modules, paths, persona, catalogue)
    subjects = describe_people(people, own[agreed], rules, courses)
    chosen, kept = _choose(rules, subjects)
    table = tabulate_actions(
        chosen.take(kept),
        rules=rules.order,
        subjects=subjects,
        effects=Effects(
            modules=modules[modules["persona"] == persona],
            paths=paths[paths["persona"] == persona],
            summary=_select(path_summary, persona),
        ),
        quarter=quarter,
        persona=persona,
        as_of=as_of,
        managers=managers,
    )
    return Actions(
        table=table,
        counts=count_rules(
            rules, subjects.situation, chosen, kept, min_group=min_group
        ),
        checks=check_actions(
            table,
            rules,
            courses,
            refused=int((~agreed).sum()),
            min_group=min_group,
        ),
        facts=_total(table, people=len(subjects.frame)),
    )


def _check_dates(people: PeopleNow, quarter: str, as_of: date) -> None:
    if (people.quarter, people.as_of) == (quarter, as_of):
        return
    raise ParamError.build(
        "People and actions are of different days",
        rule=f"people of {quarter} on {as_of}",
        got=f"{people.quarter} on {people.as_of}",
    )


def _select(table: pd.DataFrame | None, persona: str) -> pd.DataFrame | None:
    return None if table is None else table[table["persona"] == persona]


def _choose(rules: RuleBook, subjects: Subjects) -> tuple[Chosen, Any]:
    """Return all candidates, and which of them are proposed, in order."""
    order = rules.order
    found = find_candidates(order, subjects.situation)
    chosen = Chosen.find(
        found.person, found.rule, found.row, rules=order, subjects=subjects
    )
    gaps = np.append(subjects.situation.rows["gap"], np.nan)
    at, fate = settle(
        found,
        order,
        rules.limits,
        target=chosen.number_targets(order),
        gap=gaps[found.row],
    )
    return chosen, at[fate == Fate.PROPOSED]


def _total(table: pd.DataFrame, *, people: int) -> dict[str, Any]:
    asked = table["action"] == "coaching_task"
    hours = table["effort_hours"]
    return {
        "people": people,
        "people_with_action": int(table["unit"].nunique()),
        "learner_hours": round(float(hours[~asked].sum()), 2),
        "manager_hours": round(float(hours[asked].sum()), 2),
    }
