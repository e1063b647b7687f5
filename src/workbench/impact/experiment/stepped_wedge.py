"""Stepped wedges: groups start one after the other, in an order drawn by lot."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.errors import NoVariationError
from workbench.core.results import Check
from workbench.impact.effects import Effect, describe_unit
from workbench.impact.experiment.wedge_cells import (
    Cells,
    estimate_cr2,
    fit_column,
    make_effect,
    read_cells,
)
from workbench.impact.experiment.wedge_checks import (
    check_agreement,
    check_before,
    check_constant,
    check_leavers,
)
from workbench.impact.experiment.wedge_draws import WedgeTest, redraw_starts
from workbench.impact.wording import write_alike

__all__ = ["SteppedWedge", "estimate_stepped_wedge"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

_MOST_CAREFUL = 150
"""From so many groups on CR2 adds nothing to CR1 and takes long."""

_SINCE = [
    "since",
    "estimate",
    "std_error",
    "df",
    "p_value",
    "ci_low",
    "ci_high",
    "clusters",
    "people",
]
_PERIODS = [
    "period",
    "label",
    "clusters_waiting",
    "clusters_exposed",
    "people_waiting",
    "people_exposed",
    "mean_waiting",
    "mean_exposed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedWedge:
    """What a stepped wedge says.

    Attributes
    ----------
    effect : Effect
        Mean difference that an exposed period makes, on the outcome's scale (estimand
        ITT, method ``ab_itt``): with effects of groups and periods.
    naive : Effect
        The same without effects of periods: after less before, as if nothing else had
        changed in the meantime (method ``naive``).
    average : Effect or None
        Mean over the periods since the start of an effect that may change with them
        (method ``ab_itt_average``); None where the starts do not allow it.
    within_people : Effect or None
        With effects of people instead of groups (method ``ab_itt_people``): each
        person is compared with themselves, so that people who left change nothing.
    by_exposure : DataFrame
        ``since`` (int, 0 in the first exposed period), ``estimate``, ``std_error``,
        ``df``, ``p_value``, ``ci_low``, ``ci_high``, ``clusters`` and ``people`` seen
        then. Numbers of too few people are missing. Empty where it cannot be told.
    by_period : DataFrame
        ``period`` (int from 1), ``label``, ``clusters_waiting``,
        ``clusters_exposed``, ``people_waiting``, ``people_exposed``,
        ``mean_waiting``, ``mean_exposed``. Numbers of too few people are missing.
    inference : DataFrame
        Errors of `effect` side by side: ``method`` (row, cr1, cr2, randomisation),
        ``std_error``, ``df``, ``p_value``, ``ci_low``, ``ci_high``, ``note``,
        ``headline``.
    test : WedgeTest
        Of drawing the order of the groups again.
    checks : tuple of Check
        ``wedge_constant_effect``, ``wedge_before_start``, ``wedge_leavers`` and
        ``wedge_errors_agree``.
    text : str
        What was compared and found, in sentences.
    """

    effect: Effect
    naive: Effect
    average: Effect | None
    within_people: Effect | None
    by_exposure: pd.DataFrame
    by_period: pd.DataFrame
    inference: pd.DataFrame
    test: WedgeTest
    checks: tuple[Check, ...]
    text: str


def estimate_stepped_wedge(
    experiment: Experiment,
    *,
    alpha: float = 0.05,
    seed: int,
    min_group: int = 10,
    draws: int = 4999,
) -> SteppedWedge:
    r"""Estimate what an exposed period changes where groups start one after another.

    Every group is compared with itself before its start, and the change with that of
    groups that start later. This is causal because the order was drawn by lot; it
    assumes that groups which wait are not affected by those which have started, and
    that the effect is there at once and stays the same. `average` and `by_exposure` do
    without the last assumption.

    Parameters
    ----------
    experiment : Experiment
        Of design ``stepped_wedge``; rows without an outcome are left out.
    alpha : float
        One less the level of the intervals.
    seed : int
        Of the order of groups drawn again.
    min_group : int
        Means and effects of fewer people are kept back.
    draws : int
        Orders drawn; see `redraw_starts`.

    Returns
    -------
    SteppedWedge
        Positive effects mean more of the outcome in exposed periods.

    Raises
    ------
    TooFewUnitsError
        If fewer than two groups or two periods have an outcome.
    NoVariationError
        If all groups start at the same time, so that the programme cannot be told
        from the time.

    Notes
    -----
    :math:`y_{ict} = \beta_c + \gamma_t + \theta x_{ct} + e_{ict}` by least squares,
    where :math:`x_{ct}` is 1 from the start of group :math:`c` on. Errors are
    clustered by group: below 40 groups CR2 with Satterthwaite's degrees of freedom. The
    effect by time since the start replaces :math:`\theta x_{ct}` by
    :math:`\sum_s \theta_s 1[t - t_c = s]`; where :math:`\theta_s` grows with
    :math:`s`, :math:`\theta` can lie below all of them.

    References
    ----------
    .. [1] Hussey, M. A. and Hughes, J. P. (2007). Design and analysis of stepped wedge
       cluster randomized trials. Contemporary Clinical Trials 28, 182-191.
       doi:10.1016/j.cct.2006.05.007
    .. [2] Kenny, A., Voldal, E. C., Xia, F., Heagerty, P. J. and Hughes, J. P. (2022).
       Analysis of stepped wedge cluster randomized trials in the presence of a
       time-varying treatment effect. Statistics in Medicine 41, 4311-4339.
       doi:10.1002/sim.9511
    """
    cells = read_cells(experiment)
    fit = fit_column(cells, cells.exposed, cells.periods)
    effect = make_effect(cells, fit, method="ab_itt")
    alone = np.empty((len(cells.size), 0))
    naive = make_effect(cells, fit_column(cells, cells.exposed, alone), method="naive")
    within = _compare_within(experiment, effect)
    average = _average(cells)
    test = redraw_starts(cells, seed=seed, alpha=alpha, draws=draws)
    few = effect.n_clusters < _MOST_CAREFUL
    careful = estimate_cr2(cells, fit) if few else (math.nan, math.nan)
    inference = _tabulate_errors(effect, careful, fit.influence, test, alpha=alpha)
    checks = (
        check_constant(experiment, cells, alpha=alpha),
        check_before(experiment, cells, alpha=alpha),
        check_leavers(experiment, effect, within),
        check_agreement(experiment, effect, test, alpha=alpha),
    )
    return SteppedWedge(
        effect=effect,
        naive=naive,
        average=average,
        within_people=within,
        by_exposure=_list_since(cells, alpha=alpha, min_group=min_group),
        by_period=_list_periods(experiment, min_group=min_group),
        inference=inference,
        test=test,
        checks=checks,
        text=_describe(experiment, cells, effect, naive, alpha=alpha),
    )


def _compare_within(experiment: Experiment, effect: Effect) -> Effect | None:
    """Estimate the effect with effects of people; None if nobody was seen twice."""
    from linearmodels.panel import PanelOLS
    from linearmodels.panel.utility import AbsorbingEffectError

    frame = experiment.frame[["unit", "period", "outcome", "exposed", "cluster"]]
    frame = frame[np.isfinite(frame["outcome"].astype("float64"))].copy()
    frame["exposed"] = frame["exposed"].astype("float64")
    frame["cluster"] = pd.factorize(frame["cluster"])[0]
    frame = frame.set_index(["unit", "period"])
    try:
        found = PanelOLS(
            frame["outcome"].astype("float64"),
            frame[["exposed"]],
            entity_effects=True,
            time_effects=True,
        ).fit(cov_type="clustered", clusters=frame[["cluster"]], group_debias=True)
    except (AbsorbingEffectError, ZeroDivisionError):
        return None
    value, error = float(found.params.iloc[0]), float(found.std_errors.iloc[0])
    if not math.isfinite(error):
        return None
    return replace(
        effect,
        method="ab_itt_people",
        value=value,
        std_error=error,
        df=float(effect.n_clusters - 1),
        baseline=effect.baseline + effect.value - value,
        error="clustered (CR1), with effects of people and periods",
    )


def _list_columns(cells: Cells) -> list[BoolArray]:
    """List the cells of each period since the start, the first exposed one first."""
    since = cells.since
    return [since == number for number in range(int(since.max()) + 1)]


def _average(cells: Cells) -> Effect | None:
    """Average the effects by time since the start, each period counting the same."""
    columns = _list_columns(cells)
    if len(columns) < 2:
        return None
    first = columns[0].astype("float64")
    contrasts = [column - first for column in columns[1:]]
    others = np.column_stack([cells.periods, *contrasts])
    try:
        fit = fit_column(cells, cells.exposed, others)
    except NoVariationError:
        return None
    return make_effect(cells, fit, method="ab_itt_average")


def _list_since(cells: Cells, *, alpha: float, min_group: int) -> pd.DataFrame:
    """Tabulate the effect by time since the start."""
    columns = _list_columns(cells)
    rows = []
    for number, column in enumerate(columns):
        rest = [item for place, item in enumerate(columns) if place != number]
        others = np.column_stack([cells.periods, *rest])
        try:
            effect = make_effect(
                cells, fit_column(cells, column, others), method="ab_itt"
            )
        except NoVariationError:
            return pd.DataFrame(columns=_SINCE)
        people = len(np.unique(cells.units[column[cells.cell]]))
        shown = people >= min_group
        low, high = effect.interval(alpha)
        numbers = (effect.value, effect.std_error, effect.df, effect.p_value())
        rows.append(
            [
                number,
                *((*numbers, low, high) if shown else [math.nan] * 6),
                len(np.unique(cells.cluster[column])),
                people if shown else None,
            ]
        )
    return pd.DataFrame(rows, columns=_SINCE).astype({"people": "Int64"})


def _list_periods(experiment: Experiment, *, min_group: int) -> pd.DataFrame:
    """Tabulate who waited and who was exposed in each period."""
    frame = experiment.frame
    frame = frame[np.isfinite(frame["outcome"].astype("float64"))]
    rows = []
    for number, label in enumerate(experiment.periods, start=1):
        row: list[object] = [number, label]
        sides = [
            frame[(frame["period"] == number) & (frame["exposed"] == side)]
            for side in (False, True)
        ]
        row += [side["cluster"].nunique() for side in sides]
        shown = [len(side) >= min_group for side in sides]
        row += [
            len(side) if seen or side.empty else None
            for side, seen in zip(sides, shown, strict=True)
        ]
        row += [
            float(side["outcome"].mean()) if seen else math.nan
            for side, seen in zip(sides, shown, strict=True)
        ]
        rows.append(row)
    whole = dict.fromkeys(["people_waiting", "people_exposed"], "Int64")
    return pd.DataFrame(rows, columns=_PERIODS).astype(whole)


def _tabulate_errors(
    effect: Effect,
    careful: tuple[float, float],
    influence: FloatArray,
    test: WedgeTest,
    *,
    alpha: float,
) -> pd.DataFrame:
    """Put the errors of the effect side by side."""
    plain = float(np.sqrt(influence @ influence))
    few = effect.error.find("CR2") >= 0
    cr1 = effect.plain_error if few else effect.std_error
    freedom = float(effect.n_clusters - 1)
    rows = []
    for method, error, df, note in (
        (
            "row",
            plain,
            math.inf,
            "every row by itself, as if people and groups stood in it once",
        ),
        ("cr1", cr1, freedom, "clustered by group; too small where groups are few"),
        ("cr2", *careful, "clustered by group, with allowance for few groups"),
    ):
        item = replace(effect, std_error=error, df=df)
        numbers = [error, df, item.p_value(), *item.interval(alpha)]
        rows.append([method, *numbers, note, method == ("cr2" if few else "cr1")])
    which = "all" if test.listed else "a sample of the"
    note = f"{which} orders in which the groups could have started"
    numbers = [math.nan, math.nan, test.p_value, test.ci_low, test.ci_high]
    rows.append(["randomisation", *numbers, note, False])
    columns = ["method", "std_error", "df", "p_value", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=[*columns, "note", "headline"])


def _describe(
    experiment: Experiment,
    cells: Cells,
    effect: Effect,
    naive: Effect,
    *,
    alpha: float,
) -> str:
    low, high = effect.interval(alpha)
    unit = describe_unit(experiment.outcome)
    size, first, last, before = write_alike(effect.value, low, high, naive.value)
    size += "" if unit == "probability" else f" {unit}"
    started = cells.starts[cells.starts >= 0]
    waves = len(np.unique(started))
    steps = "1 step" if waves == 1 else f"{waves} steps"
    return (
        f"{len(started)} of {effect.n_clusters} groups started in {steps}, in an order"
        f" drawn by lot. An exposed period changes the outcome by"
        f" {size} ({100 * (1 - alpha):.0f} % interval {first} to"
        f" {last}), against groups still waiting in the same period. Before and"
        f" after alone would have shown {before}, as it takes every other"
        " change over time for an effect."
    )
