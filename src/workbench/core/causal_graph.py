"""`graph.yml`: what an organisation believes to cause learning and its outcomes.

A missing arrow is the claim; an arrow only says that there may be an effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field

from workbench.core.params import Name, Strict
from workbench.core.yaml_files import Place

__all__ = [
    "GRAPH_FILE",
    "LEARNING",
    "OUTCOME",
    "CausalFile",
    "CausalGraph",
    "Cause",
    "DeclaredCauses",
    "OutcomeCauses",
]

GRAPH_FILE = "graph.yml"
"""Name of the file below ``params/<org>``; it need not exist."""

LEARNING = "learning"
"""The node of the treatment: completing the programme within the quarter."""

OUTCOME = "outcome"
"""Stands in arrows for whichever outcome a graph is of."""

Arrows = dict[Name, tuple[Name, ...]]


class Cause(Strict):
    """One node of the graph besides learning and the outcome.

    ``measured_by`` names the facts (columns) that hold it; none means that nobody
    measured it. ``when`` is its place relative to time zero. ``past_outcome`` marks
    earlier values of outcomes, which designs that compare changes leave out.
    """

    id: Name
    label: str = Field(min_length=1, max_length=40)
    measured_by: tuple[Name, ...] = ()
    when: Literal["before", "after"] = "before"
    past_outcome: bool = False


class OutcomeCauses(Strict):
    """What is added to the shared graph for some outcomes."""

    outcomes: tuple[Name, ...] = Field(min_length=1)
    nodes: tuple[Cause, ...] = ()
    arrows: Arrows = Field(default_factory=dict)
    adjust_also: tuple[Name, ...] = ()


class CausalFile(Strict):
    """The file as it is written: a shared part and additions by outcome."""

    nodes: tuple[Cause, ...] = Field(min_length=1)
    arrows: Arrows
    adjust_also: tuple[Name, ...] = ()
    for_outcomes: tuple[OutcomeCauses, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalGraph:
    """The graph of one outcome: without cycles, and forward in time.

    Attributes
    ----------
    outcome : str
        Id of the outcome, a node of the graph like ``learning``.
    nodes : tuple of Cause
        All other nodes, in the order of the file.
    arrows : tuple of (str, str)
        Cause and effect, in the order of the file.
    adjust_also : tuple of str
        Nodes adjusted for although no path asks for it, to sharpen the estimate.
    """

    outcome: str
    nodes: tuple[Cause, ...]
    arrows: tuple[tuple[str, str], ...]
    adjust_also: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all nodes: declared ones, learning, and the outcome."""
        return (*(item.id for item in self.nodes), LEARNING, self.outcome)

    def find(self, node: str) -> Cause | None:
        """Return a declared node by id; None for learning and the outcome."""
        return next((item for item in self.nodes if item.id == node), None)

    def list_effects(self, node: str) -> tuple[str, ...]:
        """List what a node has arrows to."""
        return tuple(effect for cause, effect in self.arrows if cause == node)

    def list_causes(self, node: str) -> tuple[str, ...]:
        """List what has arrows to a node."""
        return tuple(cause for cause, effect in self.arrows if effect == node)

    def find_path(self, start: str, end: str) -> tuple[str, ...]:
        """Return the shortest way along arrows, ends included; empty if there is none.

        From a node to itself it is a cycle.
        """
        before = dict.fromkeys(self.list_effects(start), start)
        queue = list(before)
        for node in queue:
            if node == end:
                break
            new = [item for item in self.list_effects(node) if item not in before]
            before |= dict.fromkeys(new, node)
            queue += dict.fromkeys(new)
        if end not in before:
            return ()
        path = [end, before[end]]
        while path[-1] != start:
            path.append(before[path[-1]])
        return tuple(reversed(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredCauses:
    """A checked ``graph.yml`` with the line of each of its parts."""

    path: Path
    file: CausalFile
    lines: Mapping[Place, int] = field(repr=False)

    def for_outcome(self, outcome: str) -> CausalGraph:
        """Return the graph of one outcome: the shared part and its additions."""
        parts = [part for _, part in self.list_parts(outcome)]
        arrows = [
            (outcome if cause == OUTCOME else cause, outcome if to == OUTCOME else to)
            for part in parts
            for cause, effects in part.arrows.items()
            for to in effects
        ]
        nodes = tuple(node for part in parts for node in part.nodes)
        named = {LEARNING, outcome, *(node.id for node in nodes)}
        return CausalGraph(
            outcome=outcome,
            nodes=nodes,
            arrows=tuple(
                dict.fromkeys(pair for pair in arrows if named.issuperset(pair))
            ),
            adjust_also=tuple(
                dict.fromkeys(name for part in parts for name in part.adjust_also)
            ),
        )

    def list_parts(
        self, outcome: str | None = None
    ) -> Iterator[tuple[Place, CausalFile | OutcomeCauses]]:
        """List the shared part and the additions, all or those of one outcome."""
        yield (), self.file
        for number, part in enumerate(self.file.for_outcomes):
            if outcome is None or outcome in part.outcomes:
                yield ("for_outcomes", number), part

    def locate(self, place: Place) -> str:
        """Return file and line of a part, or of the nearest part around it."""
        while place not in self.lines and place:
            place = place[:-1]
        return f"{self.path}:{self.lines.get(place, 1)}"
