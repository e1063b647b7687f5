"""The enablement pack of a persona: manager script, checklist, evidence of practice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from workbench.core.params import OrgParams
from workbench.prescribe.delivery.agenda_notes import USUAL_PRACTICE, USUAL_PROMPT
from workbench.prescribe.delivery.documents import make_pdf, make_word
from workbench.prescribe.delivery.safe_text import clean_text, escape_markdown
from workbench.prescribe.delivery.steps import format_hours
from workbench.prescribe.delivery.templates import load_template

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PACK", "make_pack"]

PACK = ("manager_script", "checklist", "evidence_of_practice")
"""Documents of a pack, which are templates too."""

_FOLLOW_UP = "talk about it within 30 days"
_EXPLORE = "Its own effect is not shown yet; report what you see."


def make_pack(
    params: OrgParams,
    *,
    persona: str,
    paths: pd.DataFrame,
    quarter: str,
    stamp: date,
) -> Iterator[tuple[str, bytes]]:
    """Write the documents of one persona as Word and PDF.

    Parameters
    ----------
    params : OrgParams
        Labels, need, behaviours, and the folder that may hold own templates.
    persona : str
        Whose path it is.
    paths : DataFrame
        ``persona, position, title, modality, effort_hours, explore, reason, practice,
        behaviour, coaching_prompt``, one row per module.
    quarter : str
        Named in the heading.
    stamp : date
        Day that the documents give as their own.

    Yields
    ------
    tuple of (str, bytes)
        File name and content; nothing where the persona has no path.

    Raises
    ------
    ParamError
        If a template does not hold.
    """
    own = paths[paths["persona"] == persona].sort_values("position")
    if own.empty:
        return
    found = params.find_persona(persona)
    rows: list[dict[str, Any]] = own.to_dict("records")
    values = {
        "organisation": clean_text(params.workbench.name),
        "quarter": quarter,
        "persona": clean_text(found.label),
        "need": clean_text(found.need) or "what the path is for",
        "count": str(len(rows)),
        "hours": format_hours(float(own["effort_hours"].fillna(0).sum())),
        "modules": _list_modules(rows, _name_behaviours(params)),
    }
    for name in PACK:
        template = load_template(name, params.folder)
        markdown = template.render(values, escape_markdown)
        yield f"{name}.docx", make_word(markdown, stamp=stamp)
        yield f"{name}.pdf", make_pdf(markdown, stamp=stamp)


def _name_behaviours(params: OrgParams) -> dict[str, str]:
    behaviours = params.managers.behaviours if params.managers else ()
    return {item.id: item.label for item in behaviours}


def _list_modules(
    rows: Sequence[Mapping[str, Any]], behaviours: Mapping[str, str]
) -> list[dict[str, str]]:
    return [
        {
            "number": str(number),
            "title": clean_text(row["title"]),
            "modality": clean_text(row["modality"]).replace("_", " ").capitalize(),
            "hours": _write_hours(row["effort_hours"]),
            "reason": clean_text(row["reason"]),
            "practice": clean_text(row["practice"]) or USUAL_PRACTICE,
            "prompt": clean_text(row["coaching_prompt"]) or USUAL_PROMPT,
            "behaviour": behaviours.get(clean_text(row["behaviour"]), _FOLLOW_UP),
            "note": _EXPLORE if row["explore"] is True or row["explore"] == 1 else "",
        }
        for number, row in enumerate(rows, start=1)
    ]


def _write_hours(value: Any) -> str:
    return format_hours(float(value)) if value is not None and value == value else "0"
