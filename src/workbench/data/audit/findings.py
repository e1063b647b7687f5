"""What the audit found, in sentences for the notebook and the pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from workbench.core.results import Check
from workbench.data.audit.judge import write_reason

__all__ = ["write_findings"]

_GOOD_SCORE = 90


def write_findings(
    tables: Mapping[str, pd.DataFrame], checks: Sequence[Check]
) -> list[str]:
    """Write the findings of the audit, the gravest first.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The tables of the stage.
    checks : sequence of Check
        The checks of the stage.

    Returns
    -------
    list of str
        Plain sentences; numbers come from the tables and checks alone.
    """
    reason = write_reason(checks)
    blocked = [f"The later stages are stopped: {reason}."] if reason else []
    return [
        *blocked,
        *_write_scores(tables["quality"]),
        *_write_quarantine(tables["quarantine"]),
        *_write_coverage(tables["coverage"]),
        *_write_drift(tables["drift"]),
        *_write_checks(checks),
    ]


def _write_scores(quality: pd.DataFrame) -> Iterator[str]:
    scores = quality.drop_duplicates("source").dropna(subset=["source_score"])
    if scores.empty:
        return
    good = int((scores["source_score"] >= _GOOD_SCORE).sum())
    worst = scores.sort_values(["source_score", "source"], kind="stable").iloc[0]
    text = f"{good} of {len(scores)} sources score {_GOOD_SCORE} or more of 100"
    own = quality[
        (quality["source"] == worst["source"])
        & quality["status"].isin(["warn", "fail"])
    ]
    yield f"{text}; the lowest is {worst['source']} with {_floor(worst)}" + (
        f" ({own.iloc[0]['dimension']} of {own.iloc[0]['table']}:"
        f" {own.iloc[0]['text']})."
        if len(own)
        else "."
    )


def _say(name: object) -> str:
    return str(name).replace("_", " ")


def _floor(row: pd.Series) -> int:
    return math.floor(float(row["source_score"]))


def _write_quarantine(quarantine: pd.DataFrame) -> Iterator[str]:
    if quarantine.empty:
        yield "No row was set aside on loading."
        return
    first = quarantine.iloc[0]
    yield (
        f"{int(quarantine['rows'].sum()):,} rows were set aside on loading, most for"
        f" {_say(first['reason'])} in {first['table']} ({int(first['rows']):,},"
        f" {float(first['share']):.1%} of that table)."
    )


def _write_coverage(coverage: pd.DataFrame) -> Iterator[str]:
    consent = coverage[coverage["kind"] == "consent"]
    for row in consent.to_dict("records"):
        asked = row["status"] != "not_applicable"
        head = f"Consent to {_say(row['of'])}" if asked else "Consent is not asked"
        yield f"{head}: {row['text']}."
    joins = coverage[(coverage["kind"] == "join") & (coverage["of"] == "employee_id")]
    if len(joins):
        worst = joins.sort_values(["share", "table"], kind="stable").iloc[0]
        rows, known = int(worst["rows"]), int(worst["covered"])
        yield (
            f"The HRIS knows the person of every row of {len(joins)} tables."
            if rows == known
            else f"The HRIS does not know the person of {rows - known:,} of {rows:,}"
            f" rows of {worst['table']}, the widest gap of {len(joins)} tables."
        )
    tags = coverage[(coverage["kind"] == "tags") & (coverage["table"] == "courses")]
    for row in tags.to_dict("records"):
        yield f"{row['covered']:,} of {row['rows']:,} courses have a skill tag."


def _write_drift(drift: pd.DataFrame) -> Iterator[str]:
    known = drift[drift["status"].isin(["pass", "warn"])]
    moved = known[known["status"] == "warn"]
    if len(known):
        named = "; ".join(
            f"{row['table']} {row['column']} ({row['kind']}: {row['text']})"
            for row in moved.head(3).to_dict("records")
        )
        text = f"{len(moved)} of {len(known)} comparisons with the quarter before"
        yield f"{text} are out of line{f': {named}' if named else ''}."


def _write_checks(checks: Sequence[Check]) -> Iterator[str]:
    alone = [
        item.program
        for item in checks
        if item.check.startswith("pairing_") and item.passed is False
    ]
    if alone:
        yield f"Measured by completions alone: {', '.join(alone)}."
    uneven = [
        item
        for item in checks
        if item.check.startswith("gaps_") and item.passed is False
    ]
    for item in uneven:
        yield f"Missing unevenly, {item.check.removeprefix('gaps_')}: {item.text}."
    off = [item.text for item in checks if item.check.startswith("table_")]
    if off:
        yield "; ".join(off).capitalize() + "."
