"""Which groups are too small to be shown, and which must be hidden with them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["find_hidden"]


def find_hidden(sizes: Sequence[int], *, min_group: int) -> list[bool]:
    """Mark the groups whose numbers are kept back.

    Parameters
    ----------
    sizes : sequence of int
        People per group of one attribute.
    min_group : int
        Smallest group, and smallest number hidden together, that may be worked out.

    Returns
    -------
    list of bool
        Groups below `min_group`; with them the next smallest, until at least two are
        hidden and at least `min_group` people are: the total of an attribute is known
        from others, so that what is left over must not tell a small group.
    """
    hidden = [size < min_group for size in sizes]
    if not any(hidden):
        return hidden
    rest = sorted(
        (size, place) for place, size in enumerate(sizes) if not hidden[place]
    )
    for _, place in rest:
        together = [size for size, gone in zip(sizes, hidden, strict=True) if gone]
        if len(together) > 1 and sum(together) >= min_group:
            break
        hidden[place] = True
    return hidden
