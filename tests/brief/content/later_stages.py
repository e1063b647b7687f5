"""Experiments and follow-ups as their stages leave them; every number is invented."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from tests.brief.content.project import PROGRAM_OF, QUARTER, make_row
from workbench.core.results import StageResult

RATING = "performance_rating"
RETENTION = "retention_12m"
TEST = "exp-leading"
NUMBER = 0.4391
"""Half of every effect of the experiment; looked for where none may be shown."""


def save(root: Path, persona: str, result: StageResult) -> None:
    """Leave a stage's result in place of what was there."""
    folder = root / "outputs" / "alder" / QUARTER / persona / result.stage
    for path in folder.glob("*.parquet"):
        path.unlink()
    result.save(folder)


def make_experiment(
    persona: str = "leads", *, leaky: bool = False, **changed: Any
) -> StageResult:
    """Make the stage of experiments.

    Parameters
    ----------
    persona : str
        Whose.
    leaky : bool
        Whether numbers stay although the experiment is not read, as they must not.
    **changed
        Columns of the table ``experiments``; ``status`` decides what else is there.
    """
    key = {"program": PROGRAM_OF[persona], "outcome": RATING, "experiment": TEST}
    row = {
        **key,
        "design": "cluster",
        "status": "read",
        "started_on": "2026-01-01",
        "ended_on": "2026-06-30",
        "arms": "control, invited",
        "people": 208,
        "clusters": 24,
        "sample_ratio_p": 0.41,
        "registered": True,
        "deviations": "",
        "text": "Ratings were compared.",
        **changed,
    }
    full = leaky or row["status"] == "read"
    tables = {"experiments": pd.DataFrame([row])}
    tables |= _make_context(key)
    if full:
        tables |= _make_numbers(key)
    return StageResult(
        stage="ab", estimates=_make_effects(persona, full=full), tables=tables
    )


def _make_effects(persona: str, *, full: bool) -> tuple[Any, ...]:
    common = {"stage": "ab", "n_treated": 104, "n_control": 104}
    invited = {**common, "method": "ab_itt", "estimand": "ITT"}
    if not full:
        nothing = dict.fromkeys(
            ("ci_low", "ci_high", "p_value", "baseline", "relative_effect"), math.nan
        )
        nothing |= dict.fromkeys(("relative_ci_low", "relative_ci_high"), math.nan)
        return (
            make_row(
                persona,
                RATING,
                math.nan,
                math.nan,
                **(invited | nothing | {"evidence": 1}),
                limitation="The arms do not have the sizes they should.",
            ),
        )
    other = {"headline": False}
    return (
        make_row(persona, RATING, NUMBER, 0.06, **invited, evidence=5),
        make_row(
            persona, RATING, NUMBER, 0.05, **(invited | {"method": "ab_cuped"} | other)
        ),
        make_row(
            persona,
            RATING,
            2 * NUMBER,
            0.12,
            **(common | other),
            method="ab_iv",
            estimand="CACE",
            evidence=5,
        ),
        make_row(persona, RETENTION, NUMBER, 0.06, **(invited | other), evidence=None),
    )


def _make_context(key: dict[str, Any]) -> dict[str, pd.DataFrame]:
    arms = [
        {**key, "arm": arm, "people": 104, "clusters": 12, "observed": seen, **more}
        for arm, seen, more in (
            ("control", 0.97, {"learnt": 0.04}),
            ("invited", 0.96, {"learnt": 0.51}),
        )
    ]
    ratio = [
        {**key, "dimension": where, "level": level, "arm": arm, **counts}
        for where, level, arm, counts in (
            ("site", "north", "invited", _count(20, 60, 1e-6)),
            ("site", "south", "invited", _count(4, 9, 0.2)),
            ("everybody", "everybody", "control", _count(140, 104, 2e-5)),
            ("everybody", "everybody", "invited", _count(68, 104, 2e-5)),
        )
    ]
    return {"arms": pd.DataFrame(arms), "sample_ratio": pd.DataFrame(ratio)}


def _count(observed: float, expected: float, p_value: float) -> dict[str, float]:
    return {"observed": observed, "expected": expected, "p_value": p_value}


