"""Changes of matched people: matching first, then before against after."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import TooFewUnitsError
from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import make_cluster_effect
from workbench.impact.inference import estimate_few_cluster_error, regress_on_treatment
from workbench.impact.sample import code_clusters

__all__ = ["METHOD", "estimate_matched_change"]

FloatArray = npt.NDArray[np.float64]

METHOD = "did_matched"


def estimate_matched_change(
    panel: Panel, pairs: pd.DataFrame, *, min_group: int = 10
) -> Effect:
    """Compare the change of learners with that of the people they were matched with.

    The estimand is the average effect on the matched learners whose outcome is known
    in the quarter before learning and in the headline's quarter. Matching on past
    outcomes before taking differences can make people fall back to their own mean
    (Daw and Hatfield), which is why this stands beside the headline and is not it.

    Parameters
    ----------
    panel : Panel
        Holds the outcomes by quarter.
    pairs : DataFrame
        ``set``, ``unit``, ``trial`` (label of the exposure quarter), ``treated``,
        ``weight``: the matched pairs of the same programme and outcome.
    min_group : int
        Fewest people in an arm.

    Returns
    -------
    Effect
        Method ``did_matched``; error clustered by matched set and person (and team).

    Raises
    ------
    TooFewUnitsError
        If fewer than `min_group` people of an arm have both outcomes.

    References
    ----------
    .. [1] Daw, J. R. and Hatfield, L. A. (2018). Matching and regression to the mean
       in difference-in-differences analysis. Health Services Research 53, 4138-4156.
       doi:10.1111/1475-6773.12993
    """
    rows = _find_changes(panel, pairs)
    treated = rows["treated"].to_numpy(dtype=bool)
    people = [rows.loc[side, "unit"].nunique() for side in (treated, ~treated)]
    if min(people) < min_group:
        raise TooFewUnitsError.build(
            "Too few matched people have an outcome before and after",
            where=f"{panel.persona}, {panel.program.id}, {panel.outcome.id}",
            rule=f"at least {min_group} people in each arm",
            got=f"{people[0]} learners and {people[1]} others",
        )
    change = (rows["after"] - rows["before"]).to_numpy(dtype="float64")
    weights = rows["weight"].to_numpy(dtype="float64")
    nothing: FloatArray = np.empty((len(rows), 0))
    found = regress_on_treatment(change, treated, nothing, weights=weights)
    level = float(rows.loc[treated, "after"].mean())
    ours = np.where(treated, rows["after"] - level, 0.0) / int(treated.sum())
    names = ("set", *panel.clusters)
    return make_cluster_effect(
        method=METHOD,
        estimand="ATT",
        value=found.effect,
        baseline=level - found.effect,
        influence=np.column_stack([found.influence, ours - found.influence]),
        clusters={name: code_clusters(rows[name]) for name in names},
        counts=(people[0], people[1]),
        n_params=found.n_params,
        few=lambda cluster: estimate_few_cluster_error(
            change, treated, nothing, cluster=cluster, weights=weights
        ),
    )


def _find_changes(panel: Panel, pairs: pd.DataFrame) -> pd.DataFrame:
    """Give every matched row its outcomes; sets that lost an arm are left out."""
    places = {label: place for place, label in enumerate(panel.periods, start=1)}
    rows = pairs.assign(period=pairs["trial"].map(places)).dropna(subset=["period"])
    rows = rows.astype({"period": "int64"})
    seen = panel.frame[["unit", "period", "outcome"]]
    for name, shift in (("before", -1), ("after", panel.lag)):
        moved = seen.assign(period=seen["period"] - shift)
        rows = rows.merge(
            moved.rename(columns={"outcome": name}), on=["unit", "period"]
        )
    teams = panel.frame.drop_duplicates("unit")
    own = [name for name in panel.clusters if name != "unit"]
    rows = rows.merge(teams[["unit", *own]], on="unit")
    whole = rows.groupby("set")["treated"].transform("nunique") == 2
    rows = rows[whole].sort_values(["set", "treated", "unit"], kind="stable")
    shares = rows.groupby(["set", "treated"])["weight"].transform("sum")
    return rows.assign(weight=rows["weight"] / shares)
