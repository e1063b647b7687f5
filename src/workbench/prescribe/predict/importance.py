"""What goes with a prediction: Shapley values of its features, in plain words."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.prescribe.predict.features import is_number, list_slices
from workbench.prescribe.predict.models import Fitted, Kind
from workbench.prescribe.predict.time_models import FittedTime

__all__ = [
    "COLUMNS",
    "MOST_ROWS",
    "NOT_CAUSES",
    "Attribution",
    "attribute_prediction",
    "rank_features",
    "write_effect",
]

FloatArray = npt.NDArray[np.float64]

COLUMNS = ["target", "feature", "mean_abs_shap", "effect_words", "scale"]

NOT_CAUSES = (
    "These are associations that help to predict; none of them is shown to be a cause, "
    "and changing one need not change the outcome."
)

MOST_ROWS = 2000
"""Most people whose predictions are taken apart."""

_CLEAR = 0.5
_NEGLIGIBLE = 1e-9
_SCALES: dict[str, str] = {
    "binary": "log odds",
    "continuous": "units of the outcome",
    "time": "log hazard, sign turned so that above 0 is longer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """What each feature adds to each prediction, against the average prediction.

    Attributes
    ----------
    values : array of shape (rows, features)
        Shapley values on the scale of the model: log odds, units, or for a time the
        log hazard with its sign turned, so that above 0 always means more or longer.
    features : DataFrame
        The features of the same rows, from `read_features`.
    kind : {"binary", "continuous", "time"}
        What is predicted.
    """

    values: FloatArray
    features: pd.DataFrame
    kind: Kind


def attribute_prediction(
    model: Fitted | FittedTime, features: pd.DataFrame, *, seed: int
) -> Attribution:
    r"""Take predictions apart into what each feature adds.

    Parameters
    ----------
    model : Fitted or FittedTime
        The chosen model.
    features : DataFrame
        From `read_features`; of more than 2,000 rows, so many are drawn.
    seed : int
        Of that draw, and of the step of a time that is looked at.

    Returns
    -------
    Attribution
        Sums over features to the prediction less the average one.

    Notes
    -----
    A linear model gives :math:`\beta_j (x_j - \bar x_j)`, summed over the columns of a
    feature: its Shapley values where features are taken as independent. Trees are taken
    apart by TreeSHAP [1]_.

    References
    ----------
    .. [1] Lundberg, S. M. et al. (2020). From local explanations to global
       understanding with explainable AI for trees. Nature Machine Intelligence 2,
       56-67. doi:10.1038/s42256-019-0138-9
    """
    rng = np.random.default_rng(seed)
    rows = features
    if len(rows) > MOST_ROWS:
        rows = rows.iloc[np.sort(rng.choice(len(rows), MOST_ROWS, replace=False))]
    columns = model.encoder.transform(rows[list(model.features)])
    if model.recipe.name == "simple":
        values = _split_linear(model, columns)
    else:
        values = _split_trees(model, columns, rng)
    sign = -1.0 if model.recipe.kind == "time" else 1.0
    return Attribution(values=sign * values, features=rows, kind=model.recipe.kind)


def rank_features(
    target: str, label: str, found: Attribution, *, min_group: int
) -> pd.DataFrame:
    """Rank features by how much they move predictions on average.

    Parameters
    ----------
    target, label : str
        Id and name of the outcome.
    found : Attribution
        From `attribute_prediction`.
    min_group : int
        Levels of a category of fewer people are not named.

    Returns
    -------
    DataFrame
        ``target``, ``feature``, ``mean_abs_shap``, ``effect_words``, ``scale``, the
        strongest first.
    """
    size = np.abs(found.values).mean(axis=0)
    rows = [
        {
            "target": target,
            "feature": str(name),
            "mean_abs_shap": float(size[at]),
            "effect_words": write_effect(
                str(name),
                found.features[name],
                found.values[:, at],
                label=label,
                kind=found.kind,
                min_group=min_group,
            ),
            "scale": _SCALES[found.kind],
        }
        for at, name in enumerate(found.features.columns)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values(
        ["mean_abs_shap", "feature"], ascending=[False, True], ignore_index=True
    )


def write_effect(
    name: str,
    column: pd.Series,
    values: FloatArray,
    *,
    label: str,
    kind: Kind,
    min_group: int,
) -> str:
    """Say in which direction a feature goes with the outcome.

    Parameters
    ----------
    name : str
        The feature.
    column : Series
        Its values.
    values : array
        What it adds to each prediction.
    label : str
        Name of the outcome.
    kind : {"binary", "continuous", "time"}
        What is predicted.
    min_group : int
        Fewest people of a level that is named.

    Returns
    -------
    str
        A direction is claimed where values and contributions have a rank correlation of
        0.5 and more.
    """
    words = name.replace("_", " ")
    if float(np.abs(values).max(initial=0.0)) < _NEGLIGIBLE:
        return f"{words} plays no part"
    if not is_number(column):
        return _write_levels(words, column, values, label, kind, min_group)
    known = column.notna().to_numpy()
    turn = _correlate(column.to_numpy(dtype="float64")[known], values[known])
    if abs(turn) < _CLEAR:
        return f"{words} matters in no single direction"
    return f"higher {words} goes with {_write_more(label, kind, more=turn > 0)}"


def _write_levels(
    words: str,
    column: pd.Series,
    values: FloatArray,
    label: str,
    kind: Kind,
    min_group: int,
) -> str:
    """Name the levels at both ends, among those of enough people."""
    table = pd.DataFrame({"level": column.to_numpy(), "value": values})
    sums = table.groupby("level")["value"].agg(["mean", "size"])
    shown = sums[sums["size"] >= min_group].sort_values("mean", kind="stable")
    if len(shown) < 2:
        return f"{words} plays hardly any part"
    low, high = str(shown.index[0]), str(shown.index[-1])
    more = _write_more(label, kind, more=True)
    return f"{words}: {high} goes with {more}, {low} with the opposite"


def _write_more(label: str, kind: Kind, *, more: bool) -> str:
    """Name more or less of an outcome, without what its label adds in brackets."""
    short = label.split(" (")[0]
    name = short[:1].lower() + short[1:] if short[1:2].islower() else short
    if kind == "time" and name.startswith("days to "):
        return f"{'more' if more else 'fewer'} {name}"
    if kind == "time":
        return f"a {'longer' if more else 'shorter'} time: {name}"
    high = "higher" if more else "lower"
    return f"a {high} probability of {name}" if kind == "binary" else f"a {high} {name}"


def _correlate(first: FloatArray, second: FloatArray) -> float:
    from scipy.stats import rankdata

    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    found = float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])
    return found if math.isfinite(found) else 0.0


def _split_linear(model: Fitted | FittedTime, columns: FloatArray) -> FloatArray:
    if isinstance(model, FittedTime):
        coef = np.asarray(model.model, dtype="float64")
    else:
        coef = np.asarray(model.model.coef_, dtype="float64").ravel()
    parts = (columns - columns.mean(axis=0)) * coef
    pieces = list_slices(model.encoder, model.features)
    return np.column_stack([parts[:, item].sum(axis=1) for item in pieces])


def _split_trees(
    model: Fitted | FittedTime, columns: Any, rng: np.random.Generator
) -> FloatArray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shap's import warns of what is not used here
        from shap import TreeExplainer
    rows = np.asarray(columns, dtype="float64")
    if isinstance(model, FittedTime):
        step = rng.integers(0, len(model.edges), len(rows)).astype("float64")
        rows = np.column_stack([rows, step])
    values = np.asarray(TreeExplainer(model.model).shap_values(rows), dtype="float64")
    return values[:, : len(model.features)]