def _make_numbers(key: dict[str, Any]) -> dict[str, pd.DataFrame]:
    low, high = NUMBER - 0.1, NUMBER + 0.1
    guard = {**key, "outcome": RETENTION, "margin": 0.02, "registered": True}
    spread = {"low": low, "high": high}
    looks = [
        {
            **key,
            "day": day,
            "n": 50,
            "estimate": NUMBER,
            **spread,
            "fixed_low": low,
            "fixed_high": high,
        }
        for day in ("2026-04-01", "2026-04-08")
    ]
    power = [
        {
            **key,
            "effect": effect,
            "power": share,
            "n": 208,
            "clusters": 24,
            "achieved_mde": 0.18,
            "planned_effect": 0.12,
        }
        for effect, share in ((0.0, 0.05), (0.1, 0.4), (0.2, 0.87))
    ]
    bounds = "If those lost were as extreme as they can be: +0.20 to +0.40."
    return {
        "guardrails": pd.DataFrame(
            [{**guard, "estimate": -0.01, "low": -0.03, "high": 0.01, **_unclear()}]
        ),
        "looks": pd.DataFrame(looks),
        "power": pd.DataFrame(power),
        "bounds": pd.DataFrame([{**key, **spread, "text": bounds}]),
        "inference": pd.DataFrame([{**key, "method": "CR2", "std_error": 0.06}]),
    }


def _unclear() -> dict[str, str]:
    return {"verdict": "unclear"}


def make_survival(persona: str = "leads", **changed: Any) -> StageResult:
    """Make the stage over time: retention, more precise than matching has it."""
    key = {"program": PROGRAM_OF[persona], "outcome": RETENTION}
    effect, error = changed.pop("effect", 0.061), changed.pop("error", 0.012)
    grade = changed.pop("evidence", 2)
    own = {"stage": "survival", "estimand": "RD", "n_treated": 160, "n_control": 160}
    other = {**own, "headline": False, "evidence": None}
    estimates = (
        make_row(persona, RETENTION, effect, error, **own, method="km", evidence=grade),
        make_row(persona, RETENTION, 0.11, 0.01, **other, method="naive"),
        make_row(
            persona,
            RETENTION,
            9.0,
            3.0,
            **(other | {"unit": "days"}),
            method="rmst",
            baseline=330.0,
        ),
        make_row(
            persona,
            RETENTION,
            0.62,
            0.1,
            **(other | {"unit": "ratio"}),
            method="cox",
            baseline=1.0,
        ),
    )
    levels = [
        {
            "measure": measure,
            "program": key["program"],
            "period": "",
            "value": value,
            "low": low,
            "high": high,
            "std_error": (high - low) / 3.92,
            "n": n,
            "unit": unit,
            "target": target,
            "note": "A level, not an effect.",
        }
        for measure, value, low, high, n, unit, target in (
            ("learner_nps", 31.0, 24.0, 38.0, 210, "points", math.nan),
            ("manager_actions", 0.42, 0.35, 0.49, 150, "share", 0.5),
        )
    ]
    expected = [
        {
            **key,
            "trial": "2026Q1",
            "arm": arm,
            "observed_days": 183.0,
            "horizon": 365,
            "observed": 0.94,
            "predicted": share,
            "low": share - 0.05 if share == share else math.nan,
            "high": share + 0.05 if share == share else math.nan,
            "extrapolated": True,
            "suppressed": hidden,
            "note": "",
        }
        for arm, share, hidden in (
            ("learners", 0.777, False),
            ("others", math.nan, True),
        )
    ]
    tables = {
        "curves": make_curves(key),
        "levels": pd.DataFrame(levels),
        "extrapolated": pd.DataFrame(expected),
    }
    tables["datings"] = pd.DataFrame(
        [
            {**key, "dating": dating, "hazard_ratio": ratio}
            | {"ratio_low": ratio - 0.1, "ratio_high": ratio + 0.1}
            for dating, ratio in (
                ("naive", 0.38),
                ("landmark", 0.44),
                ("time-varying", 0.71),
            )
        ]
    )
    return StageResult(stage="survival", estimates=estimates, tables=tables | changed)


def make_curves(key: dict[str, Any], *, last: float = 365.0) -> pd.DataFrame:
    """Make the curves of staying and of other exits, of both arms."""
    rows = [
        {
            **key,
            "arm": arm,
            "cause": cause,
            "kind": kind,
            "time": time,
            "estimate": share if time <= last else math.nan,
            "low": share - 0.02 if time <= last else math.nan,
            "high": min(share + 0.02, 1.0) if time <= last else math.nan,
            "at_risk": 160 - round(time / 3),
            "horizon": 365,
            "extrapolated": False,
        }
        for cause, kind in (("resignation", "survival"), ("other exit", "incidence"))
        for arm, slope in (("learners", 0.08), ("others", 0.14))
        for time in (0.0, 91.0, 182.0, 274.0, 365.0)
        for share in (
            1 - slope * time / 365 if kind == "survival" else slope * time / 730,
        )
    ]
    return pd.DataFrame(rows).astype({"at_risk": "Int64"})
