"""``managers.yml``: what managers do with their people, and what is hoped for."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, model_validator

from workbench.core.params import Name, Strict

__all__ = ["MANAGERS_FILE", "Behaviour", "ManagerParams", "Practice"]

MANAGERS_FILE = "managers.yml"


class Behaviour(Strict):
    """One action of the table ``manager_actions``; ``coaching`` ones follow up."""

    id: Name
    label: str = Field(min_length=1)
    coaching: bool = False


class Practice(Strict):
    """What makes a course, or a skill, stick at work.

    ``task`` is what the learner does on the job, written to the learner; ``prompt`` a
    question for the manager to ask, and ``behaviour`` what the manager best does.
    """

    course: str | None = Field(default=None, min_length=1)
    skill: Name | None = None
    task: str = Field(min_length=1)
    prompt: str = Field(min_length=1)
    behaviour: Name | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Practice:
        if (self.course is None) == (self.skill is None):
            raise ValueError("give either course or skill")
        return self


class ManagerParams(Strict):
    """What counts as following up on learning, and how to do so.

    A learner is followed up if the manager takes a ``coaching`` behaviour within
    ``within_days`` of the completion; ``target`` is the share hoped for. ``practice``
    links courses and skills with work.
    """

    within_days: int = Field(default=30, ge=1)
    target: float | None = Field(default=None, gt=0, le=1)
    behaviours: tuple[Behaviour, ...] = Field(min_length=1)
    practice: tuple[Practice, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> ManagerParams:
        names = [item.id for item in self.behaviours]
        if len(set(names)) < len(names):
            raise ValueError("a behaviour stands twice")
        if not any(item.coaching for item in self.behaviours):
            raise ValueError("no behaviour is marked as coaching")
        return self

    @model_validator(mode="after")
    def _practised(self) -> ManagerParams:
        subjects = [(item.course, item.skill) for item in self.practice]
        twice = sorted(
            {a or b or "" for a, b in subjects if subjects.count((a, b)) > 1}
        )
        if twice:
            raise ValueError(f"practice of {', '.join(twice)} stands twice")
        known = {item.id for item in self.behaviours}
        unknown = sorted(
            {item.behaviour for item in self.practice if item.behaviour} - known
        )
        if unknown:
            raise ValueError(f"practice names no behaviour: {', '.join(unknown)}")
        return self

    def find_practice(
        self, course_id: str | None, skills: Sequence[str]
    ) -> Practice | None:
        """Return the practice of a course, else of the first of its skills.

        Parameters
        ----------
        course_id : str or None
            The course; None where only a skill is practised.
        skills : sequence of str
            Skills in order of importance.

        Returns
        -------
        Practice or None
            None where neither the course nor a skill has one.
        """
        by_course = {item.course: item for item in self.practice if item.course}
        if course_id in by_course:
            return by_course[course_id]
        by_skill = {item.skill: item for item in self.practice if item.skill}
        return next((by_skill[skill] for skill in skills if skill in by_skill), None)
