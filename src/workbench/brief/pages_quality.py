"""The data quality page: what the numbers of the quarter stand on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    Column,
    build_note,
    build_table,
    draw_list,
    draw_verdict,
    escape_markdown,
    join_blocks,
    show_title,
    write_paragraph,
    write_section,
)
from workbench.brief.effects import select_effects
from workbench.brief.exhibits import show_quality
from workbench.brief.figures import Exhibit
from workbench.brief.formatting import (
    MISSING,
    format_count,
    format_quality,
    format_score,
    is_missing,
    pluralise,
)
from workbench.brief.header import describe_consent, show_header
from workbench.brief.narrative import join_words
from workbench.brief.results import BriefData
from workbench.brief.stage_reads import StageRead
from workbench.brief.tables import (
    Field,
    count,
    decimal,
    percent,
    status,
    tabulate_frame,
    words,
)

__all__ = ["QualityPage"]

_GOOD_SCORE = 90.0
_POOR_SCORE = 60.0
_REASONS = {
    "bad_value": "value cannot be read",
    "contradiction": "contradicts another column",
    "duplicate": "row stands twice",
    "duplicate_key": "key stands twice",
    "impossible_date": "impossible date",
    "missing_value": "required value missing",
    "out_of_range": "out of range",
    "unknown_id": "unknown id",
    "unknown_value": "value not on the list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityPage:
    """The data quality page's parts, in the order they are shown."""

    data: BriefData
    audit: StageRead

    @classmethod
    def create(cls, data: BriefData) -> QualityPage:
        """Take the audit out of the quarter's results."""
        return cls(data=data, audit=data.stage("audit"))

    def show_answer(self) -> None:
        """Show the title: how many sources can be relied on."""
        show_title(_state_quality(self.audit))

    def show_opening(self) -> Block:
        """Show the header line, counts of rows, and why the audit stopped, if so."""
        stopped = self.audit.explain()
        return join_blocks(
            show_header(self.data, select_effects(self.data)),
            write_paragraph(escape_markdown(_count_rows(self.audit)), kind="lede"),
            build_note("The audit is not complete.", stopped, warn=True)
            if stopped
            else None,
        )

    def show_scores(self) -> Block:
        """Show the score of every source, and where it is weakest."""
        return join_blocks(
            write_section("Score per source", "scores"),
            _tabulate_scores(self.audit.table("quality")),
        )

    def choose_quality(self) -> Exhibit:
        """Choose the matrix of tables and dimensions."""
        return show_quality(self.audit.table("quality"))

    def show_totals(self) -> Block:
        """Show whether what arrived is what the source says it sent."""
        totals = self.audit.table("control_totals")
        if "ok" in totals.columns:
            totals["status"] = [
                "pass" if item else "fail" for item in totals["ok"].fillna(False)
            ]
        fields = (
            words("name", "Control total"),
            count("expected", "Expected"),
            count("found", "Found"),
            status("status"),
        )
        return join_blocks(
            write_section("Did everything arrive", "totals"),
            tabulate_frame(
                totals,
                fields,
                caption="Control totals: what the source should hold, what was found",
                empty="No control totals were declared in source.yml, so nothing says "
                "whether the extracts are whole.",
                anchor="tbl-totals",
            ),
        )

    def show_quarantine(self) -> Block:
        """Show which rows were set aside, and why."""
        quarantine = self.audit.table("quarantine")
        if "reason" in quarantine.columns:
            quarantine["reason"] = [
                _REASONS.get(str(item), str(item).replace("_", " "))
                for item in quarantine["reason"]
            ]
        fields = (
            words("table", "Table"),
            words("source", "Source"),
            words("column", "Column"),
            words("reason", "Reason"),
            count("rows", "Rows"),
            percent("share", "Of the table", digits=2),
        )
        return join_blocks(
            write_section("Rows set aside", "quarantine"),
            tabulate_frame(
                quarantine,
                fields,
                caption="Rows in quarantine by reason; nothing is dropped or filled in "
                "silently",
                empty="No row was set aside, or the audit left no list.",
                anchor="tbl-quarantine",
            ),
        )

    def show_lineage(self) -> Block:
        """Show how many rows went which way, from each source to each table."""
        fields = (
            words("table", "Table"),
            words("source", "Source"),
            count("files", "Files"),
            count("rows_in", "Rows read"),
            count("rows_filtered", "Filtered"),
            count("rows_mapped", "Mapped"),
            count("rows_quarantined", "Set aside"),
        )
        return join_blocks(
            write_section("Where the rows come from", "lineage"),
            tabulate_frame(
                _sum_lineage(self.audit.table("lineage")),
                fields,
                caption="Rows read, filtered by the mapping, mapped and set aside, by "
                "table and source; the hash of every file stands in the appendix",
                empty="The audit left no lineage.",
                anchor="tbl-lineage",
            ),
        )

    def show_privacy(self) -> Block:
        """Show on what basis people's data are read and how they are protected."""
        privacy = self.data.params.workbench.privacy
        dropped = _find_texts(self.audit, "identifiers_dropped")
        later = _find_texts(self.audit, "rows_after_cut")
        sentences = [
            describe_consent(self.data),
            f"Groups of fewer than {privacy.min_group} people are not shown.",
            "Access is reported by "
            + join_words(item.replace("_", " ") for item in privacy.protected)
            + "."
            if privacy.protected
            else "",
            "Ids of people are pseudonyms; no page holds one.",
            *(f"Direct identifiers dropped on loading: {item}." for item in dropped),
            *(f"{item}." for item in later),
        ]
        return join_blocks(
            write_section("Consent and privacy", "privacy"),
            draw_list([item for item in sentences if item]),
        )

    def show_drift(self) -> Block:
        """Show what moved since the quarter before."""
        drift = self.audit.table("drift")
        moved = drift
        if "status" in drift.columns:
            moved = drift[drift["status"].isin(["warn", "fail"])]
        fields = (
            words("table", "Table"),
            words("column", "Column"),
            words("kind", "What"),
            decimal("value", "Change", 2, signed=True),
            decimal("limit", "Limit", 2),
            status("status"),
            words("text", "Reading"),
        )
        steady = (
            f"None of {pluralise(len(drift), 'comparison')} with the quarter before "
            "moved beyond its limit."
            if len(drift)
            else "Nothing could be compared with the quarter before."
        )
        return join_blocks(
            write_section("What moved since last quarter", "drift"),
            tabulate_frame(
                moved,
                fields,
                caption="Volumes and distributions that moved beyond their limit",
                empty=steady,
                anchor="tbl-drift",
            ),
        )

    def show_gaps(self) -> Block:
        """Show missing tables with what they switch off, and the audit's warnings."""
        missing = [
            f"{text[:1].upper()}{text[1:]}."
            for text in _find_texts(self.audit, "table_", prefix=True)
        ]
        listed = (
            draw_list(missing)
            if missing
            else write_paragraph("Every optional table is there.")
            if self.audit.status != "missing"
            else write_paragraph("Without an audit this is not known.")
        )
        return join_blocks(
            write_section("What is missing and what that switches off", "gaps"),
            listed,
            write_section("Checks that warn or fail", "warnings"),
            _tabulate_warnings(self.audit.table("diagnostics")),
        )


