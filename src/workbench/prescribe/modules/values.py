"""What a programme's modules are worth together: the joint distribution for paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import ParamError
from workbench.impact.inference import estimate_cluster_error

__all__ = ["ModuleValues", "PathValue"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

_NEARLY = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class PathValue:
    """What a path is worth to one learner, in thresholds, with its interval."""

    value: float
    std_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleValues:
    """Effects of one programme's modules on all outcomes, with their covariance.

    Effects are in *thresholds*: 1 is the smallest change worth having, positive is
    better whatever the outcome's direction. An outcome without a threshold is in its
    own standard deviations and counts nothing.

    Attributes
    ----------
    persona, program : str
        Ids.
    modules : tuple of str
        Courses of the programme.
    outcomes : tuple of str
        Outcomes that something is known of.
    at_least : int
        Modules that complete the programme; effects were only seen with completion.
    shares : array of shape (modules,)
        Share of learners who passed each module.
    weights : array of shape (outcomes,)
        What an outcome counts in the impact.
    scales : array of shape (outcomes,)
        One threshold in the outcome's unit, negative where less is better.
    effects : array of shape (outcomes, modules)
        After shrinkage.
    covariance : array of shape (outcomes * modules, outcomes * modules)
        Of `effects` read row by row.
    raw : array of shape (outcomes, modules)
        Before shrinkage; NaN where a module's own effect cannot be told.
    raw_covariance : array, as `covariance`
        NaN where `raw` is; t quantiles are not in it.
    raw_df : array of shape (outcomes, modules)
        Degrees of freedom of `raw`.
    programme, programme_error : array of shape (outcomes,)
        Effect of completing as it was taken, before shrinkage; NaN where it cannot be
        told.
    identified : array of bool of shape (modules,)
        Whether a module was skipped and passed often enough to be told.
    alpha : float
        One less the level of intervals.
    rows : DataFrame or None
        Influence of each row on each estimate, for further covariances: ``unit``,
        ``trial``, and one column per outcome and estimate. Never written to disk.
    """

    persona: str
    program: str
    modules: tuple[str, ...]
    outcomes: tuple[str, ...]
    at_least: int
    shares: FloatArray
    weights: FloatArray
    scales: FloatArray
    effects: FloatArray
    covariance: FloatArray
    raw: FloatArray
    raw_covariance: FloatArray
    raw_df: FloatArray
    programme: FloatArray
    programme_error: FloatArray
    identified: BoolArray
    alpha: float
    rows: pd.DataFrame | None = field(default=None, repr=False)

    def composite(self) -> tuple[FloatArray, FloatArray]:
        """Return each module's impact in thresholds, and their covariance.

        Returns
        -------
        tuple of array
            Of shape (modules,) and (modules, modules): sums over the outcomes that
            count, by their weights.
        """
        n_modules = len(self.modules)
        if not self.outcomes:
            return np.zeros(n_modules), np.zeros((n_modules, n_modules))
        blocks = self.covariance.reshape(
            len(self.outcomes), n_modules, len(self.outcomes), n_modules
        )
        joint = np.einsum("o,omkn,k->mn", self.weights, blocks, self.weights)
        return self.weights @ self.effects, joint

    def tabulate(self) -> pd.DataFrame:
        """Return ``module``, ``impact``, ``std_error``, ``low``, ``high``, raw beside.

        ``raw_impact``, ``raw_std_error``, ``raw_low``, ``raw_high`` hold the outcomes
        of which the module's own effect could be told, and are NaN where there is none.
        """
        impact, joint = self.composite()
        error = np.sqrt(np.maximum(np.diag(joint), 0.0))
        half = _normal_quantile(self.alpha) * error
        raw = [self._sum_raw(at) for at in range(len(self.modules))]
        table = pd.DataFrame(
            {
                "module": list(self.modules),
                "impact": impact,
                "std_error": error,
                "low": impact - half,
                "high": impact + half,
            }
        )
        names = ("raw_impact", "raw_std_error", "raw_low", "raw_high")
        return table.assign(
            **{name: [item[at] for item in raw] for at, name in enumerate(names)}
        )

    def test_overall(self) -> FloatArray:
        r"""Return p-values of no effect on any outcome that counts, one per module.

        Signed: negative where the outcomes together are worse among those who passed
        the module. NaN where its own effect cannot be told.

        Notes
        -----
        The sum of the standardised effects over its own standard error, from their
        joint covariance (O'Brien's test for several endpoints [1]_): an outcome that is
        known badly cannot drown the others, as it does in a sum of thresholds.

        References
        ----------
        .. [1] O'Brien, P. C. (1984). Procedures for comparing samples with multiple
           endpoints. Biometrics 40, 1079-1087. doi:10.2307/2531158
        """
        from scipy.special import stdtr

        found = np.full(len(self.modules), np.nan)
        for at in range(len(self.modules)):
            told = self._find_told(at)
            if not told.any():
                continue
            block = self._raw_block(told, at)
            error = np.sqrt(np.diag(block))
            spread = math.sqrt(float((block / np.outer(error, error)).sum()))
            score = float((self.raw[told, at] / error).sum()) / spread
            df = float(self.raw_df[told, at].min())
            found[at] = math.copysign(float(2 * stdtr(df, -abs(score))), score)
        return found

    def value_of_path(self, modules: Sequence[str]) -> PathValue:
        r"""Return what passing just these modules is worth to one learner.

        Parameters
        ----------
        modules : sequence of str
            Modules of the programme, enough to complete it; none at all is worth 0.

        Returns
        -------
        PathValue
            In thresholds, with a normal interval.

        Raises
        ------
        ParamError
            If a module is not of the programme, or they do not complete it.

        Notes
        -----
        :math:`\tau + \sum_m (1[m \in P] - q_m) \theta_m` with
        :math:`\tau = \sum_m q_m \theta_m`, which the shrunk effects obey: it is the sum
        of the path's effects, and its variance the sum of their covariances. It
        supposes that effects of modules add up; the check ``modules_add_up`` tests it.
        """
        chosen = self._choose(modules)
        impact, joint = self.composite()
        error = math.sqrt(max(float(chosen @ joint @ chosen), 0.0))
        value = float(chosen @ impact)
        half = _normal_quantile(self.alpha) * error
        return PathValue(
            value=value, std_error=error, low=value - half, high=value + half
        )

    def raw_value_of_path(self, modules: Sequence[str]) -> PathValue | None:
        r"""Return the same without shrinkage, from the programme's own effect.

        Returns
        -------
        PathValue or None
            None where the path differs from what learners took in a module whose own
            effect cannot be told, or an outcome that counts has no programme effect.

        Notes
        -----
        :math:`\hat\tau + \sum_m (1[m \in P] - q_m) \hat\theta_m`; modules that cannot
        be told are in the path and in (nearly) every completion, and drop out. The
        covariance comes from the influence of rows, so that what the programme's and
        the modules' estimates have in common is counted.
        """
        chosen = self._choose(modules)
        if self.rows is None or not chosen.any():
            return None
        value, total = 0.0, np.zeros(len(self.rows))
        for at, outcome in enumerate(self.outcomes):
            if self.weights[at] == 0:
                continue
            told = ~np.isnan(self.raw[at])
            step = chosen - self.shares
            if math.isnan(self.programme[at]) or (np.abs(step[~told]) > _NEARLY).any():
                return None
            value += self.weights[at] * self.programme[at]
            value += self.weights[at] * float(step[told] @ self.raw[at, told])
            total += self.weights[at] * self.rows[f"{outcome}:programme"].to_numpy()
            for module in np.flatnonzero(told):
                name = f"{outcome}:{self.modules[module]}"
                total += self.weights[at] * step[module] * self.rows[name].to_numpy()
        names = [name for name in ("unit", "team") if f"code:{name}" in self.rows]
        clusters = {name: self.rows[f"code:{name}"].to_numpy() for name in names}
        found = estimate_cluster_error(total[:, None], clusters)
        error = math.sqrt(float(found.covariance[0, 0]))
        df = float(min(found.df, np.nanmin(self.raw_df[self.weights > 0])))
        half = _student_quantile(self.alpha, df) * error
        return PathValue(
            value=value, std_error=error, low=value - half, high=value + half
        )

    def _choose(self, modules: Sequence[str]) -> FloatArray:
        unknown = sorted(set(modules) - set(self.modules))
        if unknown:
            raise ParamError.build(
                "A path holds modules that are not of its programme",
                where=f"{self.persona}, {self.program}",
                rule="one of " + ", ".join(self.modules),
                got=unknown,
            )
        chosen = np.isin(self.modules, list(modules)).astype("float64")
        if 0 < chosen.sum() < self.at_least:
            raise ParamError.build(
                "A path does not complete its programme",
                where=f"{self.persona}, {self.program}",
                rule=f"at least {self.at_least} of its modules; effects were only seen "
                "with completion",
                got=list(modules),
            )
        return chosen

    def _find_told(self, at: int) -> BoolArray:
        told: BoolArray = ~np.isnan(self.raw[:, at]) & (self.weights > 0)
        return told

    def _raw_block(self, told: BoolArray, at: int) -> FloatArray:
        places = np.flatnonzero(told) * len(self.modules) + at
        block: FloatArray = self.raw_covariance[np.ix_(places, places)]
        return block

    def _sum_raw(self, at: int) -> tuple[float, float, float, float]:
        told = self._find_told(at)
        if not told.any():
            return math.nan, math.nan, math.nan, math.nan
        value = float(self.weights[told] @ self.raw[told, at])
        block = self._raw_block(told, at)
        variance = float(self.weights[told] @ block @ self.weights[told])
        error = math.sqrt(max(variance, 0.0))
        half = _student_quantile(self.alpha, float(self.raw_df[told, at].min())) * error
        return value, error, value - half, value + half


def _normal_quantile(alpha: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - alpha / 2))


def _student_quantile(alpha: float, df: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(df, 1 - alpha / 2))
