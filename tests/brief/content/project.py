"""A small project with results as the stages leave them; every number is invented."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.core.results import Check, Estimate, StageResult
from workbench.core.store import write_json

QUARTER = "2026Q3"
BEFORE = "2026Q2"
Z = 1.959963984540054

WORKBENCH = """
name: Aldergrove <b>demo</b>
quarter: {first: 2024Q4, last: 2026Q3}
privacy: {lawful_basis: consent, min_group: 10, public_data: true}
"""
PERSONAS = """
- {id: leads, label: Team leads, where: "role = 'team_lead'", priority: 1,
   business_priority: high, need: to lead their first team}
- {id: newcomers, label: "Support, first year", priority: 2,
   where: "role = 'support' and tenure_days < 365"}
- {id: veterans, label: "Support, later years", where: "role = 'support'", priority: 3}
"""
PROGRAMS = """
- {id: leading, label: Leading people, personas: [leads], courses: [a, b, c],
   complete: {at_least: 2, min_score: 60}, assigned_by: team}
- {id: basics, label: Support basics, personas: [newcomers, veterans],
   courses: [d, e], complete: {at_least: 2}}
"""
OUTCOMES = """
- {id: performance_rating, label: Performance rating, source: performance.rating,
   kind: continuous, unit: rating points, threshold: {relative: 0.05},
   target: [0.05, 0.10]}
- {id: retention_12m, label: 12-month retention, source: exits.voluntary,
   kind: time_to_event, horizon_days: 365, threshold: {relative: 0.05},
   target: [0.05, 0.12]}
- {id: internal_mobility_12m, label: Internal moves, source: job_history.move,
   kind: binary}
- {id: skill_proficiency, label: Skill proficiency, kind: continuous,
   source: skill_assessments.proficiency, unit: points, threshold: {absolute: 3}}
- {id: parking_permit, label: Parking permit, source: employees.has_permit,
   kind: binary, negative_control: true}
"""
PROGRAM_OF = {"leads": "leading", "newcomers": "basics", "veterans": "basics"}
UNITS = {
    "performance_rating": "rating points",
    "skill_proficiency": "points",
}


def make_row(
    persona: str, outcome: str, value: float, error: float, **more: Any
) -> Estimate:
    """Make one estimate with normal interval; `baseline` 3 or 0.8 unless given."""
    unit = UNITS.get(outcome, "probability")
    baseline = more.pop("baseline", 0.8 if unit == "probability" else 3.0)
    low, high = value - Z * error, value + Z * error
    z = abs(value) / error if error else math.inf
    given = {
        "quarter": QUARTER,
        "persona": persona,
        "stage": "psm",
        "program": PROGRAM_OF[persona],
        "outcome": outcome,
        "estimand": "ATT",
        "method": "psm_nn",
        "estimate": value,
        "std_error": error,
        "ci_low": low,
        "ci_high": high,
        "p_value": math.erfc(z / math.sqrt(2)),
        "unit": unit,
        "n_treated": 100,
        "n_control": 100,
        "headline": True,
        "baseline": baseline,
        "relative_effect": value / baseline,
        "relative_ci_low": low / baseline,
        "relative_ci_high": high / baseline,
        "evidence": 2,
        "limitation": "Average over matched learners.",
    }
    return Estimate(**(given | more))


def make_plain(
    persona: str, outcome: str, value: float, error: float
) -> list[Estimate]:
    """Make the estimates beside a headline: naive and doubly robust."""
    plain = {"headline": False, "evidence": None}
    return [
        make_row(persona, outcome, 2.5 * value + error, error, method="naive", **plain),
        make_row(persona, outcome, value + error / 4, error, method="aipw", **plain),
    ]


def make_estimates(persona: str) -> tuple[Estimate, ...]:
    """Make one persona's estimates: gain, no effect, unclear, withheld, unanswered."""
    rating = {"leads": 0.30, "newcomers": 0.20, "veterans": 0.0}[persona]
    error = {"leads": 0.04, "newcomers": 0.05, "veterans": 0.05}[persona]
    learners = {"leads": 100, "newcomers": 300, "veterans": 20}[persona]
    rows = [
        make_row(persona, "performance_rating", rating, error, n_treated=learners),
        *make_plain(persona, "performance_rating", rating, error),
        make_row(persona, "retention_12m", 0.03, 0.03, n_treated=learners),
        make_row(
            persona,
            "parking_permit",
            0.01,
            0.02,
            headline=False,
            n_treated=learners,
            baseline=0.3,
        ),
    ]
    if persona == "leads":
        rows.append(make_row(persona, "internal_mobility_12m", -0.05, 0.01))
    if persona == "veterans":
        rows.append(
            make_row(persona, "skill_proficiency", 7.77, 1.0, n_treated=4, baseline=50)
        )
    if persona == "newcomers":
        nothing = dict.fromkeys(("ci_low", "ci_high", "p_value"), math.nan)
        rows.append(
            make_row(
                persona,
                "internal_mobility_12m",
                math.nan,
                math.nan,
                **nothing,
                limitation="Not answerable: Nobody learnt in these trials.",
            )
        )
    return tuple(rows)


