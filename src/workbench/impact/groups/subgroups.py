"""Whether a programme helped everybody alike: effects by group, and differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import MissingColumnError
from workbench.core.results import Check, Estimate
from workbench.impact.balance import OVERALL
from workbench.impact.comparison import Comparison
from workbench.impact.design_matrix import select_terms
from workbench.impact.effects import (
    Effect,
    describe_unit,
    make_empty_estimate,
    make_estimate,
)
from workbench.impact.groups.subgroup_attribute import METHOD, compare_attribute
from workbench.impact.groups.subgroup_tables import (
    JOINT_COLUMNS,
    stack_differences,
    stack_effects,
)
from workbench.impact.groups.subgroup_text import describe_attribute
from workbench.impact.multiplicity import adjust_p_values

__all__ = [
    "METHOD",
    "Subgroups",
    "adjust_subgroups",
    "estimate_subgroups",
    "publish_subgroups",
]

FloatArray = npt.NDArray[np.float64]

_LIMITATION = (
    "Learners of the group against matched others of the group, by regression; the "
    "sets were not matched within it."
)
_KINDS = (
    dict.fromkeys(("kind", "attribute", "group", "reference"), "str")
    | dict.fromkeys(("estimate", "std_error", "df", "ci_low", "ci_high"), "float64")
    | dict.fromkeys(("p_value", "p_adjusted", "detectable"), "float64")
    | {"n_treated": "Int64", "n_control": "Int64", "suppressed": "bool"}
    | {"note": "str", "unit": "str", "level": "float64"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroups:
    """Effects by group of one comparison.

    Attributes
    ----------
    program, outcome : str
        What was compared.
    effects : mapping of (str, str) to Effect
        By attribute and group, for the groups that are shown.
    table : DataFrame
        Per attribute its groups in alphabetical order, ``not recorded`` last:
        ``attribute``, ``group``, ``estimate``, ``std_error``, ``df``, ``ci_low``,
        ``ci_high``, ``p_value``, ``n_treated``, ``n_control`` (different people in the
        matched sample), ``suppressed``, ``note``. Numbers and counts of suppressed
        groups are missing, and counts of those whose size would give them away; see
        `hide_cells`.
    differences : DataFrame
        ``attribute``, ``group``, ``reference`` (the largest group shown),
        ``difference`` (the group's effect less the reference's), ``std_error``,
        ``df``, ``ci_low``, ``ci_high``, ``p_value``, ``p_adjusted`` and
        ``detectable`` (the difference that would be found with 80 % power).
    joint : DataFrame
        Test of equal effects per attribute: ``attribute``, ``statistic`` (F),
        ``df_1``, ``df_2``, ``p_value``; missing where no two groups can be compared.
    level : float
        Of the intervals.
    unit : str
        Of the effects; ``probability`` for yes-or-no outcomes.
    family : str
        Over what ``p_adjusted`` is adjusted.
    """

    program: str
    outcome: str
    effects: Mapping[tuple[str, str], Effect]
    table: pd.DataFrame
    differences: pd.DataFrame
    joint: pd.DataFrame
    level: float
    unit: str
    family: str = ""

    def tabulate(self) -> pd.DataFrame:
        """Return effects and differences as one table, for files and the figure.

        Returns
        -------
        DataFrame
            ``kind`` (effect, difference), ``attribute``, ``group``, ``reference``
            (empty for effects), ``estimate``, ``std_error``, ``df``, ``ci_low``,
            ``ci_high``, ``p_value``, ``p_adjusted``, ``detectable`` (both for
            differences), ``n_treated``, ``n_control``, ``suppressed``, ``note``,
            ``unit``, ``level``; per attribute effects first.
        """
        gaps = self.differences.rename(columns={"difference": "estimate"})
        both = pd.concat(
            [
                self.table.assign(kind="effect", reference=""),
                gaps.assign(kind="difference", note="", suppressed=False),
            ],
            ignore_index=True,
        )
        order = {name: place for place, name in enumerate(self.joint["attribute"])}
        both["_order"] = both["attribute"].map(order)
        both = both.sort_values(["_order"], kind="stable", ignore_index=True)
        both = both.assign(unit=self.unit, level=self.level)
        return both.astype(_KINDS)[list(_KINDS)]

    def describe(self) -> dict[str, str]:
        """Say per attribute what can and what cannot be told."""
        texts = {}
        for name, p_value in zip(
            self.joint["attribute"], self.joint["p_value"], strict=True
        ):
            texts[str(name)] = describe_attribute(
                str(name),
                self.table[self.table["attribute"] == name],
                self.differences[self.differences["attribute"] == name],
                p_joint=float(p_value),
                level=self.level,
                unit=self.unit,
            )
        return texts

    def check(self) -> tuple[Check, ...]:
        """Return ``subgroup_equality`` per attribute.

        It fails where a difference holds after adjusting for the number of
        comparisons. Passing it does not show that effects are equal; the text says
        what could have been missed.
        """
        found = []
        for name, text in self.describe().items():
            own = self.differences["attribute"] == name
            p_value = float(self.differences.loc[own, "p_adjusted"].min())
            limit = 1 - self.level
            made = math.isfinite(p_value)
            passed = p_value >= limit if made else None
            found.append(
                Check(
                    check="subgroup_equality",
                    passed=passed,
                    value=p_value,
                    limit=limit if made else math.nan,
                    text=text,
                    advice="Find out what the programme lacks for the others."
                    if passed is False
                    else "",
                )
            )
        return tuple(found)


def estimate_subgroups(
    cohort: Cohort,
    compared: Comparison,
    *,
    attributes: Sequence[str] | None = None,
    alpha: float = 0.05,
    min_group: int = 10,
) -> Subgroups:
    """Estimate what learning changed for each group, and whether groups differ.

    Use it to see whether a programme served everybody. The estimand is the average
    effect on the matched learners of each group. It is causal as the headline is, if
    moreover the covariates act alike in all groups: learners are compared with the
    matched others of their own group, whoever they were matched with.

    Parameters
    ----------
    cohort : Cohort
        What was compared; names the protected attributes.
    compared : Comparison
        Its matched sample, from `compare_groups`.
    attributes : sequence of str, optional
        Columns of the cohort to group by; default: its protected attributes. A missing
        value is a group of its own, ``not recorded``.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Groups with fewer different people in either arm are suppressed; counts and
        means of the next smallest are kept back where they would give them away.

    Returns
    -------
    Subgroups
        Positive effects mean more of the outcome among learners; a positive
        difference, a larger effect than in the reference group. ``p_adjusted`` is over
        this comparison alone; see `adjust_subgroups`.

    Raises
    ------
    MissingColumnError
        If an attribute is not a column.

    Notes
    -----
    One regression per attribute in the matched sample, with the covariates of the
    headline; see `fit_groups` and `measure_equality`. Errors are clustered by matched
    set and by the cohort's clusters at once, also where the headline uses the error of
    Abadie and Imbens.
    """
    from threadpoolctl import threadpool_limits

    chosen = cohort.protected if attributes is None else attributes
    wanted = tuple(dict.fromkeys(chosen))
    absent = [name for name in wanted if name not in compared.sample.frame.columns]
    if absent:
        raise MissingColumnError.build("Attributes to group by are absent", got=absent)
    with threadpool_limits(limits=1):
        covariates = _take_covariates(compared)
        found = [
            compare_attribute(
                compared, name, covariates, alpha=alpha, min_group=min_group
            )
            for name in wanted
        ]
    made = Subgroups(
        program=cohort.program.id,
        outcome=cohort.outcome.id,
        effects={key: effect for item in found for key, effect in item.effects.items()},
        table=stack_effects([item.table for item in found]),
        differences=stack_differences([item.differences for item in found]),
        joint=pd.DataFrame(
            [item.joint for item in found], columns=list(JOINT_COLUMNS)
        ).astype({"attribute": "str"}),
        level=1 - alpha,
        unit=describe_unit(cohort.outcome),
    )
    return adjust_subgroups([made])[0]


def adjust_subgroups(found: Sequence[Subgroups]) -> tuple[Subgroups, ...]:
    """Adjust the p-values of all differences between groups, which form one family.

    Parameters
    ----------
    found : sequence of Subgroups
        All comparisons of a stage, negative controls left out.

    Returns
    -------
    tuple of Subgroups
        In the same order, with ``p_adjusted`` (Benjamini-Hochberg) and the family's
        name.
    """
    stacked = [item.differences["p_value"].to_numpy(dtype="float64") for item in found]
    adjusted = adjust_p_values(np.concatenate([np.empty(0), *stacked]))
    count = int(np.isfinite(adjusted).sum())
    family = f"{count} differences between groups of this stage (Benjamini-Hochberg)"
    ends = np.cumsum([len(values) for values in stacked])
    return tuple(
        replace(
            item,
            differences=item.differences.assign(
                p_adjusted=adjusted[end - len(values) : end]
            ),
            family=family,
        )
        for item, values, end in zip(found, stacked, ends, strict=True)
    )


def publish_subgroups(
    found: Subgroups, cohort: Cohort, *, alpha: float = 0.05
) -> list[Estimate]:
    """Turn effects by group into rows of ``estimates.parquet``.

    Parameters
    ----------
    found : Subgroups
        From `estimate_subgroups`.
    cohort : Cohort
        Names what was compared.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    list of Estimate
        One per attribute and group, method ``psm_nn_subgroup``, none of them headline.
        Suppressed groups have no numbers. Where counts are kept back they are 0, and
        the limitation says so.
    """
    rows = []
    for row in found.table.itertuples(index=False):
        key = (str(row.attribute), str(row.group))
        if key in found.effects:
            made = make_estimate(
                found.effects[key],
                cohort,
                alpha=alpha,
                limitation=f"{_LIMITATION} {row.note}".strip(),
                subgroup=key,
            )
            rows.append(
                replace(
                    made,
                    n_treated=made.n_treated or None,
                    n_control=made.n_control or None,
                    n_clusters=made.n_clusters or None,
                )
            )
            continue
        blank = make_empty_estimate(
            cohort, limitation=str(row.note), alpha=alpha, headline=False
        )
        rows.append(
            replace(
                blank,
                method=METHOD,
                subgroup_by=key[0],
                subgroup=key[1],
                n_treated=None,
                n_control=None,
                evidence=None,
                suppressed=bool(row.suppressed),
            )
        )
    return rows


def _take_covariates(compared: Comparison) -> FloatArray:
    """Return the columns of the headline's regression."""
    table = compared.balance
    after = table[(table["site"] == OVERALL) & (table["stage"] == "after")]
    sizes = after.set_index("term")["smd"]
    n_rows = len(compared.matches.pairs)
    terms, _ = select_terms(compared.design, sizes, n_rows=n_rows)
    return compared.design.matrix(terms)
