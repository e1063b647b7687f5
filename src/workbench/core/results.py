"""Results as the contract writes them: estimates, checks, and a stage's whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from workbench.core.errors import ParamError
from workbench.core.store import read_json, read_parquet, write_json, write_parquet

__all__ = [
    "Check",
    "Estimate",
    "StageResult",
    "StageStatus",
    "tabulate_checks",
    "tabulate_estimates",
]

StageStatus = Literal["done", "not_applicable", "blocked"]

_INTERVAL_SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One effect estimate: one row of ``estimates.parquet``.

    ``estimate``, ``std_error``, ``ci_low``, ``ci_high`` and ``baseline`` are on the
    outcome's natural scale (``unit``); a positive estimate means more of the outcome
    among learners. Relative values are shares of the baseline, the counterfactual
    mean of the learners. NaN stands for "could not be computed"; the reason is then
    in ``limitation``. ``n_treated`` and ``n_control`` are None where they are kept
    back, so that a small group cannot be worked out.

    Raises
    ------
    ParamError
        If the interval does not hold the estimate, the error is negative, a p-value
        lies outside 0 to 1, or a number is missing without a limitation.
    """

    quarter: str
    persona: str
    stage: str
    program: str
    outcome: str
    estimand: str
    method: str
    estimate: float
    std_error: float
    ci_low: float
    ci_high: float
    p_value: float
    unit: str
    n_treated: int | None
    n_control: int | None
    headline: bool = False
    subgroup_by: str | None = None
    subgroup: str | None = None
    period: str | None = None
    ci_level: float = 0.95
    p_adjusted: float = math.nan
    baseline: float = math.nan
    relative_effect: float = math.nan
    relative_ci_low: float = math.nan
    relative_ci_high: float = math.nan
    n_clusters: int | None = None
    threshold: float = math.nan
    direction: str = "up"
    meets_threshold: str | None = None
    evidence: int | None = None
    suppressed: bool = False
    limitation: str = ""

    def __post_init__(self) -> None:
        where = f"{self.persona}, {self.outcome}, {self.method}"
        if math.isnan(self.estimate) and not (self.limitation or self.suppressed):
            raise ParamError.build(
                "An estimate without a number needs a limitation", where=where
            )
        if self.std_error < 0:
            raise ParamError.build("A standard error is negative", where=where)
        if not (math.isnan(self.p_value) or 0 <= self.p_value <= 1):
            raise ParamError.build(
                "A p-value lies outside 0 to 1", where=where, got=self.p_value
            )
        slack = _INTERVAL_SLACK * max(1.0, abs(self.estimate))
        if self.estimate < self.ci_low - slack or self.estimate > self.ci_high + slack:
            raise ParamError.build(
                "The interval does not hold the estimate",
                where=where,
                got=(self.ci_low, self.estimate, self.ci_high),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One diagnostic: one row of ``diagnostics.parquet``.

    ``passed`` is None where the check does not apply; ``text`` then says why.
    ``limit`` is in the unit of ``value``. A failed required check stops what stands
    on it; a failed advisory one is shown as a warning.
    """

    check: str
    passed: bool | None
    value: float = math.nan
    limit: float = math.nan
    required: bool = False
    program: str = ""
    outcome: str = ""
    text: str = ""
    advice: str = ""

    def __post_init__(self) -> None:
        if self.passed is None and not self.text:
            raise ParamError.build(
                "A check that does not apply needs the reason", where=self.check
            )

    @property
    def status(self) -> str:
        """Return pass, warn, fail or not_applicable."""
        if self.passed is None:
            return "not_applicable"
        if self.passed:
            return "pass"
        return "fail" if self.required else "warn"


def tabulate_estimates(estimates: Iterable[Estimate]) -> pd.DataFrame:
    """Return estimates as a table with the contract's columns, one row each."""
    columns = [item.name for item in fields(Estimate)]
    table = pd.DataFrame([asdict(item) for item in estimates], columns=columns)
    text = ["subgroup_by", "subgroup", "period", "meets_threshold", "limitation"]
    whole = ["n_treated", "n_control", "n_clusters", "evidence"]
    return table.astype(dict.fromkeys(text, "str") | dict.fromkeys(whole, "Int64"))


def tabulate_checks(checks: Iterable[Check]) -> pd.DataFrame:
    """Return checks as a table: check, outcome, value, limit, status, text, advice."""
    order = ["check", "program", "outcome", "value", "limit", "status", "required"]
    columns = [*order, "text", "advice"]
    rows = [{**asdict(item), "status": item.status} for item in checks]
    return pd.DataFrame(rows, columns=columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """Everything one stage leaves behind for the stages and pages after it.

    Attributes
    ----------
    stage : str
        Name of the stage.
    status : str
        ``done``; ``not_applicable`` when the data it needs are absent; ``blocked``
        when a required check failed. The latter two carry a reason.
    estimates : tuple of Estimate
        Written to ``estimates.parquet``, also when empty and the stage estimates.
    checks : tuple of Check
        Written to ``diagnostics.parquet``.
    tables : mapping of str to DataFrame
        Further tables, each written to ``<name>.parquet``.
    facts : mapping
        Small values for the pages (counts, sentences); JSON only.
    """

    stage: str
    status: StageStatus = "done"
    reason: str = ""
    estimates: tuple[Estimate, ...] = ()
    checks: tuple[Check, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status != "done" and not self.reason:
            raise ParamError.build(
                f"A stage that is {self.status} needs a reason", where=self.stage
            )

    def save(self, folder: Path) -> list[Path]:
        """Write all tables and the status below `folder`; return what was written."""
        tables = {**self.tables, "diagnostics": tabulate_checks(self.checks)}
        if self.estimates:
            tables["estimates"] = tabulate_estimates(self.estimates)
        paths = []
        for name, table in sorted(tables.items()):
            path = folder / f"{name}.parquet"
            write_parquet(path, table)
            paths.append(path)
        status = folder / "status.json"
        write_json(
            status,
            {
                "schema": 1,
                "stage": self.stage,
                "status": self.status,
                "reason": self.reason,
                "facts": dict(self.facts),
            },
        )
        return [*paths, status]

    @classmethod
    def read(cls, folder: Path) -> StageResult:
        """Read what a stage left: its status, and every table of its folder.

        Returns
        -------
        StageResult
            ``estimates`` and ``diagnostics`` are among the tables, as they lie on
            disk; the fields of these names are empty.

        Raises
        ------
        SourceError
            If the stage has not been run, or a file is damaged.
        """
        status = read_json(folder / "status.json")
        return cls(
            stage=str(status["stage"]),
            status=status["status"],
            reason=str(status["reason"]),
            tables={
                path.stem: read_parquet(path)
                for path in sorted(folder.glob("*.parquet"))
            },
            facts=status["facts"],
        )

    def __repr__(self) -> str:
        parts = f"{len(self.estimates)} estimates, {len(self.checks)} checks"
        return f"StageResult({self.stage}: {self.status}, {parts})"
