"""The order in which modules are taken."""

from __future__ import annotations

from workbench.prescribe.paths.candidates import Candidate, PersonaDemand
from workbench.prescribe.paths.ordering import order_modules

DEMAND = PersonaDemand(
    persona="desk", program="first", people=5, gaps={"tact": 9, "calls": 6, "tools": 1}
)


def make(module: str, hours: float, impact: float, **more: object) -> Candidate:
    return Candidate(persona="desk", module=module, hours=hours, impact=impact, **more)  # type: ignore[arg-type]


def order(*modules: Candidate) -> list[str]:
    path = order_modules(modules, DEMAND, gap_at_least=5)
    return [item.module for item in path]


def test_gaps_come_first_then_impact_per_hour_then_the_name() -> None:
    path = order(
        make("z", 2, 0.2),
        make("y", 1, 0.2),
        make("b", 2, 0.2),
        make("small", 9, 0.0, skills=("tools",)),
        make("calls", 9, 0.0, skills=("calls",)),
        make("tact", 9, 0.0, skills=("tact", "tools")),
    )
    assert path == ["tact", "calls", "y", "b", "z", "small"]


def test_prerequisites_come_before_whatever_needs_them() -> None:
    path = order(
        make("tact", 1, 0.9, skills=("tact",), prerequisites=("mid",)),
        make("mid", 1, 0.0, prerequisites=("start", "elsewhere")),
        make("start", 1, 0.0),
        make("free", 1, 0.5),
    )
    assert path == ["free", "start", "mid", "tact"]


def test_no_hours_at_all_come_first_if_they_help() -> None:
    assert order(make("a", 1, 5.0), make("b", 0, 0.1), make("c", 0, -0.1)) == [
        "b",
        "a",
        "c",
    ]