def make_psm(persona: str) -> StageResult:
    """Make the matching stage of a persona."""
    key = {"program": PROGRAM_OF[persona], "outcome": "performance_rating"}
    balance = [
        {**key, "term": term, "site": "_all", "stage": stage, "smd": smd}
        for term, before, after in (("prior_rating", 0.6, 0.02), ("fte", -0.2, 0.03))
        for stage, smd in (("before", before), ("after", after))
    ]
    overlap = [
        {**key, "group": group, "low": low, "high": low + 0.5, "n": 50, "share": share}
        for group in ("learners", "others", "matched others")
        for low, share in ((0.0, 0.4), (0.5, 0.6))
    ]
    flow = [
        {**key, "step": "in the persona", "n_treated": 120, "n_control": 900},
        {**key, "step": "matched", "n_treated": 100, "n_control": 7},
    ]
    checks = (
        Check(check="overlap", passed=True, value=0.9, limit=0.5, **key),
        Check(check="power", passed=False, text="too few", advice="gather more", **key),
    )
    answers = [{**key, "for_whom": f"The effect is that of 100 of {persona}."}]
    variants = [
        {
            **key,
            "variant": place,
            "headline": place == 1,
            "sound": place < 5,
            "reading": "higher" if place < 4 else "no clear change",
            "estimate": 0.1 * place,
            "unit": "rating points",
        }
        for place in range(1, 7)
    ]
    groups = [
        {
            **key,
            "kind": kind,
            "attribute": "gender",
            "group": group,
            "reference": other,
            "estimate": value,
            "ci_low": value - 0.1,
            "ci_high": value + 0.1,
            "p_adjusted": 0.4,
            "n_treated": 50,
            "n_control": 50,
            "suppressed": hidden,
            "unit": "rating points",
            "level": 0.95,
        }
        for kind, group, other, value, hidden in (
            ("effect", "female", "", 0.3, False),
            ("effect", "male", "", 0.25, False),
            ("effect", "diverse", "", math.nan, True),
            ("difference", "female", "male", 0.05, False),
        )
    ]
    return StageResult(
        stage="psm",
        estimates=make_estimates(persona),
        checks=checks,
        tables={
            "balance": pd.DataFrame(balance),
            "overlap": pd.DataFrame(overlap),
            "flow": pd.DataFrame(flow),
            "specification": pd.DataFrame(variants),
            "subgroups": pd.DataFrame(groups),
        },
        facts={"answers": answers},
    )


