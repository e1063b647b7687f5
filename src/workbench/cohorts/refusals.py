"""Covariates that would add bias, and the path that shows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from workbench.cohorts.causal_paths import (
    find_open_path,
    list_ancestors,
    write_path,
)
from workbench.core.causal_graph import LEARNING, CausalGraph, Cause
from workbench.core.errors import ParamError

__all__ = ["check_covariates"]


def check_covariates(
    graph: CausalGraph,
    names: Sequence[str],
    required: Collection[str],
    *,
    where: str = "",
) -> None:
    """Refuse covariates that lie after time zero, or open a path as colliders.

    Parameters
    ----------
    graph : CausalGraph
        Of one outcome.
    names : sequence of str
        Columns, or ids of nodes, which are refused too. Columns that the graph does
        not mention pass.
    required : collection of str
        Nodes that close all backdoor paths together.
    where : str
        File the names come from.

    Raises
    ------
    ParamError
        Naming the covariate and the path.
    """
    owner = {column: node for node in graph.nodes for column in node.measured_by}
    named: dict[str, Cause] = {}
    for name in names:
        node = owner.get(name) or graph.find(name)
        if node is None:
            continue
        _refuse_late(graph, name, node, where)
        if name not in owner:
            _refuse_node(name, node, where)
        named[node.id] = node
    _refuse_collider(graph, list(named), required, where)


def _refuse_late(graph: CausalGraph, name: str, node: Cause, where: str) -> None:
    """Refuse what learning or the outcome can have changed."""
    caused = graph.find_path(LEARNING, node.id)
    onward = graph.find_path(node.id, graph.outcome)
    after = graph.find_path(graph.outcome, node.id)
    if caused and onward:
        what, path = "a mediator: a part of the effect", (*caused, *onward[1:])
    elif after:
        what, path = "an effect of the outcome", after
    elif caused:
        what, path = "an effect of learning", caused
    elif node.when == "after":
        what, path = "measured after time zero", onward or (node.id,)
    else:
        return
    raise ParamError.build(
        f"{_name(name, node)} cannot be a covariate of {graph.outcome}:"
        f" it is {what}: {write_path(graph, path)}",
        where=where,
        rule="a covariate is known before time zero, and nothing changes it later",
        hint="leave it out; or, if the graph is wrong, correct graph.yml",
    )


def _refuse_node(name: str, node: Cause, where: str) -> None:
    """Refuse the id of a node where its columns are wanted."""
    columns = ", ".join(node.measured_by)
    raise ParamError.build(
        f"{name} is a node of graph.yml, not a fact",
        where=where,
        rule="a covariate is a column known before time zero",
        hint=f"name its columns instead: {columns}"
        if columns
        else "nobody measured it: leave it out, the results then name what is missing",
    )


def _refuse_collider(
    graph: CausalGraph, named: Sequence[str], required: Collection[str], where: str
) -> None:
    """Refuse what opens a path that the required nodes alone leave closed."""
    held = {*required, *named}
    path = find_open_path(graph, held)
    if not path:
        return
    arrows = set(graph.arrows)
    for first, middle, last in zip(path, path[1:], path[2:], strict=False):
        if not {(first, middle), (last, middle)} <= arrows:
            continue
        for node in named:
            opens = node == middle or middle in list_ancestors(graph, [node])
            if opens and node not in required:
                raise _build_collider(graph, node, middle, path, where)


def _build_collider(
    graph: CausalGraph, node: str, middle: str, path: Sequence[str], where: str
) -> ParamError:
    found = graph.find(node)
    shown = "" if node == middle else f", and {middle} -> {node}"
    if node != middle:
        shown = f", seen through {write_path(graph, graph.find_path(middle, node))}"
    columns = ", ".join(found.measured_by) if found else node
    return ParamError.build(
        f"{columns} ({node}) cannot be a covariate of {graph.outcome}:"
        f" as a collider it opens the path {write_path(graph, path)}{shown}",
        where=where,
        rule="a covariate opens no path between learning and the outcome",
        hint="leave it out, or adjust as well for a cause on the path",
    )


def _name(name: str, node: Cause) -> str:
    return name if name == node.id else f"{name} ({node.id})"
