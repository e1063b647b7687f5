"""What learners and others must be alike in: the adjustment set of each outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbench.cohorts.causal_paths import (
    find_backdoor_set,
    find_open_path,
    is_instrument,
    write_path,
)
from workbench.cohorts.facts import FACT_COLUMNS
from workbench.cohorts.refusals import check_covariates
from workbench.core.causal_file import write_faults
from workbench.core.causal_graph import CausalGraph, Cause, DeclaredCauses
from workbench.core.errors import ParamError
from workbench.core.params import OrgParams, Outcome

__all__ = ["Adjustment", "choose_adjustment", "identify_adjustment"]

_DEFAULT_COVARIATES: tuple[str, ...] = (
    "role",
    "level",
    "tenure_days",
    "role_tenure_days",
    "location",
    "shift",
    "fte",
    "prior_rating",
    "prior_kpi",
    "prior_courses",
    "skill_gap",
    "team_size",
    "team_prior_rating",
    "manager_uptake",
)
_PROGRAM_COVARIATES = ("prior_modules", "prior_program_skill")
_PAST_OUTCOMES = (
    "prior_rating",
    "prior_kpi",
    "skill_gap",
    "team_prior_rating",
    "prior_program_skill",
)
_BY_DESIGN = ("trial",)
"""Columns that every design holds alike, so that they are no covariates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What one outcome's comparison is adjusted for, and what it lacks.

    Attributes
    ----------
    outcome : str
        Id of the outcome.
    covariates : tuple of str
        Columns that learners and others are made alike in.
    fixed : tuple of str
        Those that are no past values of outcomes: for comparisons of changes.
    identified : bool or None
        Whether the covariates close every backdoor path of the declared graph; None
        where no graph is declared.
    unmeasured : tuple of Cause
        Causes that would have to be adjusted for besides, and that no column holds.
    left_out : tuple of str
        Columns that the graph asks for and ``impact.covariates`` leaves out.
    undeclared : tuple of str
        Covariates that the graph does not mention.
    instruments : tuple of Cause
        Measured causes of learning alone: left out.
    open_paths : tuple of str
        Backdoor paths that stay open, the shortest one for each missing cause.
    control_of : str
        Of a negative control: the outcome whose covariates it takes as well.
    required : tuple of str
        Nodes that close every backdoor path together, measured or not.
    held : tuple of str
        Nodes that are held alike, by covariates or by every design.
    graph : CausalGraph or None
        The graph it follows from; None where none is declared.
    """

    outcome: str
    covariates: tuple[str, ...]
    fixed: tuple[str, ...]
    identified: bool | None = None
    unmeasured: tuple[Cause, ...] = ()
    left_out: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()
    instruments: tuple[Cause, ...] = ()
    open_paths: tuple[str, ...] = ()
    control_of: str = ""
    required: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    graph: CausalGraph | None = None

    @property
    def unmeasured_labels(self) -> tuple[str, ...]:
        """Names for people of what is not measured."""
        return tuple(item.label for item in self.unmeasured)

    @property
    def text(self) -> str:
        """Say where the covariates come from, and what is missing."""
        if self.graph is None:
            return (
                "No causes are declared (graph.yml): the comparison is adjusted for"
                " the usual facts, and what it misses is not known."
            )
        parts = [
            f"The {len(self.covariates)} covariates follow from the declared causes"
            " (graph.yml)."
        ]
        if self.unmeasured:
            names = ", ".join(self.unmeasured_labels)
            parts.append(f"Not measured, though needed as well: {names}.")
        if self.left_out:
            names = ", ".join(self.left_out)
            parts.append(f"Measured, but left out by impact.covariates: {names}.")
        if self.undeclared:
            names = ", ".join(self.undeclared)
            parts.append(f"The graph does not mention: {names}.")
        if self.instruments:
            names = ", ".join(item.label for item in self.instruments)
            parts.append(f"Left out, as they decide on learning alone: {names}.")
        return " ".join(parts)


def choose_adjustment(params: OrgParams, outcome: Outcome) -> Adjustment:
    """Choose what the comparison of one outcome is adjusted for.

    Parameters
    ----------
    params : OrgParams
        ``causes`` holds the declared graph; ``impact.covariates`` of
        ``workbench.yml``, where it is given, replaces what follows from it.
    outcome : Outcome
        One of `params`. A negative control is adjusted for what the first other
        outcome is adjusted for, because it tests that comparison.

    Returns
    -------
    Adjustment
        Without a graph the usual covariates, of which nothing is known.

    Raises
    ------
    ParamError
        If a column is not a fact, or a covariate is a mediator, an effect of
        learning or of the outcome, after time zero, or opens a path as a collider.
    """
    known = (*FACT_COLUMNS, *_PROGRAM_COVARIATES, *params.workbench.privacy.protected)
    requested = params.workbench.impact.covariates
    where = str(params.folder / "workbench.yml")
    declared = params.causes
    if declared is None:
        _check_known(requested or (), known, where)
        return _take_usual(outcome, requested)
    _check_columns(declared, known)
    graph = declared.for_outcome(outcome.id)
    nodes = [node.id for node in graph.nodes]
    _check_known(requested or (), (*known, *nodes), where)
    others = [item for item in params.outcomes if not item.negative_control]
    if outcome.negative_control and others:
        model = choose_adjustment(params, others[0])
        own = identify_adjustment(graph).covariates if requested is None else ()
        both = tuple(dict.fromkeys((*model.covariates, *own)))
        return identify_adjustment(graph, requested=both, control_of=model.outcome)
    if requested is None:
        where = str(declared.path)
    return identify_adjustment(graph, requested=requested, where=where)


def _check_known(names: Sequence[str], known: Sequence[str], where: str) -> None:
    """Refuse covariates that are neither facts nor nodes of the graph."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ParamError.build(
            "impact.covariates names what is not known before time zero",
            where=where,
            rule="one of " + ", ".join(known),
            got=unknown,
        )