def _state_quality(audit: StageRead) -> str:
    """State in one sentence whether the sources can be relied on."""
    scores = _read_scores(audit.table("quality"))
    if audit.status == "blocked":
        return "The data cannot carry this quarter's numbers"
    if scores.empty:
        return "The quality of the data is not known this quarter"
    poor = scores[scores < _POOR_SCORE]
    good = int((scores >= _GOOD_SCORE).sum())
    total = pluralise(len(scores), "source")
    worst = f"{scores.idxmin()} scores lowest with {format_score(scores.min())}"
    if len(scores) == 1:
        only = format_score(scores.iloc[0])
        return f"The source {scores.index[0]} scores {only} of 100"
    if poor.empty:
        return f"{good} of {total} score {_GOOD_SCORE:.0f} or more of 100; {worst}"
    names = join_words(str(item) for item in poor.index)
    verb = "needs" if len(poor) == 1 else "need"
    return f"{names} {verb} repair: below {_POOR_SCORE:.0f} of 100 in quality"


def _read_scores(quality: pd.DataFrame) -> pd.Series:
    """Return the score per source, in the order of the table."""
    if not {"source", "source_score"} <= set(quality.columns):
        return pd.Series(dtype=float)
    return quality.groupby("source", sort=False)["source_score"].min().dropna()


