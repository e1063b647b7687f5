"""The fixed facts of the demo organisation: places, roles, personas."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.data.demo.catalogue import (
    ADVANCED_DESK,
    DEAL_CRAFT,
    ENGINEERING_CRAFT,
    FIRST_CONTACT,
    LEADING_PEOPLE,
    ProgramModel,
)

__all__ = [
    "FAMILIES",
    "LEVELS",
    "PERSONAS",
    "ROLES",
    "SHIFTS",
    "SITES",
    "PersonaModel",
    "Role",
    "Site",
    "Uptake",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptake:
    """Coefficients of the log odds of completing the programme within a quarter."""

    base: float
    rating: float
    unrated: float = -0.3
    tenure: float = 0.0
    push: float = 0.4
    night: float = -0.4
    part_time: float = -0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaModel:
    """A persona as the world knows it: who is in it and how it takes up learning."""

    id: str
    role: str
    program: ProgramModel
    uptake: Uptake
    usual_gap: float
    newcomers: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place of work; `parking` shifts the log odds of a parking permit."""

    id: str
    label: str
    region: str
    weight: float
    parking: float
    learning: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role: who is hired into it, what it needs, how often people move on."""

    id: str
    label: str
    share: float
    hire_share: float
    levels: tuple[int, ...]
    skills: tuple[tuple[str, float], ...]
    novice_gap: float
    ramp_days: float
    moves_per_year: float
    promotion_share: float


FAMILIES = ("support", "engineering", "sales", "operations")
LEVELS = ("L1", "L2", "L3", "L4", "L5", "L6")
SHIFTS = ("day", "late", "night")

SITES: tuple[Site, ...] = tuple(
    Site(
        id=row[0],
        label=row[1],
        region=row[2],
        weight=row[3],
        parking=row[4],
        learning=row[5],
    )
    for row in (
        ("berlin", "Berlin", "east", 0.20, -1.2, 0.2),
        ("muenchen", "München", "south", 0.17, -0.6, 0.1),
        ("koeln", "Köln", "west", 0.15, -0.3, -0.1),
        ("hamburg", "Hamburg", "north", 0.13, -0.9, 0.0),
        ("duesseldorf", "Düsseldorf", "west", 0.10, 0.2, 0.1),
        ("nuernberg", "Nürnberg", "south", 0.09, 0.6, -0.2),
        ("leipzig", "Leipzig", "east", 0.09, 0.3, -0.1),
        ("lueneburg", "Lüneburg", "north", 0.07, 1.1, -0.2),
    )
)

_SUPPORT = ("product", "tools", "communication", "troubleshooting")
_LEAD = ("coaching", "feedback", "delegation", "planning")
_CODE = ("coding", "testing", "security", "design")
_SALES = ("prospecting", "negotiation", "forecasting", "account_planning")
_OFFICE = ("analysis", "reporting", "scheduling", "communication")


def _needs(skills: tuple[str, ...], *required: float) -> tuple[tuple[str, float], ...]:
    return tuple(zip(skills, required, strict=True))


ROLES: tuple[Role, ...] = tuple(
    Role(
        id=row[0],
        label=row[1],
        share=row[2],
        hire_share=row[3],
        levels=row[4],
        skills=row[5],
        novice_gap=row[6],
        ramp_days=row[7],
        moves_per_year=row[8],
        promotion_share=row[9],
    )
    for row in (
        ("support_l1", "Kundenservice L1", 0.35, 0.70, (1, 2),
         _needs(_SUPPORT, 62, 60, 64, 60), 36.0, 210.0, 0.10, 0.5),
        ("support_l2", "Kundenservice L2", 0.06, 0.02, (3,),
         _needs(_SUPPORT, 72, 70, 70, 74), 14.0, 120.0, 0.12, 0.5),
        ("engineer", "Ingenieur", 0.20, 0.09, (2, 3, 4),
         _needs(_CODE, 68, 66, 64, 66), 18.0, 160.0, 0.11, 0.6),
        ("account_manager", "Kundenbetreuung", 0.14, 0.07, (2, 3),
         _needs(_SALES, 64, 66, 62, 64), 18.0, 150.0, 0.09, 0.4),
        ("team_lead", "Teamleitung", 0.12, 0.07, (5,),
         _needs(_LEAD, 64, 66, 62, 66), 18.0, 150.0, 0.09, 0.08),
        ("analyst", "Sachbearbeitung", 0.07, 0.03, (2, 3),
         _needs(_OFFICE, 62, 62, 60, 60), 18.0, 130.0, 0.08, 0.5),
        ("coordinator", "Koordination", 0.045, 0.02, (2, 3),
         _needs(_OFFICE, 60, 60, 66, 62), 18.0, 130.0, 0.08, 0.5),
        ("head", "Bereichsleitung", 0.015, 0.0, (6,),
         _needs(_LEAD, 72, 72, 72, 74), 14.0, 150.0, 0.0, 0.0),
    )
)  # fmt: skip

PERSONAS: tuple[PersonaModel, ...] = (
    PersonaModel(
        id="support_l1_new",
        role="support_l1",
        newcomers=True,
        program=FIRST_CONTACT,
        uptake=Uptake(base=-2.4, rating=-2.2, unrated=0.2, push=0.5),
        usual_gap=27.0,
    ),
    PersonaModel(
        id="support_l1_experienced",
        role="support_l1",
        newcomers=False,
        program=ADVANCED_DESK,
        uptake=Uptake(base=-2.2, rating=1.6, tenure=-0.15),
        usual_gap=4.0,
    ),
    PersonaModel(
        id="team_leads",
        role="team_lead",
        program=LEADING_PEOPLE,
        uptake=Uptake(base=-1.6, rating=2.4, tenure=0.1, push=0.3),
        usual_gap=4.0,
    ),
    PersonaModel(
        id="engineers",
        role="engineer",
        program=ENGINEERING_CRAFT,
        uptake=Uptake(base=-2.1, rating=1.1, tenure=-0.2),
        usual_gap=4.0,
    ),
    PersonaModel(
        id="account_managers",
        role="account_manager",
        program=DEAL_CRAFT,
        uptake=Uptake(base=-2.2, rating=1.5, tenure=0.1),
        usual_gap=4.0,
    ),
)
