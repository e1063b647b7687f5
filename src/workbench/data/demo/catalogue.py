"""The course catalogue of the demo organisation, with the true effect of each module.

Effects of a module are those on a person who passes it as part of a completed
programme and whose skill gap is the persona's usual one; see `world` for the rest.
``l1-4`` does nothing, ``acct-3`` harms, and nothing in ``advanced_desk`` has an effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "ADVANCED_DESK",
    "COMPLIANCE",
    "DEAL_CRAFT",
    "ELECTIVES",
    "ENGINEERING_CRAFT",
    "FIRST_CONTACT",
    "LEADING_PEOPLE",
    "PROGRAMS",
    "Course",
    "Effects",
    "ProgramModel",
    "list_courses",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What passing one module changes.

    ``rating`` in points, ``kpi`` as a share of target, ``skill`` in points of 0-100,
    ``exit`` and ``move`` as logarithms of a hazard ratio over the twelve months after
    the landmark, ``ramp`` as the logarithm of the factor on the days that are still
    missing to proficiency.
    """

    rating: float = 0.0
    kpi: float = 0.0
    skill: float = 0.0
    exit: float = 0.0
    move: float = 0.0
    ramp: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One course of the catalogue; times in hours, money in euros."""

    id: str
    title: str
    modality: str
    hours: float
    unit_cost: float
    fixed_cost: float
    skills: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()
    effects: Effects = field(default_factory=Effects)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramModel:
    """A programme: its courses, and how many must be passed."""

    id: str
    courses: tuple[Course, ...]
    at_least: int


def _course(
    code: str,
    title: str,
    modality: str,
    hours: float,
    money: tuple[float, float],
    skills: tuple[str, ...],
    effects: Effects,
    *,
    first: str = "",
) -> Course:
    return Course(
        id=code,
        title=title,
        modality=modality,
        hours=hours,
        unit_cost=money[0],
        fixed_cost=money[1],
        skills=skills,
        prerequisites=(first,) if first else (),
        effects=effects,
    )


FIRST_CONTACT = ProgramModel(
    id="first_contact",
    at_least=4,
    courses=(
        _course("l1-1", "Welcome to the desk", "elearning", 3.0, (18, 6000),
                ("product", "tools"),
                Effects(rating=0.02, kpi=0.015, skill=1.5, exit=-0.10, ramp=-0.08)),
        _course("l1-2", "Listening and solving", "blended", 6.0, (90, 9000),
                ("communication",),
                Effects(rating=0.04, kpi=0.020, skill=2.0, exit=-0.15, ramp=-0.12),
                first="l1-1"),
        _course("l1-3", "Finding the fault", "virtual", 5.0, (60, 8000),
                ("troubleshooting",),
                Effects(rating=0.03, kpi=0.020, skill=1.5, exit=-0.12, ramp=-0.10),
                first="l1-1"),
        _course("l1-4", "Typing speed clinic", "elearning", 4.0, (25, 3000),
                ("tools",), Effects(), first="l1-1"),
        _course("l1-5", "Difficult calls, practised", "classroom", 7.0, (140, 5000),
                ("communication", "product"),
                Effects(rating=0.03, kpi=0.015, skill=1.5, exit=-0.13, ramp=-0.10),
                first="l1-1"),
    ),
)  # fmt: skip
ADVANCED_DESK = ProgramModel(
    id="advanced_desk",
    at_least=3,
    courses=(
        _course("l1x-1", "The desk in depth", "elearning", 2.0, (15, 4000),
                ("product", "tools"), Effects()),
        _course("l1x-2", "Tone of voice refresher", "elearning", 2.0, (15, 4000),
                ("communication",), Effects(), first="l1x-1"),
        _course("l1x-3", "Service trends", "virtual", 3.0, (40, 5000),
                ("troubleshooting",), Effects(), first="l1x-1"),
        _course("l1x-4", "Self-organisation", "elearning", 2.0, (15, 3000),
                ("tools",), Effects(), first="l1x-1"),
    ),
)  # fmt: skip
LEADING_PEOPLE = ProgramModel(
    id="leading_people",
    at_least=3,
    courses=(
        _course("lead-1", "From colleague to lead", "classroom", 8.0, (220, 12000),
                ("planning", "delegation"),
                Effects(rating=0.05, kpi=0.010, skill=1.0, exit=-0.08)),
        _course("lead-2", "Feedback that lands", "blended", 8.0, (240, 12000),
                ("feedback",),
                Effects(rating=0.09, kpi=0.015, skill=1.5, exit=-0.15), first="lead-1"),
        _course("lead-3", "Coaching at work", "coaching", 6.0, (320, 8000),
                ("coaching",),
                Effects(rating=0.06, kpi=0.010, skill=1.0, exit=-0.15), first="lead-1"),
        _course("lead-4", "Planning the week", "virtual", 4.0, (80, 5000),
                ("planning",),
                Effects(rating=0.03, kpi=0.010, skill=0.5, exit=-0.10), first="lead-1"),
    ),
)  # fmt: skip
ENGINEERING_CRAFT = ProgramModel(
    id="engineering_craft",
    at_least=3,
    courses=(
        _course("eng-1", "Reading code well", "elearning", 5.0, (60, 9000),
                ("coding",), Effects(skill=1.5, move=0.15)),
        _course("eng-2", "Tests first", "blended", 8.0, (120, 11000),
                ("testing",), Effects(skill=1.5, move=0.20), first="eng-1"),
        _course("eng-3", "Secure by default", "virtual", 6.0, (110, 9000),
                ("security",), Effects(skill=1.0, move=0.20), first="eng-1"),
        _course("eng-4", "Designing services", "on_the_job", 10.0, (40, 4000),
                ("design",), Effects(skill=0.5, move=0.10), first="eng-1"),
    ),
)  # fmt: skip
DEAL_CRAFT = ProgramModel(
    id="deal_craft",
    at_least=3,
    courses=(
        _course("acct-1", "Knowing the account", "elearning", 3.0, (30, 5000),
                ("account_planning", "forecasting"),
                Effects(rating=0.03, kpi=0.010, skill=0.5)),
        _course("acct-2", "Better questions", "virtual", 4.0, (70, 6000),
                ("prospecting",), Effects(rating=0.03, kpi=0.010, skill=0.5),
                first="acct-1"),
        _course("acct-3", "Hard closing", "classroom", 8.0, (260, 9000),
                ("negotiation",), Effects(rating=-0.24, kpi=-0.050, exit=0.15),
                first="acct-1"),
        _course("acct-4", "Pipeline hygiene", "elearning", 2.0, (20, 3000),
                ("forecasting",), Effects(rating=0.02, skill=0.3), first="acct-1"),
    ),
)  # fmt: skip

PROGRAMS: tuple[ProgramModel, ...] = (
    FIRST_CONTACT,
    ADVANCED_DESK,
    LEADING_PEOPLE,
    ENGINEERING_CRAFT,
    DEAL_CRAFT,
)

COMPLIANCE: tuple[Course, ...] = (
    _course("comp-1", "Data protection at work", "elearning", 1.0, (5, 2000), (),
            Effects()),
    _course("comp-2", "Safety on site", "elearning", 1.0, (5, 2000), (), Effects()),
)  # fmt: skip

ELECTIVES: tuple[Course, ...] = tuple(
    _course(f"el-{number:02d}", title, modality, hours, (25, 2500), skills, Effects())
    for number, (title, modality, hours, skills) in enumerate(
        (
            ("Spreadsheets for everyone", "elearning", 3.0, ("analysis",)),
            ("Clear writing", "elearning", 2.0, ("communication",)),
            ("Presenting", "classroom", 6.0, ("communication",)),
            ("Time and energy", "elearning", 1.5, ()),
            ("Working with people far away", "virtual", 2.0, ("scheduling",)),
            ("First aid", "classroom", 8.0, ()),
            ("Charts that tell", "elearning", 2.0, ("reporting",)),
            ("Negotiating basics", "virtual", 3.0, ("prospecting",)),
            ("English B2", "virtual", 20.0, ()),
            ("Projects in small steps", "blended", 6.0, ("scheduling",)),
        ),
        start=1,
    )
)  # fmt: skip


def list_courses() -> tuple[Course, ...]:
    """List the whole catalogue: programme modules, compliance, electives."""
    modules = tuple(course for program in PROGRAMS for course in program.courses)
    return (*modules, *COMPLIANCE, *ELECTIVES)
