"""What the figure of a causal graph draws: nodes in boxes, arrows between boxes."""

from __future__ import annotations

import pandas as pd

__all__ = [
    "AFTER",
    "KINDS",
    "LAST",
    "OUTCOME",
    "TREATMENT",
    "box_frame",
    "follow_arrows",
    "link_frame",
]

KINDS = (
    "adjusted",
    "left_out",
    "unmeasured",
    "spared",
    "learning_only",
    "treatment",
    "after",
    "outcome",
)
"""Kinds of nodes, from top to bottom of a column."""

TREATMENT, AFTER, OUTCOME, LAST = 2, 3, 4, 5
"""Columns of learning, of what lies after it, of the outcome and of its effects."""


def box_frame(nodes: pd.DataFrame, arrows: pd.DataFrame) -> pd.DataFrame:
    """Gather nodes of one kind into boxes.

    Parameters
    ----------
    nodes : DataFrame
        ``node``, ``label``, ``kind`` and ``measured`` of one graph.
    arrows : DataFrame
        ``cause`` and ``effect`` of the same graph.

    Returns
    -------
    DataFrame
        One row per node, ordered by column and kind: ``box``, ``column`` (0 for
        causes of which no cause is drawn, 1 for other causes, 2 learning, 3 after it,
        4 the outcome, 5 what the outcome causes), ``kind``, ``measured``, ``node``,
        ``label``.
    """
    caused = set(arrows["effect"])
    late = follow_arrows(arrows, "outcome")
    fixed = {"treatment": TREATMENT, "outcome": OUTCOME, "after": AFTER}
    table = nodes[["node", "label", "kind"]].copy()
    table["measured"] = nodes["measured"].astype(bool)
    columns = [
        LAST if node in late else fixed.get(kind, int(node in caused))
        for node, kind in zip(table["node"], table["kind"], strict=True)
    ]
    rank = table["kind"].map({kind: place for place, kind in enumerate(KINDS)})
    table = table.assign(column=columns, rank=rank, place=range(len(table)))
    table = table.sort_values(
        ["column", "rank", "measured", "place"],
        ascending=[True, True, False, True],
        kind="stable",
    )
    table["box"] = [
        f"{column}/{kind}/{'measured' if measured else 'unmeasured'}"
        for column, kind, measured in zip(
            table["column"], table["kind"], table["measured"], strict=True
        )
    ]
    names = ["box", "column", "kind", "measured", "node", "label"]
    return table[names].reset_index(drop=True)


def link_frame(boxes: pd.DataFrame, arrows: pd.DataFrame) -> pd.DataFrame:
    """Gather arrows between nodes into arrows between boxes.

    Returns
    -------
    DataFrame
        ``source``, ``target``, ``arrows`` (how many); arrows within a box are left
        out.
    """
    box = dict(zip(boxes["node"], boxes["box"], strict=True))
    pairs = pd.DataFrame(
        {"source": arrows["cause"].map(box), "target": arrows["effect"].map(box)}
    ).dropna()
    pairs = pairs[pairs["source"] != pairs["target"]]
    counted = pairs.groupby(["source", "target"], sort=True).size()
    return counted.rename("arrows").reset_index()


def follow_arrows(arrows: pd.DataFrame, start: str) -> set[str]:
    """Return everything that arrows lead to from a node."""
    found: set[str] = set()
    queue = [start]
    for node in queue:
        new = set(arrows.loc[arrows["cause"] == node, "effect"]) - found
        found |= new
        queue += sorted(new)
    return found
