"""Sentences of a model card that hold its numbers."""

from __future__ import annotations

import math

from workbench.prescribe.predict.analysis import NO_BETTER, Predicted, helps
from workbench.prescribe.predict.drift import PREDICTION
from workbench.prescribe.predict.features import read_features
from workbench.prescribe.predict.importance import NOT_CAUSES
from workbench.prescribe.predict.measures import Measure
from workbench.prescribe.predict.proxies import find_proxies

__all__ = [
    "SIGNIFICANT",
    "describe_calibration",
    "describe_chances",
    "describe_drift",
    "describe_features",
    "describe_groups",
    "describe_importance",
    "describe_model",
    "describe_proxies",
    "describe_scores",
    "describe_use",
    "write_measure",
]

SIGNIFICANT = 0.05
"""Adjusted p-value below which a difference between groups is reported as one."""

_FIRST = 3
_METRICS = {
    "auc": "area under the ROC curve",
    "c_index": "concordance (C)",
    "r2": "share of variance explained (R²)",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "brier": "Brier score",
    "log_loss": "log loss",
    "log_score": "log score",
    "skill": "share of the loss saved against one prediction for everybody",
    "coverage": "share within limits set in advance",
    "mean_error": "observed less predicted",
    "calibration_slope": "calibration slope (ideal 1)",
    "calibration_intercept": "calibration in the large (ideal 0)",
}
_NEVER = "Protected attributes are no features; they are read to compare errors only."
_KINDS = {
    "binary": ("a penalised logistic regression", "gradient boosting"),
    "continuous": ("a ridge regression", "gradient boosting"),
    "time": ("a penalised Cox regression", "gradient boosting of monthly hazards"),
}


def write_measure(item: Measure) -> str:
    """Write a score with its interval."""
    name = _METRICS.get(item.metric, item.metric.replace("_", " "))
    if not math.isfinite(item.value):
        return f"{name} could not be computed"
    if not math.isfinite(item.low):
        return f"{name} {item.value:.3g}"
    return f"{name} {item.value:.3f} ({item.low:.3f} to {item.high:.3f})"


def describe_use(found: Predicted) -> str:
    """Say what a prediction is of, and over which time."""
    target = found.target
    if target.kind == "time":
        return (
            f"{target.label}: median days from the day after the data cut, for people "
            f"on the way, up to {target.horizon_days} days. Who leaves or changes role "
            "first is followed until then, and taken to have gone on like the others."
        )
    if target.kind == "binary":
        return (
            f"{target.label}: probability over {target.horizon_days} days from the day "
            "after the data cut. Only closed windows are read, so that nobody counts "
            "as an event merely because it came early."
        )
    return f"{target.label}: value of the quarter that begins ({target.unit})."


def describe_model(found: Predicted) -> str:
    """Say which model was chosen, and why."""
    simple, boosting = _KINDS[found.target.kind]
    gain = found.gain
    numbers = f"{gain.value:.4g} ({gain.low:.4g} to {gain.high:.4g})"
    if found.chosen == "boosting":
        why = f"{boosting}, as it loses less than {simple} beyond the error"
    else:
        why = f"{simple}, as {boosting} does not lose less beyond the error"
    return (
        f"Chosen: {why}; difference per held-out row {numbers}. It was then fitted in "
        "the same way to all rows whose outcome is known now; the scores are those of "
        "the fit to the earlier quarters."
    )


def describe_scores(found: Predicted) -> str:
    """Write discrimination and accuracy on the quarters held out."""
    shown = [
        item
        for item in found.best.scores
        if not item.metric.startswith("calibration") and item.metric != "coverage"
    ]
    text = "; ".join(write_measure(item) for item in shown)
    if not helps(found.best):
        text += f". It is {NO_BETTER}: use the average"
    return f"On {len(found.split.test):,} rows held out: {text}."


def describe_calibration(found: Predicted) -> str:
    """Write slope and intercept, and say what they mean."""
    shown = [
        item for item in found.best.scores if item.metric.startswith("calibration")
    ]
    text = "; ".join(write_measure(item) for item in shown)
    over = f" by day {found.day:.0f}" if found.day else ""
    return f"Predicted against observed by tenths of predictions{over}: {text}."


def describe_chances(found: Predicted) -> str:
    """Say what the limits of single predictions are worth."""
    if found.target.kind == "binary":
        return "None: a probability says itself how unsure it is."
    if found.target.kind == "time":
        return (
            "Set by how early and late people held out were against their predicted "
            "curve; a limit beyond the horizon is left empty."
        )
    covered = found.find("coverage")
    told = f" Tested in time: {write_measure(covered)}." if covered else ""
    return (
        "Split-conformal, from the absolute errors on rows held out: right on average "
        f"over people, not for each kind of person.{told}"
    )


def describe_importance(found: Predicted) -> str:
    """Write what goes with the outcome, and that it is no cause."""
    words = found.importance["effect_words"].head(_FIRST).tolist()
    return f"{'; '.join(words)}. {NOT_CAUSES}"


def describe_drift(found: Predicted) -> str:
    """Write which features moved since the last quarter."""
    table = found.drift
    moved = table.loc[table["status"] == "moved", "feature"].tolist()
    unsure = int((table["status"] == "too few").sum())
    text = (
        "Beyond chance since the last quarter: " + ", ".join(moved)
        if moved
        else "Nothing moved beyond chance since the last quarter"
    )
    more = f"; {unsure} could not be compared, for too few people" if unsure else ""
    again = " Predictions moved: fit again, and test." if PREDICTION in moved else ""
    return f"{text}{more}.{again}"


def describe_features(found: Predicted) -> str:
    """Name what is read, what is not, and why."""
    text = f"{', '.join(found.target.features)}. {_NEVER}"
    if not found.left_out:
        return text
    return (
        f"{text} Left out, as they moved a long way since the quarters that taught: "
        f"{', '.join(found.left_out)}."
    )


def describe_proxies(found: Predicted) -> str:
    """Name features from which protected attributes can partly be told."""
    target = found.target
    features = read_features(target.current, target.features)
    proxies = find_proxies(features, target.current[list(target.protected)])
    if not proxies:
        return (
            "No feature tells a protected attribute by much (Cramér's V below 0.2), "
            "though several together may."
        )
    named = "; ".join(
        f"{name} for {attribute} (V {value:.2f})" for name, attribute, value in proxies
    )
    return f"Features that partly tell a protected attribute: {named}."


def describe_groups(found: Predicted, *, min_group: int) -> str:
    """Say whether errors differ between protected groups beyond chance."""
    gaps = found.groups.gaps
    worse = [item for item in gaps if item.p_adjusted < SIGNIFICANT]
    hidden = found.groups.table
    small = bool(hidden["suppressed"].any()) if len(hidden) else False
    note = f" Groups of too few people or events (below {min_group}) are not shown."
    if not gaps:
        text = "Errors could not be compared between protected groups."
    elif worse:
        named = "; ".join(
            f"{_METRICS.get(item.metric, item.metric)} by {item.attribute} (largest "
            f"difference {item.spread:.3g}, adjusted p {item.p_adjusted:.2g})"
            for item in worse
        )
        text = f"Errors differ between groups beyond chance: {named}. Correct for it or"
        text += " do not use the predictions for these groups."
    else:
        text = (
            "No difference beyond chance between groups in "
            f"{len(gaps)} comparisons, which does not show that there is none."
        )
    return text + (note if small else "")
