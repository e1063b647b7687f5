"""Who was drawn into an experiment, when, and into which arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb
import pandas as pd

from workbench.cohorts.experiment_frames import ExperimentDesign
from workbench.cohorts.facts import Day
from workbench.core.params import OrgParams, Program
from workbench.core.quarters import Quarter
from workbench.core.registration import Registration

__all__ = [
    "CONTROL",
    "Declared",
    "Draw",
    "count_assignments",
    "find_program",
    "is_for",
    "list_arms",
    "list_days",
    "read_declared",
    "read_draw",
    "write_count",
]

CONTROL = "control"
"""The arm that the others are compared with."""

_MOST_DAYS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One row of the table ``experiments``, as known on the day of the cut."""

    id: str
    design: ExperimentDesign
    persona: str | None
    started_on: date
    ended_on: date | None
    courses: tuple[str, ...]
    primary_outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Everybody drawn into one experiment who may be read.

    Attributes
    ----------
    frame : DataFrame
        One row per person, ordered by ``unit``: ``unit``, ``arm``, ``cluster`` (the
        person where people are drawn one by one), ``assigned_on`` and ``exposed_from``
        (dates), ``quarter`` (label of the exposure quarter: that of the assignment, or
        of the start where the draw came before it).
    arms : tuple of str
        ``control`` first where there is one.
    flow : tuple of tuple
        Step, people of the other arms, people of ``control`` (stepped wedge: people
        with a start, all people).
    notes : tuple of str
        What was set right or left out, in sentences.
    fault : str
        Why the draw cannot be analysed; empty where it can.
    unread : mapping of str to int
        Assignments by arm of people who may not be read.
    """

    frame: pd.DataFrame
    arms: tuple[str, ...]
    flow: tuple[tuple[str, int, int], ...]
    notes: tuple[str, ...]
    fault: str = ""
    unread: Mapping[str, int] = field(default_factory=dict)


def count_assignments(
    con: duckdb.DuckDBPyConnection,
) -> dict[str, dict[str, int]]:
    """Count the assignments of each experiment by arm."""
    rows = con.execute(
        "select experiment_id, arm, count(*) from assignments group by all order by all"
    ).fetchall()
    found: dict[str, dict[str, int]] = {}
    for code, arm, number in rows:
        found.setdefault(str(code), {})[str(arm)] = int(number)
    return found


def read_declared(con: duckdb.DuckDBPyConnection) -> tuple[Declared, ...]:
    """Read the experiments that had started by the cut, the oldest first.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `workbench.data.cut.open_cut`.
    """
    rows = con.execute(
        "select experiment_id, design, persona, started_on, ended_on, course_ids,"
        " primary_outcome from experiments order by started_on, experiment_id"
    ).fetchall()
    return tuple(
        Declared(
            id=code,
            design=design,
            persona=persona,
            started_on=started_on,
            ended_on=ended_on,
            courses=tuple(sorted(set(courses or ()))),
            primary_outcome=outcome,
        )
        for code, design, persona, started_on, ended_on, courses, outcome in rows
    )


def read_draw(
    con: duckdb.DuckDBPyConnection,
    declared: Declared,
    *,
    assigned: Mapping[str, int],
    year_starts: int,
    min_group: int,
) -> Draw:
    """Read the assignments of one experiment and set right what can be.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``assignments`` and ``employees`` of people who may be read.
    declared : Declared
        The experiment.
    assigned : mapping of str to int
        Assignments by arm, also of people who may not be read.
    year_starts : int
        First month of the fiscal year.
    min_group : int
        Smaller counts are not named in the notes.

    Returns
    -------
    Draw
        The first assignment of a person counts. Left out, because of something that
        was settled before the draw or by it: people drawn into two arms at once,
        after the end of the experiment, or after they had left.
    """
    wedge = declared.design == "stepped_wedge"
    rows = con.execute(_ROWS, [declared.id]).df()
    notes: list[str] = []
    read = rows["arm"].value_counts()
    unread = {arm: number - int(read.get(arm, 0)) for arm, number in assigned.items()}
    hidden = sum(unread.values())
    if hidden > 0:
        every = sum(assigned.values())
        notes.append(
            f"{write_count(hidden, min_group)} of {every} assignments belong to"
            " people who may not be read (no consent, or unknown); they are in no"
            " number here."
        )
    rows = rows.assign(start=rows["exposed_from"].notna())
    flow = [("assigned, and may be read", *_count_arms(rows, wedge))]
    rows = _keep_first(rows, notes, min_group)
    rows = _keep_running(rows, declared, notes, min_group)
    flow.append(("assigned once, while the experiment ran", *_count_arms(rows, wedge)))
    gone = rows["exit_date"] <= rows["assigned_on"]
    if gone.any():
        notes.append(
            f"{write_count(int(gone.sum()), min_group)} people had left before they"
            " were assigned and are left out."
        )
        rows = rows[~gone]
    flow.append(("employed on the day of the draw", *_count_arms(rows, wedge)))
    rows, fault = _settle_clusters(rows, declared, notes, min_group)
    quarters = {
        day: str(
            Quarter.of_day(
                max(day.date(), declared.started_on), year_starts=year_starts
            )
        )
        for day in rows["assigned_on"].unique()
    }
    rows["quarter"] = rows["assigned_on"].map(quarters).astype("str")
    columns = ["unit", "arm", "cluster", "assigned_on", "exposed_from", "quarter"]
    arms = sorted(set(rows["arm"]), key=lambda arm: (arm != CONTROL, arm))
    return Draw(
        frame=rows[columns].sort_values("unit").reset_index(drop=True),
        arms=tuple(arms),
        flow=tuple(flow),
        notes=tuple(notes),
        fault=fault,
        unread=unread,
    )


def find_program(
    params: OrgParams, declared: Declared
) -> tuple[Program | None, tuple[str, ...]]:
    """Find the programme that holds most of an experiment's courses.

    Returns
    -------
    Program or None
        None where no programme holds more than half of them.
    tuple of str
        Notes.
    """
    shared = [
        (len(set(item.courses) & set(declared.courses)), item)
        for item in params.programs
    ]
    most, program = max(shared, key=lambda pair: pair[0], default=(0, None))
    if program is None or 2 * most <= len(declared.courses):
        return None, ()
    notes = []
    if most < len(declared.courses):
        notes.append(
            f"{len(declared.courses) - most} of the {len(declared.courses)} courses of"
            " the experiment do not belong to its programme."
        )
    if declared.persona and declared.persona not in [p.id for p in params.personas]:
        notes.append(
            "The experiment names a persona that does not exist; it is shown to every"
            " persona its programme is for."
        )
    return program, tuple(notes)


def is_for(
    params: OrgParams, declared: Declared, program: Program | None, persona: str
) -> bool:
    """Tell whether an experiment belongs into the report of a persona."""
    if declared.persona in [item.id for item in params.personas]:
        return declared.persona == persona
    return program is None or persona in program.personas


def list_arms(
    arms: tuple[str, ...], registration: Registration | None, design: str
) -> tuple[str, ...]:
    """List the arms drawn, and those registered that nobody was drawn into."""
    if registration is None or design == "stepped_wedge":
        return arms
    both = set(arms) | set(registration.allocation)
    return tuple(sorted(both, key=lambda arm: (arm != CONTROL, arm)))


def list_days(draw: Draw) -> tuple[list[Day], pd.Series]:
    """List the days on which people are looked at: that of the draw, or its month's.

    Returns
    -------
    list of Day
        One for each day of the draw; where these are many, one for each month, from
        its first day on.
    Series
        The label of each person's day, in the order of ``draw.frame``.
    """
    days = draw.frame["assigned_on"]
    if days.nunique() > _MOST_DAYS:
        first = days.dt.to_period("M").dt.start_time
    else:
        first = days
    labels = first.dt.strftime("%Y-%m-%d").astype("str")
    spans = days.groupby(labels).max()
    found = [
        Day(
            trial=label,
            first_day=date.fromisoformat(label),
            landmark=last.date(),
        )
        for label, last in spans.items()
    ]
    return found, labels


def write_count(number: int, min_group: int) -> str:
    """Write a number of people, or that there are fewer than may be named."""
    return f"fewer than {min_group}" if number < min_group else str(number)


_ROWS = """
select a.employee_id as unit, a.arm, a.cluster_id as cluster, a.assigned_at,
    cast(a.assigned_at as date) as assigned_on, a.exposed_from, e.exit_date
