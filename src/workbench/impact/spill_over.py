"""Whether people who did not learn were changed by colleagues who did."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.core.errors import DesignError
from workbench.core.results import Check
from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import make_cluster_effect
from workbench.impact.inference import estimate_few_cluster_error, regress_on_treatment
from workbench.impact.sample import Sample, code_clusters
from workbench.impact.wording import write_p

__all__ = ["check_spill_over", "estimate_spill_over"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_LEVEL = 0.01
_LEAST_TEAMS = 10


def check_spill_over(sample: Sample, covariates: FloatArray) -> Check:
    """Check that others do not differ by how many of their team learnt.

    Parameters
    ----------
    sample : Sample
        Its frame holds ``trial`` and ``team``.
    covariates : array of shape (rows, terms)
        From `Design.matrix`.

    Returns
    -------
    Check
        ``spill_over``, advisory; its value is the p-value. It fails below 1 %, as one
        test stands beside every comparison, and does not apply where nobody's
        colleagues are known or vary.
    """
    try:
        found = estimate_spill_over(sample, covariates)
    except DesignError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        return Check(check="spill_over", passed=None, text=f"{reason}.")
    p_value = found.p_value()
    low, high = found.interval(0.05)
    passed = not p_value < _LEVEL
    return Check(
        check="spill_over",
        passed=passed,
        value=p_value,
        limit=_LEVEL,
        text="Others all of whose team learnt differ from others none of whose team "
        f"did by {found.value:.3g} ({low:.3g} to {high:.3g}), p {write_p(p_value)}.",
        advice=""
        if passed
        else "Either learning reaches those who did not learn, and the effect is "
        "misjudged by as much, or teams in which many learn differ in something that "
        "was not measured.",
    )


def estimate_spill_over(sample: Sample, covariates: FloatArray) -> Effect:
    """Estimate how others differ by the share of their team that learnt.

    The estimand is a slope: outcome of those who did not learn, all colleagues of
    whose team learnt in the same quarter against none. Without spill-over it is 0 if
    the covariates hold what drives both the team's learning and the outcome.

    Parameters
    ----------
    sample : Sample
        Its frame holds ``trial`` and ``team``; rows without team or team-mates in
        their trial are left out.
    covariates : array of shape (rows, terms)
        From `Design.matrix`.

    Returns
    -------
    Effect
        On the outcome's scale; clustered by team and person, adjusted for covariates
        and trial.

    Raises
    ------
    DesignError
        If teams are unknown, too few, or alike in how many learnt.
    """
    if "team" not in sample.frame.columns or sample.frame["team"].isna().all():
        raise DesignError.build("Nobody's team is known, so spill-over is not tested")
    share = _share_of_team(sample)
    rows = ~sample.treated & np.isfinite(share)
    team = code_clusters(sample.frame["team"][rows])
    if len(np.unique(team)) < _LEAST_TEAMS:
        raise DesignError.build(
            f"Fewer than {_LEAST_TEAMS} teams have members who did not learn, so "
            "spill-over is not tested"
        )
    exposed, outcome = share[rows], sample.outcome[rows]
    if np.ptp(exposed) == 0 or np.ptp(outcome) == 0:
        raise DesignError.build(
            "Teams do not differ in how many learnt, so spill-over is not tested"
        )
    columns = np.column_stack([covariates[rows], _mark_trials(sample, rows)])
    # the share stands where a yes-or-no treatment usually does
    found = regress_on_treatment(outcome, exposed, columns)
    centre = np.full(len(outcome), 1 / len(outcome)) * (outcome - outcome.mean())

    def few(cluster: IntArray) -> tuple[float, float]:
        return estimate_few_cluster_error(outcome, exposed, columns, cluster=cluster)

    units = np.unique(sample.clusters["unit"][rows], return_inverse=True)[1]
    people = int(units.max()) + 1
    return make_cluster_effect(
        method="spill_over",
        estimand="ASSOCIATION",
        value=found.effect,
        baseline=float(outcome.mean()),
        influence=np.column_stack([found.influence, centre]),
        clusters={"team": team, "unit": units},
        counts=(0, people),
        n_params=found.n_params,
        few=few,
    )


def _share_of_team(sample: Sample) -> FloatArray:
    """Return the share of everybody's team-mates who learnt; NaN without any."""
    frame = sample.frame
    known = frame["team"].notna().to_numpy(dtype=bool)
    places = frame.groupby(["trial", "team"], observed=True, dropna=False).ngroup()
    codes = places.to_numpy(dtype="int64")
    learns = sample.treated.astype("float64")
    mates = np.bincount(codes)[codes] - 1.0
    others = np.bincount(codes, learns)[codes] - learns
    share: FloatArray = np.divide(
        others, mates, out=np.full(len(codes), np.nan), where=known & (mates > 0)
    )
    return share


def _mark_trials(sample: Sample, rows: BoolArray) -> FloatArray:
    """Return an indicator of each trial but the first."""
    codes = code_clusters(sample.frame["trial"][rows])
    marks: FloatArray = (codes[:, None] == np.arange(1, codes.max() + 1)).astype(
        "float64"
    )
    return marks
