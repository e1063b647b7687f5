"""Reading ``graph.yml``: every fault of a declared causal graph, with its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from workbench.core.causal_graph import (
    LEARNING,
    OUTCOME,
    CausalFile,
    CausalGraph,
    DeclaredCauses,
)
from workbench.core.errors import ParamError
from workbench.core.params import Outcome
from workbench.core.yaml_files import Place, read_located

__all__ = ["read_causes", "write_faults"]

Fault = tuple[Place, str]
_BEFORE, _TREATMENT, _AFTER = range(3)
_WORDS = ("before time zero", "learning", "after time zero")


def read_causes(path: Path, outcomes: Sequence[Outcome]) -> DeclaredCauses:
    """Read and check a causal graph.

    Parameters
    ----------
    path : Path
        The file.
    outcomes : sequence of Outcome
        Those of ``outcomes.yml``.

    Returns
    -------
    DeclaredCauses
        The graph of every outcome; columns are not yet held against the facts.

    Raises
    ------
    ParamError
        With file and line of every fault of the kind found first: nodes and names,
        then arrows back in time, then cycles and what leads to the outcomes.
    """
    file, lines = read_located(path, CausalFile)
    declared = DeclaredCauses(path=path, file=file, lines=lines)
    ids = [item.id for item in outcomes]
    for faults in (
        [*_check_nodes(declared, ids), *_check_names(declared, ids)],
        list(_check_time(declared)),
        [fault for item in outcomes for fault in _check_paths(declared, item)],
    ):
        if faults:
            raise write_faults(declared, list(dict.fromkeys(faults)))
    return declared


def write_faults(declared: DeclaredCauses, faults: Sequence[Fault]) -> ParamError:
    """Write faults as one error: file, line and what is wrong of each."""
    name = declared.path.name
    many = f" ({len(faults)} faults)" if len(faults) > 1 else ""
    return ParamError.build(
        f"{name} does not hold together{many}",
        where="\n         ".join(
            f"{declared.locate(place)}: {text}" for place, text in faults
        ),
        hint="correct the lines above; params/demo holds a commented example",
    )


def _check_nodes(declared: DeclaredCauses, outcomes: Sequence[str]) -> Iterator[Fault]:
    """Check ids, columns and times of the nodes."""
    ids: set[str] = set()
    columns: dict[str, str] = {}
    for at, part in declared.list_parts():
        for number, node in enumerate(part.nodes):
            place = (*at, "nodes", number)
            if node.id in {LEARNING, OUTCOME, *outcomes}:
                what = "the treatment" if node.id == LEARNING else "an outcome"
                yield place, f"{node.id} is {what}: it has arrows, but is no node"
            if node.id in ids:
                yield place, f"the node {node.id} stands twice"
            ids.add(node.id)
            if node.past_outcome and node.when == "after":
                yield (
                    (*place, "past_outcome"),
                    f"{node.id} cannot be a past outcome and lie after time zero",
                )
            for column in node.measured_by:
                if column in columns:
                    yield (
                        (*place, "measured_by"),
                        f"the column {column} measures {columns[column]} already",
                    )
                columns[column] = node.id


def _check_names(declared: DeclaredCauses, outcomes: Sequence[str]) -> Iterator[Fault]:
    """Check that lists and arrows name what is there."""
    for at, part in declared.list_parts():
        nodes = {node.id: node for node in (*declared.file.nodes, *part.nodes)}
        for number, name in enumerate(getattr(part, "outcomes", ())):
            if name not in outcomes:
                yield (
                    (*at, "outcomes", number),
                    f"{name} is not an outcome of outcomes.yml{_guess(name, outcomes)}",
                )
        for number, name in enumerate(part.adjust_also):
            place = (*at, "adjust_also", number)
            if name not in nodes:
                known = list(nodes)
                yield place, f"there is no node {name}{_guess(name, known)}"
            elif not nodes[name].measured_by:
                yield place, f"{name} cannot be adjusted for: it is measured by nothing"
        for cause, effects in part.arrows.items():
            here = (*at, "arrows", cause)
            yield from _check_arrows(here, cause, effects, list(nodes), outcomes)


def _check_arrows(
    place: Place,
    cause: str,
    effects: Sequence[str],
    nodes: Sequence[str],
    outcomes: Sequence[str],
) -> Iterator[Fault]:
    """Check the arrows of one cause: both ends are there, and differ."""
    ends = {OUTCOME, *outcomes}
    known = [*nodes, LEARNING, OUTCOME, *outcomes]
    if cause not in known:
        yield place, f"there is no node {cause}{_guess(cause, known)}"
    for number, effect in enumerate(effects):
        here = (*place, number)
        if effect not in known:
            yield here, f"there is no node {effect}{_guess(effect, known)}"
        elif effect == cause:
            yield here, f"{cause} has an arrow to itself"
        elif cause in ends and effect in ends:
            yield (
                here,
                "a graph holds one outcome: add a node for the other one, with"
                " when: after",
            )


def _guess(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; {close[0]} is meant?" if close else ""


def _check_time(declared: DeclaredCauses) -> Iterator[Fault]:
    """Check that no arrow leads back in time."""
    times = {
        node.id: _BEFORE if node.when == "before" else _AFTER
        for _, part in declared.list_parts()
        for node in part.nodes
    }
    times[LEARNING] = _TREATMENT
    for at, part in declared.list_parts():
        for cause, effects in part.arrows.items():
            for number, effect in enumerate(effects):
                first, second = times.get(cause, _AFTER), times.get(effect, _AFTER)
                if first > second:
                    yield (
                        (*at, "arrows", cause, number),
                        f"{cause} ({_WORDS[first]}) cannot cause {effect}"
                        f" ({_WORDS[second]})",
                    )


def _check_paths(declared: DeclaredCauses, outcome: Outcome) -> Iterator[Fault]:
    """Check one outcome's graph for cycles, and for what leads to the outcome."""
    graph = declared.for_outcome(outcome.id)
    for node in graph.ids:
        cycle = graph.find_path(node, node)
        if cycle:
            yield (
                _place_arrow(declared, graph, *cycle[:2]),
                f"a cycle: {' -> '.join(_turn(cycle))}",
            )
            return
    parts = [at for at, _ in declared.list_parts(outcome.id)]
    at = (*parts[-1], "outcomes") if parts[-1] else ("arrows",)
    reached = bool(graph.find_path(LEARNING, outcome.id))
    if not graph.list_causes(outcome.id):
        yield at, f"nothing has an arrow to the outcome {outcome.id}"
    elif outcome.negative_control and reached:
        path = " -> ".join(graph.find_path(LEARNING, outcome.id))
        yield at, f"{outcome.id} is a negative control, but learning causes it: {path}"
    elif not outcome.negative_control and not reached:
        yield at, f"no arrows lead from {LEARNING} to the outcome {outcome.id}"


def _turn(cycle: Sequence[str]) -> tuple[str, ...]:
    """Write a cycle from the first of its names in the alphabet on."""
    ring = list(cycle[:-1])
    start = ring.index(min(ring))
    return (*ring[start:], *ring[:start], ring[start])


def _place_arrow(
    declared: DeclaredCauses, graph: CausalGraph, cause: str, effect: str
) -> Place:
    """Find where an arrow of an outcome's graph is written."""
    causes = {cause, OUTCOME} if cause == graph.outcome else {cause}
    effects = {effect, OUTCOME} if effect == graph.outcome else {effect}
    for at, part in declared.list_parts(graph.outcome):
        for name, listed in part.arrows.items():
            for number, item in enumerate(listed):
                if name in causes and item in effects:
                    return (*at, "arrows", name, number)
    return ()
