"""The effect of passing one module, the others being as they were taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import NoOverlapError, TooFewUnitsError
from workbench.impact.inference import estimate_cluster_error
from workbench.impact.propensity import PENALTY, predict_propensity
from workbench.prescribe.modules.base_model import Base
from workbench.prescribe.modules.parts import FEWEST, Part
from workbench.prescribe.modules.rows import N_FOLDS, ModuleRows

__all__ = ["OVERLAP", "ModuleEffect", "average_deals", "estimate_module"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

OVERLAP = (0.05, 0.95)
"""Learners are compared whose chance of passing the module lies in between."""

_ROWS_PER_TERM = 10
_STEPS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleEffect:
    """What passing a module, or a bundle of them, does to one outcome.

    Attributes
    ----------
    method : str
        ``aipw`` or ``joint``.
    value, std_error : float
        On the outcome's scale; positive means more of it among those who passed.
    df : float
        Degrees of freedom of Student's t.
    n_passed, n_skipped : int
        Different people compared.
    n_without_choice : int
        Learners left out because the completion rule did not let them skip it.
    n_outside : int
        Learners left out because (nearly) all like them passed it, or skipped it.
    influence : array of shape (rows,)
        Influence of each row of the sample; 0 for rows that are not compared.
    """

    method: str
    value: float
    std_error: float
    df: float
    n_passed: int
    n_skipped: int
    n_without_choice: int = 0
    n_outside: int = 0
    influence: FloatArray

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the interval of level 1 - `alpha`."""
        from scipy.special import stdtrit

        half = float(stdtrit(self.df, 1 - alpha / 2)) * self.std_error
        return self.value - half, self.value + half

    def p_value(self) -> float:
        """Return the two-sided p-value of no effect."""
        from scipy.special import stdtr

        if self.std_error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * stdtr(self.df, -abs(self.value) / self.std_error))


def estimate_module(
    rows: ModuleRows, base: Base, part: Part, *, place: int
) -> ModuleEffect:
    r"""Estimate what passing a module adds among learners of the programme.

    The estimand is the average effect among learners who could have passed or skipped
    the module: the completion rule left them the choice, and people like them did
    either. It is causal if covariates, the quarter and the other modules hold
    everything that drives both passing this one and the outcome.

    Parameters
    ----------
    rows : ModuleRows
        Learners and others; others only help to tell what covariates do.
    base : Base
        From `fit_base` on the same rows.
    part : Part
        The module, or the bundle.
    place : int
        Position of the part in the columns of `base`.

    Returns
    -------
    ModuleEffect
        Method ``aipw``.

    Raises
    ------
    TooFewUnitsError
        If fewer than 15 learners passed it, or skipped it.
    NoOverlapError
        If fewer than 15 of them remain where both were likely.

    Notes
    -----
    Augmented inverse probability weighting with weights that sum to one in each arm:

    .. math:: \hat\theta = \frac1n \sum_i \{m_1(x_i) - m_0(x_i)\}
        + \sum_{a_i=1} w_i (y_i - m_1(x_i)) - \sum_{a_i=0} w_i (y_i - m_0(x_i)),

    where w is proportional to one over the chance of what the person did, and m
    and the chance are made by models fitted on other people. The model of the chance
    is penalised to one free term per ten people of the smaller arm. Arms of 15 to 60
    people need care: the residuals of each arm are centred, each is divided by
    :math:`\sqrt{1 - w_i}` (with equal weights the sum of squares is then Welch's
    variance), and t has Welch's degrees of freedom for the effective sizes
    :math:`1 / \sum w_i^2` of the arms, or the clusters less one where they are fewer.
    Where the outcome is an event, the spread of an arm is taken to be no smaller than
    that of both, since a small arm may have none.

    References
    ----------
    .. [1] Robins, J. M., Rotnitzky, A. and Zhao, L. P. (1994). Estimation of
       regression coefficients when some regressors are not always observed. JASA 89,
       846-866. doi:10.1080/01621459.1994.10476818
    .. [2] Chernozhukov, V. et al. (2018). Double/debiased machine learning. The
       Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
    .. [3] Crump, R. K., Hotz, V. J., Imbens, G. W. and Mitnik, O. A. (2009). Dealing
       with limited overlap in estimation of average treatment effects. Biometrika 96,
       187-199. doi:10.1093/biomet/asn055
    """
    took = np.asarray(rows.passed[:, list(part.columns)].all(axis=1))
    one_or_other = took | base.skipped[:, place]
    free = np.asarray(rows.learners & one_or_other & _could_skip(rows, part))
    _require_arms(rows, free & took, free & ~took, TooFewUnitsError)
    chance = _predict_chance(rows, part, took, free)
    kept = np.asarray(free & (chance > OVERLAP[0]) & (chance < OVERLAP[1]))
    _require_arms(rows, kept & took, kept & ~took, NoOverlapError)
    value, influence, sizes = _weigh(rows, base, place, chance, kept, took)
    std_error, df = _measure_error(rows, influence)
    return ModuleEffect(
        method="aipw",
        value=value,
        std_error=std_error,
        df=min(_welch_df(influence, took, kept, sizes), df),
        n_passed=rows.sample.count_units(kept & took),
        n_skipped=rows.sample.count_units(kept & ~took),
        n_without_choice=rows.sample.count_units(rows.learners & ~free),
        n_outside=rows.sample.count_units(free & ~kept),
        influence=influence,
    )


