"""What was written down before an experiment began: ``params/<org>/experiments/``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from workbench.core.errors import ParamError
from workbench.core.params import Name, Strict, Threshold
from workbench.core.yaml_files import read_model

__all__ = ["FOLDER", "Guardrail", "Registration", "read_registrations"]

FOLDER = "experiments"
"""Folder of the registrations below that of the organisation's parameters."""

_CONTROL = "control"


class Guardrail(Strict):
    """An outcome that must not get worse by more than a margin.

    A relative margin is a share of the mean among those who were not offered the
    programme.
    """

    outcome: Name
    margin: Threshold


class Registration(Strict):
    """The registration of one experiment: who, what, how long, how it is read.

    ``allocation`` gives the share of each arm; without it all arms have the same.
    ``lag_quarters`` or ``horizon_days`` repeat the window of the primary outcome as it
    was when this was written. ``people`` and ``clusters`` are those to be drawn;
    ``steps`` are the first days on which groups of a stepped wedge start.
    ``smallest_effect`` is that of being offered the programme, in the outcome's unit.
    """

    experiment: str = Field(min_length=1)
    written_on: date
    design: Literal["individual", "cluster", "stepped_wedge"]
    persona: Name
    program: Name
    question: str = ""
    primary_outcome: Name
    lag_quarters: int | None = Field(default=None, ge=0)
    horizon_days: int | None = Field(default=None, ge=1)
    secondary_outcomes: tuple[Name, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    subgroups: tuple[Name, ...] = ()
    allocation: dict[str, float] = Field(default_factory=dict)
    starts_on: date
    ends_on: date
    people: int = Field(ge=2)
    clusters: int | None = Field(default=None, ge=2)
    steps: tuple[date, ...] = ()
    smallest_effect: float = Field(gt=0)
    power: float = Field(gt=0, lt=1)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    analysis: str = ""

    @property
    def outcomes(self) -> tuple[str, ...]:
        """All registered outcomes, the primary one first."""
        guarded = (item.outcome for item in self.guardrails)
        return (self.primary_outcome, *self.secondary_outcomes, *guarded)

    @model_validator(mode="after")
    def _sound(self) -> Registration:
        if self.ends_on <= self.starts_on:
            raise ValueError("ends_on does not lie after starts_on")
        if self.lag_quarters is not None and self.horizon_days is not None:
            raise ValueError("give lag_quarters or horizon_days, not both")
        if len(set(self.outcomes)) < len(self.outcomes):
            raise ValueError("an outcome is registered twice")
        if self.design != "individual" and self.clusters is None:
            raise ValueError(f"a {self.design} design needs clusters")
        return self

    @model_validator(mode="after")
    def _shared(self) -> Registration:
        if self.allocation:
            shares = list(self.allocation.values())
            if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
                raise ValueError("the shares of allocation are above 0 and sum to 1")
            if self.design != "stepped_wedge" and _CONTROL not in self.allocation:
                raise ValueError("allocation has no arm named control")
        return self

    @model_validator(mode="after")
    def _stepped(self) -> Registration:
        if not self.steps:
            return self
        if self.design != "stepped_wedge":
            raise ValueError("steps belong to a stepped_wedge design")
        if list(self.steps) != sorted(set(self.steps)):
            raise ValueError("steps are not in order, or one stands twice")
        if self.steps[0] < self.starts_on or self.steps[-1] > self.ends_on:
            raise ValueError("steps lie outside starts_on to ends_on")
        return self


def read_registrations(
    folder: Path,
    *,
    personas: Sequence[str],
    programs: Sequence[str],
    outcomes: Sequence[str],
) -> tuple[Registration, ...]:
    """Read and cross-check all registrations of an organisation.

    Parameters
    ----------
    folder : Path
        ``params/<org>/experiments``; may be absent.
    personas, programs, outcomes : sequence of str
        Ids that a registration may name.

    Returns
    -------
    tuple of Registration
        Ordered by file name.

    Raises
    ------
    ParamError
        If a file does not fit, names what does not exist, or two files register the
        same experiment.
    """
    if not folder.is_dir():
        return ()
    found: dict[str, Registration] = {}
    for path in sorted(folder.glob("*.yml")):
        item = read_model(path, Registration)
        if item.experiment in found:
            raise ParamError.build(
                f"The experiment {item.experiment!r} is registered twice",
                where=str(path),
                rule="one file per experiment",
            )
        _check(path, item, personas=personas, programs=programs, outcomes=outcomes)
        found[item.experiment] = item
    return tuple(found.values())


def _check(
    path: Path,
    item: Registration,
    *,
    personas: Sequence[str],
    programs: Sequence[str],
    outcomes: Sequence[str],
) -> None:
    for what, names, known in (
        ("a persona", [item.persona], personas),
        ("a programme", [item.program], programs),
        ("an outcome", item.outcomes, outcomes),
    ):
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ParamError.build(
                f"A registration names {what} that does not exist",
                where=str(path),
                rule="one of " + ", ".join(known),
                got=unknown,
            )
