"""The canonical tables, declared once; DATA_CONTRACT.md is their prose."""

from __future__ import annotations

from types import MappingProxyType

from workbench.data.contract_types import (
    FIRST_YEAR,
    LAST_YEAR,
    Column,
    RowRule,
    Table,
)

__all__ = ["CANONICAL"]


def _employee(name: str = "employee_id") -> Column:
    return Column(name=name, kind="id", person=True, refers="employees")


def _course(*, nullable: bool = False) -> Column:
    return Column(name="course_id", kind="id", nullable=nullable, refers="courses")


_MODALITIES = (
    "elearning",
    "classroom",
    "virtual",
    "blended",
    "on_the_job",
    "coaching",
    "assessment",
    "other",
)

CANONICAL: tuple[Table, ...] = (
    Table(
        name="employees",
        meaning="one row per person ever employed",
        required=True,
        open=True,
        key=("employee_id",),
        orders=(("hire_date", "exit_date"),),
        columns=(
            Column(name="employee_id", kind="id", person=True),
            Column(name="hire_date", kind="date", cut="row"),
            Column(
                name="exit_date",
                kind="date",
                nullable=True,
                cut="mask",
                clears=("exit_type", "regrettable"),
            ),
            Column(
                name="exit_type",
                kind="cat",
                nullable=True,
                values=("voluntary", "involuntary", "other"),
            ),
            Column(name="regrettable", kind="bool", nullable=True),
            Column(
                name="birth_year",
                kind="int",
                nullable=True,
                minimum=FIRST_YEAR,
                maximum=LAST_YEAR,
            ),
            Column(name="gender", kind="cat", nullable=True),
        ),
    ),
    Table(
        name="job_history",
        meaning="effective-dated; the last row on or before a day is in force",
        required=True,
        key=("employee_id", "effective_date"),
        columns=(
            _employee(),
            Column(name="effective_date", kind="date", cut="row"),
            Column(
                name="event",
                kind="cat",
                values=(
                    "hire",
                    "change",
                    "transfer",
                    "promotion",
                    "demotion",
                    "exit",
                ),
            ),
            Column(name="role", kind="id"),
            Column(name="level", kind="id"),
            Column(name="job_family", kind="id", nullable=True),
            Column(name="location", kind="id", nullable=True),
            Column(name="region", kind="id", nullable=True),
            Column(name="shift", kind="id", nullable=True),
            Column(name="manager_id", kind="id", nullable=True, person=True),
            Column(name="fte", kind="float", nullable=True, minimum=0),
        ),
    ),
    Table(
        name="courses",
        meaning="the learning modules",
        required=True,
        key=("course_id",),
        columns=(
            Column(name="course_id", kind="id"),
            Column(name="title", kind="text"),
            Column(name="modality", kind="cat", values=_MODALITIES),
            Column(name="effort_hours", kind="float", minimum=0),
            Column(name="unit_cost", kind="float", nullable=True, minimum=0),
            Column(name="fixed_cost", kind="float", nullable=True, minimum=0),
            Column(name="prerequisite_ids", kind="list", nullable=True),
            Column(name="active", kind="bool", nullable=True),
        ),
    ),
    Table(
        name="course_skills",
        meaning="course to skill tags",
        key=("course_id", "skill"),
        columns=(
            _course(),
            Column(name="skill", kind="id"),
            Column(name="weight", kind="float", nullable=True, minimum=0),
        ),
    ),
    Table(
        name="enrollments",
        meaning="one row per enrolment; a person may take a course again",
        required=True,
        key=("enrollment_id",),
        orders=(("enrolled_at", "completed_at"), ("started_at", "completed_at")),
        recast=MappingProxyType(
            {
                "status": "CASE WHEN completed_at >= {end} OR (status = 'in_progress' "
                "AND started_at >= {end}) THEN CASE WHEN started_at < {end} "
                "THEN 'in_progress' ELSE 'enrolled' END ELSE status END",
                "score": "CASE WHEN completed_at >= {end} THEN NULL ELSE score END",
            }
        ),
        columns=(
            Column(name="enrollment_id", kind="id"),
            _employee(),
            _course(),
            Column(name="session_id", kind="id", nullable=True),
            Column(name="enrolled_at", kind="ts", cut="row"),
            Column(name="started_at", kind="ts", nullable=True, cut="mask"),
            Column(
                name="completed_at",
                kind="ts",
                nullable=True,
                cut="mask",
                clears=("minutes",),
            ),
            Column(name="score", kind="float", nullable=True, minimum=0, maximum=100),
            Column(name="minutes", kind="float", nullable=True, minimum=0),
            Column(name="modality", kind="cat", nullable=True, values=_MODALITIES),
            Column(name="instructor_id", kind="id", nullable=True, person=True),
            Column(
                name="channel",
                kind="cat",
                nullable=True,
                values=("self", "manager", "mandatory", "auto", "experiment"),
            ),
            Column(
                name="status",
                kind="cat",
                values=("enrolled", "in_progress", "completed", "failed", "withdrawn"),
            ),
        ),
    ),
    Table(
        name="lms_events",
        meaning="raw activity stream",
        columns=(
            _employee(),
            _course(),
            Column(name="event_at", kind="ts", cut="row"),
            Column(name="event", kind="id"),
            Column(name="duration_s", kind="float", nullable=True, minimum=0),
        ),
    ),
    Table(
        name="performance",
        meaning="one row per person and performance period",
        key=("employee_id", "period"),
        rules=(
            RowRule(
                column="rating",
                reason="out_of_range",
                text="rating is not above rating_scale_max",
                broken="rating > rating_scale_max",
            ),
        ),
        columns=(
            _employee(),
            Column(name="period", kind="quarter", cut="row"),
            Column(name="rating", kind="float", nullable=True, minimum=0),
            Column(name="rating_scale_max", kind="float", nullable=True, minimum=0),
            Column(name="kpi_attainment", kind="float", nullable=True),
            Column(name="okr_attainment", kind="float", nullable=True),
        ),
    ),
    Table(
        name="skill_assessments",
        meaning="one row per measured proficiency",
        key=("employee_id", "skill", "assessed_at"),
        columns=(
            _employee(),
            Column(name="skill", kind="id"),
            Column(name="assessed_at", kind="ts", cut="row"),
            Column(name="proficiency", kind="float", minimum=0, maximum=100),
            Column(
                name="kind",
                kind="cat",
                values=(
                    "pre",
                    "post",
                    "periodic",
                    "badge",
                    "certification",
                    "review_360",
                ),
            ),
            _course(nullable=True),
        ),
    ),
    Table(
        name="role_skills",
        meaning="what a role, or a level of it, needs",
        key=("role", "level", "skill"),
        columns=(
            Column(name="role", kind="id"),
            Column(name="level", kind="id", nullable=True),
            Column(name="skill", kind="id"),
            Column(name="required", kind="float", minimum=0, maximum=100),
        ),
    ),
    Table(
        name="proficiency_dates",
        meaning="from role start to proficiency; missing = not yet",
        key=("employee_id", "role"),
        orders=(("role_start", "proficient_at"),),
        columns=(
            _employee(),
            Column(name="role", kind="id"),
            Column(name="role_start", kind="date", cut="row"),
            Column(name="proficient_at", kind="date", nullable=True, cut="mask"),
        ),
    ),
    Table(
        name="surveys",
        meaning="one row per answer",
        rules=(
            RowRule(
                column="score",
                reason="out_of_range",
                text="an NPS score is at most 10",
                broken="instrument IN ('learner_nps', 'manager_nps') AND score > 10",
            ),
        ),
        columns=(
            _employee(),
            Column(name="asked_at", kind="ts", cut="row"),
            Column(
                name="instrument",
                kind="cat",
                values=("learner_nps", "manager_nps", "engagement"),
            ),
            Column(name="score", kind="float", minimum=0, maximum=100),
            _course(nullable=True),
            Column(name="comment", kind="text", nullable=True),
        ),
    ),
    Table(
        name="manager_actions",
        meaning="one row per action of a manager towards an employee",
        columns=(
            _employee("manager_id"),
            _employee(),
            Column(name="acted_at", kind="ts", cut="row"),
            Column(name="action", kind="id"),
            _course(nullable=True),
        ),
    ),
    Table(
        name="consent",
        meaning="one row per decision; the last on or before the cut holds",
        key=("employee_id", "purpose", "decided_at", "granted"),
        columns=(
            _employee(),
            Column(name="purpose", kind="id"),
            Column(name="granted", kind="bool"),
            Column(name="decided_at", kind="ts", cut="row"),
        ),
    ),
    Table(
        name="experiments",
        meaning="one row per experiment",
        key=("experiment_id",),
        orders=(("started_on", "ended_on"),),
        columns=(
            Column(name="experiment_id", kind="id"),
            Column(
                name="design",
                kind="cat",
                values=("individual", "cluster", "stepped_wedge"),
            ),
            Column(name="persona", kind="id", nullable=True),
            Column(name="started_on", kind="date", cut="row"),
            Column(name="ended_on", kind="date", nullable=True, cut="mask"),
            Column(name="course_ids", kind="list"),
            Column(name="primary_outcome", kind="id"),
        ),
    ),
    Table(
        name="assignments",
        meaning="one row per person and experiment",
        key=("experiment_id", "employee_id"),
        columns=(
            Column(name="experiment_id", kind="id", refers="experiments"),
            _employee(),
            Column(name="cluster_id", kind="id", nullable=True),
            Column(name="arm", kind="id"),
            Column(name="assigned_at", kind="ts", cut="row"),
            Column(name="exposed_from", kind="date", nullable=True, cut="mask"),
        ),
    ),
    Table(
        name="costs",
        meaning="programme costs beyond the courses' own",
        columns=(
            Column(name="quarter", kind="quarter", cut="row"),
            Column(name="item", kind="id"),
            _course(nullable=True),
            Column(name="amount", kind="float"),
            Column(name="currency", kind="id"),
        ),
    ),
)
"""In an order in which a table stands after those it refers to."""