def average_deals(rows: ModuleRows, found: Sequence[ModuleEffect]) -> ModuleEffect:
    """Average estimates that differ only in how people were dealt into folds.

    Parameters
    ----------
    rows : ModuleRows
        The rows of all of them.
    found : sequence of ModuleEffect
        From `estimate_module`.

    Returns
    -------
    ModuleEffect
        Mean value, with the error of the mean influence and the fewest degrees of
        freedom, so that the number hangs less on the seed.
    """
    influence = np.mean([item.influence for item in found], axis=0)
    std_error, _ = _measure_error(rows, influence)
    return ModuleEffect(
        method="aipw",
        value=float(np.mean([item.value for item in found])),
        std_error=std_error,
        df=min(item.df for item in found),
        n_passed=min(item.n_passed for item in found),
        n_skipped=min(item.n_skipped for item in found),
        n_without_choice=found[0].n_without_choice,
        n_outside=max(item.n_outside for item in found),
        influence=influence,
    )


def _could_skip(rows: ModuleRows, part: Part) -> BoolArray:
    """Mark rows that meet the completion rule whether or not they passed the part."""
    others = np.delete(rows.passed, list(part.columns), axis=1).sum(axis=1)
    free: BoolArray = others >= rows.cohort.program.complete.at_least
    return free


def _require_arms(
    rows: ModuleRows,
    passed: BoolArray,
    skipped: BoolArray,
    kind: type[TooFewUnitsError | NoOverlapError],
) -> None:
    ours, theirs = rows.sample.count_units(passed), rows.sample.count_units(skipped)
    if min(ours, theirs) < FEWEST:
        words = {
            TooFewUnitsError: "Too few learners passed it, or skipped it",
            NoOverlapError: "Learners who passed it and who skipped it are not alike",
        }
        raise kind.build(
            words[kind],
            where=f"{rows.cohort.persona}, {rows.cohort.outcome.id}",
            rule=f"at least {FEWEST} learners on either side",
            got=f"{ours} passed and {theirs} skipped",
            hint="widen window_quarters in paths.yml",
        )


def _predict_chance(
    rows: ModuleRows, part: Part, took: BoolArray, free: BoolArray
) -> FloatArray:
    """Predict the chance of passing, by models fitted on other learners."""
    others = np.delete(rows.passed, list(part.columns), axis=1).astype("float64")
    matrix = np.column_stack([rows.matrix, others])
    matrix = matrix - matrix[free].mean(axis=0)
    penalty = _choose_penalty(matrix[free], took[free])
    chance = np.full(len(took), np.nan)
    for fold in range(N_FOLDS):
        held, fit = free & (rows.folds == fold), free & (rows.folds != fold)
        if held.any():
            chance[held] = predict_propensity(
                matrix[fit], took[fit], matrix[held], penalty=penalty
            )
    return chance


