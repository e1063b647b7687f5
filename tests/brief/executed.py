"""A small project with executed notebooks, made without a kernel.

The pages show what the sketch of the brief shows; every number is invented.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
    new_raw_cell,
)

from workbench.core.params import OrgParams, load_org_params
from workbench.core.quarters import Quarter
from workbench.core.results import Estimate, StageResult
from workbench.core.stages import PAGES, STAGES
from workbench.core.store import ALL_PERSONAS, Workspace

ORG = "acme"
QUARTER = Quarter(2026, 3)
PER_PERSONA = tuple(item.name for item in STAGES if item.per_persona)
LABELS = {
    "team_leads": "Team leads",
    "support_l1_new": "Customer Support L1, first year",
    "support_l1_experienced": "Customer Support L1, experienced",
}
PSEUDONYM = "0123456789abcdef0123456789abcdef"
TIMINGS = {
    "papermill": {
        "duration": 1.234567,
        "start_time": "2026-10-01T08:00:00.000001",
        "status": "completed",
    },
    "tags": ["secret-tag"],
}

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg==\n"
)


@dataclass(frozen=True)
class Project:
    """A workspace, its parameters and the quarter that was run."""

    params: OrgParams
    workspace: Workspace
    quarter: Quarter

    @property
    def root(self) -> Path:
        return self.workspace.root

    def notebook(self, stage: str, persona: str = ALL_PERSONAS) -> Path:
        folder = self.workspace.stage(self.params.org, self.quarter, persona, stage)
        return folder / "notebook.ipynb"


def make_project(
    root: Path,
    *,
    name: str = "Aldergrove",
    labels: Mapping[str, str] = LABELS,
) -> Project:
    """Write parameters and the executed notebooks of one quarter below `root`."""
    write_params(root, name, labels)
    (root / "notebooks").mkdir(exist_ok=True)
    project = open_project(root)
    for stage in (*PAGES, *STAGES):
        personas = list(labels) if stage.per_persona else [ALL_PERSONAS]
        for persona in personas:
            path = project.notebook(stage.name, persona)
            write_notebook(path, CELLS[stage.name](persona))
    for number, persona in enumerate(labels):
        save_estimates(project, persona, effect=0.1 + 0.05 * number)
    return project


def open_project(root: Path) -> Project:
    """Open a project that lies below `root`."""
    params = load_org_params(ORG, root / "params")
    return Project(params, Workspace(root), QUARTER)


def write_params(root: Path, name: str, labels: Mapping[str, str]) -> None:
    folder = root / "params" / ORG
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Any] = {
        "workbench": {
            "name": name,
            "quarter": {"first": "2026Q1", "last": "2026Q4"},
            "privacy": {"lawful_basis": "consent"},
        },
        "personas": [
            {"id": key, "label": label, "where": "true", "priority": number}
            for number, (key, label) in enumerate(labels.items(), start=1)
        ],
        "programs": [
            {
                "id": "leading",
                "label": "Leading people",
                "personas": list(labels),
                "courses": ["lead-1"],
                "complete": {"at_least": 1},
            }
        ],
        "outcomes": [
            {
                "id": "performance_rating",
                "label": "Performance rating",
                "source": "performance.rating",
                "kind": "continuous",
                "unit": "rating points",
            }
        ],
    }
    for stem, value in files.items():
        (folder / f"{stem}.yml").write_text(json.dumps(value), encoding="utf-8")


def save_estimates(
    project: Project,
    persona: str,
    *,
    effect: float,
    manifest: Mapping[str, Any] | None = None,
    suppressed: bool = False,
) -> None:
    """Leave one headline estimate and one subgroup of the stage psm."""
    common: dict[str, Any] = {
        "quarter": str(project.quarter),
        "persona": persona,
        "stage": "psm",
        "program": "leading",
        "outcome": "performance_rating",
        "estimand": "ATT",
        "method": "psm_nn",
        "std_error": 0.02,
        "p_value": 0.01,
        "unit": "rating points",
        "n_treated": 120,
        "n_control": 120,
    }
    whole = Estimate(
        **common,
        estimate=effect,
        ci_low=effect - 0.04,
        ci_high=effect + 0.04,
        headline=True,
    )
    part = Estimate(
        **common,
        estimate=effect,
        ci_low=effect - 0.1,
        ci_high=effect + 0.1,
        subgroup_by="gender",
        subgroup="f",
        suppressed=suppressed,
    )
    folder = project.notebook("psm", persona).parent
    StageResult(stage="psm", estimates=(whole, part)).save(folder)
    given = {"inputs": {"store/employees.parquet": "aa"}, "parameters": {"ratio": 1}}
    written = {"schema": 1, "code": {"sha256": "p1"}, **given, **(manifest or {})}
    (folder / "manifest.json").write_text(json.dumps(written), encoding="utf-8")


def write_notebook(path: Path, cells: Sequence[Any]) -> None:
    """Write a notebook as papermill leaves it: timings, tags, injected cell."""
    injected = new_code_cell(
        'org = "acme"\nquarter = "2026Q3"',
        metadata={"tags": ["injected-parameters"]},
        execution_count=1,
    )
    parameters = new_code_cell('org: str = "demo"', metadata={"tags": ["parameters"]})
    cells = [cells[0], parameters, injected, *cells[1:]]
    for number, cell in enumerate(cells):
        cell["metadata"].setdefault("papermill", TIMINGS["papermill"])
        cell["id"] = f"random-{number}"
    notebook = new_notebook(
        cells=list(cells),
        metadata={
            "papermill": {
                "duration": 9.87654,
                "input_path": "/tmp/run-abc/notebook.ipynb",
                "parameters": {"org": "acme"},
            },
            "kernelspec": {
                "name": "python3",
                "display_name": "Py",
                "language": "python",
            },
        },
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def front(text: str) -> Any:
    return new_raw_cell(f"---\n{text}\n---")


def shown(*texts: str, options: str = "#| output: asis\n", metadata: Any = None) -> Any:
    """Make a code cell that has shown Markdown."""
    outputs = [
        new_output(
            "display_data",
            data={
                "text/markdown": text,
                "text/plain": "<IPython.core.display.Markdown object>",
            },
            metadata=metadata or {},
        )
        for text in texts
    ]
    return new_code_cell(f"{options}show(data)", outputs=outputs)


def raw(content: str) -> str:
    return f"```{{=html}}\n{content}\n```\n\n"


def figure(label: str, caption: str, alt: str, svg: str) -> Any:
    options = f'#| label: {label}\n#| fig-cap: "{caption}"\n#| fig-alt: "{alt}"\n'
    data = {"image/svg+xml": svg, "text/plain": "<Figure size 640x480 with 1 Axes>"}
    outputs = [new_output("display_data", data=data)]
    return new_code_cell(f"{options}plot(data)", outputs=outputs)


def printed(text: str, code: str = "print(rows)", name: str = "stdout") -> Any:
    return new_code_cell(code, outputs=[new_output("stream", name=name, text=text)])


FOREST = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"
  "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" width="640" height="230" viewBox="0 0 510 200">
<metadata><dc:date>2026-10-01T08:00:00</dc:date></metadata>
<rect width="510" height="200" fill="#ffffff"/>
<line x1="250" x2="250" y1="6" y2="180" stroke="#51606e"/>
<g stroke="#0b6577" stroke-width="2.5" fill="#0b6577">
<line x1="285" x2="365" y1="22" y2="22"/><circle cx="325" cy="22" r="5"/>
<line x1="275" x2="349" y1="60" y2="60"/><circle cx="312" cy="60" r="5"/>
<line x1="224" x2="278" y1="98" y2="98"/><circle cx="251" cy="98" r="5"/></g>
<g font-family="sans-serif" font-size="13" fill="#14202b">
<text x="0" y="27">Team leads</text><text x="0" y="65">Support L1, new</text>
<text x="0" y="103">Support L1, experienced</text></g></svg>
"""