def make_did(persona: str) -> StageResult:
    """Make the before-and-after stage of a persona: veterans disagree."""
    key = {"program": PROGRAM_OF[persona], "outcome": "performance_rating"}
    value = {"leads": 0.27, "newcomers": 0.18, "veterans": -0.30}[persona]
    learners = {"leads": 90, "newcomers": 280, "veterans": 20}[persona]
    agree = {"leads": "yes", "newcomers": "unclear", "veterans": "no"}[persona]
    grade = {"leads": 3, "newcomers": 2, "veterans": 1}[persona]
    matched = {"leads": 0.30, "newcomers": 0.20, "veterans": 0.0}[persona]
    headline = make_row(
        persona,
        "performance_rating",
        value,
        0.05,
        stage="did",
        method="did_cs",
        n_treated=learners,
        evidence=grade,
    )
    both = {
        **key,
        "unit": "rating points",
        "matched": matched,
        "matched_low": matched - 0.08,
        "matched_high": matched + 0.08,
        "did": value,
        "did_low": headline.ci_low,
        "did_high": headline.ci_high,
        "difference": matched - value,
        "ci_low": matched - value - 0.13,
        "ci_high": matched - value + 0.13,
        "p_value": 0.01 if agree == "no" else 0.7,
        "agree": agree,
        "stands": "matched",
        "grade": grade,
        "grade_text": f"{grade}: invented",
        "verdict": "The two designs were compared.",
        "choice": "Of the two, matching stands.",
        "explanation": "An odd <b>quarter</b> came before." if agree == "no" else "",
        "bracket": "The effect lies between -0.1 and 0.3." if agree == "no" else "",
        "overturn": "A cause twice as strong as prior rating would.",
    }
    curve = [
        {
            **key,
            "method": "did_cs",
            "event_time": time,
            "estimate": effect,
            "std_error": 0.05,
            "ci_low": effect - 0.1,
            "ci_high": effect + 0.1,
            "band_low": effect - 0.13,
            "band_high": effect + 0.13,
            "reference": False,
            "n_treated": learners,
            "unit": "rating points",
            "focus": time == 1,
        }
        for time, effect in ((-2, 0.01), (-1, -0.01), (0, value / 2), (1, value))
    ]
    flow = [
        {**key, "step": "in the persona", "n_treated": 120, "n_control": 900},
        {**key, "step": "outcome seen", "n_treated": learners, "n_control": 700},
    ]
    return StageResult(
        stage="did",
        estimates=(headline,),
        checks=(Check(check="pretrend", passed=True, value=0.4, limit=0.05, **key),),
        tables={
            "triangulation": pd.DataFrame([both]),
            "curves": pd.DataFrame(curve),
            "flow": pd.DataFrame(flow),
        },
        facts={"answers": [{**key, "for_whom": f"{learners} of 120 learners."}]},
    )


def make_audit() -> StageResult:
    """Make the audit."""
    quality = pd.DataFrame(
        [
            {
                "source": source,
                "table": table,
                "dimension": dimension,
                "value": value,
                "status": "pass" if value > 0.9 else "fail",
                "table_score": score,
                "source_score": score,
            }
            for source, table, score in (
                ("hris", "employees", 97.0),
                ("lms", "l", 55.0),
            )
            for dimension, value in (("completeness", score / 100), ("validity", 0.99))
        ]
    )
    coverage = {
        "kind": "consent",
        "table": "consent",
        "of": "learning_impact",
        "rows": 1000,
        "covered": 920,
        "share": 0.92,
        "text": "920 granted, 50 refused, 30 without a decision",
    }
    lineage = [
        {
            "table": "employees",
            "source": "hris",
            "file": f"hris/{part}.csv",
            "rows_in": 600,
            "rows_filtered": 10,
            "rows_mapped": 580,
            "rows_quarantined": 10,
        }
        for part in "ab"
    ]
    totals = {"name": "people", "source": "hris", "expected": 1200.0, "found": 1190.0}
    drift = {"table": "surveys", "column": "score", "kind": "mean", "value": 0.3}
    return StageResult(
        stage="audit",
        checks=(
            Check(
                check="table_surveys",
                passed=None,
                text="no table surveys: learner NPS switched off",
            ),
            Check(check="identifiers_dropped", passed=True, text="hris: name, email"),
            Check(check="score_lms", passed=False, text="55 of 100", advice="see lms"),
        ),
        tables={
            "quality": quality,
            "coverage": pd.DataFrame([coverage]),
            "lineage": pd.DataFrame(lineage),
            "control_totals": pd.DataFrame([{**totals, "ok": False}]),
            "quarantine": pd.DataFrame(
                [
                    {
                        "table": "employees",
                        "source": "hris",
                        "column": "hire_date",
                        "reason": "unknown_id",
                        "rows": 20,
                        "share": 0.02,
                    }
                ]
            ),
            "drift": pd.DataFrame(
                [{**drift, "limit": 0.2, "status": "warn", "text": "mean moved"}]
            ),
        },
        facts={
            "rows": {"employees": 1160, "surveys": 0},
            "rows_quarantined": 20,
            "consent": coverage["text"],
        },
    )


