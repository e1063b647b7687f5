"""Predicted benefit examined by econml, which takes every row for another person."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.prescribe.targeting.ranking import rank_rows
from workbench.prescribe.targeting.scores import Scores

__all__ = ["test_with_econml"]

FloatArray = npt.NDArray[np.float64]

_GROUPS = 4
_DRAWS = 200
_HELD_OUT = 2
_ROWS = "rows taken as independent"


def test_with_econml(
    scores: Scores, predicted: FloatArray, *, alpha: float, seed: int
) -> pd.DataFrame:
    """Examine predicted benefit with the ``DRTester`` of econml.

    It stands beside our own tests as a check by other code: it knows no clusters, so
    that its errors are too small where a person has several rows.

    Parameters
    ----------
    scores : Scores
        Rows that are predicted.
    predicted : array of shape (rows,)
        Predictions by models of earlier folds; the last two folds validate, the others
        give the cut points of the groups.
    alpha : float
        One less the level at which a test passes.
    seed : int
        Of the draws; the state of numpy's global generator is put back afterwards.

    Returns
    -------
    DataFrame
        ``test`` (``econml_blp``, ``econml_calibration``, ``econml_autoc``,
        ``econml_qini``), ``value``, ``std_error``, ``p_value``, ``passed``, ``text``.

    References
    ----------
    .. [1] Dwivedi, R. et al. (2020). Stable discovery of interpretable subgroups via
       calibration in causal studies. International Statistical Review 88, S135-S178.
       doi:10.1111/insr.12427
    """
    from econml.validate.drtester import DRTester

    held = scores.folds >= scores.n_folds - _HELD_OUT
    # One mean over all rows is then the sum over outcomes of means over people.
    effect = scores.effect * scores.weight * len(scores.effect)
    tester: Any = DRTester(model_regression=None, model_propensity=None, cate=None)
    tester.treatments = np.array([0, 1])
    tester.n_treat = 1
    tester.dr_train_ = effect[~held, None]
    tester.dr_val_ = effect[held, None]
    tester.ate_val = tester.dr_val_.mean(axis=0)
    tester.cate_preds_train_ = predicted[~held, None]
    tester.cate_preds_val_ = predicted[held, None]
    if min(np.ptp(predicted[held]), np.ptp(predicted[~held])) == 0:
        return _tabulate([])
    with _quiet():
        line = tester.evaluate_blp()
        groups = tester.evaluate_cal(n_groups=_GROUPS)
    rows = [
        _describe("blp", line.params[0], line.errs[0], line.pvals[0], alpha),
        _describe_calibration(float(groups.cal_r_squared[0])),
    ]
    # Models of different folds predict on different scales; areas need the order only.
    place = rank_rows(predicted, scores.folds)
    tester.cate_preds_train_ = place[~held, None]
    tester.cate_preds_val_ = place[held, None]
    with _seeded(seed):
        for metric, name in (("toc", "autoc"), ("qini", "qini")):
            area = tester.evaluate_uplift(metric=metric, n_bootstrap=_DRAWS)
            rows.append(
                _describe(name, area.params[0], area.errs[0], area.pvals[0], alpha)
            )
    return _tabulate(rows)


_SAID = {
    "blp": "Best linear predictor: scores per predicted unit (1 is right)",
    "autoc": "Area under the TOC curve",
    "qini": "Area under the Qini curve",
}


def _describe(
    name: str, value: float, error: float, p_value: float, alpha: float
) -> dict[str, object]:
    """Describe one test; those of areas are one-sided, as econml makes them."""
    return {
        "test": f"econml_{name}",
        "value": float(value),
        "std_error": float(error),
        "p_value": float(p_value),
        "passed": bool(value > 0 and p_value < alpha),
        "text": f"{_SAID[name]}, by econml on the last folds, {_ROWS}.",
    }


def _describe_calibration(value: float) -> dict[str, object]:
    text = (
        f"Calibration R² over {_GROUPS} groups, by econml on the last folds: above 0 "
        "if predictions are nearer to the groups' effects than one average."
    )
    if not np.isfinite(value):
        text += " It cannot be computed: a group has nobody in the last folds."
    return {
        "test": "econml_calibration",
        "value": value,
        "std_error": np.nan,
        "p_value": np.nan,
        "passed": bool(value > 0) if np.isfinite(value) else None,
        "text": text,
    }


def _tabulate(rows: list[dict[str, object]]) -> pd.DataFrame:
    columns = ["test", "value", "std_error", "p_value", "passed", "text"]
    return pd.DataFrame(rows, columns=columns)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let a group without people give NaN, without a warning from inside econml."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed numpy's global generator, which econml draws from, and put it back."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
