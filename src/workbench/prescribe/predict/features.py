"""What a prediction may read, as columns for models; protected attributes never."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.prediction_frames import PredictionFrame
from workbench.core.errors import MissingColumnError, ParamError

__all__ = [
    "MISSING",
    "build_linear_encoder",
    "build_tree_encoder",
    "check_features",
    "count_terms",
    "is_number",
    "list_slices",
    "read_features",
]

FloatArray = npt.NDArray[np.float64]

MISSING = "missing"
"""Level of a category that is not known."""

_FORMS: tuple[frozenset[str], ...] = (
    frozenset({"age", "age_band", "birth_date", "birth_year", "date_of_birth"}),
    frozenset({"gender", "sex"}),
    frozenset({"ethnicity", "ethnic_group", "race"}),
    frozenset({"disability", "disabled"}),
)
"""Columns that say the same of a person: where one is protected, all are."""

_FEWEST_OF_A_LEVEL = 20


def check_features(frame: PredictionFrame) -> None:
    """Refuse a frame whose models would read a protected attribute.

    Parameters
    ----------
    frame : PredictionFrame
        What is to be predicted, and from what.

    Raises
    ------
    ParamError
        If a feature is a protected attribute, or another form of one (age where the
        age band is protected).
    MissingColumnError
        If a feature or a protected attribute is no column.
    """
    barred = set(frame.protected)
    for forms in _FORMS:
        if barred & forms:
            barred |= forms
    used = sorted(barred & set(frame.features))
    if used:
        raise ParamError.build(
            "A prediction would read a protected attribute",
            where=frame.target,
            rule="protected attributes, in whatever form, are never features",
            got=used,
            hint="take it out of the features; errors by group are reported anyway",
        )
    columns = {*frame.features, *frame.protected}
    for name, table in (("frame", frame.frame), ("current", frame.current)):
        missing = sorted(columns - set(table.columns))
        if missing:
            raise MissingColumnError.build(
                "A prediction lacks columns", where=f"{frame.target}, {name}",
                got=missing,
            )  # fmt: skip


def read_features(table: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """Return the features in two kinds: numbers as float, categories as text.

    Parameters
    ----------
    table : DataFrame
        Holds the features; left as it is.
    features : sequence of str
        Their names and order.

    Returns
    -------
    DataFrame
        What is missing is NaN in a number and the level ``missing`` in a category.
    """
    found = {}
    for name in features:
        column = table[name]
        if is_number(column):
            found[name] = column.astype("float64")
        else:
            text = column.astype("object").where(column.notna(), MISSING)
            found[name] = text.map(str).astype("object")
    return pd.DataFrame(found, index=table.index)


def is_number(column: pd.Series) -> bool:
    """Tell whether a feature is measured (or true and false), not a category."""
    return bool(pd.api.types.is_numeric_dtype(column))


def build_linear_encoder(features: pd.DataFrame) -> Any:
    """Build the columns of a linear model: scaled numbers, one column per level.

    Parameters
    ----------
    features : DataFrame
        From `read_features`.

    Returns
    -------
    ColumnTransformer
        Not fitted. A missing number becomes the median and a mark of its own; levels
        of fewer than 20 rows share a column, as do levels not seen before.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    parts = []
    for name in features.columns:
        if is_number(features[name]):
            filled = SimpleImputer(
                strategy="median", add_indicator=True, keep_empty_features=True
            )
            part = make_pipeline(filled, StandardScaler())
        else:
            part = OneHotEncoder(
                handle_unknown="infrequent_if_exist",
                min_frequency=_FEWEST_OF_A_LEVEL,
                sparse_output=False,
            )
        parts.append((str(name), part, [name]))
    return ColumnTransformer(parts)


def build_tree_encoder(features: pd.DataFrame) -> Any:
    """Build the columns of a tree model: numbers as they are, levels as codes.

    Returns
    -------
    ColumnTransformer
        Not fitted; one column per feature, in their order. What is missing, or a level
        not seen before, is NaN, which trees send either way.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OrdinalEncoder

    parts: list[tuple[str, Any, list[str]]] = []
    for name in features.columns:
        coded = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
        part = "passthrough" if is_number(features[name]) else coded
        parts.append((str(name), part, [name]))
    return ColumnTransformer(parts)


def list_slices(encoder: Any, features: Sequence[str]) -> list[slice]:
    """List which columns of a fitted encoder belong to each feature."""
    return [encoder.output_indices_[name] for name in features]


def count_terms(encoder: Any, features: Sequence[str]) -> int:
    """Count the columns that a fitted encoder gives a model."""
    return max(int(item.stop) for item in list_slices(encoder, features))
