"""Parameters of an organisation: frozen models that reject what they do not know."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from workbench.core.errors import ParamError
from workbench.core.quarters import Quarter
from workbench.core.yaml_files import read_list, read_model

if TYPE_CHECKING:
    from workbench.core.causal_graph import DeclaredCauses
    from workbench.core.managers import ManagerParams
    from workbench.core.nudge_params import NudgeParams
    from workbench.core.path_params import PathParams
    from workbench.core.registration import Registration

__all__ = [
    "CohortParams",
    "Completion",
    "ImpactParams",
    "Name",
    "OrgParams",
    "Outcome",
    "Persona",
    "Privacy",
    "Program",
    "QuarterRange",
    "Strict",
    "Threshold",
    "WorkbenchParams",
    "check_name",
    "load_org_params",
]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""An id used in file names and addresses: lower case, digits, underscores."""

QuarterText = Annotated[str, BeforeValidator(str), Field(pattern=r"^\d{4}Q[1-4]$")]


class Strict(BaseModel):
    """Base of all parameter models: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class QuarterRange(Strict):
    """Quarters an organisation reports on, and the month its fiscal year starts."""

    first: QuarterText
    last: QuarterText
    fiscal_year_starts: int = Field(default=1, ge=1, le=12)

    @model_validator(mode="after")
    def _forward(self) -> QuarterRange:
        if self.last < self.first:
            raise ValueError("last lies before first")
        return self


class Privacy(Strict):
    """Legal basis and the limits under which people's data are read and shown."""

    lawful_basis: Literal["consent", "contract", "legitimate_interest", "research_data"]
    purpose: Name = "learning_impact"
    min_group: int = Field(default=10, ge=5)
    protected: tuple[Name, ...] = ("gender", "age_band")
    keep_years: int = Field(default=3, ge=1)
    public_data: bool = Field(
        default=False,
        description="True only for synthetic or published data: pseudonyms then use "
        "a fixed key, so that results are the same everywhere.",
    )


class CohortParams(Strict):
    """How target trials are dated.

    ``entry: quarter_start`` puts time zero on the first day of the exposure quarter;
    ``entry: hire`` lets people hired within the quarter enter on their first day.
    """

    entry: Literal["quarter_start", "hire"] = "quarter_start"
    prior_learning_days: int = Field(default=365, ge=1)


class ImpactParams(Strict):
    """Defaults of the matching designs."""

    caliper: float = Field(default=0.2, gt=0)
    ratio: int = Field(default=1, ge=1, le=10)
    replace: bool = False
    exact: tuple[Name, ...] = ()
    propensity: Literal["logistic", "boosting"] = "logistic"
    covariates: tuple[Name, ...] | None = None
    alpha: float = Field(default=0.05, gt=0, lt=0.5)


class WorkbenchParams(Strict):
    """`workbench.yml`: the organisation as a whole."""

    name: str = Field(min_length=1)
    quarter: QuarterRange
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    seed: int = Field(default=7, ge=0)
    privacy: Privacy
    cohort: CohortParams = CohortParams()
    impact: ImpactParams = ImpactParams()


class Threshold(Strict):
    """The smallest effect worth having: relative to the baseline, or absolute."""

    relative: float | None = Field(default=None, gt=0)
    absolute: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_of_two(self) -> Threshold:
        if (self.relative is None) == (self.absolute is None):
            raise ValueError("give either relative or absolute")
        return self


class Persona(Strict):
    """`personas.yml`: one group of people with one learning need."""

    id: Name
    label: str = Field(min_length=1)
    where: str = Field(min_length=1)
    priority: int = Field(ge=1)
    business_priority: Literal["low", "medium", "high"] = "medium"
    need: str = ""


class Completion(Strict):
    """When somebody counts as a learner of a programme."""

    at_least: int = Field(ge=1)
    min_score: float | None = Field(default=None, ge=0, le=100)
    within_days: int = Field(default=92, ge=1)