def _count_rows(audit: StageRead) -> str:
    """Count rows kept and set aside."""
    rows = audit.facts.get("rows")
    aside = audit.facts.get("rows_quarantined")
    if not isinstance(rows, dict) or is_missing(aside):
        return "How many rows were read is not recorded."
    kept = sum(int(item) for item in rows.values())
    tables = pluralise(sum(1 for item in rows.values() if item), "table")
    aside_words = pluralise(aside, "row")
    return (
        f"{format_count(kept)} rows in {tables} could be read; {aside_words} "
        f"{'was' if aside == 1 else 'were'} set aside with the reason."
    )


def _tabulate_scores(quality: pd.DataFrame) -> Block:
    """Build one row per source: score, verdict and where it is weakest."""
    scores = _read_scores(quality)
    if scores.empty or not {"dimension", "value"} <= set(quality.columns):
        return write_paragraph("The audit left no scores.")
    rows = [
        _write_score(str(source), float(score), quality[quality["source"] == source])
        for source, score in scores.items()
    ]
    columns = (
        Column("source", "Source"),
        Column("score", "Score of 100", numeric=True),
        Column("verdict", "Verdict"),
        Column("weakest", "Weakest in"),
        Column("share", "Share of good rows", numeric=True),
    )
    return build_table(
        rows,
        columns,
        caption="Score per source; a source is as good as its worst table",
        anchor="tbl-scores",
    )


def _write_score(source: str, score: float, quality: pd.DataFrame) -> dict[str, Any]:
    kind, text = (
        ("good", "good")
        if score >= _GOOD_SCORE
        else ("unsure", "usable, with warnings")
        if score >= _POOR_SCORE
        else ("bad", "needs repair")
    )
    known = quality[quality["value"].notna()]
    shares = known["value"].astype(float)
    place, share = MISSING, math.nan
    if len(known):
        share = float(shares.min())
        worst = known.loc[shares.idxmin()]
        place = f"{worst['dimension']} of {worst['table']}" if share < 1 else MISSING
    return {
        "source": source,
        "score": format_score(score),
        "verdict": draw_verdict(kind, text),
        "weakest": place,
        "share": format_quality(share),
    }


def _sum_lineage(lineage: pd.DataFrame) -> pd.DataFrame:
    """Add up the files of each table and source."""
    if not {"table", "source", "file"} <= set(lineage.columns):
        return pd.DataFrame()
    numbers = [name for name in lineage.columns if str(name).startswith("rows_")]
    grouped = lineage.groupby(["table", "source"], sort=False)
    summed = grouped[numbers].sum()
    summed.insert(0, "files", grouped["file"].nunique())
    return summed.reset_index()


def _find_texts(audit: StageRead, check: str, *, prefix: bool = False) -> list[str]:
    """Return the texts of a check, or of all checks whose names begin so."""
    checks = audit.table("diagnostics")
    if not {"check", "text"} <= set(checks.columns):
        return []
    names = checks["check"].astype(str)
    chosen = names.str.startswith(check) if prefix else names == check
    return [str(item).rstrip(".") for item in checks.loc[chosen, "text"] if item]


def _tabulate_warnings(checks: pd.DataFrame) -> Block:
    """Build the table of checks that did not pass, the failed ones first."""
    if "status" not in checks.columns:
        return write_paragraph("The audit left no checks.")
    rank = checks["status"].map({"fail": 0, "warn": 1})
    chosen = checks[rank.notna()].assign(rank=rank[rank.notna()])
    fields = (
        Field("check", "Check", lambda value: str(value).replace("_", " ")),
        status("status"),
        words("text", "Finding"),
        words("advice", "What to do"),
    )
    return tabulate_frame(
        chosen.sort_values("rank", kind="stable"),
        fields,
        caption="Checks of the audit that warn or fail, with advice",
        empty=f"All {format_count(len(checks))} checks passed or do not apply.",
        anchor="tbl-warnings",
    )
