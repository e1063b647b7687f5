"""Stage 01: what the extracts are worth before anything is estimated from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter, list_quarters
from workbench.core.results import Check, StageResult
from workbench.core.store import read_json
from workbench.data.audit import judge
from workbench.data.audit.assemble import collect_shares
from workbench.data.audit.baseline import BASELINE_COLUMNS, describe_baselines
from workbench.data.audit.coverage import (
    COVERAGE_COLUMNS,
    measure_consent,
    measure_joins,
    measure_tags,
)
from workbench.data.audit.drift import DRIFT_COLUMNS, measure_drift
from workbench.data.audit.faults import FAULT_COLUMNS, count_faults
from workbench.data.audit.findings import write_findings
from workbench.data.audit.freshness import FRESHNESS_COLUMNS, measure_freshness
from workbench.data.audit.gaps import GAP_COLUMNS
from workbench.data.audit.missingness import describe_missingness, measure_completeness
from workbench.data.audit.pairing import PAIRING_COLUMNS, pair_outcomes
from workbench.data.audit.provenance import (
    count_quarantine,
    map_sources,
    read_control_totals,
    read_lineage,
    tabulate_quarantine,
)
from workbench.data.audit.schema import check_sample, check_schema, count_stored
from workbench.data.audit.score import build_quality
from workbench.data.audit.volume import VOLUME_COLUMNS, count_volume
from workbench.data.contract import TABLES
from workbench.data.cut import count_consent, open_cut

__all__ = ["audit_store"]

_HISTORY_QUARTERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What is audited."""

    params: OrgParams
    store: Path
    quarter: Quarter

    @property
    def min_group(self) -> int:
        return self.params.workbench.privacy.min_group

    def open(self, *, consented_only: bool) -> duckdb.DuckDBPyConnection:
        return open_cut(
            self.store,
            self.quarter.last_day,
            self.params.workbench.privacy,
            consented_only=consented_only,
            year_starts=self.quarter.year_starts,
        )


def audit_store(params: OrgParams, *, store: Path, quarter: Quarter) -> StageResult:
    """Audit the canonical tables of an organisation at the data cut of a quarter.

    Parameters
    ----------
    params : OrgParams
        The organisation; its programmes and outcomes say what has to be there.
    store : Path
        Folder of the canonical tables, as the loader leaves it.
    quarter : Quarter
        The reported quarter. What is dated after its last day is counted, not read.

    Returns
    -------
    StageResult
        ``blocked``, with the reason, where a required check failed: the contract's
        columns, people and enrolments before the cut, consent where it is needed,
        half of the rows about known people, control totals within 5 %. Tables:
        ``quality``, ``quarantine``, ``lineage``, ``control_totals``, ``baseline``,
        ``missingness``, ``drift``, ``pairing``, ``coverage``, ``freshness``,
        ``volume`` and ``faults``. They are there in every case; those about people
        are empty where nobody may be read.

    Raises
    ------
    SourceError
        If there is no store, or a file of it is damaged.

    Notes
    -----
    People without consent are part of counts of rows only. Everything else is read
    through `open_cut`. All counting is done in DuckDB, so that tables larger than
    memory can be audited.
    """
    task = _Task(params=params, store=store, quarter=quarter)
    stored = count_stored(store)
    schema = check_schema(store)
    lineage = read_lineage(store)
    tables = {
        "lineage": lineage,
        "control_totals": read_control_totals(store, lineage),
        "quarantine": count_quarantine(store),
    }
    path = store / "_load.json"
    load = read_json(path) if path.is_file() else {}
    checks = [
        *judge.judge_totals(tables["control_totals"]),
        *judge.judge_missing_tables(stored),
        *judge.judge_load(load),
    ]
    if bool(schema["critical"].any()):
        checks = [*judge.judge_schema(schema, schema.iloc[:0]), *checks]
        return _finish(task, stored, tables, checks)
    consent = count_consent(store, quarter.last_day, params.workbench.privacy)
    tables |= _measure_rows(task, stored, tables["quarantine"], consent)
    checks += judge.judge_schema(schema, tables.pop("sample"))
    checks += _judge_rows(stored, tables)
    if not any(
        item.check == "consent_known" and item.passed is False for item in checks
    ):
        tables |= _measure_people(task, tables["volume"])
        checks += _judge_people(tables)
    return _finish(task, stored, tables, checks, consent)


def _measure_rows(
    task: _Task,
    stored: Mapping[str, int],
    quarantined: pd.DataFrame,
    consent: Mapping[str, int],
) -> dict[str, pd.DataFrame]:
    """Measure what needs only counts of rows, of everybody."""
    quarters = _list_history(task)
    with closing(task.open(consented_only=False)) as con:
        faults = count_faults(con)
        coverage = [
            measure_joins(faults, quarantined),
            *([measure_tags(con)] if "course_skills" in stored else []),
            measure_consent(consent, task.params.workbench.privacy),
        ]
        return {
            "faults": faults,
            "sample": check_sample(con),
            "coverage": pd.concat(coverage, ignore_index=True),
            "freshness": measure_freshness(con, stored=stored, quarter=task.quarter),
            "volume": count_volume(con, quarters),
        }


