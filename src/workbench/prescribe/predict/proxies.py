"""Which features tell a protected attribute, though the attribute is not read."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from workbench.prescribe.predict.features import MISSING, is_number

__all__ = ["find_proxies", "measure_association"]

_STRONG = 0.2
_TENTHS = np.linspace(0, 1, 11)[1:-1]


def find_proxies(
    features: pd.DataFrame, attributes: pd.DataFrame
) -> list[tuple[str, str, float]]:
    """Find the features from which a protected attribute could be told in part.

    Parameters
    ----------
    features : DataFrame
        From `read_features`, of people now.
    attributes : DataFrame
        Protected attributes of the same people.

    Returns
    -------
    list of (str, str, float)
        Feature, attribute and association (see `measure_association`) of 0.2 and more,
        the strongest first.
    """
    found = [
        (str(name), str(attribute), value)
        for attribute in attributes.columns
        for name in features.columns
        if (value := measure_association(features[name], attributes[attribute]))
        >= _STRONG
    ]
    return sorted(found, key=lambda item: (-item[2], item[0], item[1]))


def measure_association(feature: pd.Series, attribute: pd.Series) -> float:
    r"""Measure how far a feature tells a category: Cramér's V, corrected for chance.

    Parameters
    ----------
    feature : Series
        Numbers, cut into tenths, or a category.
    attribute : Series
        A category; missing is a level.

    Returns
    -------
    float
        From 0, nothing, to 1, everything.

    Notes
    -----
    :math:`\tilde V = \sqrt{\tilde\varphi^2 / \min(\tilde k - 1, \tilde r - 1)}` with
    :math:`\tilde\varphi^2 = \max(0, \chi^2/n - (k-1)(r-1)/(n-1))` [1]_.

    References
    ----------
    .. [1] Bergsma, W. (2013). A bias-correction for Cramér's V and Tschuprow's T.
       Journal of the Korean Statistical Society 42, 323-328.
       doi:10.1016/j.jkss.2012.10.002
    """
    from scipy.stats import chi2_contingency

    first, levels = pd.factorize(_list_levels(feature))
    second, groups = pd.factorize(_list_levels(attribute))
    cells = np.bincount(
        first * len(groups) + second, minlength=len(levels) * len(groups)
    )
    table = cells.reshape(len(levels), len(groups)).astype("float64")
    size, (rows, columns) = float(table.sum()), table.shape
    if min(rows, columns) < 2 or size < 2:
        return 0.0
    chi2 = float(chi2_contingency(table, correction=False).statistic)
    excess = max(0.0, chi2 / size - (rows - 1) * (columns - 1) / (size - 1))
    fewer = [item - (item - 1) ** 2 / (size - 1) for item in (rows, columns)]
    return math.sqrt(excess / max(min(fewer) - 1, 1e-12))


def _list_levels(column: pd.Series) -> pd.Series:
    """Return the levels of a category, or the tenths of a number, as text."""
    if not is_number(column) or pd.api.types.is_bool_dtype(column):
        text = column.astype("object").where(column.notna(), MISSING)
        return text.map(str)
    values = column.to_numpy(dtype="float64")
    known = values[~np.isnan(values)]
    edges = np.unique(np.quantile(known, _TENTHS)) if len(known) else np.empty(0)
    bins = pd.Series(np.searchsorted(edges, values), index=column.index)
    return bins.astype("str").where(column.notna(), MISSING)
