"""The hazard ratio of learning in the matched sample, and tests of whole curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core.errors import ConvergenceError, DesignError
from workbench.core.results import Check
from workbench.impact.balance import OVERALL
from workbench.impact.matched import list_match_clusters
from workbench.impact.sample import code_clusters
from workbench.impact.survival.cox import Cox, fit_cox
from workbench.impact.survival.log_rank import LogRank, test_log_rank
from workbench.impact.survival.matched_follow import Followed
from workbench.impact.survival.proportional import check_proportional, test_proportional

__all__ = ["COLUMNS", "Hazards", "compare_hazards"]

COLUMNS = ("test", "term", "statistic", "df", "p_value", "note")

_LEARNING = "learning"
_EVENTS_PER_TERM = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazards:
    """What the whole curves say.

    Attributes
    ----------
    cox : Cox or None
        With the term ``learning``; None where there are too few events.
    tested : LogRank or None
        None where nobody matched had the event.
    tests : DataFrame
        The columns of `COLUMNS`: the log-rank test, then proportional hazards term by
        term.
    checks : tuple of Check
        ``proportional_hazards``, or ``hazard_ratio`` with the reason why there is none.
    """

    cox: Cox | None
    tested: LogRank | None
    tests: pd.DataFrame
    checks: tuple[Check, ...]


def compare_hazards(
    followed: Followed, terms: Sequence[str], *, alpha: float
) -> Hazards:
    """Fit the hazard ratio among matched people and test the curves.

    Every trial has a baseline hazard of its own. Other causes end the follow-up. Errors
    are clustered by matched set and person (and team).

    Parameters
    ----------
    followed : Followed
        The comparison; people are followed up to the horizon.
    terms : sequence of str
        Terms of the design to adjust for; the worst balanced of them where there are
        fewer than ten events per term.
    alpha : float
        One less the level of the interval.
    """
    pairs = followed.compared.matches.pairs
    rows = pairs["row"].to_numpy(dtype="int64")
    weights = pairs["weight"].to_numpy(dtype="float64")
    treated = followed.sample.treated[rows]
    duration = np.minimum(followed.duration[rows], followed.horizon)
    event = (followed.cause[rows] == 1) & (followed.duration[rows] <= followed.horizon)
    trials = code_clusters(followed.sample.frame["trial"])[rows]
    strata = np.unique(trials, return_inverse=True)[1]
    clusters = {
        "person" if name == "unit" else name: codes
        for name, codes in list_match_clusters(
            followed.sample, followed.compared.matches
        ).items()
    }
    if not event.any():
        return _refuse(None, "The event happened to nobody matched within the horizon.")
    tested = test_log_rank(
        duration,
        event,
        treated.astype("int64"),
        weights=weights,
        cluster=clusters,
    )
    terms = _limit_terms(followed, terms, int(event.sum()))
    matrix = followed.compared.design.matrix(terms)[rows, : len(terms)]
    columns = np.column_stack([treated, matrix]).astype("float64")
    names = (_LEARNING, *terms)
    try:
        cox = fit_cox(
            duration,
            event,
            columns,
            names=names,
            strata=strata,
            weights=weights,
            clusters=clusters,
            required=(_LEARNING,),
            alpha=alpha,
        )
        shape = test_proportional(
            duration,
            event,
            columns,
            names=names,
            strata=strata,
            weights=weights,
            clusters=clusters,
            required=(_LEARNING,),
        )
    except (DesignError, ConvergenceError) as error:
        return _refuse(tested, str(error).splitlines()[0])
    listed = shape.table.rename(columns={"chi2": "statistic"}).assign(
        test="proportional hazards", note=f"time as {shape.transform}; {shape.error}"
    )
    return Hazards(
        cox=cox,
        tested=tested,
        tests=pd.concat([_list_test(tested), listed[list(COLUMNS)]], ignore_index=True),
        checks=(check_proportional(shape),),
    )


def _limit_terms(followed: Followed, terms: Sequence[str], n_events: int) -> list[str]:
    """Choose the terms that so many events can carry: the least balanced first."""
    table = followed.compared.balance
    after = table[(table["site"] == OVERALL) & (table["stage"] == "after")]
    size = after.set_index("term")["smd"].abs()
    ranked = sorted(terms, key=lambda name: (-size.get(name, 0.0), name))
    chosen = set(ranked[: max(n_events // _EVENTS_PER_TERM - 1, 0)])
    return [name for name in terms if name in chosen]


def _refuse(tested: LogRank | None, reason: str) -> Hazards:
    said = Check(check="hazard_ratio", passed=None, text=reason)
    return Hazards(cox=None, tested=tested, tests=_list_test(tested), checks=(said,))


def _list_test(tested: LogRank | None) -> pd.DataFrame:
    rows = []
    if tested is not None:
        rows.append(
            {
                "test": "log-rank",
                "term": _LEARNING,
                "statistic": tested.statistic,
                "df": tested.df,
                "p_value": tested.p_value,
                "note": tested.error,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
