"""The line on top of every page: what the page stands on, in a few facts."""

from __future__ import annotations

import pandas as pd

from workbench.brief.components import Block, draw_header
from workbench.brief.formatting import (
    format_count,
    format_date,
    format_quarter,
    format_share,
    is_missing,
    pluralise,
)
from workbench.brief.results import BriefData

__all__ = ["count_learners", "describe_consent", "show_header"]


def show_header(data: BriefData, effects: pd.DataFrame) -> Block:
    """Build the header line: organisation, quarter, data cut, people, consent.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    effects : DataFrame
        From `select_effects`.
    """
    facts = [
        format_quarter(data.quarter),
        f"data to {format_date(data.data_cut)}",
        _count_people(data),
        _count_analysed(effects),
        describe_consent(data, short=True),
    ]
    return draw_header(data.params.workbench.name, [item for item in facts if item])


def count_learners(effects: pd.DataFrame) -> int:
    """Count learners analysed: per persona and programme the largest comparison.

    Somebody who learnt two programmes counts in each.
    """
    shown = effects[effects["estimate"].notna() & ~effects["control"].astype(bool)]
    if shown.empty:
        return 0
    largest = shown.groupby(["persona", "program"])["n_treated"].max()
    return int(largest.sum())


def describe_consent(data: BriefData, *, short: bool = False) -> str:
    """Say on what basis people's data are read, and how many are not.

    Parameters
    ----------
    data : BriefData
        The audit's table of coverage holds the counts.
    short : bool
        A few words for the header, or a whole sentence.
    """
    privacy = data.params.workbench.privacy
    if privacy.lawful_basis != "consent":
        basis = privacy.lawful_basis.replace("_", " ")
        words = f"lawful basis: {basis}"
        return words if short else f"People's data are read on this basis: {basis}."
    counted = _count_consent(data)
    if counted is None:
        words = "consent not counted"
        return words if short else "The audit left no count of consent."
    people, granted = counted
    without = people - granted
    share = format_share(without, people)
    if short:
        return f"{share} without consent, not analysed"
    return (
        f"{format_count(granted)} of {pluralise(people, 'person', 'people')} have "
        f"consented to the purpose “{privacy.purpose.replace('_', ' ')}”; the data of "
        f"the other {format_count(without)} ({share}) are not analysed."
    )


def _count_people(data: BriefData) -> str:
    facts = data.stage("personas").facts
    people, inside = facts.get("people"), facts.get("in_personas")
    personas = len(data.params.personas)
    if is_missing(people) or is_missing(inside):
        return f"{personas} personas"
    share = f"{format_count(inside)} of {format_count(people)} people"
    return f"{share} in {personas} personas"


def _count_analysed(effects: pd.DataFrame) -> str:
    learners = count_learners(effects)
    if not learners:
        return "no comparison to show"
    return f"{pluralise(learners, 'learner')} compared with colleagues"


def _count_consent(data: BriefData) -> tuple[int, int] | None:
    """Return people, and those of them who consented, as the audit counted them."""
    coverage = data.stage("audit").table("coverage")
    if not {"kind", "rows", "covered"} <= set(coverage.columns):
        return None
    rows = coverage[coverage["kind"] == "consent"]
    if rows.empty or rows[["rows", "covered"]].isna().any(axis=None):
        return None
    first = rows.iloc[0]
    return int(first["rows"]), int(first["covered"])
