"""The defensible ways to make one comparison, listed before any of them is run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

__all__ = [
    "CHOICES",
    "DECLARED",
    "EstimationMethod",
    "Variant",
    "count_steps",
    "list_variants",
    "name_covariate_sets",
]

EstimationMethod = Literal["matching", "cardinality", "aipw", "ipw", "ols"]
Model = Literal["logistic", "boosting", ""]

DECLARED = "all declared"

CHOICES: Mapping[str, str] = {
    "covariates": "Covariates",
    "method": "Method",
    "model": "Score",
    "caliper": "Caliper",
    "ratio": "Others per learner",
    "replacement": "Replacement",
    "exact": "Exact on",
    "adjusted": "Regression",
}
"""The choices of a variant, as columns of the table, and their names for readers."""

_CALIPERS: tuple[float | None, ...] = (0.1, 0.2, 0.3, None)
_RATIOS = (1, 2, 3)
_PAST = ("prior_", "skill_gap")
_TEAM = ("team_", "manager_")
_JOB = (
    "role",
    "level",
    "job_family",
    "location",
    "region",
    "shift",
    "fte",
    "tenure_days",
    "role_tenure_days",
    "age",
)
_MATCHED_ONLY = ("caliper", "ratio", "replacement", "exact", "adjusted")
_WORDS = {
    "matching": "nearest neighbour",
    "cardinality": "cardinality matching",
    "aipw": "doubly robust",
    "ipw": "weighting",
    "ols": "regression",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to make the comparison.

    Attributes
    ----------
    covariates : str
        Name of the covariate set.
    method : str
        ``matching`` (nearest neighbour on the score), ``cardinality``, ``aipw``,
        ``ipw`` or ``ols``.
    model : str
        Model of the score; empty for a method without one.
    caliper : float or None
        In pooled standard deviations of the log-odds; None allows any distance.
    ratio : int
        Others per learner.
    replace : bool
        Whether one row may serve several learners.
    exact : tuple of str
        Columns equal within a set, besides the trial.
    adjusted : bool
        Whether a regression in the matched sample follows.
    """

    covariates: str = DECLARED
    method: EstimationMethod = "matching"
    model: Model = "logistic"
    caliper: float | None = 0.2
    ratio: int = 1
    replace: bool = False
    exact: tuple[str, ...] = ()
    adjusted: bool = True

    def describe(self) -> dict[str, str]:
        """Write every choice as text, in the order of `CHOICES`; empty: not made."""
        near = self.method == "matching"
        matched = near or self.method == "cardinality"
        width = "none" if self.caliper is None else f"{self.caliper:g}"
        again = "with" if self.replace else "without"
        after = "adjusted" if self.adjusted else "unadjusted"
        return {
            "covariates": self.covariates,
            "method": _WORDS[self.method],
            "model": self.model,
            "caliper": width if near else "",
            "ratio": str(self.ratio) if matched else "",
            "replacement": again if matched else "",
            "exact": " and ".join(("trial", *self.exact)) if matched else "",
            "adjusted": after if matched else "",
        }


