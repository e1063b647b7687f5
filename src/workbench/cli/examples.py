"""Examples that the help of each command ends with."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["EXAMPLES", "format_examples"]

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "demo": (
        "workbench demo",
        "workbench demo --employees 100000 --seed 11",
        "workbench demo --motivation 1 --events 0",
    ),
    "check": (
        "workbench check --org demo",
        "workbench check --org acme --extracts ../exports/2026-10",
    ),
    "load": (
        "workbench load --org demo",
        "workbench load --org acme --extracts ../exports/2026-10",
    ),
    "run": (
        "workbench run 2026Q3 --org demo",
        "workbench run 2026Q3 --org demo --persona team_leads --stage psm --force",
        "workbench run 2026Q3 --org demo --jobs 8 --timeout 600",
    ),
    "status": (
        "workbench status --org demo",
        "workbench status 2026Q2 --org demo",
    ),
    "brief": (
        "workbench brief 2026Q3 --org demo",
        "workbench brief 2026Q3 --org demo --renderer builtin",
    ),
    "plan-experiment": (
        "workbench plan-experiment --org demo --persona support_l1_new --dry-run",
        "workbench plan-experiment --org demo --persona engineers --effect 0.25",
        "workbench plan-experiment --org demo --persona engineers --start 2027Q3"
        " --dry-run",
        "workbench plan-experiment --org demo --persona team_leads"
        " --design stepped_wedge --outcome kpi_attainment --effect 8% --quarters 5",
        "workbench plan-experiment --org acme --persona agents --allocation 0.3"
        " --power 0.9 --per-quarter 200 --name agents_coaching",
    ),
    "export": (
        "workbench export 2026Q3 --org demo",
        "workbench export 2026Q3 --org demo --status proposed --to preview",
        "workbench export 2026Q3 --org demo -p team_leads --only calendar,agenda"
        " --from 2026-12-01",
        "workbench export 2026Q3 --org acme --only lms --identify"
        " --by 'learning operations' --purpose 'enrolment of the quarter'",
        "workbench export 2026Q3 --org acme --only chat"
        " --send https://chat.example/hooks/0123",
    ),
    "rules check": ("workbench rules check --org demo",),
    "actions list": (
        "workbench actions list --org demo --quarter 2026Q3",
        "workbench actions list --org demo --persona team_leads --each",
    ),
    "actions approve": (
        'workbench actions approve 3f9a1c0be7d24a55 --org demo --by "desk lead"',
        'workbench actions approve --org demo --rule path_begin --by "desk lead"',
        'workbench actions approve --org demo --quarter 2026Q3 --all --by "desk lead"',
    ),
    "actions decline": (
        'workbench actions decline 3f9a1c0be7d24a55 --org demo --by "desk lead"'
        ' --note "on leave until December"',
        "workbench actions decline --org demo --persona engineers"
        ' --rule many_courses --by "desk lead" --note "release weeks"',
    ),
    "lab": (
        "workbench lab",
        "workbench lab notebooks/03_psm.ipynb",
        "workbench lab outputs/demo/2026Q3/team_leads/psm/failed.ipynb",
    ),
}

_KEEP_LINES = "\b"
"""Click wraps paragraphs but not those that begin with this character."""


def format_examples(command: str) -> str:
    """Return the end of a command's help."""
    lines = [f"  {line}" for line in EXAMPLES[command]]
    return "\n".join([_KEEP_LINES, "Examples:", *lines])
