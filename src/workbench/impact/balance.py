"""How alike the two groups are, before and after matching."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.results import Check
from workbench.impact.design_matrix import Design
from workbench.impact.overlap import count_effective

__all__ = [
    "FAIR_BALANCE",
    "GOOD_BALANCE",
    "OVERALL",
    "check_balance",
    "grade_balance",
    "tabulate_balance",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

GOOD_BALANCE = 0.05
"""Up to this absolute standardised mean difference nothing is left to adjust."""

FAIR_BALANCE = 0.25
"""Up to this one a regression in the matched sample takes care of the rest."""

OVERALL = "_all"

_COLUMNS = (
    "term",
    "covariate",
    "site",
    "stage",
    "mean_treated",
    "mean_control",
    "smd",
    "variance_ratio",
    "ks",
    "ecdf_mean",
    "ecdf_max",
    "n_treated",
    "n_control",
    "ess_treated",
    "ess_control",
    "band",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A term of some rows; measured terms carry their order and where values end."""

    name: str
    values: FloatArray
    order: IntArray | None = None
    last: BoolArray | None = None


def tabulate_balance(
    design: Design,
    treated: BoolArray,
    *,
    weights: FloatArray,
    site: pd.Series | None = None,
    min_group: int = 10,
) -> pd.DataFrame:
    r"""Compare the covariates of learners and others before and after matching.

    Parameters
    ----------
    design : Design
        The covariates; every term is compared, on its natural scale.
    treated : array of bool
        True for learners.
    weights : array
        Weight of each row in the matched comparison, 0 if unmatched.
    site : Series, optional
        Site of each row; the comparison is repeated within each.
    min_group : int
        Sites with fewer rows in an arm, before or after, are left out.

    Returns
    -------
    DataFrame
        One row per ``site`` (``_all`` for everybody), ``stage`` (before, after) and
        ``term``. ``smd`` is the difference of means over the standard deviation of the
        term among all learners before matching (sample variance; of all rows where
        learners do not vary). ``variance_ratio`` learners over others, for measured
        terms. ``ks`` and ``ecdf_max`` largest, ``ecdf_mean`` mean distance of the two
        distribution functions over the values seen before matching; for 0/1 terms the
        difference of shares. ``n_...`` rows and ``ess_...`` effective numbers of rows.
        ``band`` good (up to 0.05), fair (up to 0.25) or poor.

    Notes
    -----
    Variances after matching are weighted,
    :math:`\sum w (x - \bar x)^2 / (\sum w - \sum w^2 / \sum w)`.

    References
    ----------
    .. [1] Stuart, E. A. (2010). Matching methods for causal inference. Statistical
       Science 25, 1-21. doi:10.1214/09-STS313
    """
    scale = _find_scale(design, treated)
    everybody = np.ones(len(treated), dtype=bool)
    groups = [(OVERALL, everybody)]
    if site is not None:
        names = site.astype("object").where(site.notna(), "unknown").astype("str")
        groups += [
            (name, (names == name).to_numpy()) for name in sorted(names.unique())
        ]
    stages = {"before": np.ones(len(treated)), "after": weights}
    tables = []
    for name, rows in groups:
        sizes = [
            int((rows & arm & (weight > 0)).sum())
            for weight in stages.values()
            for arm in (treated, ~treated)
        ]
        if name == OVERALL or min(sizes) >= min_group:
            columns = _read_columns(design, rows)
            tables += [
                _compare(design, columns, treated[rows], weight[rows], scale).assign(
                    site=name, stage=stage
                )
                for stage, weight in stages.items()
            ]
    return pd.concat(tables, ignore_index=True)[list(_COLUMNS)]


def check_balance(table: pd.DataFrame) -> tuple[Check, ...]:
    """Judge the matched sample by its least balanced term.

    Parameters
    ----------
    table : DataFrame
        From `tabulate_balance`.

    Returns
    -------
    tuple of Check
        ``balance`` fails (advisory: the number is still shown, with the lowest
        evidence) if any absolute standardised mean difference of everybody exceeds
        0.25. ``balance_good`` warns above 0.05, where the regression in the matched
        sample carries the rest. ``balance_sites`` warns if a term differs within a site
        by more than 0.25 and by more than chance explains, given the site's size and
        the number of terms and sites looked at.
    """
    after = table[table["stage"] == "after"]
    overall = after[after["site"] == OVERALL]
    worst, size = _find_worst(overall)
    chance = 1.96 * float(
        np.sqrt(1 / overall["ess_treated"].max() + 1 / overall["ess_control"].max())
    )
    text = (
        f"Largest standardised mean difference after matching: {size:.2f} ({worst}), "
        "in standard deviations of the learners before matching; for one covariate "
        f"chance alone reaches {chance:.2f} in samples of this size."
    )
    checks = [
        Check(
            check="balance",
            passed=size <= FAIR_BALANCE,
            value=size,
            limit=FAIR_BALANCE,
            text=text,
            advice="" if size <= FAIR_BALANCE else "Match more closely, or exactly.",
        ),
        Check(
            check="balance_good",
            passed=size <= GOOD_BALANCE,
            value=size,
            limit=GOOD_BALANCE,
            text="The regression in the matched sample adjusts what matching left.",
        ),
    ]
    sites = after[after["site"] != OVERALL]
    return (*checks, _check_sites(sites)) if len(sites) else tuple(checks)