def card(
    name: str, value: str, interval: str, bar: str, target: str, end: str, grade: int
) -> str:
    kind, symbol, words = {
        "met": ("good", "✓", "target met"),
        "not": ("bad", "✗", "target not met"),
        "unclear": ("unsure", "?", "unclear"),
    }[end]
    dots = "●" * grade + "○" * (5 - grade)
    return (
        f'<section class="kpi-card"><h3>{name}</h3><div class="kpi-value">{value}</div>'
        f'<div class="kpi-ci">{interval}</div>{bar}<div class="kpi-target">{target}'
        f'</div><div class="kpi-foot"><span class="verdict {kind}">'
        f'<span aria-hidden="true">{symbol}</span> {words}</span>'
        f'<span class="grade" role="img" aria-label="evidence {grade} of 5">{dots}'
        "</span></div></section>"
    )


def bar(zero: int, low: int, point: int, high: int, start: int, width: int) -> str:
    return (
        '<svg class="kpi-bar" viewBox="0 0 220 44" width="100%" role="img" '
        'aria-label="Effect with interval and target">'
        f'<rect class="band" x="{start}" y="8" width="{width}" height="16"/>'
        f'<line class="zero" x1="{zero}" x2="{zero}" y1="3" y2="29" stroke-width="1"/>'
        f'<line class="ci" x1="{low}" x2="{high}" y1="16" y2="16" stroke-width="4" '
        f'stroke-linecap="round"/><circle class="point" cx="{point}" cy="16" r="6"/>'
        f'<text class="tick" x="{zero}" y="41" text-anchor="middle" font-size="11">0'
        "</text></svg>"
    )