def _check_columns(declared: DeclaredCauses, known: Sequence[str]) -> None:
    """Refuse nodes measured by something that is not a fact."""
    faults = [
        (
            (*at, "nodes", number, "measured_by"),
            f"{column} is not a fact; known before time zero are {', '.join(known)}",
        )
        for at, part in declared.list_parts()
        for number, node in enumerate(part.nodes)
        for column in node.measured_by
        if column not in (*known, *_BY_DESIGN)
    ]
    if faults:
        raise write_faults(declared, faults)


def _take_usual(outcome: Outcome, requested: tuple[str, ...] | None) -> Adjustment:
    """Take the covariates that are usual where no graph says which are needed."""
    about_skill = outcome.source.startswith("skill_assessments.")
    own = _PROGRAM_COVARIATES if about_skill else _PROGRAM_COVARIATES[:1]
    chosen = (*_DEFAULT_COVARIATES, *own) if requested is None else requested
    columns = tuple(dict.fromkeys(chosen))
    return Adjustment(
        outcome=outcome.id,
        covariates=columns,
        fixed=tuple(name for name in columns if name not in _PAST_OUTCOMES),
    )


@lru_cache(maxsize=256)
def identify_adjustment(
    graph: CausalGraph,
    *,
    requested: tuple[str, ...] | None = None,
    control_of: str = "",
    where: str = "",
) -> Adjustment:
    """Identify what a comparison must be adjusted for, by a declared graph.

    dowhy finds a set that closes all backdoor paths and of which no node can be
    spared, with as few unmeasured causes as possible: these are what would have to be
    adjusted for and cannot be.

    Parameters
    ----------
    graph : CausalGraph
        Of one outcome.
    requested : tuple of str, optional
        Columns to adjust for; default: those the graph requires, and ``adjust_also``.
    control_of : str
        Of a negative control: the outcome whose covariates `requested` holds. They
        are kept whatever the graph of the control says.
    where : str
        File that the choice comes from, for error messages.

    Returns
    -------
    Adjustment
        Columns in the order of the graph, or as requested.

    Raises
    ------
    ParamError
        If a covariate would add bias; the path that shows it is named.

    References
    ----------
    .. [1] VanderWeele, T. J., "Principles of confounder selection", European Journal
       of Epidemiology 34, 2019, 211-219. https://doi.org/10.1007/s10654-019-00494-6
    """
    required = _find_required(graph)
    if requested is None:
        chosen = {*required, *graph.adjust_also}
        names = [
            column
            for node in graph.nodes
            for column in node.measured_by
            if node.id in chosen
        ]
    else:
        names = list(dict.fromkeys(requested))
    spared: tuple[Cause, ...] = ()
    if not control_of:
        check_covariates(graph, names, required, where=where)
        spared = _find_instruments(graph, required, names)
    without = {column for node in spared for column in node.measured_by}
    columns = [name for name in names if name not in without and name not in _BY_DESIGN]
    return _judge(graph, required, columns, spared=spared, control_of=control_of)


def _find_required(graph: CausalGraph) -> tuple[str, ...]:
    """Find what has to be adjusted for, sparing every unmeasured cause that can be."""
    early = [node for node in graph.nodes if node.when == "before"]
    allowed = tuple(node.id for node in early)
    measured = tuple(node.id for node in early if node.measured_by)
    found = find_backdoor_set(graph, measured)
    if found is not None:
        return found
    for hidden in (node.id for node in early if not node.measured_by):
        fewer = tuple(node for node in allowed if node != hidden)
        if find_backdoor_set(graph, fewer) is not None:
            allowed = fewer
    return find_backdoor_set(graph, allowed) or ()


def _find_instruments(
    graph: CausalGraph, required: Sequence[str], names: Sequence[str]
) -> tuple[Cause, ...]:
    """Find measured causes that, beside all that is named, move learning only."""
    named = [node.id for node in graph.nodes if {*node.measured_by} & {*names}]
    given = {*required, *named}
    return tuple(
        node
        for node in graph.nodes
        if node.measured_by
        and node.id not in required
        and is_instrument(graph, node.id, given - {node.id})
    )


def _judge(
    graph: CausalGraph,
    required: Sequence[str],
    columns: Sequence[str],
    *,
    spared: tuple[Cause, ...],
    control_of: str,
) -> Adjustment:
    """Say what a choice of columns closes, and what it leaves open."""
    owner = {column: node for node in graph.nodes for column in node.measured_by}
    used = {*columns, *_BY_DESIGN}
    held = {
        node.id
        for node in graph.nodes
        if node.measured_by and used.issuperset(node.measured_by)
    }
    missing = [node for node in required if node not in held]
    shortest = find_open_path(graph, held)
    paths = [
        find_open_path(graph, held.union(missing) - {node})
        for node in missing
        if shortest
    ]
    paths = [path for path in paths if path] or [shortest]
    needed = [node for node in graph.nodes if node.id in missing]
    return Adjustment(
        outcome=graph.outcome,
        covariates=tuple(columns),
        fixed=tuple(
            name
            for name in columns
            if name not in owner or not owner[name].past_outcome
        ),
        identified=not shortest,
        unmeasured=tuple(n for n in needed if shortest and not n.measured_by),
        left_out=tuple(c for n in needed for c in n.measured_by if c not in used),
        undeclared=tuple(name for name in columns if name not in owner),
        instruments=spared,
        open_paths=tuple(write_path(graph, path) for path in paths if path),
        control_of=control_of,
        required=tuple(required),
        held=tuple(node for node in graph.ids if node in held),
        graph=graph,
    )