def grade_balance(smd: pd.Series) -> pd.Series:
    """Return the band of each standardised mean difference: good, fair or poor."""
    size = smd.abs()
    words = np.select(
        [size <= GOOD_BALANCE, size <= FAIR_BALANCE], ["good", "fair"], "poor"
    )
    return pd.Series(words, index=smd.index, dtype="str")


def _check_sites(sites: pd.DataFrame) -> Check:
    from scipy.stats import norm

    quantile = float(norm.ppf(1 - 0.025 / len(sites)))
    chance = quantile * np.sqrt(1 / sites["ess_treated"] + 1 / sites["ess_control"])
    limits = chance.clip(lower=FAIR_BALANCE)
    place = (sites["smd"].abs() / limits).idxmax()
    row, gap = sites.loc[place], float(abs(sites.loc[place, "smd"]))
    fine = gap <= float(limits[place])
    return Check(
        check="balance_sites",
        passed=fine,
        value=gap,
        limit=float(limits[place]),
        text=f"Least balanced of {sites['site'].nunique()} sites for its size: "
        f"{row['site']} ({row['term']}, {gap:.2f}).",
        advice="" if fine else "Match exactly on the site.",
    )


def _find_scale(design: Design, treated: BoolArray) -> pd.Series:
    """Return the denominators of the standardised mean differences."""
    ours = design.terms[treated].std(ddof=1)
    return ours.where(ours > 0, design.terms.std(ddof=1))


def _find_worst(table: pd.DataFrame) -> tuple[str, float]:
    if table.empty:
        return "no covariate", 0.0
    place = table["smd"].abs().idxmax()
    return str(table.loc[place, "term"]), float(abs(table.loc[place, "smd"]))


def _read_columns(design: Design, rows: BoolArray) -> list[_Column]:
    """Read the terms of some rows, the measured ones with their order."""
    columns = []
    for name in design.terms.columns:
        values = design.terms[name].to_numpy(dtype="float64")[rows]
        if name not in design.numeric:
            columns.append(_Column(name=name, values=values))
            continue
        # The fast sort gives the same order unless values are equal.
        order = np.argsort(values)
        last = np.append(np.diff(values[order]) != 0, True)
        if not last.all():
            order = np.argsort(values, kind="stable")
        columns.append(_Column(name=name, values=values, order=order, last=last))
    return columns


def _compare(
    design: Design,
    columns: list[_Column],
    arm: BoolArray,
    weight: FloatArray,
    scale: pd.Series,
) -> pd.DataFrame:
    """Compare the two arms of some rows, term by term."""
    shares = np.where(arm, weight / weight[arm].sum(), weight / weight[~arm].sum())
    table = pd.DataFrame(_list_statistics(columns, arm, shares))
    table["covariate"] = list(design.covariate)
    table["smd"] = (table["mean_treated"] - table["mean_control"]) / scale.to_numpy()
    table["n_treated"] = int((weight[arm] > 0).sum())
    table["n_control"] = int((weight[~arm] > 0).sum())
    table["ess_treated"] = count_effective(weight[arm])
    table["ess_control"] = count_effective(weight[~arm])
    table["band"] = grade_balance(table["smd"])
    return table


def _list_statistics(
    columns: list[_Column], arm: BoolArray, shares: FloatArray
) -> Iterator[dict[str, object]]:
    signed = np.where(arm, shares, -shares)
    places = np.flatnonzero(arm), np.flatnonzero(~arm)
    parts = shares[places[0]], shares[places[1]]
    for column in columns:
        values = column.values[places[0]], column.values[places[1]]
        ours, theirs = (
            float(value @ part) for value, part in zip(values, parts, strict=True)
        )
        if column.order is not None and column.last is not None:
            ratio = _ratio(values, parts, (ours, theirs))
            gaps = np.abs(np.cumsum(signed[column.order]))[column.last]
            mean_gap, largest = float(gaps.mean()), float(gaps.max())
        else:
            ratio, mean_gap, largest = np.nan, abs(ours - theirs), abs(ours - theirs)
        yield {
            "term": column.name,
            "mean_treated": ours,
            "mean_control": theirs,
            "variance_ratio": ratio,
            "ks": largest,
            "ecdf_mean": mean_gap,
            "ecdf_max": largest,
        }


def _ratio(
    values: tuple[FloatArray, FloatArray],
    parts: tuple[FloatArray, FloatArray],
    means: tuple[float, float],
) -> float:
    """Return the ratio of weighted variances; the shares of each arm sum to one."""
    spread = []
    for value, share, mean in zip(values, parts, means, strict=True):
        lost = 1 - float((share**2).sum())
        total = float(share @ (value - mean) ** 2)
        spread.append(total / lost if lost > 0 else np.nan)
    return spread[0] / spread[1] if spread[1] else np.nan
