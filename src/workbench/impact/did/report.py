"""What before-and-after says in words, and its rows for the results tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.results import Estimate
from workbench.impact.did.averages import Family
from workbench.impact.did.bands import Bands
from workbench.impact.did.designs import HEADLINE, Designs
from workbench.impact.did.sensitivity import Sensitivity, describe_sensitivity
from workbench.impact.effects import Effect, describe_unit, make_estimate
from workbench.impact.evidence import Findings, grade_evidence

__all__ = ["STAGE", "describe_design", "publish_designs", "tabulate_curves"]

STAGE = "did"

_CURVE = [
    "method",
    "event_time",
    "estimate",
    "std_error",
    "ci_low",
    "ci_high",
    "band_low",
    "band_high",
    "reference",
    "n_treated",
    "unit",
    "focus",
]
_LIMITATIONS: Mapping[str, str] = {
    "did_cs_earlier": "As the headline, measured from two quarters before learning.",
    "did_cs_never": "As the headline, against people who never learnt only.",
    "did_cs_unadjusted": "As the headline, trends parallel for all people alike.",
    "did_matched": "Matching on past outcomes can itself feign a change.",
    "did_2x2": "Plain changes of learners and others, without covariates.",
    "did_cs_simple": "All quarters since learning; long-learnt people count more.",
    "did_cs_dynamic": "Plain average over quarters since learning.",
    "did_cs_group": "Average over learners, each over the quarters observed.",
    "did_cs_calendar": "Plain average over calendar quarters.",
    "did_twfe": "Compares later with earlier learners, which can mislead.",
    "did_sun_abraham": "All quarters since learning, against people who never learnt.",
}


def describe_design(
    panel: Panel,
    designs: Designs,
    sensitivity: Sensitivity | None,
    findings: Findings,
) -> dict[str, Any]:
    """Put the definitions and findings into words.

    Returns
    -------
    dict
        ``for_whom``, ``learners``, ``error``, ``std_error``, ``overturn``,
        ``evidence``; JSON only.
    """
    headline = designs.headline
    starts = panel.frame.drop_duplicates("unit")["first_treat"]
    learners = int(starts.isin(panel.exposures).sum())
    overturn = (
        describe_sensitivity(sensitivity, unit=describe_unit(panel.outcome))
        if sensitivity
        else "Too few quarters lie before learning to say what would overturn it."
    )
    return {
        "for_whom": f"The effect is that of {headline.n_treated} of {learners} "
        "learners: those whose outcome is known in the quarter before learning and in "
        "the one that is read.",
        "learners": learners,
        "error": headline.error,
        "std_error": headline.std_error,
        "overturn": overturn,
        "evidence": grade_evidence(findings).text,
    }


def publish_designs(
    panel: Panel,
    designs: Designs,
    facts: Mapping[str, Any],
    findings: Findings,
    *,
    alpha: float,
) -> tuple[Estimate, ...]:
    """Turn every design into rows, headline first, then event times and quarters."""
    own = (
        f"Average over {designs.headline.n_treated} of {facts['learners']} learners; "
        "assumes that without learning they would have changed as others did."
    )
    grade = None if panel.outcome.negative_control else grade_evidence(findings).value
    rows = []
    for method, effect in designs.effects.items():
        headline = method == HEADLINE
        rows.append(
            make_estimate(
                effect,
                panel,
                stage=STAGE,
                alpha=alpha,
                headline=headline and not panel.outcome.negative_control,
                limitation=own if headline else _LIMITATIONS.get(method, ""),
                evidence=grade if headline else None,
            )
        )
    rows += _publish_periods(panel, designs, alpha=alpha)
    return tuple(rows)


def tabulate_curves(
    panel: Panel, designs: Designs, bands: Bands | None
) -> pd.DataFrame:
    """Return the event studies as points with intervals and simultaneous bands.

    Returns
    -------
    DataFrame
        ``method`` (``did_cs``, ``did_event_study``, ``did_sun_abraham``),
        ``event_time``, ``estimate``, ``std_error``, ``ci_low``, ``ci_high``,
        ``band_low``, ``band_high`` (missing where a method has none), ``reference``,
        ``n_treated``, ``unit``, ``focus`` (true at the event time of the headline).
    """
    parts = []
    if designs.course is not None and bands is not None:
        counts = designs.course.table.set_index("term")["n_treated"]
        names = {"term": "event_time", "value": "estimate"}
        names |= {"low": "ci_low", "high": "ci_high"}
        own = bands.table.rename(columns=names)
        parts.append(
            own.assign(method=HEADLINE, n_treated=own["event_time"].map(counts))
        )
    for method, study in designs.event_studies.items():
        parts.append(study.table.assign(method=method))
    if not parts:
        return pd.DataFrame(columns=_CURVE)
    curves = pd.concat([part.reindex(columns=_CURVE) for part in parts])
    return curves.assign(
        unit=describe_unit(panel.outcome), focus=curves["event_time"] == panel.lag
    ).reset_index(drop=True)


def _publish_periods(panel: Panel, designs: Designs, *, alpha: float) -> list[Estimate]:
    """Return rows by event time and by calendar quarter."""
    rows = []
    for method, family in (
        ("did_cs_dynamic", designs.course),
        ("did_cs_calendar", designs.calendar),
    ):
        if family is None:
            continue
        for item in family.table.to_dict("records"):
            if item["reference"]:
                continue
            place = int(item["term"])
            label = (
                f"{place:+d}"
                if method == "did_cs_dynamic"
                else panel.periods[place - 1]
            )
            rows.append(
                make_estimate(
                    _read_term(family, item, designs, method),
                    panel,
                    stage=STAGE,
                    alpha=alpha,
                    period=label,
                    limitation=_LIMITATIONS[method],
                )
            )
    return rows


def _read_term(
    family: Family, item: Mapping[Any, Any], designs: Designs, method: str
) -> Effect:
    """Return one term of a family; its baseline is not known."""
    nothing = float("nan")
    return Effect(
        method=method,
        estimand="ATT",
        value=float(item["value"]),
        std_error=float(item["std_error"]),
        df=family.df,
        baseline=nothing,
        baseline_variance=nothing,
        covariance=nothing,
        n_treated=int(item["n_treated"]),
        n_control=int(item["n_control"]),
        n_clusters=designs.group_time.n_clusters,
        error=designs.headline.error,
    )
