"""Covariates as numbers: scaled, one column per category, gaps declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import MissingColumnError
from workbench.core.results import Check

__all__ = ["MISSING", "OTHER", "Design", "build_design", "select_terms"]

FloatArray = npt.NDArray[np.float64]

OTHER = "other levels"
MISSING = "missing"

_ROWS_PER_TERM = 10
_SMALL_IMBALANCE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Covariates in numbers, one row per row of the sample.

    Attributes
    ----------
    terms : DataFrame
        One column per term on its natural scale, nothing missing: numeric covariates
        under their name, levels of a category as ``name=level`` (0 or 1), gaps of a
        numeric covariate as ``name=missing`` (0 or 1).
    covariate : tuple of str
        The covariate each term belongs to.
    numeric : tuple of str
        Terms that are measured rather than 0 or 1.
    reference : tuple of str
        The most frequent level of each category; left out of `matrix`.
    trials : array of shape (rows, trials - 1)
        0 or 1 for every trial but the first.
    checks : tuple of Check
        What was dropped, pooled or filled in.
    """

    terms: pd.DataFrame
    covariate: tuple[str, ...]
    numeric: tuple[str, ...]
    reference: tuple[str, ...]
    trials: FloatArray
    checks: tuple[Check, ...]

    def matrix(self, terms: Sequence[str] | None = None) -> FloatArray:
        """Return the columns for a model: terms but references, then the trials.

        Numeric terms are centred and divided by their standard deviation over all
        rows; terms of 0 and 1 stay as they are. There is no column of ones.
        """
        names = self.names if terms is None else list(terms)
        columns = self.terms[names].to_numpy(dtype="float64", copy=True)
        for position, name in enumerate(names):
            if name in self.numeric:
                column = columns[:, position]
                columns[:, position] = (column - column.mean()) / column.std()
        return np.hstack([columns, self.trials])

    @property
    def names(self) -> list[str]:
        """Terms that enter models: all but the reference levels."""
        return [name for name in self.terms.columns if name not in self.reference]


def build_design(
    frame: pd.DataFrame, *, covariates: Sequence[str], min_level: int = 10
) -> Design:
    """Turn covariates into numbers.

    Parameters
    ----------
    frame : DataFrame
        Holds ``trial`` and the covariates; left unchanged.
    covariates : sequence of str
        Numeric or boolean columns, or categories (text or ``category``).
    min_level : int
        Levels with fewer rows are pooled as ``other levels``.

    Returns
    -------
    Design
        A missing number becomes the median of the others plus a 0/1 term that says
        so; a missing category is a level of its own; a covariate with one value only
        is left out. Each of these is a check.

    Raises
    ------
    MissingColumnError
        If a covariate is not a column of `frame`.
    """
    absent = [name for name in (*covariates, "trial") if name not in frame.columns]
    if absent:
        raise MissingColumnError.build("Covariates are absent", got=absent)
    columns: dict[str, FloatArray] = {}
    owner: list[str] = []
    numeric: list[str] = []
    reference: list[str] = []
    checks: list[Check] = []
    for name in dict.fromkeys(covariates):
        if _is_number(frame[name]):
            made, notes = _numeric_terms(frame[name], name)
            numeric += [name] if name in made and not _is_binary(made[name]) else []
        else:
            made, notes = _level_terms(frame[name], name, min_level)
            reference += [max(made, key=lambda key: made[key].sum())] if made else []
        columns |= made
        owner += [name] * len(made)
        checks += notes
    trials = pd.get_dummies(frame["trial"].astype("str"), drop_first=True)
    return Design(
        terms=pd.DataFrame(columns, index=frame.index),
        covariate=tuple(owner),
        numeric=tuple(numeric),
        reference=tuple(reference),
        trials=trials.to_numpy(dtype="float64"),
        checks=tuple(checks),
    )


