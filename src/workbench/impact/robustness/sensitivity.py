"""What a cause nobody measured would have to be like to overturn a matched effect."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.results import Check
from workbench.impact.design_matrix import Design
from workbench.impact.effects import Effect
from workbench.impact.matching import Matches
from workbench.impact.robustness.benchmarks import (
    COLUMNS,
    Benchmark,
    make_row,
    measure_base,
    rank_benchmarks,
)
from workbench.impact.robustness.e_value import (
    EValue,
    approximate_ratio,
    measure_e_value,
)
from workbench.impact.robustness.hidden_bias import HiddenBias, measure_hidden_bias
from workbench.impact.robustness.omitted import (
    find_robustness_value,
    measure_partial_r2,
)
from workbench.impact.robustness.overturn import describe_overturn, join_names
from workbench.impact.robustness.strengths import Regressed
from workbench.impact.sample import Sample

__all__ = ["Sensitivity", "analyse_sensitivity"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """How much confounding a headline withstands.

    Attributes
    ----------
    table : DataFrame
        ``kind``, ``name``, ``strength``, ``estimate``, ``ci_low``, ``ci_high``,
        ``p_value``, ``r2_treatment``, ``r2_outcome``, ``unit``, ``text``. Kinds:
        ``headline``; ``benchmark`` (the estimate left if a hidden cause were
        ``strength`` times as strong as the covariate ``name``); ``breaking`` (the
        multiple at which the interval holds 0); ``robustness_value`` and
        ``partial_r2``; ``hidden_bias`` (largest p-value, and range of the
        Hodges-Lehmann estimate, at the odds ratio ``strength``); ``critical_gamma``;
        ``e_value``.
    robust : bool or None
        Whether the interval still leaves out 0 if a hidden cause were as strong as
        the strongest covariate; None if no covariate can be compared with.
    checks : tuple of Check
        ``hidden_cause`` and ``hidden_bias``.
    facts : mapping
        ``sensitivity`` and ``overturn`` (sentences), ``strongest`` (covariate),
        ``breaking_strength``, ``gamma``, ``e_value``, ``robustness_value`` (numbers, or
        None where they do not exist).
    """

    table: pd.DataFrame
    robust: bool | None
    checks: tuple[Check, ...]
    facts: Mapping[str, Any]


def analyse_sensitivity(
    sample: Sample,
    design: Design,
    matches: Matches,
    headline: Effect,
    *,
    terms: Sequence[str],
    wide: Sequence[str],
    binary: bool,
    unit: str = "",
    unmeasured: Sequence[str] = (),
    alpha: float = 0.05,
) -> Sensitivity:
    """Say how strong a hidden cause must be to overturn the headline.

    Parameters
    ----------
    sample, design, matches
        The comparison.
    headline : Effect
        Its effect.
    terms, wide : sequence of str
        Covariate terms of the headline's regression, and of the one over all rows.
    binary : bool
        Whether the outcome is yes or no.
    unit : str
        Of the outcome; kept in the table.
    unmeasured : sequence of str
        Names of causes that nobody measured, for the sentences.
    alpha : float
        One less the level of the interval.

    Returns
    -------
    Sensitivity
        Table, verdict, checks and sentences.

    Notes
    -----
    Matching makes covariates alike, so that in the matched sample none of them seems to
    drive learning. How strongly a covariate drives learning and the outcome is
    therefore measured in the regression over all rows; the bias that a hidden cause so
    strong would give to that regression, in the outcome's unit, is taken off the
    headline. Its error grows by what the hidden cause shares with learning, and is not
    reduced by what it would explain of the outcome. Strengths, robustness value and
    partial R2 are shares of what the covariates leave in that regression.
    """
    base = measure_base(sample, design, wide)
    quantile = headline.quantile(alpha)
    benchmarks = rank_benchmarks(headline, base, quantile)
    hidden = measure_hidden_bias(
        sample,
        matches,
        design.matrix(terms),
        binary=binary,
        negative=headline.value < 0,
        alpha=alpha,
    )
    ratio = _measure_ratio(sample, matches, headline, binary=binary, alpha=alpha)
    shares = _measure_shares(headline, base, quantile)
    rows = [
        make_row("headline", strength=0.0, **_interval(headline, quantile)),
        *(row for item in benchmarks for row in item.rows),
        *shares[1],
        *hidden.rows,
        *_list_ratio(ratio),
    ]
    held = abs(headline.value) <= quantile * headline.std_error
    strongest = benchmarks[0] if benchmarks else None
    robust = None if strongest is None else bool(strongest.breaking > 1)
    facts = _write_facts(strongest, hidden, ratio, shares[0], unmeasured)
    facts["overturn"] = describe_overturn(
        strongest=facts["strongest"],
        breaking=0.0 if held else (strongest.breaking if strongest else math.nan),
        gamma=hidden.critical,
        unmeasured=unmeasured,
    )
    return Sensitivity(
        table=pd.DataFrame(rows, columns=list(COLUMNS)).assign(unit=unit),
        robust=robust,
        checks=(_check_cause(strongest, held), hidden.check(held=held)),
        facts=facts,
    )


def _measure_shares(
    headline: Effect, base: Regressed, quantile: float
) -> tuple[tuple[float, float], list[dict[str, Any]]]:
    """Return the robustness values of estimate and interval, and their rows."""
    known = {"std_error": base.std_error, "df": base.df}
    point = find_robustness_value(headline.value, **known)
    limit = find_robustness_value(
        headline.value, **known, quantile=quantile, error=headline.std_error
    )
    part = measure_partial_r2(headline.value, **known)
    rows = [
        make_row(
            "robustness_value",
            name=name,
            r2_treatment=value,
            r2_outcome=value,
            text=f"a hidden cause that explains {value:.1%} of what the covariates "
            f"leave of learning and of the outcome brings the {name} to 0",
        )
        for name, value in (("estimate", point), ("interval", limit))
    ]
    rows.append(
        make_row(
            "partial_r2",
            name="estimate",
            r2_treatment=part,
            r2_outcome=1.0,
            text=f"a hidden cause that explains all the rest of the outcome needs "
            f"{part:.1%} of learning to bring the estimate to 0",
        )
    )
    return (point, limit), rows


def _measure_ratio(
    sample: Sample, matches: Matches, headline: Effect, *, binary: bool, alpha: float
) -> EValue | None:
    """Return the E-value, or None where there is no risk ratio."""
    if binary:
        share, low, high = headline.relative(alpha)
        if math.isnan(share) or headline.baseline <= 0 or share <= -1:
            return None
        return measure_e_value(1 + share, 1 + low, 1 + high)
    others = sample.outcome[(matches.weights > 0) & ~sample.treated]
    deviation = float(np.std(others, ddof=1)) if len(others) > 1 else 0.0
    if deviation == 0:
        return None
    low, high = headline.interval(alpha)
    return measure_e_value(
        *(
            approximate_ratio(x, deviation=deviation)
            for x in (headline.value, low, high)
        )
    )


def _list_ratio(ratio: EValue | None) -> Iterator[dict[str, Any]]:
    if ratio is None:
        text = "the mean without learning is too near 0 for a risk ratio"
        yield make_row("e_value", name="estimate", text=text)
        return
    for name, value in (("estimate", ratio.point), ("interval", ratio.limit)):
        yield make_row(
            "e_value",
            name=name,
            strength=value,
            estimate=ratio.ratio,
            ci_low=ratio.ratio_low,
            ci_high=ratio.ratio_high,
            text="estimate and interval as a risk ratio; the strength is the risk "
            "ratio that a hidden cause needs with learning and with the outcome",
        )


def _write_facts(
    strongest: Benchmark | None,
    hidden: HiddenBias,
    ratio: EValue | None,
    shares: tuple[float, float],
    unmeasured: Sequence[str],
) -> dict[str, Any]:
    """Put the numbers into words; nothing that JSON cannot hold."""
    parts = []
    if strongest is not None:
        first = strongest.rows[1]
        if not math.isnan(first["estimate"]):
            parts.append(
                f"Had a cause as strong as {strongest.strength.name.replace('_', ' ')} "
                f"been left out, the effect would be {first['estimate']:.3g} "
                f"({first['ci_low']:.3g} to {first['ci_high']:.3g})."
            )
    parts.append(
        f"A hidden cause that explains {shares[0]:.1%} of what the covariates leave of "
        f"both learning and the outcome would bring the estimate to 0; {shares[1]:.1%} "
        "are enough for its interval."
    )
    parts.append(hidden.text)
    if ratio is not None:
        parts.append(f"E-value {ratio.point:.2f}, {ratio.limit:.2f} for the interval.")
    if unmeasured:
        parts.append(
            f"Declared as causes and measured by nobody: {join_names(unmeasured)}."
        )
    return {
        "sensitivity": " ".join(parts),
        "strongest": "" if strongest is None else strongest.strength.name,
        "breaking_strength": None if strongest is None else _keep(strongest.breaking),
        "gamma": _keep(hidden.critical),
        "e_value": None if ratio is None else _keep(ratio.point),
        "robustness_value": shares[0],
    }


def _check_cause(strongest: Benchmark | None, held: bool) -> Check:
    """Check that a cause as strong as the strongest covariate leaves an effect."""
    if strongest is None or held:
        why = (
            "The interval holds 0 without any hidden cause."
            if held
            else "No covariate to compare a hidden cause with."
        )
        return Check(check="hidden_cause", passed=None, text=why)
    fine = strongest.breaking > 1
    words = strongest.strength.name.replace("_", " ")
    return Check(
        check="hidden_cause",
        passed=fine,
        value=min(strongest.breaking, 100.0),
        limit=1.0,
        text=f"A hidden cause as strong as {words}, the strongest covariate, would "
        f"{'leave the interval clear of 0' if fine else 'bring the interval to 0'}.",
        advice="" if fine else "Trust it only with a second design.",
    )


def _interval(headline: Effect, quantile: float) -> dict[str, float]:
    value, half = headline.value, quantile * headline.std_error
    return {"estimate": value, "ci_low": value - half, "ci_high": value + half}


def _keep(value: float) -> float | None:
    return value if math.isfinite(value) else None
