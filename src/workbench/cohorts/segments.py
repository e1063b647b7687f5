"""Segments that no persona serves yet, found by clustering; advice, no decision."""

from __future__ import annotations

import pandas as pd

__all__ = ["suggest_segments"]

_FEATURES = ("tenure_days", "skill_gap", "prior_rating", "prior_courses")
_MAX_CLUSTERS = 6
_COLUMNS = [
    "segment",
    "people",
    "role",
    "role_share",
    "mean_skill_gap",
    "mean_tenure_days",
    "mean_prior_courses",
]


def suggest_segments(
    facts: pd.DataFrame, *, min_people: int, seed: int
) -> pd.DataFrame:
    """Cluster the people outside every persona and describe the larger clusters.

    Parameters
    ----------
    facts : DataFrame
        One row per person without persona: ``role`` and the numeric facts
        ``tenure_days``, ``skill_gap``, ``prior_rating``, ``prior_courses``; missing
        numbers are set to the median for the clustering only.
    min_people : int
        Smaller clusters are left out, and nothing is suggested below twice as many.
    seed : int
        For k-means.

    Returns
    -------
    DataFrame
        Per cluster: size, commonest role and its share, and means of unrounded facts;
        the largest mean skill gap first. The number of clusters (2 to 6) is the one
        with the largest silhouette.
    """
    if len(facts) < 2 * min_people:
        return pd.DataFrame(columns=_COLUMNS)
    labels = _cluster(facts, seed)
    described = [
        _describe(facts[labels == label])
        for label in sorted(set(labels))
        if (labels == label).sum() >= min_people
    ]
    if not described:
        return pd.DataFrame(columns=_COLUMNS)
    table = pd.DataFrame(described).sort_values(
        "mean_skill_gap", ascending=False, ignore_index=True
    )
    table.insert(0, "segment", range(1, len(table) + 1))
    return table


def _cluster(facts: pd.DataFrame, seed: int) -> pd.Series:
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    numbers = facts[list(_FEATURES)].astype("float64")
    numbers = numbers.fillna(numbers.median()).fillna(0.0)
    spread = numbers.std(ddof=0).replace(0.0, 1.0)
    scaled = (numbers - numbers.mean()) / spread
    features = scaled.join(pd.get_dummies(facts["role"], dtype=float)).to_numpy()
    most = min(_MAX_CLUSTERS, len(facts) - 1)
    fits = [
        KMeans(n_clusters=count, n_init=5, random_state=seed).fit_predict(features)
        for count in range(2, most + 1)
    ]
    sample = min(len(facts), 2000)
    scores = [
        silhouette_score(features, labels, sample_size=sample, random_state=seed)
        if len(set(labels)) > 1
        else -1.0
        for labels in fits
    ]
    return pd.Series(fits[scores.index(max(scores))], index=facts.index)


def _describe(members: pd.DataFrame) -> dict[str, object]:
    roles = members["role"].value_counts(normalize=True)
    return {
        "people": len(members),
        "role": str(roles.index[0]) if len(roles) else "not recorded",
        "role_share": float(roles.iloc[0]) if len(roles) else float("nan"),
        "mean_skill_gap": float(members["skill_gap"].mean()),
        "mean_tenure_days": float(members["tenure_days"].mean()),
        "mean_prior_courses": float(members["prior_courses"].mean()),
    }
