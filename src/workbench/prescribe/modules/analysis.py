"""One programme of one persona: what each module does to each outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.cohorts.module_records import ModuleRecords
from workbench.core.errors import DesignError
from workbench.impact.sample import code_clusters
from workbench.prescribe.modules.followed import choose_cohorts
from workbench.prescribe.modules.outcome import OutcomeEffects, estimate_outcome
from workbench.prescribe.modules.parts import Uptake, count_uptake
from workbench.prescribe.modules.rows import join_passed

__all__ = ["ProgrammeAnalysis", "analyse_programme"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeAnalysis:
    """Everything estimated for one programme of one persona.

    Attributes
    ----------
    records : ModuleRecords
        What was read.
    learners : array of bool of shape (learners, modules)
        What each learner passed.
    uptake : Uptake
        How many passed and skipped what, and what can be told apart.
    outcomes : tuple of OutcomeEffects
        In the order of ``outcomes.yml``.
    gaps : tuple of (str, str)
        Outcome and reason, where nothing could be estimated.
    rows : DataFrame
        ``unit``, ``trial``, ``code:unit`` (and ``code:team``) of every row that any
        outcome reads.
    influence : array of shape (rows, outcomes * (1 + parts))
        Influence of the rows on the effect of the programme and of each part, outcome
        by outcome, in thresholds.
    """

    records: ModuleRecords
    learners: BoolArray
    uptake: Uptake
    outcomes: tuple[OutcomeEffects, ...]
    gaps: tuple[tuple[str, str], ...]
    rows: pd.DataFrame
    influence: FloatArray

    @property
    def clusters(self) -> dict[str, npt.NDArray[np.int64]]:
        """Codes of the directions in which errors are correlated."""
        return {
            name.removeprefix("code:"): self.rows[name].to_numpy()
            for name in self.rows.columns
            if name.startswith("code:")
        }


def analyse_programme(
    records: ModuleRecords, *, min_group: int, seed: int
) -> ProgrammeAnalysis:
    """Estimate what the modules of a programme do.

    Parameters
    ----------
    records : ModuleRecords
        Of one persona and programme.
    min_group : int
        Smallest number of different people in each arm.
    seed : int
        Deals people into folds.
    """
    cohorts, refused = choose_cohorts(records.cohorts, records.follow_ups)
    learners = _list_learners(cohorts, records)
    uptake = count_uptake(learners)
    found: list[OutcomeEffects] = []
    reasons = {gap.outcome: gap.reason for gap in records.gaps} | refused
    for cohort in cohorts:
        reasons.pop(cohort.outcome.id, None)
        try:
            found.append(
                estimate_outcome(
                    cohort,
                    records.passed,
                    uptake.parts,
                    min_group=min_group,
                    seed=seed,
                )
            )
        except DesignError as refusal:
            reasons[cohort.outcome.id] = str(refusal).splitlines()[0]
    rows = _list_rows(found)
    return ProgrammeAnalysis(
        records=records,
        learners=learners,
        uptake=uptake,
        outcomes=tuple(found),
        gaps=tuple(reasons.items()),
        rows=rows,
        influence=_gather(found, rows, width=1 + len(uptake.parts)),
    )


def _list_learners(cohorts: tuple[Cohort, ...], records: ModuleRecords) -> BoolArray:
    """Return what each learner of any outcome passed, every learner once."""
    keys = [
        cohort.frame.loc[
            cohort.frame["treated"].to_numpy(dtype=bool), ["unit", "trial"]
        ]
        for cohort in cohorts
    ]
    if not keys:
        return np.zeros((0, len(records.program.courses)), dtype=bool)
    # somebody who changed persona may learn twice; the later time counts
    every = pd.concat(keys).drop_duplicates().sort_values(["unit", "trial"])
    last = every.drop_duplicates("unit", keep="last")
    passed, known = join_passed(last, records.passed, records.program.courses)
    return passed[known]


def _list_rows(found: list[OutcomeEffects]) -> pd.DataFrame:
    if not found:
        return pd.DataFrame(columns=["unit", "trial", "code:unit"])
    names = list(dict.fromkeys(n for item in found for n in item.rows.sample.clusters))
    keys = list(dict.fromkeys(["unit", "trial", *names]))
    every = pd.concat([item.rows.sample.frame[keys] for item in found])
    every = every.drop_duplicates(["unit", "trial"]).sort_values(["unit", "trial"])
    every = every.reset_index(drop=True)
    codes = {f"code:{name}": code_clusters(every[name]) for name in names}
    return every[["unit", "trial"]].assign(**codes)


def _gather(
    found: list[OutcomeEffects], rows: pd.DataFrame, *, width: int
) -> FloatArray:
    influence = np.zeros((len(rows), len(found) * width))
    every = pd.MultiIndex.from_frame(rows[["unit", "trial"]])
    for at, item in enumerate(found):
        own = pd.MultiIndex.from_frame(item.rows.sample.frame[["unit", "trial"]])
        places = every.get_indexer(own)
        for step, column in enumerate(item.columns()):
            influence[places, at * width + step] = column / item.scale
    return influence
