"""The errors of a matched estimate side by side, and which of them hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.effects import Effect
from workbench.impact.inference import (
    FEW_CLUSTERS,
    estimate_cluster_error,
    regress_on_treatment,
)
from workbench.impact.matched import estimate_gap_effect, list_match_clusters
from workbench.impact.matching import Matches
from workbench.impact.sample import Sample

__all__ = ["COLUMNS", "tabulate_errors"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_DRAWS = 199
_FEW_DRAWS = 99
_MANY_ROWS = 10_000
COLUMNS = ("method", "std_error", "ci_low", "ci_high", "valid", "headline", "reason")


def tabulate_errors(
    sample: Sample,
    matches: Matches,
    headline: Effect,
    *,
    covariates: FloatArray,
    score: FloatArray,
    alpha: float = 0.05,
    seed: int,
) -> pd.DataFrame:
    """Put the errors that people use for matching beside the one in use.

    Parameters
    ----------
    sample, matches
        The matched comparison.
    headline : Effect
        The estimate, with the error it is published with.
    covariates : array of shape (rows, terms)
        As in the headline's regression.
    score : array
        What rows were matched on.
    alpha : float
        One less the level of the intervals.
    seed : int
        Draws the matched sets, or teams, of the block bootstrap.

    Returns
    -------
    DataFrame
        ``method``, ``std_error``, ``ci_low``, ``ci_high``, ``valid``, ``headline`` and
        ``reason``: why it holds or does not. All directions of clustering together,
        each alone, no clustering, Abadie-Imbens and the block bootstrap (199 draws; 99
        above 10,000 matched rows); the one in use is marked ``headline``, and comes
        first where it is another (few clusters). An error that cannot be computed for
        the design is missing, with the reason.
    """
    clusters = {
        {"unit": "person"}.get(name, name): codes
        for name, codes in list_match_clusters(sample, matches).items()
    }
    rows = _list_clustered(sample, matches, headline, covariates, clusters, alpha)
    rows.append(_abadie_imbens(sample, matches, headline, covariates, score, alpha))
    rows.append(
        _block_bootstrap(sample, matches, headline, covariates, clusters, alpha, seed)
    )
    return pd.DataFrame(_mark(rows, headline, alpha), columns=list(COLUMNS))


def _mark(
    rows: list[dict[str, Any]], headline: Effect, alpha: float
) -> list[dict[str, Any]]:
    """Mark the error in use; add it where it is none of the others."""
    for row in rows:
        if row["valid"] and math.isclose(row["std_error"], headline.std_error):
            row["headline"] = True
            row["reason"] = headline.error
            return rows
    own = _row("in use", headline, headline.std_error, alpha, True, headline.error)
    return [own | {"headline": True}, *rows]


def _list_clustered(
    sample: Sample,
    matches: Matches,
    headline: Effect,
    covariates: FloatArray,
    clusters: Mapping[str, IntArray],
    alpha: float,
) -> list[dict[str, Any]]:
    """List the clustered errors of the regression, and the plain one."""
    pairs = matches.pairs
    place = pairs["row"].to_numpy(dtype="int64")
    found = regress_on_treatment(
        sample.outcome[place],
        sample.treated[place],
        covariates[place],
        weights=pairs["weight"].to_numpy(dtype="float64"),
    )
    influence = found.influence[:, None]
    kinds: dict[str, Mapping[str, IntArray]] = {
        "by " + " and ".join(clusters): clusters
    }
    kinds |= {f"by {name}": {name: codes} for name, codes in clusters.items()}
    kinds["plain"] = {"row": np.arange(len(place))}
    needed = [
        name for name, codes in clusters.items() if len(np.unique(codes)) < len(codes)
    ]
    rows = []
    for name, used in kinds.items():
        error = estimate_cluster_error(influence, used, n_params=found.n_params)
        missing = [item for item in needed if item not in used]
        valid, reason = not missing, "counts every way in which errors are shared"
        if missing:
            reason = f"takes no notice of shared errors by {' and '.join(missing)}"
        elif min(error.counts.values()) < FEW_CLUSTERS:
            valid, reason = False, f"fewer than {FEW_CLUSTERS} clusters"
        rows.append(
            _row(
                name,
                headline,
                math.sqrt(float(error.covariance[0, 0])),
                alpha,
                valid,
                reason,
            )
        )
    return rows


def _abadie_imbens(
    sample: Sample,
    matches: Matches,
    headline: Effect,
    covariates: FloatArray,
    score: FloatArray,
    alpha: float,
) -> dict[str, Any]:
    found = estimate_gap_effect(sample, matches, covariates, score, method="psm_nn")
    valid = matches.replace and sample.independent
    reason = "matching with replacement of independent people"
    if not matches.replace:
        reason = "made for matching with replacement; here each row serves once"
    elif not valid:
        reason = "people or teams stand in several rows"
    return _row("Abadie-Imbens", headline, found.std_error, alpha, valid, reason)


def _block_bootstrap(
    sample: Sample,
    matches: Matches,
    headline: Effect,
    covariates: FloatArray,
    clusters: Mapping[str, IntArray],
    alpha: float,
    seed: int,
) -> dict[str, Any]:
    """Resample matched sets, or teams, and regress again."""
    name = "block bootstrap"
    if matches.replace:
        reason = "matched again and again, a row is no independent draw"
        return _row(name, headline, math.nan, alpha, False, reason)
    team = next((key for key in clusters if key not in ("matched set", "person")), "")
    blocks = clusters[team or "matched set"]
    count = int(blocks.max()) + 1
    people = clusters["person"]
    apart = len(np.unique(people)) == len(people)
    draws = _FEW_DRAWS if len(people) > _MANY_ROWS else _DRAWS
    error = _draw_error(sample, matches, covariates, blocks, draws, seed)
    valid = count >= FEW_CLUSTERS and (bool(team) or apart)
    reason = f"{draws} draws of {count} {team or 'matched set'}s"
    if count < FEW_CLUSTERS:
        reason += f", fewer than {FEW_CLUSTERS}"
    elif not valid:
        reason += "; takes no notice of people who stand in several sets"
    return _row(name, headline, error, alpha, valid, reason)


def _draw_error(
    sample: Sample,
    matches: Matches,
    covariates: FloatArray,
    blocks: IntArray,
    draws: int,
    seed: int,
) -> float:
    """Return the standard deviation of the effect over draws of blocks."""
    pairs = matches.pairs
    place = pairs["row"].to_numpy(dtype="int64")
    weights = pairs["weight"].to_numpy(dtype="float64")
    learns = sample.treated[place].astype("float64")
    full = np.column_stack([learns, np.ones(len(place)), covariates[place]])
    level = sample.outcome[place] - sample.outcome[place].mean()
    count = int(blocks.max()) + 1
    generator = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        times = np.bincount(generator.integers(0, count, count), minlength=count)
        scaled = full * (weights * times[blocks])[:, None]
        solved = np.linalg.lstsq(scaled.T @ full, scaled.T @ level, rcond=None)[0]
        values.append(float(solved[0]))
    return float(np.std(values, ddof=1))


def _row(
    method: str,
    headline: Effect,
    error: float,
    alpha: float,
    valid: bool,
    reason: str,
) -> dict[str, Any]:
    half = headline.quantile(alpha) * error
    return {
        "method": method,
        "std_error": error,
        "ci_low": headline.value - half,
        "ci_high": headline.value + half,
        "valid": valid,
        "headline": False,
        "reason": reason,
    }
