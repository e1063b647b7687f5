"""The stages of a quarter: their notebooks, what they need and what they vary by."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.errors import ParamError

__all__ = ["PAGES", "STAGES", "Stage", "find_stage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One notebook of the quarterly run.

    ``page`` is set for the notebooks of the brief and gives their address in the
    site, without ending; ``{persona}`` stands for the persona.
    """

    name: str
    notebook: str
    per_persona: bool
    needs: tuple[str, ...] = ()
    page: str | None = None


STAGES: tuple[Stage, ...] = (
    Stage(name="audit", notebook="01_data_audit.ipynb", per_persona=False),
    Stage(
        name="personas",
        notebook="02_personas.ipynb",
        per_persona=False,
        needs=("audit",),
    ),
    Stage(name="psm", notebook="03_psm.ipynb", per_persona=True, needs=("personas",)),
    Stage(
        name="did",
        notebook="04_did.ipynb",
        per_persona=True,
        needs=("personas", "psm"),
    ),
    Stage(
        name="ab",
        notebook="05_ab_validation.ipynb",
        per_persona=True,
        needs=("personas",),
    ),
    Stage(
        name="survival",
        notebook="06_survival_retention.ipynb",
        per_persona=True,
        needs=("personas", "psm"),
    ),
    Stage(
        name="portfolio",
        notebook="07_portfolio.ipynb",
        per_persona=False,
        needs=("psm", "did", "ab", "survival"),
    ),
    Stage(
        name="prediction",
        notebook="07_prediction.ipynb",
        per_persona=False,
        needs=("personas",),
    ),
    Stage(
        name="prescription",
        notebook="07_prescription.ipynb",
        per_persona=True,
        needs=("portfolio", "prediction", "psm", "did", "ab", "survival"),
    ),
)
"""All stages of the run, each after those it needs."""

PAGES: tuple[Stage, ...] = (
    Stage(
        name="brief_index",
        notebook="brief/index.ipynb",
        per_persona=False,
        page="index",
    ),
    Stage(
        name="brief_persona",
        notebook="brief/personas.ipynb",
        per_persona=True,
        page="personas/{persona}",
    ),
    Stage(
        name="brief_actions",
        notebook="brief/actions.ipynb",
        per_persona=False,
        page="actions",
    ),
    Stage(
        name="brief_data_quality",
        notebook="brief/data_quality.ipynb",
        per_persona=False,
        page="data_quality",
    ),
    Stage(
        name="brief_methods",
        notebook="brief/methods.ipynb",
        per_persona=False,
        page="methods",
    ),
)
"""The pages of the brief; they read whatever the stages have left."""


def find_stage(name: str) -> Stage:
    """Return a stage or page by name.

    Raises
    ------
    ParamError
        If there is no such stage.
    """
    known = {stage.name: stage for stage in (*STAGES, *PAGES)}
    if name not in known:
        raise ParamError.build(
            f"There is no stage {name!r}", rule="one of " + ", ".join(known)
        )
    return known[name]
