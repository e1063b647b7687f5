"""Tables and checks of the declared causes, for the stage and the methods page."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.cohorts.adjustment import Adjustment, choose_adjustment
from workbench.cohorts.causal_paths import is_instrument
from workbench.core.causal_graph import LEARNING, OUTCOME, CausalGraph, Cause
from workbench.core.params import OrgParams
from workbench.core.results import Check

__all__ = ["check_causes", "tabulate_causes"]

_NODES = ("graph", "node", "label", "kind", "measured", "columns", "past_outcome")
_ARROWS = ("graph", "cause", "effect")
_ADJUSTMENT = (
    "outcome",
    "label",
    "graph",
    "identified",
    "adjusted",
    "unmeasured",
    "left_out",
    "instruments",
    "covariates",
    "open_paths",
    "control_of",
    "text",
)
_LEARNING_LABEL = "Learning"
_OUTCOME_LABEL = "Outcome"


def tabulate_causes(params: OrgParams) -> dict[str, pd.DataFrame]:
    """Tabulate the declared graphs and what follows from them.

    Parameters
    ----------
    params : OrgParams
        With or without declared causes.

    Returns
    -------
    dict of str to DataFrame
        ``graph_nodes``: ``graph`` (number of a distinct graph, from 1), ``node``,
        ``label``, ``kind``, ``measured``, ``columns``, ``past_outcome``. A kind is
        ``treatment``, ``outcome``, ``adjusted``, ``left_out`` (needed and measured,
        but not used), ``unmeasured`` (needed), ``spared`` (not needed),
        ``learning_only`` or ``after`` (time zero). The outcome is called ``outcome``.
        ``graph_arrows``: ``graph``, ``cause``, ``effect``.
        ``adjustment``: one row per outcome: its ``graph``, ``identified`` (missing
        without a graph), and names, separated by semicolons.
    """
    numbers: dict[Any, int] = {}
    nodes: list[dict[str, Any]] = []
    arrows: list[dict[str, Any]] = []
    rows = []
    for outcome in params.outcomes:
        found = choose_adjustment(params, outcome)
        number = None
        if found.graph is not None:
            drawn = _describe_nodes(found, found.graph)
            pairs = _name_arrows(found.graph)
            key = (tuple(tuple(row.values()) for row in drawn), tuple(sorted(pairs)))
            number = numbers.get(key)
            if number is None:
                number = numbers[key] = len(numbers) + 1
                nodes += [{"graph": number, **row} for row in drawn]
                arrows += [
                    {"graph": number, "cause": cause, "effect": effect}
                    for cause, effect in pairs
                ]
        label = outcome.label or outcome.id.replace("_", " ")
        rows.append(_describe_adjustment(found, label, number))
    adjustment = pd.DataFrame(rows, columns=list(_ADJUSTMENT))
    return {
        "graph_nodes": pd.DataFrame(nodes, columns=list(_NODES)),
        "graph_arrows": pd.DataFrame(arrows, columns=list(_ARROWS)),
        "adjustment": adjustment.astype({"graph": "Int64", "identified": "boolean"}),
    }


def check_causes(params: OrgParams) -> list[Check]:
    """Check that causes are declared, used as declared, and measured.

    Returns
    -------
    list of Check
        None is required: a comparison without them stands, and says what it lacks.
    """
    checks = []
    for outcome in params.outcomes:
        found = choose_adjustment(params, outcome)
        if found.graph is None:
            return [
                Check(
                    check="causes_declared",
                    passed=False,
                    text=found.text,
                    advice="write graph.yml after the model of params/demo",
                )
            ]
        missed = (*found.left_out, *found.undeclared)
        checks += [
            Check(
                check="adjusted_as_declared",
                outcome=outcome.id,
                passed=not missed,
                value=float(len(missed)),
                limit=0.0,
                text=found.text,
                advice="drop impact.covariates, or correct graph.yml" if missed else "",
            ),
            Check(
                check="causes_measured",
                outcome=outcome.id,
                passed=bool(found.identified),
                value=float(len(found.open_paths)),
                limit=0.0,
                text="; ".join(found.open_paths) or "every backdoor path is closed",
                advice="" if found.identified else "read the sensitivity analysis",
            ),
        ]
    return checks


def _describe_nodes(found: Adjustment, graph: CausalGraph) -> list[dict[str, Any]]:
    """Describe the nodes of a graph, the outcome under one name for all outcomes."""
    rows = [
        {
            "node": node.id,
            "label": node.label,
            "kind": _classify(found, graph, node),
            "measured": bool(node.measured_by),
            "columns": ", ".join(node.measured_by),
            "past_outcome": node.past_outcome,
        }
        for node in graph.nodes
    ]
    ends = (
        (LEARNING, _LEARNING_LABEL, "treatment"),
        (OUTCOME, _OUTCOME_LABEL, "outcome"),
    )
    plain = {"measured": True, "columns": "", "past_outcome": False}
    return [
        *rows,
        *({"node": a, "label": b, "kind": kind, **plain} for a, b, kind in ends),
    ]


def _classify(found: Adjustment, graph: CausalGraph, node: Cause) -> str:
    """Say what part a node plays in the comparison."""
    if node.when == "after":
        return "after"
    if node.id in found.held:
        return "adjusted"
    if node.id in found.required:
        return "left_out" if node.measured_by else "unmeasured"
    given = {*found.required, *found.held} - {node.id}
    only = is_instrument(graph, node.id, given)
    return "learning_only" if only else "spared"


def _name_arrows(graph: CausalGraph) -> list[tuple[str, str]]:
    name = {graph.outcome: OUTCOME}
    return [(name.get(a, a), name.get(b, b)) for a, b in graph.arrows]


def _describe_adjustment(
    found: Adjustment, label: str, number: int | None
) -> dict[str, Any]:
    held = set(found.held)
    nodes = found.graph.nodes if found.graph else ()
    return {
        "outcome": found.outcome,
        "label": label,
        "graph": number,
        "identified": found.identified,
        "adjusted": "; ".join(node.label for node in nodes if node.id in held),
        "unmeasured": "; ".join(found.unmeasured_labels),
        "left_out": "; ".join(found.left_out),
        "instruments": "; ".join(node.label for node in found.instruments),
        "covariates": "; ".join(found.covariates),
        "open_paths": "; ".join(found.open_paths),
        "control_of": found.control_of,
        "text": found.text,
    }
