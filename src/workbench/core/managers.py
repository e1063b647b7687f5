"""``managers.yml``: what managers do with their people, and what is hoped for."""

from __future__ import annotations

from pydantic import Field, model_validator

from workbench.core.params import Name, Strict

__all__ = ["MANAGERS_FILE", "Behaviour", "ManagerParams"]

MANAGERS_FILE = "managers.yml"


class Behaviour(Strict):
    """One action of the table ``manager_actions``; ``coaching`` ones follow up."""

    id: Name
    label: str = Field(min_length=1)
    coaching: bool = False


class ManagerParams(Strict):
    """What counts as following up on learning.

    A learner is followed up if the manager takes a ``coaching`` behaviour within
    ``within_days`` of the completion; ``target`` is the share hoped for.
    """

    within_days: int = Field(default=30, ge=1)
    target: float | None = Field(default=None, gt=0, le=1)
    behaviours: tuple[Behaviour, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> ManagerParams:
        names = [item.id for item in self.behaviours]
        if len(set(names)) < len(names):
            raise ValueError("a behaviour stands twice")
        if not any(item.coaching for item in self.behaviours):
            raise ValueError("no behaviour is marked as coaching")
        return self
