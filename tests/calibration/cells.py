"""What a calibration cell is, and what one run of it leaves."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from workbench.core.errors import DesignError

Family = Literal["psm", "did"]
Expectation = Literal["covers", "fails"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the estimator said about one drawn data set, beside its truth.

    ``naive`` is the raw difference, NaN where the cell has none; ``warned`` says
    whether a diagnostic of the design failed.
    """

    estimate: float
    std_error: float
    ci_low: float
    ci_high: float
    truth: float
    naive: float
    warned: bool
    warnings: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One design of known truth.

    Attributes
    ----------
    name : str
        Fixes the seeds, together with the number of the run.
    family : {"psm", "did"}
        The method under test.
    design, estimand : str
        In words, for the published table.
    measure : callable
        Draws the data of a seed and estimates.
    expect : {"covers", "fails"}
        ``fails`` where an assumption is broken on purpose: coverage must be lost.
    must_warn : bool
        Whether the diagnostics can and must notice that.
    no_effect : bool
        Whether the truth is zero, so that rejections are false positives.
    """

    name: str
    family: Family
    design: str
    estimand: str
    measure: Callable[[int], Measured]
    expect: Expectation = "covers"
    must_warn: bool = False
    no_effect: bool = False

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
            nothing = dict.fromkeys(
                ["estimate", "std_error", "ci_low", "ci_high", "truth", "naive"],
                math.nan,
            )
            said = str(refusal).splitlines()[0]
            return (
                row
                | nothing
                | {"warned": True, "warnings": "refused", "reason": said[:120]}
            )
