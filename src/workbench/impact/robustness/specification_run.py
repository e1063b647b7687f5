"""Estimating many variants of one comparison, each shared step done once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import DesignError, NoOverlapError
from workbench.impact.aipw import estimate_aipw
from workbench.impact.cardinality import match_cardinality
from workbench.impact.design_matrix import Design, build_design, select_terms
from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import make_cluster_effect
from workbench.impact.estimators import HIGHEST_SCORE, estimate_ipw
from workbench.impact.inference import (
    FEW_CLUSTERS,
    estimate_few_cluster_error,
    regress_on_treatment,
)
from workbench.impact.matched import estimate_matched
from workbench.impact.matching import Matches, match_nearest
from workbench.impact.propensity import Method, Propensity, fit_propensity
from workbench.impact.robustness.specification_grid import DECLARED, Variant
from workbench.impact.sample import prepare_sample

__all__ = ["Workshop"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Workshop:
    """Holds what variants share: sample, designs, scores, matched sets.

    Parameters
    ----------
    cohort : Cohort
        What is compared.
    sets : mapping of str to tuple of str
        Covariate sets by name, `DECLARED` among them.
    min_group : int
        Fewest people in an arm.
    seed : int
        Deals people into folds.

    Raises
    ------
    DesignError
        Or one of its kinds; see `prepare_sample`.
    """

    def __init__(
        self,
        cohort: Cohort,
        sets: Mapping[str, Sequence[str]],
        *,
        min_group: int,
        seed: int,
    ) -> None:
        self._sample = prepare_sample(cohort, min_group=min_group)
        self._sets = {name: tuple(chosen) for name, chosen in sets.items()}
        self._min_group, self._seed = min_group, seed
        self._designs: dict[str, Design] = {}
        self._scores: dict[tuple[str, str], Propensity] = {}
        self._matches: dict[Variant, Matches] = {}
        self._widening: tuple[float, float] | None = None

    def varies(self, column: str) -> bool:
        """Tell whether a column is there and holds more than one value."""
        frame = self._sample.frame
        return column in frame and len(frame[column].unique()) > 1

    def is_complete(self, name: str) -> bool:
        """Tell whether a covariate set holds every declared covariate."""
        return set(self._sets[DECLARED]) <= set(self._sets[name])

    def estimate(self, variant: Variant) -> tuple[Effect, float]:
        """Estimate one variant.

        Returns
        -------
        tuple of Effect and float
            The effect and the largest absolute standardised mean difference over the
            declared covariates, NaN for a regression over all rows.

        Raises
        ------
        DesignError, ConvergenceError
            If the variant cannot be estimated.
        """
        if variant.method in ("matching", "cardinality"):
            return self._compare_matched(variant)
        sample, design = self._sample, self._design(variant.covariates)
        if variant.method == "ols":
            everybody = np.ones(len(sample.treated))
            size = self._imbalance(design, everybody)
            terms, _ = select_terms(design, size, n_rows=len(everybody))
            rows = np.arange(len(everybody))
            return self._regress(
                design.matrix(terms), rows, everybody, sample.clusters, "ols"
            ), math.nan
        scores = self._score(variant)
        odds = np.minimum(scores.probability, HIGHEST_SCORE)
        weights = np.where(sample.treated, 1.0, odds / (1 - odds))
        largest = self._largest(weights)
        if variant.method == "ipw":
            return estimate_ipw(sample, scores), largest
        effect = estimate_aipw(
            sample,
            design.matrix(),
            propensity=scores if variant.model == "boosting" else None,
            seed=self._seed,
        )
        return effect, largest

    def _compare_matched(self, variant: Variant) -> tuple[Effect, float]:
        matches = self._match(replace(variant, adjusted=True))
        design = self._design(variant.covariates)
        pairs = matches.pairs
        columns = None
        if variant.adjusted:
            size = self._imbalance(design, matches.weights)
            terms, _ = select_terms(design, size, n_rows=len(pairs))
            columns = design.matrix(terms)
        sample, largest = self._sample, self._largest(matches.weights)
        if matches.replace and sample.independent:
            score = self._score(variant).logit
            found = estimate_matched(sample, matches, covariates=columns, score=score)
            return found, largest
        rows = pairs["row"].to_numpy(dtype="int64")
        clusters = {"matched set": pairs["set"].to_numpy(dtype="int64")}
        for name, codes in sample.clusters.items():
            clusters[name] = np.unique(codes[rows], return_inverse=True)[1]
        used = np.empty((len(sample.treated), 0)) if columns is None else columns
        weights = pairs["weight"].to_numpy(dtype="float64")
        return self._regress(used[rows], rows, weights, clusters, "psm_nn"), largest

    def _regress(
        self,
        columns: FloatArray,
        rows: IntArray,
        weights: FloatArray,
        clusters: Mapping[str, IntArray],
        method: str,
    ) -> Effect:
        """Regress in some rows; the CR2 error is computed the first time only."""
        sample = self._sample
        treated, outcome = sample.treated[rows], sample.outcome[rows]
        found = regress_on_treatment(outcome, treated, columns, weights=weights)
        level = float(outcome[treated].mean())
        ours = np.where(treated, outcome - level, 0.0) / int(treated.sum())
        few = min(int(codes.max()) + 1 for codes in clusters.values()) < FEW_CLUSTERS
        first = few and self._widening is None
        effect = make_cluster_effect(
            method=method,
            estimand="WATE" if method == "ols" else "ATT",
            value=found.effect,
            baseline=level - found.effect,
            influence=np.column_stack([found.influence, ours - found.influence]),
            clusters=clusters,
            counts=(
                sample.count_units(rows[treated]),
                sample.count_units(rows[~treated]),
            ),
            n_params=found.n_params,
            few=partial(_few, outcome, treated, columns, weights) if first else None,
        )
        if first:
            plain = effect.plain_error or effect.std_error or 1.0
            self._widening = effect.std_error / plain, effect.df
        elif few and self._widening is not None:
            ratio, df = self._widening
            wider = effect.std_error * ratio
            effect = replace(effect, std_error=wider, df=min(effect.df, df))
        return effect

    def _design(self, name: str) -> Design:
        if name not in self._designs:
            design = build_design(
                self._sample.frame,
                covariates=self._sets[name],
                min_level=self._min_group,
            )
            self._designs[name] = design
        design = self._designs[name]
        if design.terms.columns.empty:
            raise DesignError.build(f"No covariate of the set “{name}” varies")
        return design

    def _score(self, variant: Variant) -> Propensity:
        method: Method = "boosting" if variant.model == "boosting" else "logistic"
        key = (variant.covariates, method)
        if key not in self._scores:
            self._scores[key] = fit_propensity(
                self._design(variant.covariates).matrix(),
                self._sample.treated,
                method=method,
                units=self._sample.clusters["unit"],
                seed=self._seed,
            )
        return self._scores[key]

    def _match(self, variant: Variant) -> Matches:
        if variant not in self._matches:
            frame = self._sample.frame
            keys = tuple(dict.fromkeys(("trial", *variant.exact)))
            columns = {name: pd.factorize(frame[name], sort=True)[0] for name in keys}
            columns["unit"] = self._sample.clusters["unit"]
            columns["treated"] = self._sample.treated
            columns["score"] = self._score(variant).logit
            self._matches[variant] = self._draw(variant, pd.DataFrame(columns), keys)
        matches = self._matches[variant]
        learners = matches.pairs.loc[matches.pairs["treated"], "row"].to_numpy()
        if self._sample.count_units(learners) < self._min_group:
            raise NoOverlapError.build(
                f"Fewer than {self._min_group} learners found a match"
            )
        return matches

    def _draw(
        self, variant: Variant, frame: pd.DataFrame, keys: tuple[str, ...]
    ) -> Matches:
        if variant.method == "cardinality":
            design = self._design(variant.covariates)
            return match_cardinality(frame, design, exact=keys)
        return match_nearest(
            frame,
            exact=keys,
            caliper=variant.caliper,
            ratio=variant.ratio,
            replace=variant.replace,
        )

    def _largest(self, weights: FloatArray) -> float:
        try:
            size = self._imbalance(self._design(DECLARED), weights).abs()
        except DesignError:
            return math.nan
        return float(size.max())

    def _imbalance(self, design: Design, weights: FloatArray) -> pd.Series:
        """Return standardised mean differences, as `tabulate_balance` defines them."""
        treated = self._sample.treated
        values = design.terms.to_numpy(dtype="float64")
        ours = weights[treated] / weights[treated].sum()
        theirs = weights[~treated] / weights[~treated].sum()
        gap = ours @ values[treated] - theirs @ values[~treated]
        scale = values[treated].std(axis=0, ddof=1)
        scale = np.where(scale > 0, scale, values.std(axis=0, ddof=1))
        return pd.Series(gap / scale, index=design.terms.columns)


def _few(
    outcome: FloatArray,
    treated: BoolArray,
    columns: FloatArray,
    weights: FloatArray,
    cluster: IntArray,
) -> tuple[float, float]:
    return estimate_few_cluster_error(
        outcome, treated, columns, cluster=cluster, weights=weights
    )