def _choose_penalty(matrix: FloatArray, took: BoolArray) -> float:
    """Let the model of the chance have one free term per ten people of the small arm.

    The ridge penalty is the one whose effective degrees of freedom are as many, at the
    overall share; the outcome has no say in it.
    """
    share = float(took.mean())
    size = share * (1 - share) * np.linalg.eigvalsh(matrix.T @ matrix)
    size = np.maximum(size, 0.0)
    wanted = min(int(took.sum()), int((~took).sum())) / _ROWS_PER_TERM
    low, high = np.log(PENALTY), np.log(PENALTY) + 30.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        terms = float((size / (size + np.exp(middle))).sum())
        low, high = (middle, high) if terms > wanted else (low, middle)
    return float(np.exp(high))


def _weigh(
    rows: ModuleRows,
    base: Base,
    place: int,
    chance: FloatArray,
    kept: BoolArray,
    took: BoolArray,
) -> tuple[float, FloatArray, tuple[float, float]]:
    """Return the effect, the influence of rows, and the effective sizes of the arms."""
    gain = -base.skipping[:, place]
    other = np.delete(base.skipping * base.skipped, place, axis=1).sum(axis=1)
    rest = rows.sample.outcome - base.expected - other
    value = float(gain[kept].mean())
    influence = np.zeros(len(took))
    influence[kept] = (gain[kept] - value) / int(kept.sum())
    arms = ((kept & took, 1.0), (kept & ~took, -1.0))
    sizes, weights, rests = [], [], []
    for arm, sign in arms:
        weight = 1 / (chance[arm] if sign > 0 else 1 - chance[arm])
        weight = weight / weight.sum()
        left = rest[arm] if sign > 0 else rest[arm] + gain[arm]
        mean = float(weight @ left)
        value += sign * mean
        sizes.append(1 / float(weight @ weight))
        weights.append(weight)
        rests.append(left - mean)
    wider = _compare_spreads(rows, weights, rests)
    for (arm, sign), weight, left, factor in zip(
        arms, weights, rests, wider, strict=True
    ):
        influence[arm] += sign * factor * weight * left / np.sqrt(1 - weight)
    return value, influence, (sizes[0], sizes[1])


def _compare_spreads(
    rows: ModuleRows, weights: Sequence[FloatArray], rests: Sequence[FloatArray]
) -> list[float]:
    """Return the factors by which the influence of either arm is to be enlarged.

    A small arm to which an event happened to nobody would seem to be known exactly.
    Of events, the spread of an arm is taken to be no smaller than that of both.
    """
    if rows.cohort.outcome.kind == "continuous":
        return [1.0] * len(rests)
    own = [float(weight @ left**2) for weight, left in zip(weights, rests, strict=True)]
    both = float((np.concatenate(list(rests)) ** 2).mean())
    return [math.sqrt(max(1.0, both / size)) if size else 1.0 for size in own]


def _measure_error(rows: ModuleRows, influence: FloatArray) -> tuple[float, float]:
    """Return the clustered error, and the clusters less one.

    Where people are the clusters the small-sample factor of CR1 is taken back, since
    the influence has been corrected arm by arm.
    """
    kept = influence != 0
    clusters = {name: codes[kept] for name, codes in rows.sample.clusters.items()}
    found = estimate_cluster_error(influence[kept, None], clusters)
    variance = float(found.covariance[0, 0])
    if len(clusters) == 1:
        groups = len(np.unique(clusters["unit"]))
        variance *= (groups - 1) / groups
    return math.sqrt(variance), found.df


def _welch_df(
    influence: FloatArray,
    took: BoolArray,
    kept: BoolArray,
    sizes: tuple[float, float],
) -> float:
    parts = [float((influence[arm] ** 2).sum()) for arm in (kept & took, kept & ~took)]
    spread = sum(
        part**2 / max(size - 1, 1.0) for part, size in zip(parts, sizes, strict=True)
    )
    return sum(parts) ** 2 / spread if spread else float(kept.sum() - 2)
