"""Portfolio, prediction and prescription as their stages leave them; all invented."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from tests.brief.content.project import PROGRAM_OF, QUARTER
from workbench.core.results import StageResult

PERSON = "0123456789abcdef0123456789abcdef"
HIDDEN = 8.31
"""A number on too few people; looked for where it may not be shown."""

NAN = math.nan

# persona, module, title, decision, impact, low, high, passed, skipped, identified
MODULES = (
    ("leads", "a", "Giving feedback", "boost", 1.2, 0.5, 1.9, 150, 40, True),
    ("leads", "b", "Hard <b>closing</b>", "retire", -0.9, -1.5, -0.3, 140, 50, True),
    ("leads", "c", "Planning a week", "keep", NAN, NAN, NAN, 190, 0, False),
    ("newcomers", "d", "First calls", "watch", 0.1, -0.3, 0.5, 280, 60, True),
    ("newcomers", "e", "Ticket tools", "watch", 0.4, -0.9, 1.7, 260, 80, True),
    ("veterans", "d", "First calls", "boost", HIDDEN, 7.9, 8.8, 90, 4, True),
    ("veterans", "e", "Ticket tools", "watch", -0.2, -1.4, 1.0, 80, 14, True),
)


def save_prescribed(root: Path, quarter: str = QUARTER) -> None:
    """Leave the results of all three stages."""
    base = root / "outputs" / "alder" / quarter
    make_portfolio().save(base / "_all" / "portfolio")
    make_prediction().save(base / "_all" / "prediction")
    for persona in PROGRAM_OF:
        make_prescription(persona).save(base / persona / "prescription")


def make_modules() -> pd.DataFrame:
    """Make the table of modules: every way that a module can turn out."""
    rows = []
    for persona, module, title, decision, *numbers in MODULES:
        impact, low, high, passed, skipped, identified = numbers
        rows.append(
            {
                "persona": persona,
                "program": PROGRAM_OF[persona],
                "module": module,
                "title": title,
                "modality": "self_paced",
                "impact": impact,
                "impact_low": low,
                "impact_high": high,
                "raw_impact": impact * 1.3,
                "raw_std_error": 0.4 if identified else NAN,
                "effort_hours": 2.5,
                "cost": 120.0,
                "currency": "EUR",
                "ratio": impact * 4,
                "ratio_low": low * 4,
                "ratio_high": high * 4,
                "decision": decision,
                "reason": f"{decision}: invented for {module}.",
                "identified": identified,
                "explore": decision == "watch",
                "n_passed": passed,
                "n_skipped": skipped,
                "skills": ["coaching"],
                "prerequisites": [],
            }
        )
    return pd.DataFrame(rows)


def make_portfolio() -> StageResult:
    """Make the portfolio: a path, one with nothing to learn, and none that fits."""
    modules = make_modules()
    effects = modules[["persona", "program", "module", "n_passed", "n_skipped"]].assign(
        outcome="performance_rating",
        unit="rating points",
        method="aipw",
        headline=True,
        estimate=modules["impact"] / 5,
        std_error=0.05,
        ci_low=modules["impact_low"] / 5,
        ci_high=modules["impact_high"] / 5,
        identified=modules["identified"],
        limitation="",
    )
    steps = [
        {
            "persona": persona,
            "program": PROGRAM_OF[persona],
            "position": place,
            "module": row.module,
            "title": row.title,
            "modality": "self_paced",
            "effort_hours": 2.5,
            "cost": 120.0,
            "impact": row.impact,
            "impact_low": row.impact_low,
            "impact_high": row.impact_high,
            "explore": module != "a",
            "reason": f"closes the gap {place}",
            "practice": f"Try {module} on <i>Monday</i>",
            "behaviour": "coaching_talk",
            "coaching_prompt": f"How did {module} go?",
        }
        for persona, place, module in (
            ("leads", 2, "c"),
            ("leads", 1, "a"),
            ("veterans", 1, "d"),
        )
        for row in modules.itertuples()
        if (row.persona, row.module) == (persona, module)
    ]
    summary = [
        _make_summary("leads", "optimal", 1.3, 0.4, 2.2, 120, "Hours are all used."),
        _make_summary("newcomers", "nothing to learn", NAN, NAN, NAN, 0, ""),
        _make_summary(
            "veterans", "infeasible", NAN, NAN, NAN, 0, "2 hours are too few for d."
        ),
    ]
    return StageResult(
        stage="portfolio",
        tables={
            "modules": modules,
            "module_effects": effects,
            "paths": pd.DataFrame(steps),
            "path_summary": pd.DataFrame(summary),
        },
    )


def _make_summary(
    persona: str,
    status: str,
    impact: float,
    low: float,
    high: float,
    seats: int,
    text: str,
) -> dict[str, Any]:
    return {
        "persona": persona,
        "program": PROGRAM_OF[persona],
        "n_modules": 2,
        "hours": 5.0,
        "cost": 240.0,
        "impact": impact,
        "impact_low": low,
        "impact_high": high,
        "seats": seats,
        "eligible": 140,
        "status": status,
        "text": text,
    }


def make_prediction() -> StageResult:
    """Make the predictions: one that sorts, one that does not, one of a value."""
    scores = [
        _make_score("retention_12m", "simple", "auc", 0.71, 0.66, 0.76, True),
        _make_score("retention_12m", "boosting", "auc", 0.70, 0.65, 0.75, False),
        _make_score("internal_mobility_12m", "boosting", "auc", 0.53, 0.44, 0.6, True),
        _make_score("performance_rating", "simple", "r2", 0.31, 0.25, 0.36, True),
        _make_score("performance_rating", "simple", "mae", 0.33, 0.31, 0.35, True),
    ]
    bins = [
        {
            "target": target,
            "model": model,
            "bin": place,
            "predicted": predicted,
            "observed": 0.1 * place,
            "low": 0.1 * place - 0.04,
            "high": 0.1 * place + 0.04,
            "n": 80,
        }
        for target, model, shift in (
            ("retention_12m", "simple", 0.0),
            ("internal_mobility_12m", "boosting", 0.2),
        )
        for place in (1, 2, 3)
        for predicted in (0.1 * place + (shift if place == 3 else 0.0),)
    ]
    return StageResult(
        stage="prediction",
        tables={
            "predictions": pd.DataFrame(
                [{"unit": PERSON, "persona": "leads", "prediction": 0.987}]
            ),
            "scores": pd.DataFrame(scores),
            "calibration": pd.DataFrame(bins),
            "importance": pd.DataFrame(
                [
                    {
                        "target": "retention_12m",
                        "feature": "tenure_days",
                        "mean_abs_shap": 0.3,
                        "effect_words": "higher tenure days goes with <b>more</b>",
                    }
                ]
            ),
            "drift": pd.DataFrame(
                [
                    {
                        "target": "retention_12m",
                        "feature": "prior_kpi",
                        "psi": 0.4,
                        "limit": 0.2,
                        "status": "moved",
                    }
                ]
            ),
            "outlook": pd.DataFrame(
                [
                    _make_outlook("leads", "retention_12m", 0.9, 0.86, 0.94, 150),
                    _make_outlook("leads", "performance_rating", 3.2, 3.1, 3.3, 150),
                    _make_outlook("veterans", "retention_12m", HIDDEN, 0.1, 0.9, 4),
                ]
            ),
            "cards": pd.DataFrame(
                [
                    {
                        "target": "retention_12m",
                        "section": "intended_use",
                        "text": "Planning & nothing else.",
                    }
                ]
            ),
        },
        facts={"targets": [{"target": "retention_12m", "label": "Staying a year"}]},
    )


def _make_outlook(
    persona: str, target: str, value: float, low: float, high: float, people: int
) -> dict[str, Any]:
    return {
        "persona": persona,
        "target": target,
        "n": people,
        "expected": value,
        "low": low,
        "high": high,
        "unit": "rating points" if target == "performance_rating" else "probability",
        "suppressed": False,
    }


def _make_score(
    target: str,
    model: str,
    metric: str,
    value: float,
    low: float,
    high: float,
    chosen: bool,
) -> dict[str, Any]:
    return {
        "target": target,
        "model": model,
        "metric": metric,
        "value": value,
        "low": low,
        "high": high,
        "n": 400,
        "chosen": chosen,
    }


def make_actions(*cells: tuple[str, str, int]) -> pd.DataFrame:
    """Make recommendations for so many people per kind and reason."""
    rows = [
        {
            "action_id": f"{kind}-{number}",
            "unit": f"{PERSON[:-6]}{place}{number:05d}",
            "team": PERSON,
            "action": kind,
            "reason_code": reason,
            "reason": f"A gap of {number} points.",
            "title": "A task",
            "effective_on": "2026-10-07",
            "expires_on": "2026-10-13",
            "status": "approved" if number < 20 else "proposed",
            "signed_by": "boss",
        }
        for place, (kind, reason, people) in enumerate(cells)
        for number in range(people)
    ]
    return pd.DataFrame(rows)


def make_prescription(persona: str) -> StageResult:
    """Make a prescription: clearly better for leads, worse for newcomers, else open."""
    gain = {"leads": 0.3, "newcomers": -0.3, "veterans": 0.05}[persona]
    policies = [
        {
            "policy": policy,
            "label": policy,
            "share": share,
            "value": 0.4 + more,
            "std_error": 0.05,
            "low": 0.3 + more,
            "high": 0.5 + more,
            "gain_over_current": more,
            "gain_low": more - 0.1,
            "gain_high": more + 0.1,
            "unit": "thresholds",
        }
        for policy, share, more in (
            ("current", 0.4, 0.0),
            ("random", 0.4, -0.05),
            ("chosen", 0.4, gain),
            ("top_risk", 0.4, 0.02),
            ("everyone", 1.0, 0.6),
        )
    ]
    price = 0.06 if persona == "leads" else 0.0
    frontier = [
        {
            "attribute": attribute,
            "floor": floor,
            "value": 0.7 - floor * price,
            "value_low": 0.6 - floor * price,
            "value_high": 0.8 - floor * price,
            "price": floor * price,
            "selection_ratio": max(floor, 0.7),
        }
        for attribute in ("gender", "shift")
        for floor in (0.0, 0.5, 1.0)
    ]
    access = [
        {
            "kind": kind,
            "attribute": "gender",
            "group": group,
            "n": people,
            "selected": selected,
            "rate": selected / people,
            "rate_low": 0.1,
            "rate_high": 0.9,
            "ratio": ratio,
            "ratio_low": ratio - 0.15,
            "ratio_high": ratio + 0.15,
            "reference": "late",
            "verdict": "falls short" if ratio > 1.35 else "cannot tell",
            "suppressed": hidden,
        }
        for kind, shift in (("prescribed", 0.0), ("taken_up", 0.1))
        for group, people, selected, ratio, hidden in (
            ("female", 70, 20, 0.7 + shift, False),
            ("male", 80, 40, 1.4 - shift, False),
            ("diverse", 6, 3, HIDDEN, False),
            ("not recorded", 30, 20, HIDDEN, True),
        )
    ]
    sorts = persona == "leads"
    heterogeneity = {
        "test": "autoc",
        "value": 0.2 if sorts else -0.01,
        "std_error": 0.05,
        "p_value": 0.001 if sorts else 0.8,
        "passed": sorts,
        "text": "Those first in line gain more." if sorts else "It sorts nobody.",
    }
    return StageResult(
        stage="prescription",
        tables={
            "policies": pd.DataFrame(policies),
            "frontier": pd.DataFrame(frontier),
            "access": pd.DataFrame(access),
            "heterogeneity": pd.DataFrame([heterogeneity]),
            "actions": make_actions(
                ("path_module", "gap_persists", 45),
                ("coaching_task", "no_follow_up", 12),
                ("assessment", "not_assessed", 3),
                ("practice", "fades", 4),
            ),
        },
        facts={
            "ranking": "need" if persona == "newcomers" else "predicted",
            "ranking_text": "Seats go by <b>need</b>.",
            "tree": ["Give it to people with skill gap above 9 points."]
            if persona == "leads"
            else [],
        },
    )
