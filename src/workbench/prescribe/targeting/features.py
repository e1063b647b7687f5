"""What a person is known by, in numbers that a model of benefit can be asked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import MissingColumnError

__all__ = ["Term", "Terms", "choose_terms"]

FloatArray = npt.NDArray[np.float64]

_MOST_LEVELS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One column of a model.

    Attributes
    ----------
    name : str
        ``tenure_days``, or ``shift=night`` for a level of a category.
    column : str
        The column of a frame it is made of.
    level : str or None
        The level that counts 1, all else 0; None for a number.
    centre, spread : float
        Mean and standard deviation among the people of the fit.
    fill : float
        Stands in for a missing number: the median.
    """

    name: str
    column: str
    level: str | None
    centre: float
    spread: float
    fill: float


@dataclass(frozen=True, slots=True)
class Terms:
    """Columns of a model, made of any frame that has the facts."""

    items: tuple[Term, ...]

    @property
    def names(self) -> list[str]:
        """Names in the order of the columns."""
        return [item.name for item in self.items]

    def tabulate(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return one column per term on its natural scale, nothing missing.

        Raises
        ------
        MissingColumnError
            If the frame lacks a fact.
        """
        columns = list(dict.fromkeys(item.column for item in self.items))
        absent = [name for name in columns if name not in frame.columns]
        if absent:
            raise MissingColumnError.build(
                "People lack facts that the model of benefit was made of",
                got=absent,
                hint="name in `features` only facts that are known of people now",
            )
        made = {item.name: _read(frame[item.column], item) for item in self.items}
        return pd.DataFrame(made, index=frame.index)

    def matrix(self, frame: pd.DataFrame) -> FloatArray:
        """Return standardised columns, as in the fit."""
        values = self.tabulate(frame).to_numpy(dtype="float64")
        centre = np.array([item.centre for item in self.items])
        spread = np.array([item.spread for item in self.items])
        scaled: FloatArray = (values - centre) / spread
        return scaled


def choose_terms(
    frame: pd.DataFrame, features: Sequence[str], *, min_level: int = 10
) -> Terms:
    """Choose the columns of a model from the facts of the people of a fit.

    Parameters
    ----------
    frame : DataFrame
        One row per person and quarter.
    features : sequence of str
        Numeric or boolean columns, or categories.
    min_level : int
        A level with fewer rows gets no column, and of a category at most twelve do:
        the others are the ones compared with.

    Returns
    -------
    Terms
        Without facts of one value only; of two levels, one column.
    """
    items: list[Term] = []
    for name in features:
        values = frame[name]
        kinds = pd.api.types
        if kinds.is_numeric_dtype(values) or kinds.is_bool_dtype(values):
            items += _make(frame[name], name, None)
        else:
            counts = values.dropna().astype("str").value_counts()
            counts = counts[counts >= min_level].sort_index()
            levels = counts.sort_values(ascending=False, kind="stable").index
            several = list(levels[1 : _MOST_LEVELS + 1])
            for level in sorted(several):
                items += _make(values, name, level)
    return Terms(tuple(items))


def _make(values: pd.Series, name: str, level: str | None) -> list[Term]:
    fill = 0.0
    if level is None:
        numbers = values.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
        known = numbers[np.isfinite(numbers)]
        fill = float(np.median(known)) if len(known) else 0.0
    label = name if level is None else f"{name}={level}"
    draft = Term(
        name=label, column=name, level=level, centre=0.0, spread=1.0, fill=fill
    )
    read = _read(values, draft)
    spread = float(read.std())
    if not spread > 0:
        return []
    return [
        Term(
            name=label,
            column=name,
            level=level,
            centre=float(read.mean()),
            spread=spread,
            fill=fill,
        )
    ]


def _read(values: pd.Series, term: Term) -> FloatArray:
    if term.level is not None:
        text = values.astype("object").where(values.notna(), "").astype("str")
        return np.asarray(text == term.level, dtype="float64")
    numbers = values.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, term.fill)
