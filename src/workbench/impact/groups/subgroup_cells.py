"""Which groups may be shown: labels, counts, and the cells that must be hidden."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["NOT_RECORDED", "count_cells", "hide_cells", "label_groups"]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

NOT_RECORDED = "not recorded"


def label_groups(values: pd.Series) -> tuple[IntArray, list[str]]:
    """Turn an attribute into group codes, missing values a group of their own.

    Parameters
    ----------
    values : Series
        One value per row.

    Returns
    -------
    tuple
        Codes from 0, and the names of the groups in alphabetical order, the missing
        ones last.
    """
    known = values.notna().to_numpy()
    text = values.astype("object").where(values.notna(), NOT_RECORDED).astype("str")
    names = sorted(text[known].unique().tolist())
    if not known.all():
        names = [*(name for name in names if name != NOT_RECORDED), NOT_RECORDED]
    place = {name: code for code, name in enumerate(names)}
    return text.map(place).to_numpy(dtype="int64"), names


def count_cells(
    codes: IntArray, treated: BoolArray, units: IntArray, *, n_groups: int
) -> pd.DataFrame:
    """Count the different people of each group and arm.

    Parameters
    ----------
    codes, treated, units : array
        Group, arm and person of each row.
    n_groups : int
        Number of groups; one without rows counts 0.

    Returns
    -------
    DataFrame
        ``n_treated`` and ``n_control``, one row per group.
    """
    arms = {"n_treated": treated, "n_control": ~treated}
    return pd.DataFrame(
        {
            name: [len(np.unique(units[arm & (codes == g)])) for g in range(n_groups)]
            for name, arm in arms.items()
        }
    )


def hide_cells(counts: pd.DataFrame, *, min_group: int) -> pd.DataFrame:
    """Decide which groups are suppressed, and whose sizes are kept back.

    Parameters
    ----------
    counts : DataFrame
        ``n_treated`` and ``n_control``, one row per group.
    min_group : int
        Fewest people in either arm of a group that is shown.

    Returns
    -------
    DataFrame
        ``suppressed``: too few people, or the only other group beside such, which with
        the total would give it away. ``unsized``: counts and means are kept back;
        those that are suppressed and, as long as there is only one of them or they hold
        fewer than `min_group` people in an arm together, the next smallest, since
        totals less what is shown would otherwise tell the size or the mean of a small
        group.

    Examples
    --------
    >>> counts = pd.DataFrame({"n_treated": [40, 30, 3], "n_control": [40, 30, 9]})
    >>> found = hide_cells(counts, min_group=10)
    >>> found["suppressed"].tolist(), found["unsized"].tolist()
    ([False, False, True], [False, True, True])
    """
    suppressed = counts.min(axis=1) < min_group
    if suppressed.any() and (~suppressed).sum() == 1:
        suppressed = suppressed | True
    unsized = suppressed.copy()
    for group in counts.sum(axis=1).sort_values(kind="stable").index:
        if not unsized.any() or _is_safe(counts[unsized], min_group):
            break
        unsized[group] = True
    return pd.DataFrame({"suppressed": suppressed, "unsized": unsized})


def _is_safe(counts: pd.DataFrame, min_group: int) -> bool:
    return len(counts) > 1 and bool((counts.sum() >= min_group).all())