class Program(Strict):
    """`programs.yml`: courses that belong together, and when they count as learnt."""

    id: Name
    label: str = ""
    personas: tuple[Name, ...] = Field(min_length=1)
    courses: tuple[str, ...] = Field(min_length=1)
    complete: Completion
    assigned_by: Literal["person", "team"] = "person"

    @model_validator(mode="after")
    def _reachable(self) -> Program:
        if self.complete.at_least > len(set(self.courses)):
            raise ValueError("complete.at_least exceeds the number of courses")
        return self


class Outcome(Strict):
    """`outcomes.yml`: what learning should change, written before looking."""

    id: Name
    label: str = ""
    source: str = Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")
    kind: Literal["continuous", "binary", "time_to_event"]
    unit: str = ""
    direction: Literal["up", "down"] = "up"
    lag_quarters: int = Field(default=1, ge=0)
    exposure_window_quarters: int = Field(default=4, ge=1)
    horizon_days: int | None = Field(default=None, ge=1)
    threshold: Threshold | None = None
    target: tuple[float, float] | None = None
    personas: dict[Name, Threshold] = {}
    negative_control: bool = False

    @model_validator(mode="after")
    def _horizon(self) -> Outcome:
        if self.kind == "time_to_event" and self.horizon_days is None:
            raise ValueError("a time_to_event outcome needs horizon_days")
        return self

    def threshold_for(self, persona: str) -> Threshold | None:
        """Return the persona's own threshold, or the outcome's."""
        return self.personas.get(persona, self.threshold)


def _take_usual_paths() -> PathParams:
    # its models stand on those of this module
    from workbench.core.path_params import PathParams

    return PathParams()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgParams:
    """All parameter files of one organisation, checked against each other.

    ``causes`` is None where there is no ``graph.yml``, ``managers`` where there is no
    ``managers.yml`` and ``nudges`` where there is no ``nudges.yml``; ``paths`` holds
    the usual limits where there is no ``paths.yml``; ``registrations`` are those of
    experiments.
    """

    org: str
    folder: Path
    workbench: WorkbenchParams
    personas: tuple[Persona, ...]
    programs: tuple[Program, ...]
    outcomes: tuple[Outcome, ...]
    causes: DeclaredCauses | None = None
    managers: ManagerParams | None = None
    nudges: NudgeParams | None = None
    paths: PathParams = field(default_factory=_take_usual_paths)
    registrations: tuple[Registration, ...] = ()

    def parse_quarter(self, text: str) -> Quarter:
        """Read a quarter in the organisation's fiscal year, within its range."""
        starts = self.workbench.quarter.fiscal_year_starts
        quarter = Quarter.parse(text, year_starts=starts)
        span = self.workbench.quarter
        if not span.first <= str(quarter) <= span.last:
            raise ParamError.build(
                f"{quarter} is not a quarter of {self.org}",
                where=str(self.folder / "workbench.yml"),
                rule=f"{span.first} to {span.last}",
                hint="choose a quarter in the range, or widen quarter.first or .last",
            )
        return quarter

    def find_persona(self, persona: str) -> Persona:
        """Return a persona by id."""
        found = [item for item in self.personas if item.id == persona]
        if not found:
            raise ParamError.build(
                f"There is no persona {persona!r}",
                where=str(self.folder / "personas.yml"),
                rule="one of " + ", ".join(item.id for item in self.personas),
                hint="correct the name, or add the persona to personas.yml",
            )
        return found[0]

    def find_programs(self, persona: str) -> tuple[Program, ...]:
        """Return the programmes meant for a persona, in the file's order."""
        return tuple(item for item in self.programs if persona in item.personas)

    def find_outcome(self, outcome: str) -> Outcome:
        """Return an outcome by id."""
        found = [item for item in self.outcomes if item.id == outcome]
        if not found:
            raise ParamError.build(
                f"There is no outcome {outcome!r}",
                where=str(self.folder / "outcomes.yml"),
                rule="one of " + ", ".join(item.id for item in self.outcomes),
            )
        return found[0]


