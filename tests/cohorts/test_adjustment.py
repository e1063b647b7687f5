"""Adjustment sets: textbook graphs, random graphs against brute force, refusals."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
import time
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cohorts.adjustment import choose_adjustment, identify_adjustment
from workbench.cohorts.causal_paths import (
    find_backdoor_set,
    find_open_path,
    is_instrument,
    write_path,
)
from workbench.core.causal_file import read_causes
from workbench.core.causal_graph import CausalGraph, Cause
from workbench.core.errors import ParamError
from workbench.core.params import ImpactParams, OrgParams, load_org_params

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = (
    "role", "level", "tenure_days", "role_tenure_days", "location", "shift", "fte",
    "prior_rating", "prior_kpi", "prior_courses", "skill_gap", "team_size",
    "team_prior_rating", "manager_uptake", "prior_modules",
)  # fmt: skip


def draw(arrows: str, *, hidden: str = "", after: str = "", also: str = ""):
    """Make a graph from ``a>b`` terms; every node is measured by its own column."""
    pairs = tuple(
        (first, second)
        for term in arrows.split()
        for first, second in itertools.pairwise(term.split(">"))
    )
    pairs = tuple((a.replace("L", "learning"), b) for a, b in pairs)
    pairs = tuple((a, b.replace("L", "learning")) for a, b in pairs)
    names = dict.fromkeys(name for pair in pairs for name in pair)
    nodes = tuple(
        Cause(
            id=name,
            label=name.upper(),
            measured_by=() if name in hidden.split() else (f"{name}_days",),
            when="after" if name in after.split() else "before",
        )
        for name in names
        if name not in ("learning", "y")
    )
    return CausalGraph(
        outcome="y", nodes=nodes, arrows=pairs, adjust_also=tuple(also.split())
    )


def columns(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_days" for name in names)


def test_a_confounder_is_adjusted_for() -> None:
    found = identify_adjustment(draw("c>L>y c>y"))
    assert found.covariates == columns("c")
    assert found.identified is True
    assert (found.unmeasured, found.open_paths) == ((), ())


def test_an_unmeasured_confounder_is_named_with_its_path() -> None:
    found = identify_adjustment(draw("c>L>y c>y u>L u>y", hidden="u"))
    assert found.covariates == columns("c")
    assert found.identified is False
    assert found.unmeasured_labels == ("U",)
    assert found.open_paths == ("learning <- u -> y",)
    assert "Not measured, though needed as well: U." in found.text


def test_a_mediator_is_left_alone_and_refused() -> None:
    graph = draw("c>L>m>y c>y", after="m")
    assert identify_adjustment(graph).covariates == columns("c")
    with pytest.raises(ParamError, match=r"a mediator.*: learning -> m -> y"):
        identify_adjustment(graph, requested=columns("c", "m"), where="workbench.yml")
    with pytest.raises(ParamError, match=r"^m cannot be a covariate of y.*mediator"):
        identify_adjustment(graph, requested=("m",))


def test_an_effect_of_the_outcome_or_of_learning_is_refused() -> None:
    graph = draw("c>L>y>e c>y L>s w>y", after="e s w")
    for name, path in (
        ("e", "an effect of the outcome: y -> e"),
        ("s", "an effect of learning: learning -> s"),
        ("w", "measured after time zero: w -> y"),
    ):
        with pytest.raises(ParamError, match=path):
            identify_adjustment(graph, requested=columns("c", name))


def test_m_bias_needs_nothing_and_refuses_the_collider() -> None:
    graph = draw("u>L>y u>m v>m v>y", hidden="u v")
    found = identify_adjustment(graph)
    assert (found.covariates, found.identified) == ((), True)
    with pytest.raises(
        ParamError, match=r"opens the path learning <- u -> m <- v -> y"
    ):
        identify_adjustment(graph, requested=columns("m"))
    measured = draw("u>L>y u>m v>m v>y", hidden="v")
    both = identify_adjustment(measured, requested=columns("u", "m"))
    assert both.identified is True


def test_what_a_collider_causes_opens_its_path_too() -> None:
    graph = draw("u>L>y u>m v>m v>y m>d", hidden="u v m")
    with pytest.raises(ParamError, match=r"<- v -> y, seen through m -> d"):
        identify_adjustment(graph, requested=columns("d"))


def test_adjust_also_is_held_to_the_same_rules() -> None:
    graph = draw("u>L>y u>m v>m v>y", hidden="u v", also="m")
    with pytest.raises(ParamError, match="as a collider it opens the path"):
        identify_adjustment(graph)
    sharper = draw("c>L>y c>y p>y", also="p")
    assert identify_adjustment(sharper).covariates == columns("c", "p")


def test_the_front_door_is_no_adjustment_set() -> None:
    found = identify_adjustment(draw("u>L>m>y u>y", hidden="u", after="m"))
    assert found.covariates == ()
    assert found.identified is False
    assert found.open_paths == ("learning <- u -> y",)


def test_a_measured_cause_on_the_way_spares_the_unmeasured_one() -> None:
    found = identify_adjustment(draw("u>r>L>y u>y w>L w>q>y", hidden="u w"))
    assert found.covariates == columns("r", "q")
    assert found.identified is True
    mixed = draw("u>r>L>y u>y w>L w>q>y h>L h>y", hidden="u w h")
    assert identify_adjustment(mixed).unmeasured_labels == ("H",)
    assert identify_adjustment(mixed).covariates == columns("r", "q")


def test_causes_of_learning_alone_are_left_out_and_said() -> None:
    graph = draw("c>L>y c>y z>L")
    assert identify_adjustment(graph).covariates == columns("c")
    asked = identify_adjustment(graph, requested=columns("z", "c"))
    assert asked.covariates == columns("c")
    assert "decide on learning alone: Z." in asked.text
    proxy = draw("u>z>L>y u>y", hidden="u")
    assert identify_adjustment(proxy).covariates == columns("z")


def test_what_is_left_out_by_choice_is_said() -> None:
    graph = draw("c>L>y c>y d>L d>y")
    found = identify_adjustment(graph, requested=(*columns("c"), "region"))
    assert found.left_out == columns("d")
    assert found.undeclared == ("region",)
    assert found.identified is False
    assert found.unmeasured == ()
    assert found.open_paths == ("learning <- d -> y",)
    assert "left out by impact.covariates: d_days" in found.text


def test_the_id_of_a_node_is_no_column() -> None:
    graph = draw("c>L>y c>y u>L u>y", hidden="u")
    with pytest.raises(ParamError, match="name its columns instead: c_days"):
        identify_adjustment(graph, requested=("c",))
    with pytest.raises(ParamError, match="nobody measured it"):
        identify_adjustment(graph, requested=("u",))


NAMES = ("a", "b", "c", "d", "e")


@st.composite
def graphs(draw_value):
    """Draw small graphs whose arrows run forward: causes, learning, middle, outcome."""
    count = draw_value(st.integers(1, 5))
    before = NAMES[:count]
    order = [*before, "learning", "m", "y"]
    pairs = [
        (first, second)
        for first, second in itertools.combinations(order, 2)
        if draw_value(st.booleans())
    ]
    nodes = tuple(
        Cause(
            id=name,
            label=name,
            measured_by=(f"{name}_days",) if draw_value(st.booleans()) else (),
            when="after" if name == "m" else "before",
        )
        for name in (*before, "m")
    )
    return CausalGraph(outcome="y", nodes=nodes, arrows=tuple(pairs))


def cut(graph: CausalGraph) -> nx.DiGraph:
    """Draw the backdoor graph in networkx: no arrow leaves learning."""
    drawn = nx.DiGraph()
    drawn.add_nodes_from(graph.ids)
    drawn.add_edges_from(pair for pair in graph.arrows if pair[0] != "learning")
    return drawn


def closes(graph: CausalGraph, held) -> bool:
    return nx.is_d_separator(cut(graph), {"learning"}, {"y"}, set(held))


def subsets(names):
    return itertools.chain.from_iterable(
        itertools.combinations(names, size) for size in range(len(names) + 1)
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(graphs())
def test_open_paths_agree_with_d_separation(graph: CausalGraph) -> None:
    before = [node.id for node in graph.nodes if node.when == "before"]
    arrows = set(graph.arrows)
    for held in subsets(before):
        path = find_open_path(graph, held)
        assert bool(path) is not closes(graph, held)
        if not path:
            continue
        assert len(set(path)) == len(path)
        assert (path[1], "learning") in arrows
        assert path[-1] == "y"
        for first, middle, last in zip(path, path[1:], path[2:], strict=False):
            if {(first, middle), (last, middle)} <= arrows:
                opened = {middle} | nx.descendants(cut(graph), middle)
                assert opened & set(held)
            else:
                assert middle not in held


@settings(max_examples=150, deadline=None, derandomize=True)
@given(graphs())
def test_dowhy_finds_what_brute_force_finds(graph: CausalGraph) -> None:
    before = [node for node in graph.nodes if node.when == "before"]
    measured = [node.id for node in before if node.measured_by]
    valid = [set(held) for held in subsets(measured) if closes(graph, held)]
    found = find_backdoor_set(graph, tuple(measured))
    assert (found is not None) is bool(valid)
    if found is not None:
        assert set(found) in valid
        assert not any(other < set(found) for other in valid)
    adjustment = identify_adjustment(graph)
    assert adjustment.identified is bool(valid)
    everything = [node.id for node in before]
    hidden = {node.id for node in before if not node.measured_by}
    fewest = {node.id for node in adjustment.unmeasured}
    closing = [
        set(held) & hidden for held in subsets(everything) if closes(graph, held)
    ]
    assert fewest in closing
    assert not any(other < fewest for other in closing)
    assert len(adjustment.open_paths) >= len(fewest)
    assert adjustment == identify_adjustment.__wrapped__(graph)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(graphs(), st.sets(st.sampled_from(NAMES)))
def test_a_choice_is_refused_just_where_it_opens_a_path(graph, asked) -> None:
    nodes = [node for node in graph.nodes if node.when == "before" and node.measured_by]
    named = [node.id for node in nodes if node.id in asked]
    required = set(identify_adjustment(graph).required)
    whole = closes(graph, required | set(named))
    requested = columns(*named)
    if not whole:
        with pytest.raises(ParamError, match="as a collider it opens the path"):
            identify_adjustment(graph, requested=requested)
        return
    found = identify_adjustment(graph, requested=requested)
    dropped = {node.id for node in found.instruments}
    assert closes(graph, (required | set(named)) - dropped)
    held = {node.id for node in nodes if set(node.measured_by) <= {*found.covariates}}
    assert found.identified is closes(graph, held)
    assert set(found.covariates) == {f"{name}_days" for name in set(named) - dropped}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(graphs())
def test_an_instrument_changes_the_outcome_through_learning_only(graph) -> None:
    required = identify_adjustment(graph).required
    for node in graph.nodes:
        if node.when == "before" and node.id not in required:
            separated = nx.is_d_separator(cut(graph), {node.id}, {"y"}, set(required))
            drives = nx.has_path(cut(graph), node.id, "learning")
            direct = nx.has_path(cut(graph), node.id, "y")
            expected = separated and drives and not direct
            assert is_instrument(graph, node.id, required) is expected


def test_a_path_is_written_with_its_arrows() -> None:
    graph = draw("c>L>y c>y")
    assert write_path(graph, ("learning", "c", "y")) == "learning <- c -> y"
    assert write_path(graph, ()) == ""


@pytest.fixture(scope="module")
def demo() -> OrgParams:
    return load_org_params("demo", ROOT / "params")


def test_the_demo_is_adjusted_for_every_measured_confounder(demo: OrgParams) -> None:
    for outcome in demo.outcomes:
        found = choose_adjustment(demo, outcome)
        own = ("prior_program_skill",) if outcome.id == "skill_proficiency" else ()
        assert found.covariates == (*DEFAULT, *own)
        assert found.left_out == ()
        control = outcome.negative_control
        assert found.identified is control
        assert found.unmeasured_labels == (() if control else ("Motivation",))
        assert not {"prior_rating", "prior_kpi", "skill_gap"} & set(found.fixed)
        assert {"role", "tenure_days", "prior_courses"} <= set(found.fixed)


def test_the_university_is_adjusted_as_before() -> None:
    params = load_org_params("oulad", ROOT / "params")
    assert params.workbench.impact.covariates is None
    for outcome in params.outcomes:
        found = choose_adjustment(params, outcome)
        assert found.covariates == (
            "role", "level", "job_family", "location", "fte", "prior_courses",
            "gender", "age_band", "imd_band", "disability",
        )  # fmt: skip
        assert found.unmeasured_labels == ("Motivation", "Knowledge of the subject")


def test_a_control_outcome_is_compared_like_the_first_outcome(demo: OrgParams) -> None:
    control = demo.find_outcome("parking_permit")
    assert choose_adjustment(demo, control).control_of == "performance_rating"
    asked = replace_impact(demo, ("role", "location"))
    assert choose_adjustment(asked, control).covariates == ("role", "location")


def replace_impact(params: OrgParams, covariates: tuple[str, ...]) -> OrgParams:
    workbench = params.workbench.model_copy(
        update={"impact": ImpactParams(covariates=covariates)}
    )
    return dataclasses.replace(params, workbench=workbench)


def test_a_covariate_of_the_demo_after_time_zero_is_refused(demo: OrgParams) -> None:
    asked = replace_impact(demo, ("role", "coaching"))
    path = "learning -> coaching -> performance_rating"
    with pytest.raises(ParamError, match=path) as caught:
        choose_adjustment(asked, demo.outcomes[0])
    assert "workbench.yml" in str(caught.value)
    assert "leave it out" in str(caught.value)
    with pytest.raises(ParamError, match="not known before time zero"):
        choose_adjustment(replace_impact(demo, ("rating_next",)), demo.outcomes[0])


def test_without_a_graph_the_usual_covariates_are_taken(demo: OrgParams) -> None:
    bare = dataclasses.replace(demo, causes=None)
    found = choose_adjustment(bare, demo.outcomes[0])
    assert found.covariates == DEFAULT
    assert found.identified is None
    assert "No causes are declared" in found.text
    assert found.fixed == choose_adjustment(demo, demo.outcomes[0]).fixed


def test_a_column_that_is_no_fact_is_refused_with_its_line(
    demo: OrgParams, tmp_path: Path
) -> None:
    text = (ROOT / "params" / "demo" / "graph.yml").read_text()
    path = tmp_path / "graph.yml"
    path.write_text(text.replace("[fte]", "[fte_next]"))
    line = next(
        number
        for number, row in enumerate(text.splitlines(), start=1)
        if "measured_by: [fte]" in row
    )
    declared = read_causes(path, demo.outcomes)
    with pytest.raises(ParamError, match=rf"graph.yml:{line}: fte_next is not a fact"):
        choose_adjustment(dataclasses.replace(demo, causes=declared), demo.outcomes[0])


def test_identification_is_quick_and_loads_dowhy_only_when_needed() -> None:
    code = (
        "import sys; import workbench.cohorts.target_trial,"
        " workbench.core.params, workbench.cli;"
        " print(sorted({'dowhy', 'networkx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    params = load_org_params("demo", ROOT / "params")
    choose_adjustment(params, params.outcomes[0])
    find_backdoor_set.cache_clear()
    identify_adjustment.cache_clear()
    started = time.process_time()
    for outcome in params.outcomes:
        choose_adjustment(params, outcome)
    assert time.process_time() - started < 1.0
