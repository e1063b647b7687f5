"""Doubly robust scores: what learning would have changed, person by person."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import DesignError
from workbench.core.results import Check
from workbench.impact.design_matrix import build_design
from workbench.impact.propensity import assign_folds
from workbench.impact.sample import Sample, code_clusters, prepare_sample
from workbench.impact.thresholds import find_smallest_effect
from workbench.prescribe.targeting.nuisance import Nuisance, fit_nuisance

__all__ = ["LOWEST_SCORE", "Scores", "score_programme"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LOWEST_SCORE = 0.02
"""Rows whose probability of learning is within this of 0 or 1 are left out."""

_FEWEST_LEARNERS = 30
_MOST_LEFT_OUT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One row per outcome, person and exposure quarter, in smallest worthwhile changes.

    Attributes
    ----------
    frame : DataFrame
        ``outcome`` (id), ``value`` (the outcome on its natural scale), ``unit``,
        ``trial``, ``team``, ``treated``, ``fold``, ``propensity``, and the other
        columns of the cohorts; index 0, 1, 2, …
    effect : array of shape (rows,)
        Doubly robust score of learning against not learning: its mean over any people
        estimates their mean effect on the composite's part of this outcome.
    held_out : array of shape (rows, folds)
        The same score by models that saw neither the row's fold nor the column's.
    practice : array of shape (rows,)
        Score of what was done: the row's outcome less that expected without learning.
    weight : array of shape (rows,)
        One over the rows of the outcome: sums over all rows are sums over outcomes of
        means over people.
    clusters : mapping of str to array of int
        ``unit``, and ``team`` where the programme was given by team.
    outcomes : DataFrame
        ``outcome``, ``factor`` (thresholds per unit of the outcome, negative where
        less is better), ``baseline``, ``n_rows``, ``n_left_out``, ``n_learners``.
    checks : tuple of Check
        Outcomes that do not enter, and rows that cannot be compared.
    """

    frame: pd.DataFrame
    effect: FloatArray
    held_out: FloatArray
    practice: FloatArray
    weight: FloatArray
    clusters: Mapping[str, IntArray]
    outcomes: pd.DataFrame
    checks: tuple[Check, ...]

    @property
    def folds(self) -> IntArray:
        """Fold of each row."""
        return np.asarray(self.frame["fold"], dtype="int64")

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.held_out.shape[1])

    @property
    def outcome_codes(self) -> IntArray:
        """Code of each row's outcome."""
        order = {name: code for code, name in enumerate(self.outcomes["outcome"])}
        return np.asarray(self.frame["outcome"].map(order), dtype="int64")

    def mean(self, values: FloatArray) -> float:
        """Sum over outcomes the mean of a value per row."""
        return float(self.weight @ values)

    def centre(self, values: FloatArray) -> FloatArray:
        """Return the influence of each row on `mean` of these values."""
        codes = self.outcome_codes
        means = np.bincount(codes, self.weight * values)
        influence: FloatArray = self.weight * (values - means[codes])
        return influence

    def keep(self, rows: BoolArray) -> Scores:
        """Return some of the rows, every outcome again weighing one."""
        codes = self.outcome_codes[rows]
        counts = np.bincount(codes, minlength=len(self.outcomes))
        return replace(
            self,
            frame=self.frame[rows].reset_index(drop=True),
            effect=self.effect[rows],
            held_out=self.held_out[rows],
            practice=self.practice[rows],
            weight=1 / counts[codes],
            clusters={name: codes[rows] for name, codes in self.clusters.items()},
        )