from assignments a join employees e using (employee_id)
where a.experiment_id = ?
order by unit, a.assigned_at, a.arm, a.cluster_id, a.exposed_from
"""


def _count_arms(rows: pd.DataFrame, wedge: bool) -> tuple[int, int]:
    if wedge:
        return int(rows.loc[rows["start"], "unit"].nunique()), rows["unit"].nunique()
    control = rows["arm"] == CONTROL
    return rows.loc[~control, "unit"].nunique(), rows.loc[control, "unit"].nunique()


def _keep_first(rows: pd.DataFrame, notes: list[str], min_group: int) -> pd.DataFrame:
    """Keep each person's first assignment; leave out who was drawn twice at once."""
    several = rows.groupby("unit")["arm"].nunique().gt(1)
    earliest = rows["assigned_at"] == rows.groupby("unit")["assigned_at"].transform(
        "min"
    )
    at_once = rows[earliest].groupby("unit")["arm"].nunique().gt(1)
    torn = at_once.index[at_once]
    if len(torn):
        notes.append(
            f"{write_count(len(torn), min_group)} people were drawn into two arms at"
            " the same moment and are left out."
        )
    moved = int(several.sum()) - len(torn)
    if moved:
        notes.append(
            f"{write_count(moved, min_group)} people were drawn again into another"
            " arm later; they stay in the first."
        )
    kept = rows[~rows["unit"].isin(torn)].drop_duplicates("unit")
    repeated = int(rows.loc[~rows["unit"].isin(torn), "unit"].duplicated().sum())
    if repeated > moved:
        notes.append("Assignments that stand twice are counted once.")
    return kept


