"""Which groups are too small to be shown, and which must be hidden with them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["find_hidden"]


def find_hidden(
    counts: Sequence[Sequence[int]], *, min_group: int, already: Sequence[bool] = ()
) -> list[bool]:
    """Mark the groups whose numbers are kept back.

    Parameters
    ----------
    counts : sequence of sequence of int
        Counts of each group of one attribute that may be read or worked out, the
        group's people first: people, or people, those selected, and the rest.
    min_group : int
        Smallest count, and smallest number hidden together, that may be worked out;
        that nobody is in a cell may be told.
    already : sequence of bool
        Groups that are hidden whatever their counts; unknown counts stand as 0.

    Returns
    -------
    list of bool
        Groups hidden already, and those with a count below `min_group` that is not 0;
        if there are any of the latter, with them the next
        smallest, until at least two are hidden, and none of the sums of their counts
        is below `min_group` unless it is 0: totals of an attribute are known from
        others, so that what is left over must not tell a small group.
    """
    small = [any(0 < item < min_group for item in group) for group in counts]
    given = already or [False] * len(counts)
    hidden = [one or other for one, other in zip(small, given, strict=True)]
    if not any(small):
        return hidden
    rest = sorted(
        (group[0], place) for place, group in enumerate(counts) if not hidden[place]
    )
    for _, place in rest:
        together = [item for item, gone in zip(counts, hidden, strict=True) if gone]
        sums = [sum(column) for column in zip(*together, strict=True)]
        if len(together) > 1 and not any(0 < item < min_group for item in sums):
            break
        hidden[place] = True
    return hidden
