"""Changes of the outcome over two quarters, learners beside people not yet learnt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import TooFewUnitsError
from workbench.impact.design_matrix import build_design

__all__ = ["Changes", "Weighting", "Window", "list_windows", "stack_changes"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Weighting = Literal["learners", "precision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Two quarters between which one exposure cohort is compared with others.

    Attributes
    ----------
    exposure : int
        Period in which the cohort's learners completed the programme.
    before, after : int
        Periods whose outcomes are subtracted: after less before.
    """

    exposure: int
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Changes of the outcome over each cohort's own two quarters, stacked.

    Attributes
    ----------
    frame : DataFrame
        One row per cohort and person with both outcomes: ``unit``, ``exposure``,
        ``treated``, ``before``, ``after``, ``change``, the columns named in
        `clusters`, and the covariates. A person can serve several cohorts as control.
    windows : tuple of Window
        Those with at least one learner and one control.
    clusters : tuple of str
        Columns to cluster by, the last being the widest.
    covariates : tuple of str
        Columns that do not change within a person.
    missing_treated, missing_control : int
        Different people who belong to a window but lack one of its two outcomes.
    notes : tuple of str
        What was left out.
    """

    frame: pd.DataFrame
    windows: tuple[Window, ...]
    clusters: tuple[str, ...]
    covariates: tuple[str, ...]
    missing_treated: int
    missing_control: int
    notes: tuple[str, ...] = ()

    @property
    def treated(self) -> BoolArray:
        """Whether each row is a learner of the window's cohort."""
        return np.asarray(self.frame["treated"], dtype=bool)

    def code(self, column: str) -> IntArray:
        """Return a cluster column as codes from 0, gaps as a cluster of their own."""
        codes = pd.factorize(self.frame[column], sort=True, use_na_sentinel=False)[0]
        return np.asarray(codes, dtype="int64")

    def weigh(self, weighting: Weighting) -> FloatArray:
        """Return the regression weights of the rows.

        With ``learners``, controls of a cohort weigh as much together as its learners
        do, so that the regression averages the cohorts' own effects by their learners.
        With ``precision`` every row weighs 1.
        """
        if weighting == "precision":
            return np.ones(len(self.frame))
        treated = self.frame["treated"]
        counts = treated.groupby(self.frame["exposure"]).agg(["sum", "size"])
        share = counts["sum"] / (counts["size"] - counts["sum"])
        own = self.frame["exposure"].map(share).to_numpy(dtype="float64")
        return np.where(self.treated, 1.0, own)

    def others(self) -> FloatArray:
        """Return the columns beside the treatment: cohorts but one, and covariates."""
        cohorts = pd.get_dummies(self.frame["exposure"], dtype="float64").to_numpy()
        columns = [cohorts[:, 1:]]
        if self.covariates:
            design = build_design(
                self.frame.assign(trial="all"), covariates=self.covariates
            )
            columns.append(design.matrix())
        return np.hstack(columns)


def list_windows(exposures: Iterable[int], *, lag: int) -> tuple[Window, ...]:
    """Return each cohort's window: the quarter before exposure, and `lag` after it."""
    return tuple(
        Window(exposure=start, before=start - 1, after=start + lag)
        for start in sorted(exposures)
    )


def stack_changes(
    panel: Panel,
    windows: Sequence[Window],
    *,
    covariates: Sequence[str] = (),
) -> Changes:
    """Stack the changes of learners and of those who had not learnt by then.

    Parameters
    ----------
    panel : Panel
        People over quarters.
    windows : sequence of Window
        One per exposure cohort. Controls are the people who learnt after the window's
        last quarter, or not at all; people of other cohorts who learnt earlier serve
        in no window, since their outcomes already hold an effect.
    covariates : sequence of str
        Columns kept for adjustment.

    Returns
    -------
    Changes
        Rows ordered by cohort and person.

    Raises
    ------
    TooFewUnitsError
        If no window has both learners and controls.
    """
    columns = list(dict.fromkeys([*panel.clusters, *covariates]))
    frame = panel.frame
    people = frame.drop_duplicates("unit").set_index("unit")
    wide = frame.pivot_table(
        index="unit", columns="period", values="outcome", aggfunc="first"
    )
    people = people.loc[wide.index]
    starts = people["first_treat"]
    stacks, kept, notes = [], [], []
    lacking: tuple[list[pd.Index], list[pd.Index]] = ([], [])
    for window in windows:
        learns = starts == window.exposure
        waits = ~learns & ((starts == 0) | (starts > window.after))
        if not {window.before, window.after} <= set(wide.columns):
            notes.append(
                f"cohort {window.exposure} was left out: quarter {window.before} or "
                f"{window.after} was not observed"
            )
            continue
        both = wide[[window.before, window.after]].notna().all(axis=1)
        lacking[0].append(wide.index[learns & ~both])
        lacking[1].append(wide.index[waits & ~both])
        if not ((learns & both).any() and (waits & both).any()):
            side = "controls" if (learns & both).any() else "learners"
            notes.append(f"cohort {window.exposure} was left out: it has no {side}")
            continue
        rows = (learns | waits) & both
        stack = people.loc[rows, [name for name in columns if name != "unit"]]
        stack = stack.reset_index(names="unit")
        stack.insert(1, "exposure", window.exposure)
        stack.insert(2, "treated", learns[rows].to_numpy())
        stack.insert(3, "before", wide.loc[rows, window.before].to_numpy())
        stack.insert(4, "after", wide.loc[rows, window.after].to_numpy())
        stack.insert(5, "change", stack["after"] - stack["before"])
        stacks.append(stack)
        kept.append(window)
    if not stacks:
        raise TooFewUnitsError.build(
            "No cohort of learners can be compared over time",
            where=f"{panel.persona}, {panel.program.id}, {panel.outcome.id}",
            rule="learners and people not yet learnt, seen before and after",
            got=notes,
            hint="an earlier first quarter, or an outcome observed more often",
        )
    counts = [len(pd.Index(np.concatenate(part)).unique()) for part in lacking]
    return Changes(
        frame=pd.concat(stacks, ignore_index=True),
        windows=tuple(kept),
        clusters=panel.clusters,
        covariates=tuple(covariates),
        missing_treated=counts[0],
        missing_control=counts[1],
        notes=tuple(notes),
    )