CARDS = (
    card(
        "Time to proficiency",
        "−16 %",
        "−21 to −11 %, i.e. 14 days sooner; 412 learners",
        bar(150, 58, 80, 102, 40, 66),
        "Target: −10 to −25 %",
        "met",
        3,
    )
    + card(
        "Performance rating",
        "+4.1 %",
        "+1.2 to +7.0 %, from 3.17 to 3.30; 1,204 learners",
        bar(40, 57, 97, 138, 110, 70),
        "Target: +5 to +10 %",
        "unclear",
        4,
    )
    + card(
        "12-month retention",
        "+5.6 %",
        "+2.0 to +9.1 %, from 81.9 to 86.5 %; 1,204 learners",
        bar(40, 68, 118, 167, 110, 98),
        "Target: +5 to +12 %",
        "unclear",
        3,
    )
    + card(
        "Internal moves in 12 months",
        "−1.6 pts",
        "−3.1 to −0.2 points, from 9.8 %; 1,204 learners",
        bar(110, 32, 70, 105, 110, 100),
        "Target: above zero",
        "not",
        2,
    )
)
SMALL = (
    '<section class="kpi-card"><h3>Skill proficiency</h3><div class="kpi-value">'
    '+5.2 points</div><div class="kpi-ci">4.1 to 6.3</div></section>'
    '<section class="kpi-card"><h3>Coached after learning</h3><div class="kpi-value">'
    '47 %</div><div class="kpi-ci">44 to 50, goal 60 %</div></section>'
    '<section class="kpi-card unmeasured"><h3>Learner NPS</h3>'
    '<div class="kpi-value">–</div><div class="kpi-why">There is no survey in the '
    'extracts.</div><div class="kpi-foot"><span class="verdict none">– not measured '
    "yet</span></div></section>"
)
CHANGES = raw(
    '<div class="table-wrap" role="region" tabindex="0" aria-label="Changes"><table>'
    "<caption>What moved since 2026 Q2</caption><thead><tr>"
    '<th scope="col">Number</th><th scope="col" class="num">Q2</th>'
    '<th scope="col" class="num">Q3</th><th scope="col">Why</th></tr></thead><tbody>'
    '<tr><th scope="row">Retention effect</th><td class="num">+6.3 %</td>'
    '<td class="num">+5.6 %</td><td>412 more people followed</td></tr>'
    '<tr><th scope="row">ROI</th><td class="num">81 %</td><td class="num">64 %</td>'
    "<td>vacancy cost lowered by Finance</td></tr>"
    '<tr><th scope="row">Evidence, ramp</th><td class="num">2</td>'
    '<td class="num">3</td><td>second design agrees</td></tr></tbody></table></div>'
)
ANSWER = (
    "Learning returned 64 % on its cost, nearly all of it from team leads and new "
    "support staff"
)


