"""What an experiment says as rows of the table of estimates."""

from __future__ import annotations

import math
from dataclasses import replace

from workbench.core.results import Estimate
from workbench.impact.effects import Effect, make_empty_estimate, make_estimate
from workbench.impact.evidence import Grade
from workbench.impact.experiment.analysis import Reading
from workbench.impact.experiment.compliance import CACE
from workbench.impact.experiment.randomised import ADJUSTED, ITT
from workbench.impact.experiment.report import describe_reading
from workbench.impact.experiment.step_down import publish_groups

__all__ = ["STAGE", "publish_reading"]

STAGE = "ab"

_OFFER = "The effect of being offered the programme, whoever took it up."
_NAIVE = "Learners against the others, whatever was drawn: the draw is not used."
_ADJUSTED = "As the headline, more precise through what was known before."
_WEDGE = {
    "ab_itt_average": "Mean over the periods since the start, where the effect may "
    "change with time.",
    "ab_itt_people": "Everybody compared with themselves; those who left change "
    "nothing.",
    "naive": "After less before, as if nothing else had changed in the meantime.",
}


def publish_reading(
    reading: Reading,
    grade: Grade,
    *,
    headline: bool = True,
    alpha: float = 0.05,
    min_group: int = 10,
) -> list[Estimate]:
    """Turn what an experiment says into rows of ``estimates.parquet``.

    Parameters
    ----------
    reading : Reading
        Read, stopped or without an answer.
    grade : Grade
        Its evidence.
    headline : bool
        False where another experiment on the same outcome stands for the stage.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Counts of fewer people are kept back.

    Returns
    -------
    list of Estimate
        ``ab_itt`` first; without number, and alone, unless the experiment was read.
    """
    experiment, itt = reading.experiment, reading.itt
    label = "" if headline else f"Experiment {experiment.id}. "
    if itt is None:
        made = _publish_nothing(
            reading,
            f"{label}{describe_reading(reading, grade, alpha=alpha)}",
            alpha,
            min_group,
        )
        return [replace(made, headline=headline, evidence=grade.value)]
    first = make_estimate(
        itt,
        experiment,
        stage=STAGE,
        alpha=alpha,
        headline=headline,
        limitation=f"{label}{_OFFER}",
        evidence=grade.value,
    )
    rows = [first]
    for arm, (effect, p_value) in reading.by_arm.items():
        own = make_estimate(
            effect,
            experiment,
            stage=STAGE,
            alpha=alpha,
            limitation=f"{label}This arm against control; the adjusted p-value is "
            f"Holm's over {len(reading.by_arm)} arms.",
            subgroup=("arm", arm),
        )
        rows.append(replace(own, p_adjusted=p_value))
    if experiment.design != "stepped_wedge":
        rows.append(_publish_adjusted(reading, label, alpha))
        rows.append(_publish_cace(reading, grade, label, alpha))
    for effect in reading.others:
        wedge = experiment.design == "stepped_wedge"
        words = _WEDGE.get(effect.method, _NAIVE) if wedge else _NAIVE
        rows.append(
            make_estimate(
                effect,
                experiment,
                stage=STAGE,
                alpha=alpha,
                limitation=f"{label}{words}",
            )
        )
    if reading.groups is not None:
        rows += publish_groups(
            reading.groups,
            reading.tables["subgroups"],
            experiment,
            stage=STAGE,
            alpha=alpha,
        )
    return rows


def _publish_nothing(
    reading: Reading, limitation: str, alpha: float, min_group: int
) -> Estimate:
    frame = reading.experiment.frame
    seen = frame.drop_duplicates("unit", keep="last")
    ours = int(seen["assigned"].sum())
    counts = [
        count if count >= min_group else None for count in (ours, len(seen) - ours)
    ]
    hidden = reading.obstacle is not None and reading.obstacle.hidden
    made = make_empty_estimate(
        reading.experiment,
        limitation=limitation,
        stage=STAGE,
        method=ITT,
        estimand="ITT",
        alpha=alpha,
        counts=(None, None) if hidden else (counts[0], counts[1]),
    )
    return replace(made, suppressed=hidden)


def _publish_adjusted(reading: Reading, label: str, alpha: float) -> Estimate:
    if reading.adjusted is not None:
        return make_estimate(
            reading.adjusted.effect,
            reading.experiment,
            stage=STAGE,
            alpha=alpha,
            limitation=f"{label}{_ADJUSTED}",
        )
    return _publish_gap(
        reading, ADJUSTED, "ITT", f"{label}{reading.no_adjustment}", alpha
    )


def _publish_cace(reading: Reading, grade: Grade, label: str, alpha: float) -> Estimate:
    """Publish the effect per completed programme, with the interval to be read."""
    found = reading.compliance
    if found is None or found.effect is None:
        why = found.text if found else "Completion was not read."
        return _publish_gap(reading, CACE, "CACE", f"{label}{why}", alpha)
    made = make_estimate(
        found.effect,
        reading.experiment,
        stage=STAGE,
        alpha=alpha,
        limitation=f"{label}{found.text} It holds if the offer acts through completing "
        "only.",
        evidence=max(grade.value - found.weak, 0),
    )
    if not found.weak or reading.itt is None:
        return made
    low, high = found.interval
    verdict = None if made.meets_threshold is None else "unclear"
    return replace(
        made,
        ci_low=min(low, made.estimate),
        ci_high=max(high, made.estimate),
        p_value=reading.itt.p_value(),
        relative_effect=math.nan,
        relative_ci_low=math.nan,
        relative_ci_high=math.nan,
        meets_threshold=verdict,
    )


def _publish_gap(
    reading: Reading, method: str, estimand: str, why: str, alpha: float
) -> Estimate:
    itt: Effect | None = reading.itt
    counts = (itt.n_treated, itt.n_control) if itt else (None, None)
    made = make_empty_estimate(
        reading.experiment,
        limitation=why,
        stage=STAGE,
        method=method,
        estimand=estimand,
        alpha=alpha,
        headline=False,
        counts=counts,
    )
    return replace(made, evidence=None)
