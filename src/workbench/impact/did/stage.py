"""The before-and-after stage of one persona, held against its matched comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.cohorts.target_trial import Gap
from workbench.core.errors import (
    ConvergenceError,
    DesignError,
    TooFewUnitsError,
    WorkbenchError,
)
from workbench.core.results import Check, Estimate, StageResult
from workbench.impact.did.analysis import DidResult, estimate_did
from workbench.impact.did.designs import HEADLINE
from workbench.impact.did.report import STAGE
from workbench.impact.evidence import Findings
from workbench.impact.findings_table import read_findings, tabulate_findings
from workbench.impact.multiplicity import adjust_family
from workbench.impact.stage_parts import (
    label_answer,
    label_check,
    list_gaps,
    refuse_comparison,
    shorten_error,
    stack_tables,
)
from workbench.impact.triangulation import (
    Answer,
    Triangulation,
    compare_designs,
    tabulate_triangulations,
)

__all__ = ["estimate_did_stage"]

_TABLES: Mapping[str, tuple[str, ...]] = {
    "group_time": ("group", "period", "att", "std_error"),
    "curves": ("method", "event_time", "estimate"),
    "bacon": ("kind", "weight", "estimate"),
    "placebo": ("quarters_earlier", "estimate", "std_error"),
    "errors": ("method", "std_error", "p_value"),
    "sensitivity": ("ratio", "low", "high"),
    "flow": ("step", "n_treated", "n_control"),
}
_MATCHED = "psm_nn"
_KEY = ["program", "outcome"]
_Found = tuple[Panel, DidResult | WorkbenchError]


def estimate_did_stage(
    panels: Sequence[Panel],
    *,
    matched: StageResult,
    gaps: Sequence[Gap] = (),
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> StageResult:
    """Estimate every panel of a persona, and hold it against matching.

    Parameters
    ----------
    panels : sequence of Panel
        Of one persona and quarter, one per programme and outcome.
    matched : StageResult
        The matching stage of the same persona, from `StageResult.read`: its tables
        ``estimates``, ``pairs`` and ``findings`` are used where they are there.
    gaps : sequence of Gap
        Outcomes without a panel; each becomes a check.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Fewest people in an arm.
    seed : int
        Of bands, bootstrap and permutations.

    Returns
    -------
    StageResult
        ``estimates`` (``p_adjusted`` over the headline estimates), ``checks``, the
        tables of `DidResult` with the columns ``program`` and ``outcome`` first,
        ``findings`` and ``triangulation`` (all outcomes of either design), and
        ``facts``: ``family``, ``level`` and ``answers``. ``not_applicable`` where
        neither design has anything to say.
    """
    results = [
        (panel, _estimate(panel, matched, alpha, min_group, seed)) for panel in panels
    ]
    compared = _triangulate(results, matched)
    if not results and not compared:
        why = "; ".join(dict.fromkeys(gap.reason for gap in gaps))
        return StageResult(
            stage=STAGE,
            status="not_applicable",
            reason=why or "no programme names this persona",
            checks=list_gaps(gaps),
            tables=_tabulate([], ()),
        )
    estimates: list[Estimate] = []
    checks = list(list_gaps(gaps))
    answers = []
    for panel, found in results:
        if isinstance(found, DidResult):
            estimates += found.estimates
            checks += [label_check(item, panel) for item in found.checks]
            answers.append(label_answer(panel, found.facts))
        else:
            reason = shorten_error(found)
            estimates.append(
                refuse_comparison(
                    panel,
                    reason,
                    hidden=isinstance(found, TooFewUnitsError),
                    stage=STAGE,
                    method=HEADLINE,
                    alpha=alpha,
                )
            )
            refusal = Check(check="comparison", passed=False, text=reason)
            checks.append(label_check(refusal, panel))
            answers.append(label_answer(panel, {"reason": reason}))
    checks += [_check_designs(item) for item in compared]
    headlines = sum(item.headline for item in estimates)
    return StageResult(
        stage=STAGE,
        estimates=adjust_family(estimates),
        checks=tuple(checks),
        tables=_tabulate(results, compared),
        facts={
            "family": f"{headlines} headline estimates of this persona in this stage"
            " (Benjamini-Hochberg)",
            "level": 1 - alpha,
            "answers": answers,
        },
    )


def _estimate(
    panel: Panel, matched: StageResult, alpha: float, min_group: int, seed: int
) -> DidResult | WorkbenchError:
    try:
        return estimate_did(
            panel,
            pairs=_pick(
                matched.tables.get("pairs"), panel.program.id, panel.outcome.id
            ),
            alpha=alpha,
            min_group=min_group,
            seed=seed,
        )
    except (DesignError, ConvergenceError) as error:
        return error


def _triangulate(
    results: Sequence[_Found], matched: StageResult
) -> tuple[Triangulation, ...]:
    """Compare the designs for every outcome that either of them has."""
    ours = {
        (panel.program.id, panel.outcome.id): found
        for panel, found in results
        if isinstance(found, DidResult)
    }
    theirs = _read_matched(matched)
    keys = dict.fromkeys([*theirs, *ours])
    return tuple(_compare(key, theirs.get(key), ours.get(key)) for key in keys)


def _compare(
    key: tuple[str, str], answer: Answer | None, found: DidResult | None
) -> Triangulation:
    return compare_designs(
        answer,
        None
        if found is None
        else Answer(
            estimate=found.headline,
            findings=found.findings,
            overturn=str(found.facts["overturn"]),
            reasons=found.reasons,
            last_move=found.last_move,
        ),
        program=key[0],
        outcome=key[1],
        **(
            {}
            if found is None
            else {"worth": found.worth, "prior_gap": found.prior_gap}
        ),
    )


def _read_matched(matched: StageResult) -> dict[tuple[str, str], Answer]:
    """Read the headline of every matched comparison, as published."""
    table = matched.tables.get("estimates", pd.DataFrame(columns=["method"]))
    rows = table[table["method"] == _MATCHED]
    if "subgroup_by" in rows.columns:
        rows = rows[rows["subgroup_by"].isna()]
    findings = read_findings(matched.tables.get("findings", tabulate_findings([])))
    said = {
        (str(item["program"]), str(item["outcome"])): str(item.get("overturn", ""))
        for item in matched.facts.get("answers", [])
    }
    found = {}
    for row in rows.to_dict("records"):
        key = str(row["program"]), str(row["outcome"])
        found[key] = Answer(
            estimate=_read_estimate(row),
            findings=findings.get(key, Findings(design="none")),
            overturn=said.get(key, ""),
        )
    return found


def _read_estimate(row: Mapping[Any, Any]) -> Estimate:
    """Turn a published row back into an estimate; missing texts become None."""
    given: dict[str, Any] = {
        str(name): (None if isinstance(value, type(pd.NA)) else value)
        for name, value in row.items()
    }
    for name in ("subgroup_by", "subgroup", "period", "meets_threshold"):
        given[name] = given[name] if isinstance(given.get(name), str) else None
    return Estimate(**given)


def _check_designs(item: Triangulation) -> Check:
    """Say as a check whether the designs agree."""
    return Check(
        check="designs_agree",
        passed=item.agree,
        value=item.difference,
        program=item.program,
        outcome=item.outcome,
        text=f"{item.verdict} {item.explanation}".strip(),
        advice="Show both; neither is averaged away." if item.agree is False else "",
    )


def _tabulate(
    results: Sequence[_Found], compared: Sequence[Triangulation]
) -> dict[str, pd.DataFrame]:
    """Return all tables of the stage, those without rows among them."""
    found = [
        (panel, item.tables) for panel, item in results if isinstance(item, DidResult)
    ]
    return {
        **stack_tables(found, _TABLES),
        "findings": _tabulate_findings(results),
        "triangulation": tabulate_triangulations(compared),
    }


def _tabulate_findings(results: Sequence[_Found]) -> pd.DataFrame:
    return tabulate_findings(
        (found.program, found.outcome, found.findings)
        for _, found in results
        if isinstance(found, DidResult)
    )


def _pick(
    table: pd.DataFrame | None, program: str, outcome: str
) -> pd.DataFrame | None:
    """Return a comparison's rows of a table, or None where there are none."""
    if table is None or not set(_KEY) <= set(table.columns):
        return None
    return table[(table["program"] == program) & (table["outcome"] == outcome)]