def select_terms(
    design: Design, imbalance: pd.Series, *, n_rows: int
) -> tuple[list[str], Check]:
    """Choose the terms a regression on few rows can carry: the least balanced first.

    Parameters
    ----------
    design : Design
        The covariates.
    imbalance : Series
        Standardised mean difference by term; its size decides, never the outcome.
    n_rows : int
        Rows of the regression; one term per ten rows is allowed.

    Returns
    -------
    tuple
        The terms, in the design's order, and a check that passes if every term left
        out differs by no more than 0.05 standard deviations.
    """
    allowed = max(1, n_rows // _ROWS_PER_TERM - 1 - design.trials.shape[1])
    size = imbalance.reindex(design.names).abs().fillna(0.0)
    ranked = sorted(design.names, key=lambda name: (-size[name], name))
    chosen = [name for name in design.names if name in set(ranked[:allowed])]
    left_out = [name for name in design.names if name not in set(chosen)]
    largest = float(size[left_out].max()) if left_out else 0.0
    return chosen, Check(
        check="regression_terms",
        passed=largest <= _SMALL_IMBALANCE,
        value=largest,
        limit=_SMALL_IMBALANCE,
        text=f"{len(chosen)} of {len(design.names)} covariate terms enter the "
        f"regression in the matched sample of {n_rows} rows; the best balanced are "
        "left out first.",
        advice="" if largest <= _SMALL_IMBALANCE else "Gather more quarters.",
    )


def _is_number(values: pd.Series) -> bool:
    kinds = pd.api.types
    return bool(kinds.is_numeric_dtype(values) or kinds.is_bool_dtype(values))


def _is_binary(values: FloatArray) -> bool:
    return bool(((values == 0.0) | (values == 1.0)).all())


def _numeric_terms(
    values: pd.Series, name: str
) -> tuple[dict[str, FloatArray], list[Check]]:
    """Fill gaps with the median, declare them, and drop what does not vary."""
    numbers = values.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
    gaps = ~np.isfinite(numbers)
    if gaps.all() or np.ptp(numbers[~gaps]) == 0:
        made = {}
        notes = [_dropped(name, empty=bool(gaps.all()))]
    else:
        filled = np.median(numbers[~gaps]) if gaps.any() else 0.0
        made = {name: np.where(gaps, filled, numbers)}
        notes = []
    if gaps.any() and not gaps.all():
        made[f"{name}={MISSING}"] = gaps.astype("float64")
        notes.append(_filled(name, float(gaps.mean())))
    return made, notes


def _level_terms(
    values: pd.Series, name: str, min_level: int
) -> tuple[dict[str, FloatArray], list[Check]]:
    """Make one 0/1 column per level, rare ones pooled."""
    levels = values.astype("object").where(values.notna(), MISSING).astype("str")
    counts = levels.value_counts()
    rare = sorted(counts.index[counts < min_level])
    notes = []
    if len(rare) > 1:
        levels = levels.where(~levels.isin(rare), OTHER)
        notes.append(
            Check(
                check="covariate_pooled",
                passed=True,
                value=float(len(rare)),
                limit=float(min_level),
                text=f"{name}: {len(rare)} levels with fewer than {min_level} rows "
                "are pooled.",
            )
        )
    found = sorted(levels.unique())
    if len(found) == 1:
        return {}, [*notes, _dropped(name, empty=found == [MISSING])]
    return {
        f"{name}={level}": (levels == level).to_numpy("float64") for level in found
    }, notes


def _dropped(name: str, *, empty: bool) -> Check:
    """Note a covariate of one value; one that is empty may be a fault of the data."""
    return Check(
        check="covariate_constant",
        passed=False if empty else None,
        text=f"{name} {'is empty' if empty else 'holds one value only'} and is left "
        "out of the adjustment.",
        advice="Check the mapping of its source." if empty else "",
    )


def _filled(name: str, share: float) -> Check:
    return Check(
        check="covariate_missing",
        passed=True,
        value=share,
        text=f"{name} is missing in {share:.1%} of rows: the median stands in, and a "
        "0/1 term marks these rows in every model.",
    )
