"""Where people work, when, and under whom, on the day of an export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from workbench.core.params import Privacy
from workbench.core.quarters import Quarter
from workbench.data.cut import open_cut

__all__ = ["Person", "Whereabouts", "read_whereabouts"]

_ALL_KNOWN = Quarter(9998, 4).first_day
"""A cut after all that a store holds: withdrawals and exits count once known."""


@dataclass(frozen=True, slots=True)
class Person:
    """Location, shift and manager of one person; empty where not known."""

    place: str = ""
    shift: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """People who are employed and may be reached, by pseudonym.

    Attributes
    ----------
    people : mapping
        Location, shift and manager.
    team_sizes : mapping
        People per manager.
    """

    people: Mapping[str, Person]
    team_sizes: Mapping[str, int]


def read_whereabouts(
    store: Path, *, privacy: Privacy, year_starts: int, day: date
) -> Whereabouts:
    """Read who may be reached on a day, and where they work then.

    Consent that was withdrawn and exits that are known count, even if they are dated
    after the quarter; jobs count as they are in force on the day. A manager who has
    left by then leads nobody, whatever the jobs still say.

    Parameters
    ----------
    store : Path
        Folder of the canonical tables.
    privacy : Privacy
        Whether consent is needed, and for which purpose.
    year_starts : int
        First month of the fiscal year.
    day : date
        First day on which anything is delivered.

    Returns
    -------
    Whereabouts
        A manager without consent has a label in place of the pseudonym.

    Raises
    ------
    SourceError, ContractError
        If the store cannot be read.
    """
    connection = open_cut(store, _ALL_KNOWN, privacy, year_starts=year_starts)
    try:
        rows = connection.execute(
            "WITH jobs AS (SELECT employee_id, arg_max((location, shift, manager_id),"
            " effective_date) AS job FROM job_history WHERE effective_date <= ?"
            " GROUP BY employee_id), gone AS (SELECT employee_id FROM employees"
            " WHERE exit_date <= ?)"
            " SELECT employee_id, job[1], job[2],"
            " CASE WHEN job[3] NOT IN (FROM gone) THEN job[3] END"
            " FROM jobs WHERE employee_id IN (SELECT employee_id FROM employees)"
            " AND employee_id NOT IN (FROM gone) ORDER BY employee_id",
            [day, day],
        ).fetchall()
    finally:
        connection.close()
    people = {
        str(key): Person(*(str(item or "") for item in job)) for key, *job in rows
    }
    sizes = Counter(person.team for person in people.values() if person.team)
    return Whereabouts(people=people, team_sizes=dict(sizes))