def score_programme(
    cohorts: Sequence[Cohort],
    *,
    weights: Mapping[str, float] | None = None,
    n_folds: int = 5,
    min_group: int = 10,
    seed: int,
) -> Scores:
    r"""Score what a programme would have changed for every person in its trials.

    The estimand of a mean of scores is the mean effect among these people, whether
    they learnt or not, on a composite counted in smallest worthwhile changes. It is
    causal if the covariates hold everything that drives both learning and an outcome;
    of the models of learning and of the outcome one may be wrong.

    Parameters
    ----------
    cohorts : sequence of Cohort
        One programme of one persona, one cohort per outcome. Outcomes without a
        threshold, negative controls and outcomes with fewer than 30 learners do not
        enter.
    weights : mapping of str to float, optional
        Of outcomes, 0 or more; 1 where none is given.
    n_folds : int
        Folds of people; with a programme given by team, of teams.
    min_group : int
        Smallest number of people in either arm.
    seed : int
        Deals people into folds.

    Returns
    -------
    Scores
        Rows with an observed outcome and a probability of learning from 0.02 to 0.98.

    Raises
    ------
    DesignError
        If cohorts of several programmes are given, or no outcome can enter.
    TooFewUnitsError
        If two folds held out leave too few learners.

    Notes
    -----
    .. math:: \Gamma_i = c_o \Big[ m_1(x_i) - m_0(x_i)
        + \frac{d_i (y_i - m_1(x_i))}{p(x_i)}
        - \frac{(1 - d_i)(y_i - m_0(x_i))}{1 - p(x_i)} \Big]

    with :math:`c_o` the outcome's weight and sign over its threshold in its own unit.
    A relative threshold is a share of the mean of those who did not learn, taken as
    known. All models of a row were fitted on other people.

    References
    ----------
    .. [1] Robins, J. M., Rotnitzky, A. and Zhao, L. P. (1994). Estimation of
       regression coefficients when some regressors are not always observed. JASA 89,
       846-866. doi:10.1080/01621459.1994.10476818
    .. [2] Athey, S. and Wager, S. (2021). Policy learning with observational data.
       Econometrica 89, 133-161. doi:10.3982/ECTA15732
    """
    if len({(item.persona, item.program.id) for item in cohorts}) > 1:
        raise DesignError.build(
            "Scores are made for one programme of one persona",
            got=sorted({f"{item.persona}, {item.program.id}" for item in cohorts}),
            hint="choose the cohorts of one programme",
        )
    entered, checks = _choose_outcomes(cohorts, weights or {})
    samples = [prepare_sample(item, min_group=min_group) for item in entered]
    folds = _deal(entered, samples, n_folds, seed)
    parts = [
        _score_outcome(cohort, sample, fold, (weights or {}), n_folds)
        for cohort, sample, fold in zip(entered, samples, folds, strict=True)
    ]
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    outcomes = pd.DataFrame([part.row for part in parts])
    by_team = any("team" in item.clusters for item in entered)
    names = ("unit", "team") if by_team else ("unit",)
    checks += [_check_left_out(outcomes)]
    return Scores(
        frame=frame,
        effect=np.concatenate([part.effect for part in parts]),
        held_out=np.concatenate([part.held_out for part in parts]),
        practice=np.concatenate([part.practice for part in parts]),
        weight=np.concatenate([np.full(len(p.frame), 1 / len(p.frame)) for p in parts]),
        clusters={name: code_clusters(frame[name]) for name in names},
        outcomes=outcomes,
        checks=tuple(checks),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Scores of one outcome."""

    frame: pd.DataFrame
    effect: FloatArray
    held_out: FloatArray
    practice: FloatArray
    row: dict[str, object]


def _choose_outcomes(
    cohorts: Sequence[Cohort], weights: Mapping[str, float]
) -> tuple[list[Cohort], list[Check]]:
    """Keep the outcomes that count, and say why others do not."""
    kept, checks = [], []
    for cohort in cohorts:
        outcome = cohort.outcome
        known = cohort.frame[cohort.frame["outcome"].notna()]
        learners = known.loc[known["treated"].astype("bool"), "unit"].nunique()
        if outcome.negative_control or weights.get(outcome.id, 1.0) == 0:
            continue
        if outcome.threshold_for(cohort.persona) is None:
            reason = "has no threshold, so that its effect cannot be weighed"
        elif learners < _FEWEST_LEARNERS:
            reason = f"is known of fewer than {_FEWEST_LEARNERS} learners"
        else:
            kept.append(cohort)
            continue
        checks.append(
            Check(
                check="targeting_outcome",
                passed=None,
                outcome=outcome.id,
                text=f"{outcome.label or outcome.id} does not count in who goes first: "
                f"it {reason}.",
            )
        )
    if not kept:
        raise DesignError.build(
            "No outcome can tell who gains from the programme",
            where=cohorts[0].persona if cohorts else "",
            rule=f"a threshold, and {_FEWEST_LEARNERS} learners whose outcome is known",
            hint="add thresholds in outcomes.yml, or wait for more learners",
        )
    return kept, checks


def _deal(
    cohorts: Sequence[Cohort], samples: Sequence[Sample], n_folds: int, seed: int
) -> list[IntArray]:
    """Deal people into folds that hold for all outcomes; teams stay together."""
    rows = pd.concat([item.frame[["unit", "trial", "team"]] for item in samples])
    treated = np.concatenate([item.treated for item in samples])
    group = rows["unit"]
    if any("team" in item.clusters for item in cohorts):
        first = rows.sort_values(["trial", "unit"], kind="stable")
        group = group.map(first.drop_duplicates("unit").set_index("unit")["team"])
        group = group.fillna(rows["unit"])
    folds = assign_folds(code_clusters(group), treated, n_folds=n_folds, seed=seed)
    ends = np.cumsum([len(item.treated) for item in samples])[:-1]
    return list(np.split(folds, ends))


def _score_outcome(
    cohort: Cohort,
    sample: Sample,
    folds: IntArray,
    weights: Mapping[str, float],
    n_folds: int,
) -> _Part:
    outcome, treated, y = cohort.outcome, sample.treated, sample.outcome
    where = f"{cohort.persona}, {cohort.program.id}, {outcome.id}"
    design = build_design(sample.frame, covariates=cohort.covariates)
    fitted = fit_nuisance(
        design.matrix(), treated, y, folds, n_folds=n_folds, where=where
    )
    own = np.arange(len(y)), folds
    score = fitted.propensity[own]
    kept = (score >= LOWEST_SCORE) & (score <= 1 - LOWEST_SCORE)
    baseline = float(y[~treated].mean())
    size = find_smallest_effect(
        outcome.threshold_for(cohort.persona), baseline=baseline
    )
    if not size > 0:
        raise DesignError.build(
            "A relative threshold of an outcome around 0 has no size",
            where=where,
            got=baseline,
            hint="give an absolute threshold in outcomes.yml",
        )
    sign = 1.0 if outcome.direction == "up" else -1.0
    factor = sign * weights.get(outcome.id, 1.0) / size
    effects = _score_learning(fitted, treated, y)
    odds = score / (1 - score)
    rest = y - fitted.without[own]
    practice = np.where(treated, rest, -odds * rest)
    frame = sample.frame.assign(
        outcome=outcome.id, value=y, fold=folds, propensity=score
    )
    row = {
        "outcome": outcome.id,
        "factor": factor,
        "baseline": baseline,
        "n_rows": int(kept.sum()),
        "n_left_out": int((~kept).sum()),
        "n_learners": int(treated[kept].sum()),
    }
    return _Part(
        frame=frame[kept],
        effect=factor * effects[own][kept],
        held_out=factor * effects[kept],
        practice=factor * practice[kept],
        row=row,
    )


def _score_learning(fitted: Nuisance, treated: BoolArray, y: FloatArray) -> FloatArray:
    learns, seen = treated[:, None], y[:, None]
    chance = np.clip(fitted.propensity, LOWEST_SCORE, 1 - LOWEST_SCORE)
    moved: FloatArray = (
        fitted.learnt
        - fitted.without
        + learns * (seen - fitted.learnt) / chance
        - ~learns * (seen - fitted.without) / (1 - chance)
    )
    return moved


def _check_left_out(outcomes: pd.DataFrame) -> Check:
    left_out = int(outcomes["n_left_out"].sum())
    share = left_out / max(left_out + int(outcomes["n_rows"].sum()), 1)
    worst = math.isfinite(share) and share > _MOST_LEFT_OUT
    return Check(
        check="targeting_overlap",
        passed=not worst,
        value=share,
        limit=_MOST_LEFT_OUT,
        text=f"{share:.0%} of rows are left out of the values of rules: these people "
        "were all but certain to learn, or not to (probability within "
        f"{LOWEST_SCORE:g} of 0 or 1).",
        advice="The values speak for less than half of the persona." if worst else "",
    )
