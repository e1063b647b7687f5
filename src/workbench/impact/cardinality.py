"""Cardinality matching: the largest sample in which the two groups have equal means."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import DesignError, NoOverlapError
from workbench.impact.design_matrix import Design
from workbench.impact.matching import Matches

__all__ = ["MAX_ROWS", "TOLERANCE", "match_cardinality"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

TOLERANCE = 0.05
"""Largest standardised mean difference allowed, the same as for good balance."""

MAX_ROWS = 30_000
"""Above this many rows the linear programme is not tried."""

_SHARES = (1.0, 0.9, 0.75, 0.5, 0.25, 0.1)
_WHOLE = 1e-6
_SLACK = 1e-9


def match_cardinality(
    frame: pd.DataFrame,
    design: Design,
    *,
    score: str = "score",
    treated: str = "treated",
    unit: str = "unit",
    exact: Sequence[str] = ("trial",),
    tolerance: float = TOLERANCE,
) -> Matches:
    r"""Find the largest samples of learners and others whose covariates agree.

    Use it beside nearest neighbours: it looks at the covariates themselves, needs no
    model of learning and keeps more learners for the same balance. The estimand is the
    average effect on the learners it keeps; it is causal if, given the covariates,
    learning was as good as random and the covariates act linearly.

    Parameters
    ----------
    frame : DataFrame
        One row per person and trial, left unchanged; its order decides between equally
        large samples, so sort it.
    design : Design
        Covariates of the same rows; every term is balanced.
    score : str
        Column by which the chosen learners and others are paired afterwards, for the
        errors alone.
    treated, unit : str
        Columns with the learners (bool) and the id of the person.
    exact : sequence of str
        Columns within whose combinations equally many learners and others are chosen
        and paired; keep ``trial`` among them.
    tolerance : float
        Largest difference of means, in standard deviations of the term among all
        learners (as `tabulate_balance` has it).

    Returns
    -------
    Matches
        Pairs of one learner and one other; ``caliper`` is infinite.

    Raises
    ------
    DesignError
        If there are more than `MAX_ROWS` rows or the tolerance is not above 0.
    NoOverlapError
        If no sample within the tolerance was found.

    Notes
    -----
    With x the choice of each row, :math:`\sum_{d=1} x_i` is maximised under equal
    counts in each cell and
    :math:`|\sum_{d=0} x_i z_{ik} - \sum_{d=1} x_i z_{ik}| \le \delta \sum_{d=1} x_i`
    for every standardised term k. Its linear relaxation is solved by the dual simplex;
    a vertex leaves at most as many rows undecided as there are constraints. These are
    left out, counts are made equal again by leaving out the rows that disturb the
    balance most, and the result is checked; should it miss the tolerance, the relaxed
    problem is solved with a smaller one. The sample is thus within the tolerance by
    proof, though it may hold a few pairs less than the largest there is.

    References
    ----------
    .. [1] Zubizarreta, J. R., Paredes, R. D. and Rosenbaum, P. R. (2014). Matching for
       balance, pairing for heterogeneity in an observational study of the effectiveness
       of for-profit and not-for-profit high schools in Chile. Annals of Applied
       Statistics 8, 204-231. doi:10.1214/13-AOAS713

    Examples
    --------
    >>> from workbench.impact.design_matrix import build_design
    >>> people = pd.DataFrame({"unit": list("abcdef"), "trial": "2026Q1",
    ...     "treated": [True, True, True, False, False, False], "score": 0.0,
    ...     "senior": [1, 1, 0, 1, 0, 0]})
    >>> design = build_design(people, covariates=["senior"])
    >>> match_cardinality(people, design).pairs["treated"].tolist()
    [True, False, True, False]
    """
    if len(frame) > MAX_ROWS:
        raise DesignError.build(
            "Too many rows for cardinality matching", rule=f"at most {MAX_ROWS}"
        )
    if tolerance <= 0:
        raise DesignError.build("tolerance is too small", rule="above 0", got=tolerance)
    learns = frame[treated].to_numpy(dtype=bool)
    cells = _code_cells(frame, exact)
    terms = _standardise(design, learns)
    for share in _SHARES:
        chosen = _relax(terms, learns, cells, share * tolerance)
        chosen = _equalise(chosen, terms, learns, cells)
        if chosen.any() and _is_balanced(chosen, terms, learns, tolerance):
            return _pair(
                frame,
                chosen,
                learns,
                cells,
                score=score,
                unit=unit,
                tolerance=tolerance,
            )
    raise NoOverlapError.build(
        "No sample of learners and others has equal means",
        rule=f"within {tolerance:g} standard deviations",
        hint="allow a larger tolerance, or match by nearest neighbours",
    )


def _code_cells(frame: pd.DataFrame, exact: Sequence[str]) -> IntArray:
    keys = frame[list(exact)].astype("object").where(frame[list(exact)].notna(), "")
    codes: IntArray = np.asarray(
        keys.groupby(list(exact), sort=True).ngroup(), dtype="int64"
    )
    return codes


def _standardise(design: Design, learns: BoolArray) -> FloatArray:
    values = design.terms.to_numpy(dtype="float64")
    scale = values[learns].std(axis=0, ddof=1)
    scale = np.where(scale > 0, scale, values.std(axis=0, ddof=1))
    centred: FloatArray = (values - values[learns].mean(axis=0)) / scale
    return centred


def _relax(
    terms: FloatArray, learns: BoolArray, cells: IntArray, tolerance: float
) -> BoolArray:
    """Solve the linear relaxation and keep the rows it takes whole."""
    from scipy.optimize import linprog

    sign = np.where(learns, -1.0, 1.0)
    signed = terms * sign[:, None]
    room = tolerance * learns[:, None]
    bounds = np.vstack([(signed - room).T, (-signed - room).T])
    counts = (cells == np.arange(cells.max() + 1)[:, None]) * sign
    found = linprog(
        -learns.astype("float64"),
        A_ub=bounds,
        b_ub=np.zeros(len(bounds)),
        A_eq=counts,
        b_eq=np.zeros(len(counts)),
        bounds=(0, 1),
        method="highs-ds",
    )
    if found.x is None:
        return np.zeros(len(learns), dtype=bool)
    whole: BoolArray = found.x > 1 - _WHOLE
    return whole


def _equalise(
    chosen: BoolArray, terms: FloatArray, learns: BoolArray, cells: IntArray
) -> BoolArray:
    """Leave out rows of the larger arm of each cell, the most disturbing first."""
    chosen = chosen.copy()
    sign = np.where(learns, -1.0, 1.0)
    gap = (terms * (chosen * sign)[:, None]).sum(axis=0)
    for cell in range(int(cells.max()) + 1):
        here = chosen & (cells == cell)
        surplus = int((here & learns).sum()) - int((here & ~learns).sum())
        arm = here & (learns if surplus > 0 else ~learns)
        for _ in range(abs(surplus)):
            rows = np.flatnonzero(arm)
            after = gap - terms[rows] * sign[rows, None]
            row = rows[int(np.argmin(np.abs(after).max(axis=1)))]
            chosen[row] = arm[row] = False
            gap = gap - terms[row] * sign[row]
    return chosen


def _is_balanced(
    chosen: BoolArray, terms: FloatArray, learns: BoolArray, tolerance: float
) -> bool:
    ours, theirs = terms[chosen & learns], terms[chosen & ~learns]
    gaps = np.abs(ours.mean(axis=0) - theirs.mean(axis=0))
    return bool((gaps <= tolerance + _SLACK).all())


def _pair(
    frame: pd.DataFrame,
    chosen: BoolArray,
    learns: BoolArray,
    cells: IntArray,
    *,
    score: str,
    unit: str,
    tolerance: float,
) -> Matches:
    """Pair the chosen within each cell in the order of their scores.

    In one dimension this makes the sum of distances as small as it can be.
    """
    scores = frame[score].to_numpy(dtype="float64")
    order = np.lexsort((np.arange(len(frame)), scores, cells))
    order = order[chosen[order]]
    ours, theirs = order[learns[order]], order[~learns[order]]
    place = np.argsort(ours, kind="stable")
    ours, theirs = ours[place], theirs[place]
    rows = np.column_stack([ours, theirs]).ravel()
    far = np.abs(scores[ours] - scores[theirs])
    pairs = pd.DataFrame(
        {
            "set": np.repeat(np.arange(len(ours)), 2),
            "row": rows,
            "unit": frame[unit].to_numpy()[rows],
            "trial": frame["trial"].to_numpy()[rows] if "trial" in frame else "",
            "treated": learns[rows],
            "distance": np.column_stack([np.zeros(len(far)), far]).ravel(),
            "weight": 1.0,
        }
    )
    return Matches(
        pairs=pairs,
        dropped=np.flatnonzero(learns & ~chosen),
        weights=chosen.astype("float64"),
        caliper=math.inf,
        text="the largest sample of learners and equally many others whose every "
        f"covariate mean agrees within {tolerance:g} standard deviations of the "
        "learners, paired by score",
        replace=False,
    )
