"""``paths.yml``: what learning paths may cost, and what they must hold to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from workbench.core.errors import ParamError
from workbench.core.params import Name, Strict
from workbench.core.yaml_files import Place, read_located

if TYPE_CHECKING:
    from workbench.core.params import OrgParams

__all__ = [
    "PATHS_FILE",
    "PLACES",
    "Budget",
    "Coverage",
    "Equity",
    "PathLimits",
    "PathParams",
    "read_paths",
]

PATHS_FILE = "paths.yml"

PLACES = ("level", "region", "role", "shift", "site")
"""Facts, besides protected attributes, by which access may be held equal."""

Fault = tuple[Place, str]


class PathLimits(Strict):
    """Limits of one persona's path.

    ``modules`` are the fewest and the most modules of a path, ``hours_per_person``
    the learning hours one person may be asked for, and ``people`` the seats of the
    persona per quarter; without a value there is no such limit.
    """

    modules: tuple[int, int] = (3, 5)
    hours_per_person: float | None = Field(default=None, gt=0)
    people: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> PathLimits:
        fewest, most = self.modules
        if not 1 <= fewest <= most:
            raise ValueError("modules are the fewest and the most, from 1 on")
        return self


class Budget(Strict):
    """What all paths of a quarter may take together: learner hours, and money."""

    hours: float | None = Field(default=None, gt=0)
    money: float | None = Field(default=None, gt=0)


class Coverage(Strict):
    """Skills that a path must teach: those with a mean gap of so many points."""

    gap_at_least: float = Field(default=5.0, gt=0, le=100)


class Equity(Strict):
    """Groups whose access is held equal, and the lowest ratio between their shares."""

    attributes: tuple[Name, ...] = ()
    floor: float = Field(default=0.8, ge=0, le=1)


class PathParams(Strict):
    """Everything that decides which modules a path may hold.

    Attributes
    ----------
    window_quarters : int
        Exposure quarters whose learners tell what a module does.
    weights : dict
        Weight of each outcome in a module's impact; 1 where none is given.
    limits : PathLimits
        Limits of every persona.
    personas : dict
        Limits of single personas, where they differ.
    budget : Budget
        Shared by all personas.
    seats : dict
        Places of a module per quarter, over all personas.
    worth_at_least : float
        Thresholds that a path must be expected to bring a learner before seats are
        given to it.
    coverage : Coverage
        Which skill gaps a path must close.
    equity : Equity
        Whose access is held equal.
    exclude : tuple of str
        Courses that no path may hold.
    also : tuple of str
        Courses outside a persona's programme that may close a skill gap. Nothing is
        known of their effect: their impact counts 0.
    """

    window_quarters: int = Field(default=8, ge=1)
    weights: dict[Name, float] = Field(default_factory=dict)
    limits: PathLimits = PathLimits()
    personas: dict[Name, PathLimits] = Field(default_factory=dict)
    budget: Budget = Budget()
    seats: dict[str, int] = Field(default_factory=dict)
    worth_at_least: float = Field(default=0.25, ge=0)
    coverage: Coverage = Coverage()
    equity: Equity = Equity()
    exclude: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> PathParams:
        if any(weight < 0 for weight in self.weights.values()):
            raise ValueError("a weight is below 0")
        if any(places < 0 for places in self.seats.values()):
            raise ValueError("seats are below 0")
        both = sorted({*self.exclude} & {*self.also})
        if both:
            raise ValueError(f"{', '.join(both)} stands in exclude and in also")
        return self

    def for_persona(self, persona: str) -> PathLimits:
        """Return a persona's limits: its own, and those of all where it has none."""
        own = self.personas.get(persona)
        if own is None:
            return self.limits
        given = {name: getattr(own, name) for name in own.model_fields_set}
        return self.limits.model_copy(update=given)


def read_paths(path: Path, params: OrgParams) -> PathParams:
    """Read ``paths.yml`` and check that it names only what exists.

    Parameters
    ----------
    path : Path
        The file.
    params : OrgParams
        The organisation's other files.

    Raises
    ------
    ParamError
        If the file does not fit its model or names an outcome, persona, course or
        attribute that no other file has; all faults together, each with its line.
    """
    paths, lines = read_located(path, PathParams)
    faults = list(_find_faults(paths, params))
    if faults:
        many = f" ({len(faults)} faults)" if len(faults) > 1 else ""
        raise ParamError.build(
            f"{path.name} does not fit the other files{many}",
            where="\n         ".join(
                f"{path}:{_find_line(place, lines)}: {text}" for place, text in faults
            ),
            hint="correct the lines above; params/demo holds a commented example",
        )
    return paths


def _find_faults(paths: PathParams, params: OrgParams) -> Iterator[Fault]:
    personas = [item.id for item in params.personas]
    outcomes = [item.id for item in params.outcomes if not item.negative_control]
    courses = {course for item in params.programs for course in item.courses}
    known = sorted(courses | {*paths.also})
    attributes = [*params.workbench.privacy.protected, *PLACES]
    named: tuple[tuple[Place, tuple[str, ...], list[str], str], ...] = (
        (("weights",), tuple(paths.weights), outcomes, "an outcome to be improved"),
        (("personas",), tuple(paths.personas), personas, "a persona"),
        (("seats",), tuple(paths.seats), known, "a course of a programme or of also"),
        (("exclude",), paths.exclude, sorted(courses), "a course of a programme"),
        (("equity", "attributes"), paths.equity.attributes, attributes, "an attribute"),
    )
    for at, names, right, what in named:
        for number, name in enumerate(names):
            if name not in right:
                keyed = at[0] in ("weights", "personas", "seats")
                place = (*at, name if keyed else number)
                yield place, f"{name} is not {what}: {', '.join(right)}"


def _find_line(place: Place, lines: Mapping[Place, int]) -> int:
    while place not in lines:
        place = place[:-1]
    return lines[place]
