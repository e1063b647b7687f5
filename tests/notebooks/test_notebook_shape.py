"""The shape of stored notebooks: thin, parametrised, clean."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from workbench.core.run_params import check_stage_params
from workbench.core.stages import PAGES, STAGES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
STAGE_OF = {stage.notebook: stage for stage in (*STAGES, *PAGES)}

MOST_CODE_CELLS = 12
MOST_CODE_LINES = 80
MOST_LINES_OF_A_CELL = 12
FRONT_MATTER_TITLE = r"\A---\n(?:.*\n)*?title: "


def list_notebooks() -> list[str]:
    stored = (path.relative_to(FOLDER) for path in FOLDER.rglob("*.ipynb"))
    kept = (path for path in stored if ".ipynb_checkpoints" not in path.parts)
    return sorted(path.as_posix() for path in kept)


NOTEBOOKS = list_notebooks()
every = pytest.mark.parametrize("name", NOTEBOOKS)


def read(name: str) -> dict:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def read_sources(name: str, kind: str = "code") -> list[str]:
    cells = read(name)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


def list_code_lines(source: str) -> list[str]:
    """Lines of a cell that are code: neither empty, nor comment, nor cell option."""
    lines = (line.strip() for line in source.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def read_parameters(name: str) -> dict[str, object]:
    return {
        node.target.id: ast.literal_eval(node.value)
        for node in ast.parse(read_sources(name)[0]).body
    }


def test_every_registered_notebook_is_stored_and_every_stored_one_registered():
    assert sorted(STAGE_OF) == NOTEBOOKS


@every
def test_the_first_code_cell_holds_the_parameters(name):
    code = [cell for cell in read(name)["cells"] if cell["cell_type"] == "code"]
    assert code[0]["metadata"].get("tags") == ["parameters"]
    tagged = [c for c in code if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1


@every
def test_parameters_are_annotated_literals_that_papermill_can_read(name):
    source = read_sources(name)[0]
    for node in ast.parse(source).body:
        assert isinstance(node, ast.AnnAssign), ast.unparse(node)
        assert isinstance(node.value, ast.Constant), ast.unparse(node)
    for line in source.splitlines():
        assert line.count("=") == 1, f"papermill cannot read: {line}"
        assert "#" in line, f"what is the parameter? {line}"


@every
def test_each_parameter_is_known_to_its_stage(name):
    stage = STAGE_OF[name]
    held = read_parameters(name)
    check_stage_params(stage.name, held)
    common = {"org", "quarter", "seed"} | ({"persona"} if stage.per_persona else set())
    assert common <= set(held)


@every
def test_defaults_are_those_of_the_demo_organisation(name):
    held = read_parameters(name)
    assert (held["org"], held["quarter"]) == ("demo", "2026Q3")


@every
def test_there_is_one_title(name):
    raw = "\n".join(read_sources(name, "raw"))
    prose = "\n".join(read_sources(name, "markdown"))
    heads = re.findall(r"^# \S", re.sub(r"```.*?```", "", prose, flags=re.S), re.M)
    titles = len(heads) + len(re.findall(FRONT_MATTER_TITLE, raw))
    assert titles == 1


@every
def test_a_notebook_is_thin(name):
    code = read_sources(name)
    lines = [list_code_lines(source) for source in code]
    assert len(code) <= MOST_CODE_CELLS
    assert sum(map(len, lines)) <= MOST_CODE_LINES
    assert max(map(len, lines)) <= MOST_LINES_OF_A_CELL


@every
def test_a_notebook_calls_the_library_and_defines_nothing(name):
    loops = (ast.For, ast.While, ast.AsyncFor)
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    for source in read_sources(name):
        assert not re.search(r"^\s*[%!?]", source, re.M), "a magic"
        for node in ast.walk(ast.parse(source)):
            assert not isinstance(node, (*loops, *definitions)), ast.unparse(node)


@every
def test_a_notebook_never_starts_a_run(name):
    for source in read_sources(name):
        assert "workbench.runs" not in source
        assert "workbench.cli" not in source


@every
def test_a_notebook_is_stored_without_outputs(name):
    for cell in read(name)["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@every
def test_cell_ids_and_labels_are_there_once(name):
    cells = read(name)["cells"]
    ids = Counter(cell["id"] for cell in cells)
    assert max(ids.values()) == 1
    labels = Counter(
        re.findall(r"^#\| label: *(\S+)", "\n".join(read_sources(name)), re.M)
    )
    assert all(count == 1 for count in labels.values()), labels


@every
def test_figures_have_a_caption_and_words_for_those_who_do_not_see_them(name):
    for source in read_sources(name):
        if re.search(r"^#\| label: *fig-", source, re.M):
            assert re.search(r"^#\| fig-cap: *\"", source, re.M), source
            assert re.search(r"^#\| fig-alt: *\"", source, re.M), source


@every
def test_no_absolute_path_and_a_kernel_that_every_machine_has(name):
    notebook = read(name)
    text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    assert not re.search(r"""["'(](?:/\w|~/|[A-Z]:\\)""", text)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert notebook["metadata"]["kernelspec"]["language"] == "python"
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}
    assert (notebook["nbformat"], notebook["nbformat_minor"]) >= (4, 5)


@every
def test_papermill_reads_every_parameter(name):
    from papermill import inspect_notebook

    found = inspect_notebook(str(FOLDER / name))
    assert set(found) == set(read_parameters(name))
