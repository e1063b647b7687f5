"""Paths through a causal graph: which are open, given what is held alike."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from workbench.core.causal_graph import LEARNING, CausalGraph

__all__ = [
    "find_backdoor_set",
    "find_open_path",
    "is_instrument",
    "list_ancestors",
    "list_descendants",
    "write_path",
]

_UP, _DOWN = "up", "down"


@lru_cache(maxsize=512)
def find_backdoor_set(
    graph: CausalGraph, allowed: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Find nodes that close every backdoor path when they are held alike, by dowhy.

    Parameters
    ----------
    graph : CausalGraph
        Of one outcome.
    allowed : tuple of str
        Nodes that may be in the set; none of them an effect of learning.

    Returns
    -------
    tuple of str or None
        A set of which no node can be spared, in the order of the graph; None where
        the nodes allowed cannot close all paths.

    References
    ----------
    .. [1] van der Zander, B., Liskiewicz, M., Textor, J., "Constructing separators and
       adjustment sets in ancestral graphs", UAI 2014.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import networkx as nx  # type: ignore[import-untyped]
        from dowhy.causal_identifier.auto_identifier import (
            identify_generalized_adjustment_set,
        )

    drawn = nx.DiGraph()
    drawn.add_nodes_from(graph.ids)
    drawn.add_edges_from(graph.arrows)
    found = identify_generalized_adjustment_set(
        drawn, [LEARNING], [graph.outcome], list(allowed)
    )
    if not found:
        return None
    chosen = set(found[0].get_adjustment_variables())
    return tuple(node for node in graph.ids if node in chosen)


def find_open_path(
    graph: CausalGraph, given: Collection[str], *, start: str = LEARNING
) -> tuple[str, ...]:
    """Find the shortest open backdoor path from learning, or a cause, to the outcome.

    Parameters
    ----------
    graph : CausalGraph
        Of one outcome.
    given : collection of str
        Nodes held alike; none of them an effect of learning.
    start : str
        Where the path begins; it never runs along an arrow that leaves learning.

    Returns
    -------
    tuple of str
        Nodes from the start to the outcome; empty where all paths are closed. A path
        is closed by a node on it that is held alike, unless both its arrows point to
        that node; such a node (a collider) closes it unless the node, or something it
        causes, is held alike.
    """
    held = set(given)
    opened = held | list_ancestors(graph, held)
    first = [(cause, _UP) for cause in graph.list_causes(start)]
    if start != LEARNING:
        first += [(effect, _DOWN) for effect in graph.list_effects(start)]
    before: dict[tuple[str, str], tuple[str, str] | None] = dict.fromkeys(first)
    queue = list(before)
    for state in queue:
        if state[0] == graph.outcome:
            return (start, *_trace(before, state))
        if state[0] == LEARNING:
            continue
        for step in _list_steps(graph, state, held, opened):
            if step not in before and step[0] != start:
                before[step] = state
                queue.append(step)
    return ()


def _list_steps(
    graph: CausalGraph, state: tuple[str, str], held: set[str], opened: set[str]
) -> list[tuple[str, str]]:
    """List where an open path may go on: the node before came from below or above."""
    node, came = state
    steps: list[tuple[str, str]] = []
    if node not in held:
        steps += [(effect, _DOWN) for effect in graph.list_effects(node)]
    if (came == _UP and node not in held) or (came == _DOWN and node in opened):
        steps += [(cause, _UP) for cause in graph.list_causes(node)]
    return steps


def _trace(
    before: dict[tuple[str, str], tuple[str, str] | None], end: tuple[str, str]
) -> list[str]:
    path = [end[0]]
    state = before[end]
    while state is not None:
        path.append(state[0])
        state = before[state]
    return path[::-1]


def is_instrument(graph: CausalGraph, node: str, given: Collection[str]) -> bool:
    """Tell whether a node reaches the outcome through learning only.

    Parameters
    ----------
    graph : CausalGraph
        Of one outcome.
    node : str
        A node that is not in `given`.
    given : collection of str
        Nodes that close all backdoor paths.
    """
    if node not in list_ancestors(graph, [LEARNING]):
        return False
    arrows = tuple(pair for pair in graph.arrows if pair[0] != LEARNING)
    cut = replace(graph, arrows=arrows)
    if node in list_ancestors(cut, [graph.outcome]):
        return False
    return not find_open_path(graph, given, start=node)


def list_ancestors(graph: CausalGraph, nodes: Collection[str]) -> set[str]:
    """Return everything from which arrows lead to any of the nodes."""
    return _spread({node: graph.list_causes(node) for node in graph.ids}, nodes)


def list_descendants(graph: CausalGraph, nodes: Collection[str]) -> set[str]:
    """Return everything to which arrows lead from any of the nodes."""
    return _spread({node: graph.list_effects(node) for node in graph.ids}, nodes)


def _spread(neighbours: dict[str, tuple[str, ...]], nodes: Collection[str]) -> set[str]:
    found: set[str] = set()
    queue = list(nodes)
    for node in queue:
        new = [item for item in neighbours.get(node, ()) if item not in found]
        found |= set(new)
        queue += new
    return found


def write_path(graph: CausalGraph, path: Sequence[str]) -> str:
    """Write a path with its arrows: ``learning <- motivation -> rating``."""
    arrows = set(graph.arrows)
    text = "".join(
        f"{first} {'->' if (first, second) in arrows else '<-'} "
        for first, second in pairwise(path)
    )
    return text + path[-1] if path else ""
