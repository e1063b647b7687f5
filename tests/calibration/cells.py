"""What a calibration cell is, and what one run of it leaves."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from workbench.core.errors import DesignError
from workbench.impact.inference import Regression, estimate_cluster_error

PLAIN = "the plain cluster error"

Family = Literal["psm", "did", "ab", "looks", "survival"]
Expectation = Literal["covers", "at_least", "fails"]
_NUMBERS = (
    "estimate",
    "std_error",
    "ci_low",
    "ci_high",
    "truth",
    "naive",
    "usual_low",
    "usual_high",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the estimator said about one drawn data set, beside its truth.

    ``naive`` is the raw difference, NaN where the cell has none; ``warned`` says
    whether a diagnostic of the design failed. ``usual_low`` and ``usual_high`` are the
    interval of the usual way, where the cell shows one beside ours.
    """

    estimate: float
    std_error: float
    ci_low: float
    ci_high: float
    truth: float
    naive: float
    warned: bool
    warnings: str = ""
    usual_low: float = math.nan
    usual_high: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One design of known truth.

    Attributes
    ----------
    name : str
        Fixes the seeds, together with the number of the run.
    family : str
        The method under test: ``psm``, ``did``, ``ab``, ``looks``, ``survival``.
    design, estimand : str
        In words, for the published table.
    measure : callable
        Draws the data of a seed and estimates.
    expect : {"covers", "at_least", "fails"}
        ``at_least`` where an interval holds many statements at once, so that it may
        hold the truth more often; ``fails`` where an assumption is broken on purpose:
        coverage must be lost.
    must_warn : bool
        Whether the diagnostics can and must notice that.
    no_effect : bool
        Whether the truth is zero, so that rejections are false positives.
    size_limit : float
        Largest share of false positives.
    usual : str
        The usual way that is shown beside ours, in words; empty if there is none.
    """

    name: str
    family: Family
    design: str
    estimand: str
    measure: Callable[[int], Measured]
    expect: Expectation = "covers"
    must_warn: bool = False
    no_effect: bool = False
    size_limit: float = 0.06
    usual: str = ""

    def seed(self, run: int) -> int:
        """Return the seed of one run, the same on every machine."""
        root = np.random.SeedSequence([zlib.crc32(self.name.encode()), run])
        return int(root.generate_state(1)[0])

    def execute(self, run: int) -> dict[str, object]:
        """Carry out one run; a refused comparison is a failed run with its reason."""
        seed = self.seed(run)
        row: dict[str, object] = {"cell": self.name, "run": run, "seed": seed}
        try:
            return row | asdict(self.measure(seed)) | {"reason": ""}
        except DesignError as refusal:
            nothing = dict.fromkeys(_NUMBERS, math.nan)
            said = str(refusal).splitlines()[0]
            return (
                row
                | nothing
                | {"warned": True, "warnings": "refused", "reason": said[:120]}
            )


def take_plain_error(
    fitted: Regression, cluster: npt.NDArray[np.int64], *, value: float
) -> tuple[float, float]:
    """Return the interval of CR1 and 1.96, which many programs give by default."""
    codes = np.unique(cluster, return_inverse=True)[1]
    found = estimate_cluster_error(
        fitted.influence[:, None], {"cluster": codes}, n_params=fitted.n_params
    )
    half = 1.96 * math.sqrt(float(found.covariance[0, 0]))
    return value - half, value + half
