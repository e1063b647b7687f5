"""Tables of portfolio, prediction and prescription, as far as they may be shown.

They are brought to known columns on reading: what a page may not show, such as whom a
recommendation is for, is not among them, and small groups are blanked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from workbench.brief.action_counts import count_actions
from workbench.prescribe.equity.small_cells import find_hidden

__all__ = [
    "PORTFOLIO",
    "PREDICTION",
    "PRESCRIBING",
    "PRESCRIPTION",
    "SHOWN",
    "withhold_tables",
]

PORTFOLIO = "portfolio"
"""Name of the stage that values modules and chooses paths."""

PREDICTION = "prediction"
"""Name of the stage that predicts outcomes."""

PRESCRIPTION = "prescription"
"""Name of the stage that says who comes first and what is next."""

PRESCRIBING = (PORTFOLIO, PREDICTION, PRESCRIPTION)
"""Stages that say what to do; their numbers are no effects of programmes."""

_MODULE = ["persona", "program", "module"]

_NUMBERS: Mapping[str, Mapping[str, str]] = {
    PORTFOLIO: {
        "modules": "impact impact_low impact_high raw_impact raw_std_error effort_hours"
        " cost ratio ratio_low ratio_high n_passed n_skipped",
        "module_effects": "estimate std_error ci_low ci_high p_value p_adjusted shrunk"
        " shrunk_sd shrunk_low shrunk_high n_passed n_skipped",
        "co_taking": "n_together share_of_module share_overall",
        "dose": "dose estimate ci_low ci_high n",
        "paths": "position effort_hours cost impact impact_low impact_high",
        "path_summary": "n_modules hours cost impact impact_low impact_high seats"
        " eligible",
    },
    PREDICTION: {
        "scores": "value low high n",
        "calibration": "bin predicted observed low high n",
        "importance": "mean_abs_shap",
        "drift": "psi limit",
        "subgroup_errors": "value low high n",
        "outlook": "n expected low high",
        "cards": "",
    },
    PRESCRIPTION: {
        "policies": "share value std_error low high gain_over_current gain_low"
        " gain_high",
        "gain_curve": "share value low high",
        "heterogeneity": "value std_error p_value",
        "frontier": "floor value value_low value_high price selection_ratio",
        "access": "n selected rate rate_low rate_high ratio ratio_low ratio_high",
    },
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    PORTFOLIO: {
        "modules": "persona program module title modality currency decision reason"
        " identified explore suppressed",
        "module_effects": "persona program module outcome unit method headline"
        " identified limitation suppressed",
        "co_taking": "persona program module other suppressed",
        "dose": "persona program outcome limitation suppressed",
        "paths": "persona program module title modality explore reason practice"
        " behaviour coaching_prompt",
        "path_summary": "persona program status text",
    },
    PREDICTION: {
        "scores": "target model metric chosen suppressed",
        "calibration": "target model suppressed",
        "importance": "target feature effect_words",
        "drift": "target feature status",
        "subgroup_errors": "target attribute group metric suppressed",
        "outlook": "persona target unit suppressed",
        "cards": "target section text",
    },
    PRESCRIPTION: {
        "policies": "policy label unit",
        "gain_curve": "curve",
        "heterogeneity": "test passed text",
        "frontier": "attribute",
        "access": "kind attribute group reference verdict suppressed",
    },
}
_OWN = (
    *("impact", "impact_low", "impact_high", "ratio", "ratio_low", "ratio_high"),
    *("raw_impact", "raw_std_error"),
)
_FLAGS: Mapping[str, bool] = {
    "chosen": False,
    "explore": False,
    "headline": False,
    "identified": True,
    "suppressed": False,
}
_COUNTS = ("n_passed", "n_skipped", "n_together", "n", "selected")
_ERRORS = ("std_error", "p_value", "p_adjusted")
_PLAIN = {"effort_hours", "cost", "dose", "bin"}
_ACCESS = "access"
_ACTIONS = "actions"
_SEATS = "seats"

SHOWN = (
    *sorted({name for part in _NUMBERS.values() for name in part}),
    _ACTIONS,
    _SEATS,
)
"""Tables of these stages that pages read; of the last two, counts only."""


def withhold_tables(
    stage: str, tables: Mapping[str, pd.DataFrame], *, min_group: int
) -> dict[str, pd.DataFrame]:
    """Bring the tables of a stage that prescribes to what may be shown of them.

    Parameters
    ----------
    stage : str
        Name of the stage; tables of stages that prescribe nothing stay as they are.
    tables : mapping of str to DataFrame
        As the stage left them.
    min_group : int
        Fewest people behind a number that is shown.

    Returns
    -------
    dict of str to DataFrame
        Tables with known columns, missing where the stage left none. Numbers that
        rest on fewer people are blank and ``suppressed``, also those of the same
        module in other tables; a module that cannot be told from its programme has no
        number either. Single actions are replaced by counts, see
        `count_actions`; single predictions are left out.
    """
    if stage not in PRESCRIBING:
        return dict(tables)
    made = {
        name: _take_known(tables[name], stage, name)
        for name in _NUMBERS[stage]
        if name in tables
    }
    if _ACCESS in made:
        made[_ACCESS] = _blank_access(made[_ACCESS], min_group)
    made = {name: _blank_small(table, min_group) for name, table in made.items()}
    if "modules" in made:
        made |= _blank_modules(made)
    if _ACTIONS in tables:
        seats = tables.get(_SEATS, pd.DataFrame()).reindex(columns=["unit"])
        seated = set(seats["unit"].dropna())
        made |= count_actions(tables[_ACTIONS], min_group=min_group, seated=seated)
    return made


def _take_known(table: pd.DataFrame, stage: str, name: str) -> pd.DataFrame:
    """Take the known columns of a table, each of its kind."""
    numbers = _NUMBERS[stage][name].split()
    known = table.reindex(columns=[*_WORDS[stage][name].split(), *numbers])
    for column in numbers:
        known[column] = pd.to_numeric(known[column], errors="coerce").astype("float64")
    for column in known.columns.intersection(list(_FLAGS)):
        flagged = known[column].astype("boolean").fillna(_FLAGS[column])
        known[column] = flagged.astype(bool)
    return known.reset_index(drop=True)


def _blank_small(table: pd.DataFrame, min_group: int) -> pd.DataFrame:
    """Blank the numbers of rows on too few people, and small counts anywhere."""
    if "suppressed" not in table:
        return table
    counts = [name for name in _COUNTS if name in table]
    small = table[counts].lt(min_group) & table[counts].gt(0)
    shown = list(table.select_dtypes("number").columns.difference([*counts, *_PLAIN]))
    values = [name for name in shown if not name.endswith(_ERRORS)]
    held = small.any(axis=1) & table[values].notna().any(axis=1)
    hidden = table["suppressed"] | held
    blanked = table.assign(suppressed=hidden)
    for column in shown:
        blanked[column] = table[column].mask(hidden)
    for column in counts:
        blanked[column] = table[column].mask(small[column] | hidden)
    return blanked


def _blank_access(table: pd.DataFrame, min_group: int) -> pd.DataFrame:
    """Blank groups whose selected, or the rest, are few, and what gives them away.

    Those are the next smallest groups, and ratios to the rate of a blank one.
    """
    table = table.astype({"verdict": "object"})
    numbers = _NUMBERS[PRESCRIPTION][_ACCESS].split()
    for _, part in table.groupby(["kind", "attribute"], sort=False):
        counts = part[["n", "selected"]].fillna(0).astype("int64")
        cells = [
            (size, own, size - own)
            for size, own in zip(counts["n"], counts["selected"], strict=True)
        ]
        kept_back = part["suppressed"].tolist()
        hidden = part.index[find_hidden(cells, min_group=min_group, already=kept_back)]
        table.loc[hidden, numbers] = math.nan
        table.loc[hidden, ["verdict", "suppressed"]] = "not shown", True
        against = part.index[part["reference"].isin(table.loc[hidden, "group"])]
        table.loc[against, [name for name in numbers if "ratio" in name]] = math.nan
    return table


def _blank_modules(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Blank numbers of modules that are withheld or not told from the programme.

    Of the latter the stage knows only what all modules of a programme share.
    """
    modules = tables["modules"]
    untold = modules["suppressed"] | ~modules["identified"]
    keys = pd.MultiIndex.from_frame(modules.loc[untold, _MODULE])
    made = {}
    for name in ("modules", "paths"):
        if name in tables:
            blanked = tables[name].copy()
            hidden = pd.MultiIndex.from_frame(blanked[_MODULE]).isin(keys)
            for column in blanked.columns.intersection(list(_OWN)):
                blanked[column] = blanked[column].mask(hidden)
            made[name] = blanked
    return made