def name_covariate_sets(
    covariates: Sequence[str], protected: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Name the sets of covariates that a critic might have chosen.

    Parameters
    ----------
    covariates : sequence of str
        The declared ones.
    protected : sequence of str
        Protected attributes, added in one of the sets.

    Returns
    -------
    dict
        The declared set first; without past outcomes (names that speak of what was
        before: ``prior_...``, ``..._prior_...``, ``skill_gap``); without team
        variables; person and job only; with protected attributes. A set equal to an
        earlier one is left out; an empty one is kept, so that it is listed with its
        reason.

    Examples
    --------
    >>> list(name_covariate_sets(["role", "prior_kpi", "team_size"]))
    ['all declared', 'without past outcomes', 'without team variables', 'job only']
    """
    declared = tuple(dict.fromkeys(covariates))
    past = [name for name in declared if name.startswith(_PAST) or "_prior_" in name]
    team = [name for name in declared if name.startswith(_TEAM)]
    listed = {
        DECLARED: declared,
        "without past outcomes": tuple(x for x in declared if x not in past),
        "without team variables": tuple(x for x in declared if x not in team),
        "job only": tuple(x for x in declared if x in _JOB),
        "with protected attributes": tuple(dict.fromkeys((*declared, *protected))),
    }
    found: dict[str, tuple[str, ...]] = {}
    for name, chosen in listed.items():
        if chosen not in found.values():
            found[name] = chosen
    return found


def list_variants(
    headline: Variant,
    *,
    sets: Sequence[str],
    exact: Sequence[str] = (),
    boosting: bool = True,
    cardinality: bool = True,
) -> tuple[Variant, ...]:
    """List the variants around a headline, at least 48 of them.

    Parameters
    ----------
    headline : Variant
        The comparison the stage stands behind; comes first.
    sets : sequence of str
        Names of the covariate sets, `DECLARED` among them.
    exact : sequence of str
        Columns to match exactly on, one at a time, besides those of the headline.
    boosting : bool
        Whether to score by gradient boosting too.
    cardinality : bool
        Whether to match by cardinality too.

    Returns
    -------
    tuple of Variant
        Over the declared covariates every combination of caliper (0.1, 0.2, 0.3,
        none, the headline's), others per learner (1, 2, 3), replacement and
        adjustment; over every other set, one step from the headline in each; weighting
        and regression over every set; nothing twice.
    """
    base = replace(headline, covariates=DECLARED, method="matching", model="logistic")
    found = [headline, *_cross_schemes(base)]
    for name in sets:
        here = replace(base, covariates=name)
        found += _step_schemes(here)
        found += [replace(here, method=kind) for kind in ("aipw", "ipw", "ols")]
    for column in exact:
        if column not in base.exact:
            found += _both(replace(base, exact=(*base.exact, column)))
    if boosting:
        boosted = replace(base, model="boosting")
        found += [*_both(boosted), *_both(replace(boosted, replace=not base.replace))]
        found += [replace(boosted, method=kind) for kind in ("aipw", "ipw")]
    if cardinality:
        found += _both(replace(base, method="cardinality"))
    return tuple({_key(item): item for item in map(_normalise, found)}.values())


def count_steps(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """List the choices in which two variants differ.

    Parameters
    ----------
    one, other : mapping of str to str
        From `Variant.describe`, or rows of the table.

    Returns
    -------
    list of str
        Names of choices. Between methods only covariates and the method count, since
        the rest has no counterpart; a model counts where both have one.
    """
    wanted = ["covariates", "method"]
    if one["model"] and other["model"]:
        wanted.append("model")
    if one["method"] == other["method"]:
        wanted += _MATCHED_ONLY
    return [name for name in wanted if one[name] != other[name]]


def _cross_schemes(base: Variant) -> Iterator[Variant]:
    calipers = dict.fromkeys((*_CALIPERS, base.caliper))
    ratios = dict.fromkeys((*_RATIOS, base.ratio))
    for caliper, ratio, again in itertools.product(calipers, ratios, (False, True)):
        yield from _both(replace(base, caliper=caliper, ratio=ratio, replace=again))


def _step_schemes(base: Variant) -> Iterator[Variant]:
    """Yield the base and the schemes one step away from it."""
    yield from _both(base)
    yield from _both(replace(base, caliper=0.2 if base.caliper is None else None))
    yield from _both(replace(base, ratio=2 if base.ratio == 1 else 1))
    yield from _both(replace(base, replace=not base.replace))


def _both(base: Variant) -> list[Variant]:
    return [replace(base, adjusted=True), replace(base, adjusted=False)]


def _normalise(variant: Variant) -> Variant:
    """Give choices that a method does not make one value, so that none comes twice."""
    if variant.method == "matching":
        return variant
    plain = replace(variant, caliper=None, ratio=1, replace=False)
    if variant.method == "cardinality":
        return replace(plain, model="")
    model: Model = "" if variant.method == "ols" else variant.model
    return replace(plain, model=model, exact=(), adjusted=True)


def _key(variant: Variant) -> tuple[object, ...]:
    return tuple(variant.describe().values())