def _keep_running(
    rows: pd.DataFrame, declared: Declared, notes: list[str], min_group: int
) -> pd.DataFrame:
    """Leave out draws after the end; say how many came before the start."""
    early = rows["assigned_on"] < pd.Timestamp(declared.started_on)
    if early.any():
        notes.append(
            f"{write_count(int(early.sum()), min_group)} people were drawn before the"
            " experiment began; their time counts from its start."
        )
    if declared.ended_on is None:
        return rows
    late = rows["assigned_on"] > pd.Timestamp(declared.ended_on)
    if late.any():
        notes.append(
            f"{write_count(int(late.sum()), min_group)} people were drawn after the"
            " experiment had ended and are left out."
        )
    return rows[~late]


def _settle_clusters(
    rows: pd.DataFrame, declared: Declared, notes: list[str], min_group: int
) -> tuple[pd.DataFrame, str]:
    """Give everybody a cluster, and say what makes the draw unreadable."""
    if declared.design == "individual":
        return rows.assign(cluster=rows["unit"]), _find_fault(rows, declared)
    without = rows["cluster"].isna()
    if without.any() and not without.all():
        notes.append(
            f"{write_count(int(without.sum()), min_group)} people were assigned"
            " without naming a cluster and are left out."
        )
    rows = rows[~without].copy()
    if without.any() and rows.empty:
        return rows, "Whole groups were drawn, but no assignment names its group."
    return rows, _find_fault(rows, declared)


def _find_fault(rows: pd.DataFrame, declared: Declared) -> str:
    if rows.empty:
        return "Nobody who may be read is assigned to it."
    by_cluster = rows.groupby("cluster", dropna=False)
    if declared.design == "cluster" and by_cluster["arm"].nunique().gt(1).any():
        return _broken(
            int(by_cluster["arm"].nunique().gt(1).sum()), "have people in two arms"
        )
    if declared.design == "stepped_wedge":
        return _find_wedge_fault(rows)
    arms: Sequence[str] = sorted(set(rows["arm"]))
    if len(arms) > 1 and CONTROL not in arms:
        return f"None of its arms is named {CONTROL}, so there is nothing to compare."
    return ""


def _find_wedge_fault(rows: pd.DataFrame) -> str:
    starts = rows.groupby("cluster")["exposed_from"].nunique(dropna=False)
    if starts.gt(1).any():
        return _broken(int(starts.gt(1).sum()), "have people with different starts")
    if rows["exposed_from"].isna().all():
        return "No group had a date from which it was to be exposed by then."
    return ""


def _broken(number: int, what: str) -> str:
    groups = "1 group" if number == 1 else f"{number} groups"
    if number == 1:
        what = what.replace("have", "has", 1)
    return f"Whole groups were drawn, but {groups} {what}."
