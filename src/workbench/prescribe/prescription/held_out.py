"""What the chosen path adds, by people who had no part in the choice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from workbench.cohorts.frames import Cohort
from workbench.cohorts.module_records import ModuleRecords
from workbench.core.errors import DesignError
from workbench.impact.wording import write_alike
from workbench.prescribe.modules.values import ModuleValues
from workbench.prescribe.targeting.estimates import PathShift

__all__ = [
    "HeldOut",
    "describe_held_out",
    "hold_out",
    "value_held_out",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Choose = Callable[[ModuleRecords], tuple[str, ...]]
"""Chooses a path from the records of some of the people."""

_NEARLY = 0.1
_FEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A way of choosing paths, valued on people who had no part in the choice.

    Attributes
    ----------
    shift : PathShift
        What the paths add to the programme as it was taken.
    paths : tuple of tuple of str
        The path chosen without each fold.
    text : str
        How often it was the same, or why nothing could be valued.
    """

    shift: PathShift
    paths: tuple[tuple[str, ...], ...]
    text: str

    @property
    def known(self) -> bool:
        """Whether the paths could be valued."""
        return math.isfinite(self.shift.value)


def hold_out(records: ModuleRecords, units: Sequence[str]) -> ModuleRecords:
    """Leave people out of the records of a programme."""
    out = frozenset(units)

    def keep(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[~frame["unit"].isin(out)].reset_index(drop=True)

    def narrow(cohort: Cohort) -> Cohort:
        return replace(cohort, frame=keep(cohort.frame))

    return replace(
        records,
        passed=keep(records.passed),
        hours=keep(records.hours),
        cohorts=tuple(narrow(item) for item in records.cohorts),
        follow_ups=tuple(
            replace(item, cohort=narrow(item.cohort)) for item in records.follow_ups
        ),
    )


def value_held_out(
    records: ModuleRecords,
    values: ModuleValues,
    choose: Choose,
    *,
    n_folds: int = 3,
    seed: int,
) -> HeldOut:
    r"""Value a way of choosing paths on people it has not seen.

    Parameters
    ----------
    records : ModuleRecords
        Of one programme.
    values : ModuleValues
        Of the same; its ``rows`` hold the influence of each row.
    choose : callable
        Chooses a path from records; called once without each fold.
    n_folds : int
        Folds of people.
    seed : int
        Deals the people.

    Returns
    -------
    HeldOut
        Without a number where no outcome tells what the paths change.

    Raises
    ------
    DesignError
        If the influence of rows is not there.

    Notes
    -----
    With :math:`P_k` chosen without fold k, the shift is

    .. math:: \sum_k \frac{N_k}{N} \sum_m (1[m \in P_k] - q_m) \hat\theta_m^{(k)}

    where :math:`\hat\theta^{(k)}` averages the scores of the fold's own rows. Only
    nuisance models have seen the other folds. Where all paths are the same, value and
    error are those of the path on everybody. A fold with fewer than 5 rows takes the
    average of all. A module of which an outcome tells nothing
    changes nothing there.
    """
    if values.rows is None:
        raise DesignError.build(
            "The influence of rows is needed to hold people out", where=values.persona
        )
    rows = values.rows
    folds = _deal(rows["unit"], n_folds=n_folds, seed=seed)
    units = rows["unit"].to_numpy()
    paths = tuple(
        choose(hold_out(records, list(np.unique(units[folds == fold]))))
        for fold in range(n_folds)
    )
    told = ~np.isnan(values.raw)
    total, influence = 0.0, np.zeros(len(rows))
    untold: set[str] = set()
    for fold, path in enumerate(paths):
        step = np.isin(values.modules, path).astype("float64") - values.shares
        untold |= _list_untold(values, step, told)
        value, part = _value_fold(values, step, told, folds == fold)
        total += value
        influence += part
    if untold >= {*_list_counted(values)}:
        return HeldOut(
            shift=PathShift(value=math.nan),
            paths=paths,
            text="Paths differ from what learners took in modules of which no effect "
            "can be told.",
        )
    person = pd.Series(influence, index=rows["unit"].to_numpy()).groupby(level=0).sum()
    return HeldOut(
        shift=PathShift(value=total, influence=person),
        paths=paths,
        text=_tell(paths, sorted(untold)),
    )


def describe_held_out(held: HeldOut, alpha: float) -> str:
    """Say what paths chosen in this way were worth to people who had no part in it."""
    if not held.known:
        return held.text
    half = float(ndtri(1 - alpha / 2)) * held.shift.whole_error
    value = held.shift.value
    point, low, high = write_alike(value, value - half, value + half, signed=True)
    told = "not told from 0" if abs(value) <= half else "told from 0"
    return (
        "To people who had no part in choosing them, paths chosen in this way are "
        f"worth {point} thresholds ({low} to {high}) beyond the programme as it was "
        f"taken, {told}. {held.text}"
    )


def _deal(units: pd.Series, *, n_folds: int, seed: int) -> IntArray:
    """Deal people into folds of about the same size."""
    names, codes = np.unique(units.to_numpy(), return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    fold: IntArray = (order % n_folds)[codes].astype("int64")
    return fold


def _list_counted(values: ModuleValues) -> list[str]:
    """Name the outcomes that count in an impact."""
    pairs = zip(values.outcomes, values.weights, strict=True)
    return [outcome for outcome, weight in pairs if weight > 0]


def _list_untold(
    values: ModuleValues, step: FloatArray, told: BoolArray
) -> frozenset[str]:
    """Name the outcomes of which a change in modules cannot be told."""
    counted = {*_list_counted(values)}
    return frozenset(
        outcome
        for at, outcome in enumerate(values.outcomes)
        if outcome in counted and (np.abs(step[~told[at]]) > _NEARLY).any()
    )


def _value_fold(
    values: ModuleValues, step: FloatArray, told: BoolArray, fold: BoolArray
) -> tuple[float, FloatArray]:
    """Return a fold's part in the shift, and the influence of its rows."""
    assert values.rows is not None  # noqa: S101 -- checked by the caller
    value, influence = 0.0, np.zeros(len(fold))
    for at, outcome in enumerate(values.outcomes):
        weight = values.weights[at]
        if weight == 0:
            continue
        for place in np.flatnonzero(told[at]):
            own = values.rows[f"{outcome}:{values.modules[place]}"].to_numpy()
            counted = own != 0
            n_rows, n_fold = int(counted.sum()), int((counted & fold).sum())
            share = n_fold / n_rows
            mean = values.raw[at, place]
            if n_fold >= _FEWEST:
                mean += own[fold].sum() / share
            factor = weight * step[place]
            value += factor * share * mean
            influence += factor * np.where(fold, own, 0.0)
    return value, influence


def _tell(paths: Sequence[tuple[str, ...]], untold: Sequence[str]) -> str:
    different = len({frozenset(path) for path in paths})
    text = (
        f"Without any one of {len(paths)} groups the same path is chosen."
        if different == 1
        else f"Without one or other of {len(paths)} groups of people, {different} "
        "different paths are chosen; the value is that of choosing anew."
    )
    if untold:
        text += (
            f" What its modules change in {', '.join(untold)} cannot be told apart and "
            "counts as the programme does."
        )
    return text
