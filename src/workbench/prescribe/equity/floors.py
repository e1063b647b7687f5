"""Groups whose access is held equal: who belongs where, and how far they differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import MissingColumnError
from workbench.prescribe.equity.small_cells import find_hidden

__all__ = [
    "NOT_RECORDED",
    "POOLED",
    "Groups",
    "find_ratio",
    "form_groups",
    "may_tell",
]

NOT_RECORDED = "not recorded"
POOLED = "small groups"

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The groups of one attribute that a floor is held between.

    ``codes`` gives each person's group, -1 where the floor leaves the person out;
    ``sizes`` counts them, ``names`` in the same order; ``text`` says who was pooled or
    left out.
    """

    attribute: str
    names: tuple[str, ...]
    codes: IntArray
    sizes: IntArray
    text: str

    def count(self, chosen: BoolArray) -> IntArray:
        """Count the chosen in each group."""
        codes = self.codes[chosen]
        counts: IntArray = np.bincount(codes[codes >= 0], minlength=len(self.names))
        return counts


def form_groups(
    people: pd.DataFrame, attributes: Sequence[str], *, min_group: int
) -> tuple[Groups, ...]:
    """Form the groups of each attribute, none smaller than the privacy floor.

    Parameters
    ----------
    people : DataFrame
        One row per person, with the attributes; a missing value is a group of its own.
    attributes : sequence of str
        Columns.
    min_group : int
        Groups with fewer people are pooled; if they are fewer even so, no floor is
        held for them.

    Returns
    -------
    tuple of Groups
        One per attribute, groups by name.

    Raises
    ------
    MissingColumnError
        If `people` lacks an attribute.
    """
    missing = [name for name in attributes if name not in people]
    if missing:
        raise MissingColumnError.build(
            "People lack an attribute", where="people", got=missing
        )
    return tuple(_form(people[name], name, min_group) for name in attributes)


def find_ratio(groups: Groups, chosen: BoolArray) -> float:
    """Return the lowest share chosen in a group as a ratio to the highest.

    Missing where nobody is chosen in any group, or there are fewer than two.
    """
    if len(groups.names) < 2:
        return math.nan
    rates = groups.count(chosen) / groups.sizes
    return float(rates.min() / rates.max()) if rates.max() > 0 else math.nan


def may_tell(groups: Groups, chosen: BoolArray, *, min_group: int) -> bool:
    """Say whether a ratio of shares may be told.

    From it, and from totals, the number chosen in a group could be worked out.

    Parameters
    ----------
    groups : Groups
        Groups of one attribute.
    chosen : ndarray of bool
        Who is selected.
    min_group : int
        Smallest number that may be worked out; 0 may be.

    Returns
    -------
    bool
        Whether in each group, and among those left out, nobody or at least
        `min_group` are chosen, and likewise are not.
    """
    places = groups.codes % (len(groups.names) + 1)
    sizes, selected = (
        np.bincount(part, minlength=len(groups.names) + 1).tolist()
        for part in (places, places[chosen])
    )
    cells = [(size, own, size - own) for size, own in zip(sizes, selected, strict=True)]
    return not any(find_hidden(cells, min_group=min_group))


def _form(values: pd.Series, attribute: str, min_group: int) -> Groups:
    labels = values.astype("object").where(values.notna(), NOT_RECORDED).astype(str)
    sizes = labels.value_counts()
    small = sorted(sizes.index[sizes < min_group])
    text = ""
    if small:
        total = int(sizes[small].sum())
        if len(small) > 1 and total >= min_group:
            labels = labels.where(~labels.isin(small), POOLED)
            text = f"{attribute}: {len(small)} groups below {min_group} are pooled"
        else:
            labels = labels.where(~labels.isin(small), None)
            text = f"{attribute}: no floor for groups below {min_group} people"
    names = tuple(sorted(labels.dropna().unique()))
    places: Mapping[str, int] = {name: place for place, name in enumerate(names)}
    codes = labels.map(places).fillna(-1).to_numpy(dtype="int64")
    return Groups(
        attribute=attribute,
        names=names,
        codes=codes,
        sizes=np.bincount(codes[codes >= 0], minlength=len(names)),
        text=text,
    )