def _measure_people(task: _Task, volume: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Measure what is read of people: only of those who may be read."""
    params, quarter, least = task.params, task.quarter, task.min_group
    with closing(task.open(consented_only=True)) as con:
        return {
            "missingness": describe_missingness(con, min_group=least),
            "drift": measure_drift(
                con, volume=volume, quarter=quarter, min_group=least
            ),
            "pairing": pair_outcomes(
                con, params.programs, params.outcomes, quarter=quarter, min_group=least
            ),
            "baseline": describe_baselines(
                con, params.outcomes, cut=quarter.last_day, min_group=least
            ),
        }


def _list_history(task: _Task) -> list[Quarter]:
    """List the quarters up to the reported one, twelve at most, two at least."""
    span = task.params.workbench.quarter
    first = Quarter.parse(span.first, year_starts=span.fiscal_year_starts)
    earliest = max(first, task.quarter.shift(1 - _HISTORY_QUARTERS))
    return list_quarters(min(earliest, task.quarter.shift(-1)), task.quarter)


def _judge_rows(
    stored: Mapping[str, int], tables: Mapping[str, pd.DataFrame]
) -> Iterable[Check]:
    coverage, freshness = tables["coverage"], tables["freshness"]
    kinds = {kind: coverage[coverage["kind"] == kind] for kind in coverage["kind"]}
    none = coverage.iloc[:0]
    visible = dict(zip(freshness["table"], freshness["rows"], strict=True))
    rows = {table: int(visible.get(table, 0)) for table in stored}
    return [
        *judge.judge_people(rows, kinds["consent"]),
        *judge.judge_coverage(kinds.get("join", none), kinds.get("tags", none)),
        *judge.judge_freshness(freshness),
        *judge.judge_repeats(tables["faults"]),
    ]


def _judge_people(tables: Mapping[str, pd.DataFrame]) -> Iterable[Check]:
    return [
        *judge.judge_gaps(tables["missingness"]),
        *judge.judge_drift(tables["drift"]),
        *judge.judge_pairing(tables["pairing"]),
    ]


def _finish(
    task: _Task,
    stored: Mapping[str, int],
    measured: Mapping[str, pd.DataFrame],
    checks: list[Check],
    consent: Mapping[str, int] | None = None,
) -> StageResult:
    """Score the sources and put everything into one result."""
    tables = {name: pd.DataFrame(columns=columns) for name, columns in _EMPTY.items()}
    tables |= measured
    shares = collect_shares(
        stored=stored,
        quarantined=tables["quarantine"],
        faults=tables["faults"],
        completeness=measure_completeness(tables["missingness"]),
        freshness=tables["freshness"],
    )
    order = [table for table in TABLES if table in stored]
    sources = map_sources(tables["lineage"])
    tables["quality"] = build_quality(shares, sources=sources, order=order)
    tables["quarantine"] = tabulate_quarantine(tables["quarantine"], stored)
    checks += judge.judge_quality(tables["quality"], tables["quarantine"])
    reason = judge.write_reason(checks)
    return StageResult(
        stage="audit",
        status="blocked" if reason else "done",
        reason=reason,
        checks=tuple(checks),
        tables=tables,
        facts={
            **_collect_facts(task, stored, tables),
            "consent": dict(consent or {}),
            "findings": write_findings(tables, checks),
        },
    )


def _collect_facts(
    task: _Task, stored: Mapping[str, int], tables: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    """Collect the small numbers that the pages quote."""
    privacy = task.params.workbench.privacy
    scores = tables["quality"].drop_duplicates("source")
    scored = scores.dropna(subset=["source_score"])
    return {
        "cut": str(task.quarter.last_day),
        "lawful_basis": privacy.lawful_basis,
        "rows": dict(stored),
        "rows_quarantined": int(tables["quarantine"]["rows"].sum()),
        "scores": dict(
            zip(scored["source"], scored["source_score"].round(1), strict=True)
        ),
        "tables_missing": [name for name in TABLES if name not in stored],
    }


_EMPTY: Mapping[str, list[str]] = {
    "baseline": BASELINE_COLUMNS,
    "coverage": COVERAGE_COLUMNS,
    "drift": DRIFT_COLUMNS,
    "faults": FAULT_COLUMNS,
    "freshness": FRESHNESS_COLUMNS,
    "missingness": GAP_COLUMNS,
    "pairing": PAIRING_COLUMNS,
    "volume": VOLUME_COLUMNS,
}