def make_personas() -> StageResult:
    """Make the personas stage."""
    personas = [
        {
            "persona": persona,
            "people": people,
            "share_kept": 0.9,
            "mean_tenure_days": 400.4,
            "mean_skill_gap": 12.0,
            "suppressed": False,
        }
        for persona, people in (("leads", 150), ("newcomers", 500), ("veterans", 90))
    ]
    access = [
        {
            "persona": "leads",
            "program": "leading",
            "group_by": "gender",
            "group": group,
            "n_eligible": people,
            "n_learners": people,
            "uptake": uptake,
            "ratio": ratio,
            "ratio_ci_low": ratio,
            "ratio_ci_high": ratio,
            "suppressed": hidden,
        }
        for group, people, uptake, ratio, hidden in (
            ("female", 70.0, 0.5, 1.4, False),
            ("male", 68.0, 0.35, 0.7, False),
            ("not recorded", math.nan, math.nan, math.nan, True),
        )
    ]
    baseline = {"persona": "leads", "program": "leading", "n": 300, "sd": 0.4}
    return StageResult(
        stage="personas",
        tables={
            "personas": pd.DataFrame(personas),
            "access": pd.DataFrame(access),
            "baseline": pd.DataFrame(
                [
                    {**baseline, "outcome": "retention_12m", "mean": 0.81, "unit": ""},
                    {
                        **baseline,
                        "outcome": "performance_rating",
                        "mean": 3.1,
                        "unit": "rating points",
                    },
                ]
            ),
        },
        facts={"people": 1000, "in_personas": 740},
    )


def write_params(root: Path) -> None:
    """Write the parameters of the organisation ``alder``."""
    folder = root / "params" / "alder"
    folder.mkdir(parents=True)
    (root / "notebooks").mkdir()
    for name, text in (
        ("workbench", WORKBENCH),
        ("personas", PERSONAS),
        ("programs", PROGRAMS),
        ("outcomes", OUTCOMES),
    ):
        (folder / f"{name}.yml").write_text(text)


def write_results(root: Path, quarter: str = QUARTER) -> None:
    """Write the results of all stages of a quarter."""
    base = root / "outputs" / "alder" / quarter
    make_audit().save(base / "_all" / "audit")
    make_personas().save(base / "_all" / "personas")
    for persona in PROGRAM_OF:
        for stage, made in (("psm", make_psm), ("did", make_did)):
            folder = base / persona / stage
            made(persona).save(folder)
            write_json(
                folder / "manifest.json",
                {"status": "done", "parameter_files": {"outcomes.yml": quarter}},
            )
        none = "no experiment tested this persona"
        quiet = StageResult(stage="ab", status="not_applicable", reason=none)
        quiet.save(base / persona / "ab")
        StageResult(stage="survival").save(base / persona / "survival")