def index_cells(persona: str) -> list[Any]:
    title = shown(
        f"## {ANSWER} {{#answer}}\n\n",
        options="",
        metadata={
            "workbench": {
                "title": ANSWER,
                "description": "The interval runs from −8 % to 139 %. Experienced "
                "support staff gained nothing measurable; one module did harm and "
                "should stop.",
            }
        },
    )
    head = raw(
        '<div class="brief-header"><b>Aldergrove</b>\n<span>3,412 people</span>\n'
        "<span>3 personas</span>\n<span>8 % without consent, not analysed</span></div>"
    )
    wide = raw(
        '<div class="table-wrap" role="region" tabindex="0" aria-label="Scorecard">'
        "<table><caption>The scorecard in numbers</caption><thead><tr>"
        + "".join(f'<th scope="col">{name}</th>' for name in _SCORE_HEADS)
        + '</tr></thead><tbody><tr><th scope="row">Performance rating</th>'
        + "".join(f'<td class="num">{text}</td>' for text in _SCORE_ROW)
        + "</tr></tbody></table></div>"
    )
    return [
        front('title: "Executive brief"'),
        title,
        shown(head),
        shown(
            "## The four measures {#measures}\n\n",
            raw(f'<div class="kpi-cards">{CARDS}</div>'),
            raw(f'<div class="kpi-cards small">{SMALL}</div>'),
            wide,
        ),
        shown(
            "## Only two of three personas gain in rating {#personas}\n\n"
            "::: {.sub}\nRating points against matched colleagues, 95 % intervals\n"
            ":::\n\n"
        ),
        figure(
            "fig-forest",
            "Effects by persona; n = 1,204 learners, errors clustered by person",
            "Forest plot: team leads +0.19, new support +0.15, experienced support 0",
            FOREST,
        ),
        shown(
            "## Decisions asked for {#decisions}\n\n",
            raw(
                '<ol class="decisions"><li><b>Continue</b> “Leading people” for team '
                "leads; extend to the two regions without it (+0.19 points, evidence "
                "4).</li><li><b>Stop</b> module “Ticket speed drills”: ratings fell by "
                "0.11 (0.04 to 0.18) among those who took it.</li><li><b>Test</b> "
                "coaching within 14 days in Q4: 24 teams, detects 0.10 points, results "
                "by January.</li></ol>"
            ),
        ),
        shown("## What changed since Q2 {#changes}\n\n", CHANGES),
        shown(
            "## How sure are we? {#limits}\n\n",
            raw(
                '<div class="note"><p><b>Read with care.</b> Three of four headline '
                "effects rest on comparison with matched colleagues, not on chance "
                "assignment.</p></div>"
            ),
            "See [the methods](methods.ipynb#grades), [team leads]"
            "(personas/team_leads.ipynb) and @fig-forest.\n\n",
        ),
    ]


_SCORE_HEADS = ("Measure", "Effect", "95 % interval", "Target", "Verdict", "Learners")
_SCORE_ROW = ("+4.1 %", "+1.2 to +7.0 %", "+5 to +10 %", "unclear", "1,204")