def load_org_params(org: str, params_root: Path) -> OrgParams:
    """Read and cross-check the parameter folder of an organisation.

    Parameters
    ----------
    org : str
        Name of the folder below `params_root`.
    params_root : Path
        Usually ``params/``.

    Returns
    -------
    OrgParams
        The checked parameters; ``graph.yml``, ``managers.yml``, ``nudges.yml``,
        ``paths.yml`` and the folder ``experiments`` may be absent.

    Raises
    ------
    ParamError
        If the folder or another file is missing, a file does not fit its model, an id
        stands twice, or one file names what another does not have.
    """
    check_name(org, what="organisation")
    folder = params_root / org
    if not folder.is_dir():
        known = sorted(item.name for item in params_root.glob("*") if item.is_dir())
        raise ParamError.build(
            f"There is no organisation {org!r}",
            where=str(params_root),
            rule="one of " + (", ".join(known) or "(none yet)"),
            hint=f"make the folder {folder} after the model of params/demo",
        )
    params = OrgParams(
        org=org,
        folder=folder,
        workbench=read_model(folder / "workbench.yml", WorkbenchParams),
        personas=tuple(
            sorted(
                read_list(folder / "personas.yml", Persona),
                key=lambda item: item.priority,
            )
        ),
        programs=read_list(folder / "programs.yml", Program),
        outcomes=read_list(folder / "outcomes.yml", Outcome),
    )
    _cross_check(params)
    return _read_optional(params)


def check_name(text: str, *, what: str) -> str:
    """Return a name that is safe in paths and addresses, or raise ParamError."""
    if not isinstance(text, str) or _NAME.fullmatch(text) is None:
        article = "an" if what[0] in "aeiou" else "a"
        raise ParamError.build(
            f"This cannot be the name of {article} {what}",
            rule="lower-case letters, digits and underscores, a letter first",
            got=text,
        )
    return text


def _read_optional(params: OrgParams) -> OrgParams:
    """Read the files that an organisation may do without."""
    # their models stand on those of this module
    from workbench.core.causal_file import read_causes
    from workbench.core.causal_graph import GRAPH_FILE
    from workbench.core.managers import MANAGERS_FILE, ManagerParams
    from workbench.core.nudge_params import NUDGES_FILE, NudgeParams
    from workbench.core.path_params import PATHS_FILE, read_paths
    from workbench.core.registration import FOLDER, read_registrations

    graph, managers = params.folder / GRAPH_FILE, params.folder / MANAGERS_FILE
    nudges, paths = params.folder / NUDGES_FILE, params.folder / PATHS_FILE
    return replace(
        params,
        causes=read_causes(graph, params.outcomes) if graph.is_file() else None,
        managers=read_model(managers, ManagerParams) if managers.is_file() else None,
        nudges=read_model(nudges, NudgeParams) if nudges.is_file() else None,
        paths=read_paths(paths, params) if paths.is_file() else params.paths,
        registrations=read_registrations(
            params.folder / FOLDER,
            personas=[item.id for item in params.personas],
            programs=[item.id for item in params.programs],
            outcomes=[item.id for item in params.outcomes],
        ),
    )


def _cross_check(params: OrgParams) -> None:
    """Check that ids are unique and that files name only what exists."""
    folder = params.folder
    _check_unique((item.id for item in params.personas), folder / "personas.yml")
    _check_unique((item.id for item in params.programs), folder / "programs.yml")
    _check_unique((item.id for item in params.outcomes), folder / "outcomes.yml")
    priorities = [str(item.priority) for item in params.personas]
    _check_unique(priorities, folder / "personas.yml", what="priority")
    personas = {item.id for item in params.personas}
    for program in params.programs:
        _check_known(
            program.personas, personas, folder / "programs.yml", f"{program.id}"
        )
    for outcome in params.outcomes:
        _check_known(outcome.personas, personas, folder / "outcomes.yml", outcome.id)


def _check_unique(ids: Iterable[str], path: Path, *, what: str = "id") -> None:
    seen: set[str] = set()
    for item in ids:
        if item in seen:
            raise ParamError.build(f"The {what} {item!r} stands twice", where=str(path))
        seen.add(item)


def _check_known(names: Any, known: set[str], path: Path, owner: str) -> None:
    unknown = sorted(set(names) - known)
    if unknown:
        raise ParamError.build(
            f"{owner} names personas that do not exist",
            where=str(path),
            rule="one of " + ", ".join(sorted(known)),
            got=unknown,
        )
