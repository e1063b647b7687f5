"""The checks of the audit: which of them stop the later stages, which only warn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.core.results import Check
from workbench.data.audit.coverage import LEAST_JOINED, SWITCHED_OFF
from workbench.data.contract import TABLES

__all__ = [
    "LARGEST_DEVIATION",
    "judge_coverage",
    "judge_drift",
    "judge_freshness",
    "judge_gaps",
    "judge_load",
    "judge_missing_tables",
    "judge_pairing",
    "judge_people",
    "judge_quality",
    "judge_repeats",
    "judge_schema",
    "judge_totals",
    "write_reason",
]

LARGEST_DEVIATION = 0.05
"""How far a control total may be off before the later stages are stopped."""

_LEAST_SCORE = 60.0
_MOST_ASIDE = 0.05
_MAIN = ("job_history", "enrollments", "performance")


def write_reason(checks: Iterable[Check]) -> str:
    """Join what failed among the required checks; empty if nothing did."""
    failed = [item for item in checks if item.required and item.passed is False]
    return "; ".join(item.text for item in failed)


def judge_schema(schema: pd.DataFrame, sample: pd.DataFrame) -> Iterator[Check]:
    """Judge columns and types, of whole tables and of the samples."""
    critical = schema[schema["critical"].astype(bool)]
    yield Check(
        check="schema",
        passed=critical.empty,
        value=len(critical),
        limit=0,
        required=True,
        text=_list_schema(critical) or "all required columns are there",
        advice="load the organisation again",
    )
    minor = pd.concat([schema[~schema["critical"].astype(bool)], sample])
    yield Check(
        check="schema_details",
        passed=minor.empty,
        value=len(minor),
        limit=0,
        text=_list_schema(minor) or "types, lists, ranges and keys hold the contract",
        advice="correct the mapping in source.yml",
    )


def judge_people(rows: Mapping[str, int], consent: pd.DataFrame) -> Iterator[Check]:
    """Judge whether there is anybody, any learning, and any consent to read."""
    for table, what in (("employees", "people"), ("enrollments", "enrolments")):
        count = rows.get(table, 0)
        yield Check(
            check=f"{table}_present",
            passed=count > 0,
            value=count,
            limit=1,
            required=True,
            text=f"{count:,} {what} up to the data cut",
            advice=f"check the source of {table} and the quarter",
        )
    row = consent.iloc[0]
    if row["status"] == "not_applicable" and row["text"].startswith("lawful"):
        yield Check(check="consent_known", passed=None, text=str(row["text"]))
        return
    known = "consent" in rows
    granted = int(row["covered"])
    text = str(row["text"]) if granted else "nobody has given consent"
    yield Check(
        check="consent_known",
        passed=known and granted > 0,
        value=granted,
        limit=1,
        required=True,
        text=text if known else "consent is needed, but there is no table of consent",
        advice="map the table consent, or correct privacy.lawful_basis",
    )
    if known and granted:
        yield _judge_share("consent_coverage", row, "ask those without a decision")


def judge_coverage(joins: pd.DataFrame, tags: pd.DataFrame) -> Iterator[Check]:
    """Judge known people and courses, and skill tags."""
    main = joins[(joins["of"] == "employee_id") & joins["table"].isin(_MAIN)]
    if main.empty:
        yield Check(check="joins_known", passed=None, text="no rows to join")
    else:
        worst = main.sort_values(["share", "table"], kind="stable").iloc[0]
        yield Check(
            check="joins_known",
            passed=bool(worst["share"] >= LEAST_JOINED),
            value=float(worst["share"]),
            limit=LEAST_JOINED,
            required=True,
            text=f"{worst['share']:.1%} of the rows of {worst['table']} are about"
            " people the HRIS knows",
            advice="check that all sources name people by the same id",
        )
    for row in joins.to_dict("records"):
        name = f"join_{row['table']}_{row['of']}"
        yield _judge_share(name, row, "find out why ids are unknown")
    for row in tags.to_dict("records"):
        yield _judge_share(f"tags_{row['table']}", row, "tag the courses with skills")


def judge_totals(totals: pd.DataFrame) -> Iterator[Check]:
    """Judge the control totals, together and one by one."""
    if totals.empty:
        yield Check(
            check="control_totals",
            passed=None,
            text="source.yml declares no control totals",
        )
        return
    worst = totals.sort_values(["off", "name"], ascending=[False, True]).iloc[0]
    off = float(worst["off"])
    share = f"{off:.1%}" if math.isfinite(off) else "wholly"
    yield Check(
        check="control_totals",
        passed=off <= LARGEST_DEVIATION,
        value=off,
        limit=LARGEST_DEVIATION,
        required=True,
        text=f"control total {worst['name']} is off by {share}"
        if off
        else f"all {len(totals)} control totals agree",
        advice="ask the source's owner for a whole extract",
    )
    for row in totals.to_dict("records"):
        yield Check(
            check=f"control_total_{row['name']}",
            passed=row["off"] == 0,
            value=float(row["found"]),
            limit=float(row["expected"]),
            text=f"found {row['found']:,.10g}, expected {row['expected']:,.10g}",
            advice="compare the extract with its source",
        )


def judge_quality(quality: pd.DataFrame, quarantine: pd.DataFrame) -> Iterator[Check]:
    """Judge the score of every source, and how much was set aside."""
    scores = quality.drop_duplicates("source")[["source", "source_score"]]
    for source, score in scores.itertuples(index=False):
        known = not math.isnan(score)
        yield Check(
            check=f"score_{source}",
            passed=bool(score >= _LEAST_SCORE) if known else None,
            value=float(score),
            limit=_LEAST_SCORE,
            text=f"{math.floor(score)} of 100" if known else "no rows to judge",
            advice="see the dimensions of its tables",
        )
    shares = quarantine.groupby("table", sort=False)["share"].sum()
    for table, share in shares.items():
        yield Check(
            check=f"quarantine_{table}",
            passed=bool(share <= _MOST_ASIDE),
            value=float(share),
            limit=_MOST_ASIDE,
            text=f"{share:.1%} of the rows were set aside on loading",
            advice="see the reasons in the quarantine",
        )


def judge_freshness(freshness: pd.DataFrame) -> Iterator[Check]:
    """Judge the age of the last record, and say how many rows were not read."""
    for row in freshness.to_dict("records"):
        if not math.isnan(row["value"]):
            yield Check(
                check=f"freshness_{row['table']}",
                passed=row["status"] == "pass",
                value=float(row["lag_days"]),
                limit=float(row["cadence_days"]),
                text=str(row["text"]),
                advice="ask for an extract that reaches the data cut",
            )
    later = int(freshness["rows_after_cut"].sum())
    tables = list(freshness.loc[freshness["rows_after_cut"] > 0, "table"])
    named = f" ({', '.join(tables)})" if tables else ""
    yield Check(
        check="rows_after_cut",
        passed=True,
        value=later,
        text=f"{later:,} rows are dated after the data cut and were not read{named}",
    )


def judge_drift(drift: pd.DataFrame) -> Iterator[Check]:
    """Judge every comparison with the quarter before."""
    for row in drift.to_dict("records"):
        applies = row["status"] != "not_applicable"
        yield Check(
            check=f"drift_{row['kind']}_{row['table']}_{row['column']}",
            passed=row["status"] == "pass" if applies else None,
            value=float(row["value"]),
            limit=float(row["limit"]),
            text=str(row["text"]),
            advice="find out whether the extract, the process or the people changed",
        )


def judge_gaps(missingness: pd.DataFrame) -> Iterator[Check]:
    """Judge whether values are missing more often in some groups."""
    groups = missingness[missingness["kind"] == "group"]
    for (table, column, by), part in groups.groupby(["table", "columns", "group_by"]):
        uneven = part[part["status"] == "uneven"]
        named = "; ".join(
            f"{row['group']}: {row['text']}" for row in uneven.to_dict("records")
        )
        yield Check(
            check=f"gaps_{table}_{column}_by_{by}",
            passed=uneven.empty,
            value=float(part["share"].max() - part["share"].min()),
            text=named or f"{column} is missing alike in all groups",
            advice="read comparisons between these groups with care",
        )


def judge_pairing(pairing: pd.DataFrame) -> Iterator[Check]:
    """Judge whether each programme is measured by more than completions."""
    for program, part in pairing.groupby("program", sort=False):
        known = part.dropna(subset=["paired"])
        paired = list(known.loc[known["paired"].astype(bool), "outcome"])
        if known.empty:
            texts = sorted(set(part["text"]))
            passed, text = None, "; ".join(texts)
        elif paired:
            passed, text = True, "measured by " + ", ".join(paired)
        else:
            passed, text = False, "measured by completions alone"
        yield Check(
            check=f"pairing_{program}",
            passed=passed,
            value=len(paired),
            limit=1,
            program=str(program),
            text=text,
            advice="record an outcome for its learners, or do not claim an effect",
        )


def judge_repeats(faults: pd.DataFrame) -> Iterator[Check]:
    """Say how many rows repeat in tables that have no key."""
    for row in faults[faults["reason"] == "repeated_row"].to_dict("records"):
        if row["faults"]:
            yield Check(
                check=f"repeats_{row['table']}",
                passed=None,
                value=float(row["faults"]),
                text=f"{row['faults']:,} of {row['rows']:,} rows repeat another one;"
                " the contract allows it here",
            )


def judge_missing_tables(present: Iterable[str]) -> Iterator[Check]:
    """Say, for every optional table that is absent, what that switches off."""
    there = set(present)
    for table in TABLES.values():
        if table.name not in there and not table.required:
            yield Check(
                check=f"table_{table.name}",
                passed=None,
                text=f"no table {table.name}: {SWITCHED_OFF[table.name]} switched off",
            )


def judge_load(load: Mapping[str, Any]) -> Iterator[Check]:
    """Pass on what the loader dropped, did not map, or warned of."""
    dropped = load.get("dropped_identifiers") or {}
    named = "; ".join(
        f"{source}: {', '.join(columns)}"
        for source, columns in sorted(dropped.items())
        if columns
    )
    yield Check(
        check="identifiers_dropped",
        passed=True,
        value=sum(len(columns) for columns in dropped.values()),
        text=named or "the mapping names no direct identifiers",
    )
    for number, warning in enumerate(_list_texts(load.get("warnings")), start=1):
        yield Check(
            check=f"load_warning_{number}",
            passed=False,
            text=warning,
            advice="correct the extract or its mapping",
        )


def _list_texts(value: object) -> Sequence[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _judge_share(name: str, row: Mapping[str, Any] | Any, advice: str) -> Check:
    share = float(row["share"])
    applies = not math.isnan(share)
    return Check(
        check=name,
        passed=row["status"] == "pass" if applies else None,
        value=share,
        limit=float(row["limit"]),
        text=_write_share(row) if applies else "no rows",
        advice=advice,
    )


def _write_share(row: Mapping[str, Any] | Any) -> str:
    counts = f"{int(row['covered']):,} of {int(row['rows']):,}"
    return f"{row['text']}: {counts} ({float(row['share']):.1%})"


def _list_schema(faults: pd.DataFrame) -> str:
    rows = faults.to_dict("records")
    return "; ".join(f"{row['table']}.{row['column']}: {row['fault']}" for row in rows)