def persona_cells(persona: str) -> list[Any]:
    return [
        front('title: "Persona"'),
        new_markdown_cell("Who they are, what changed, and how sure that is."),
        shown("## Who they are {#who}\n\nPeople in their first year.\n\n"),
        shown(
            "## What changed {#effects}\n\n### By outcome {#outcomes}\n\nRating.\n\n"
        ),
        figure("fig-forest", "Effects with 95 % intervals", "Forest plot", FOREST),
        new_code_cell(
            '#| label: fig-love\n#| fig-cap: "Balance <before> and after"\n'
            '#| fig-alt: "Love plot"\nlove(data)',
            outputs=[new_output("display_data", data={"image/png": PNG})],
        ),
        shown(
            "## More {#more}\n\n"
            "Back to [the brief](../index.ipynb), "
            f"[the notebook](../appendix/{persona}/psm.ipynb).\n\n"
            + raw('<p><a href="/data_quality.ipynb#sources">Data quality</a></p>')
        ),
    ]


def quality_cells(persona: str) -> list[Any]:
    table = pd.DataFrame(
        {"rows": [3412, 51230], "score": [91.5, 78.0]}, index=["hris", "lms"]
    )
    html = (
        "<style>td{color:red}</style>"
        + table.to_html()
        + "<script>alert(1)</script><p>2 rows × 2 columns</p>"
    )
    data = {"text/html": html, "text/plain": str(table)}
    return [
        front('title: "Data quality"'),
        new_markdown_cell(
            "## Sources {#sources}\n\nWhat came in, and how good it was."
        ),
        new_code_cell(
            '#| label: tbl-sources\n#| tbl-cap: "Rows and score per source"\ntable',
            outputs=[new_output("execute_result", data=data, execution_count=4)],
        ),
        shown(
            "## Consent {#consent}\n\n| group | share |\n|---|---:|\n| all | 92 % |\n\n"
        ),
    ]


def methods_cells(persona: str) -> list[Any]:
    return [
        front('title: "Methods"'),
        new_markdown_cell(
            "## Evidence grades {#grades}\n\n"
            "Grades run from 0 to 5.[^1] The estimate is $\\hat\\tau = \\bar y_1 - "
            "\\bar y_0$.\n\n"
            "[^1]: Given by rules, never by hand.\n\n"
            "::: {.callout-note}\n## How to read an interval\n\nIt holds the effect in "
            "19 of 20 quarters.\n:::\n\n"
            "::: {.callout-warning}\nNot chance assignment.\n:::\n\n"
            "## Glossary {#glossary}\n\n"
            "Propensity score\n:   How likely a person is to learn.\n\n"
            "```python\nscores = fit(data)  # {{< env HOME >}}\n```\n"
        ),
    ]


def audit_cells(persona: str) -> list[Any]:
    return [
        new_markdown_cell("# Data audit\n\nWhat came in.\n\n## Rows {#rows}"),
        printed(
            "rows 3412\nkept in /tmp/run-abc/store and {{< env HOME >}}\n"
            f"<script>alert(2)</script> {PSEUDONYM}\n",
            code="import sys\nprint(rows)  # {{< env HOME >}}",
        ),
        printed("Warning from /tmp/ipykernel_1/1.py\n", name="stderr"),
        new_code_cell(
            "ax.plot()",
            outputs=[
                new_output(
                    "execute_result",
                    data={"text/plain": "<Axes: title={'center': 'x'}>"},
                    execution_count=7,
                )
            ],
        ),
    ]


def stage_cells(persona: str) -> list[Any]:
    return [
        new_markdown_cell("# Matching\n\nWould they have done as well without it?"),
        new_code_cell("#| include: false\nimport workbench", outputs=[]),
        shown("## Result {#result}\n\nThe effect is small.\n\n", options=""),
        figure("fig-love", "Balance", "Love plot", FOREST),
    ]


CELLS = {
    "brief_index": index_cells,
    "brief_persona": persona_cells,
    "brief_actions": quality_cells,
    "brief_data_quality": quality_cells,
    "brief_methods": methods_cells,
    "audit": audit_cells,
    "personas": audit_cells,
    "psm": stage_cells,
    "did": stage_cells,
    "ab": stage_cells,
    "survival": stage_cells,
    "portfolio": stage_cells,
    "prediction": stage_cells,
    "prescription": stage_cells,
}
