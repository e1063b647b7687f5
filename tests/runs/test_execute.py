"""Real runs of tiny notebooks: workers, kernels and folders are those of a real run."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from workbench.core.errors import ParamError, SourceError, StageError
from workbench.core.stages import PAGES
from workbench.runs.execute import run_pages, run_quarter
from workbench.runs.jobs import NOTEBOOK
from workbench.runs.status import read_status

PSM = "03_psm.ipynb"

MEET = """\
import os, pathlib, time
meeting = pathlib.Path(os.environ["WORKBENCH_PROJECT"]) / "meeting"
meeting.mkdir(exist_ok=True)
(meeting / persona).write_text("")
ends = time.monotonic() + 60
while len(list(meeting.iterdir())) < 2 and time.monotonic() < ends:
    time.sleep(0.05)
here = sorted(path.name for path in meeting.iterdir())"""

FACTS = """\
import json, os, sys, pathlib
folder = pathlib.Path(os.environ["WORKBENCH_STAGE_FOLDER"])
names = ["OMP_NUM_THREADS", "PYTHONHASHSEED", "DIFF_DIFF_BACKEND", "SOURCE_DATE_EPOCH",
         "NUMBA_THREADING_LAYER", "MPLBACKEND"]
facts = {name: os.environ.get(name) for name in names}
facts |= {"python": sys.executable, "folder": pathlib.Path.cwd().name, "here": here}
facts |= {"persona": persona, "quarter": quarter, "seed": seed}
(folder / "facts.json").write_text(json.dumps(facts))
status = {"status": "done", "reason": ""}
(folder / "status.json").write_text(json.dumps(status))"""

BLOCK = """\
import json, os, pathlib
folder = pathlib.Path(os.environ["WORKBENCH_STAGE_FOLDER"])
status = {"status": "STATUS", "reason": "half of the rows are bad"}
(folder / "status.json").write_text(json.dumps(status))"""


def run(project, **options):
    return run_quarter(project.params, project.workspace, project.quarter, **options)


def list_hidden(project):
    """Folders and files beside results that a run should have taken away."""
    return [
        path.name
        for path in project.workspace.outputs.rglob(".*")
        if path.name != ".run.lock"
    ]


def read_kept(project, stage, persona="_all"):
    folder = project.folder(stage, persona)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project after a first whole run, its report, and what the run printed."""
    from tests.runs.conftest import make_project

    project = make_project(tmp_path_factory.mktemp("finished"))
    project.write_notebook(PSM, MEET, FACTS)
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLBACKEND", "agg")
        report = run(project, jobs=2, console=Console(file=told, width=120))
    return project, report, told.getvalue()


@pytest.fixture
def again(finished, tmp_path):
    """A copy of the finished project, to be changed."""
    project, _, _ = finished
    shutil.copytree(project.root, tmp_path / "copy")
    return type(project)(tmp_path / "copy")


def test_a_whole_run_ends_well_and_tells_each_task(finished):
    _, report, told = finished
    assert report.ok
    assert report.count() == {"done": 4}
    assert [item.stage for item in report.outcomes] == [
        "audit",
        "personas",
        "psm",
        "psm",
    ]
    assert told.count("done") == 4
    assert "[4/4]" in told


def test_what_was_declared_first_is_kept(finished):
    project, _, _ = finished
    kept = json.loads(
        (project.folder("psm", "leads").parents[1] / "declared.json").read_text()
    )
    assert kept


def test_personas_run_at_the_same_time(finished):
    project, _, _ = finished
    facts = json.loads((project.folder("psm", "leads") / "facts.json").read_text())
    assert facts["here"] == ["leads", "sellers"]


def test_kernels_get_parameters_and_a_pinned_environment(finished):
    project, _, _ = finished
    facts = json.loads((project.folder("psm", "sellers") / "facts.json").read_text())
    del facts["here"]
    assert facts == {
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "DIFF_DIFF_BACKEND": "python",
        "NUMBA_THREADING_LAYER": "workqueue",
        "SOURCE_DATE_EPOCH": "1790726400",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "python": sys.executable,
        "folder": "notebooks",
        "persona": "sellers",
        "quarter": "2026Q3",
        "seed": 3,
    }


def test_a_manifest_holds_what_the_contract_names(finished):
    project, _, _ = finished
    manifest = project.manifest("psm", "leads")
    assert manifest["parameters"]["persona"] == "leads"
    assert manifest["data_cut"] == "2026-09-30"
    assert manifest["status"] == "done"
    assert "_all/personas/table.parquet" in manifest["inputs"]
    assert "store/employees.parquet" in manifest["inputs"]
    assert manifest["notebook"]["path"] == "notebooks/03_psm.ipynb"
    assert set(manifest["outputs"]) == {NOTEBOOK, "facts.json", "status.json"}
    assert manifest["start"] <= manifest["end"]
    assert set(manifest["cell_seconds"]) == {"2", "3", "4"}
    digests = [
        *manifest["inputs"].values(),
        *manifest["outputs"].values(),
        *manifest["parameter_files"].values(),
        manifest["notebook"]["sha256"],
        manifest["package"]["sha256"],
        manifest["environment"]["lock_sha256"],
    ]
    assert all(len(digest) == 64 for digest in digests)


def test_executed_notebooks_name_no_path_of_the_machine(finished):
    project, _, _ = finished
    text = (project.folder("psm", "leads") / NOTEBOOK).read_text()
    assert str(project.root) not in text
    cells = json.loads(text)["cells"]
    assert [cell["id"] for cell in cells].count("injected-parameters") == 1
    assert list_hidden(project) == []


def test_unchanged_stages_keep_their_files_without_a_worker(again, monkeypatch):
    before = read_kept(again, "psm", "leads")
    monkeypatch.setattr("workbench.runs.pool._Worker.start", None)
    report = run(again)
    assert report.ok
    assert report.count() == {"unchanged": 4}
    assert read_kept(again, "psm", "leads") == before


def test_only_what_a_change_touches_is_run_again(again):
    path = again.folder("psm", "sellers") / "facts.json"
    path.write_text("{}")
    report = run(again)
    ran = [(item.stage, item.persona) for item in report.outcomes if item.ran]
    assert ran == [("psm", "sellers")]
    assert json.loads(path.read_text())["persona"] == "sellers"


def test_force_runs_what_was_chosen_and_not_what_it_needs(again):
    report = run(again, personas=["leads"], stages=["psm"], force=True)
    assert [(item.stage, item.ran) for item in report.outcomes] == [
        ("audit", False),
        ("personas", False),
        ("psm", True),
    ]


def test_a_failed_notebook_stops_neither_the_others_nor_the_truth(again):
    fail = 'total = 1\nif persona == "leads":\n    raise ValueError("no overlap")'
    again.write_notebook(PSM, "x = 1", fail, "y = 2", MEET, FACTS)
    report = run(again, jobs=2)
    assert not report.ok
    bad, good = report.outcomes[2], report.outcomes[3]
    assert good.status == "done"
    assert (bad.status, bad.cell, bad.error) == ("failed", 4, "ValueError")
    assert bad.reason == "no overlap"
    assert bad.source == "total = 1"
    assert str(bad.notebook) == "notebooks/03_psm.ipynb"
    assert sorted(read_kept(again, "psm", "leads")) == ["failed.ipynb", "manifest.json"]
    opened = (again.root / bad.opened).read_text()
    assert "ValueError" in opened
    assert again.manifest("psm", "leads")["failure"]["cell"] == 4
    states = read_status(again.params, again.workspace, again.quarter)
    assert [item.status for item in states] == ["done", "done", "failed", "done"]


def test_what_needs_a_failed_stage_is_skipped_with_the_first_cause(project):
    project.write_notebook("01_data_audit.ipynb", "1 / 0")
    report = run(project)
    assert [item.status for item in report.outcomes] == ["failed", *["skipped"] * 3]
    assert {item.reason for item in report.bad[1:]} == {
        "audit of _all failed: division by zero"
    }
    assert report.count() == {"failed": 1, "skipped": 3}
    assert not project.folder("personas").exists()


def test_a_blocked_stage_stops_those_after_it_also_when_unchanged(project):
    project.write_notebook(
        "01_data_audit.ipynb", BLOCK.replace("STATUS", "not_applicable")
    )
    project.write_notebook("02_personas.ipynb", BLOCK.replace("STATUS", "blocked"))
    report = run(project)
    statuses = [item.status for item in report.outcomes]
    assert statuses == ["not_applicable", "blocked", "skipped", "skipped"]
    assert report.bad[1].reason == "personas of _all blocked: half of the rows are bad"
    second = run(project)
    assert [item.status for item in second.outcomes] == statuses
    assert not any(item.ran for item in second.outcomes)


def test_a_hung_notebook_and_one_whose_kernel_dies_are_ended(again):
    again.write_notebook(
        PSM,
        "import os, signal, time",
        'if persona == "leads":\n    time.sleep(600)',
        "os.kill(os.getpid(), signal.SIGKILL)",
    )
    began = time.monotonic()
    report = run(again, jobs=2, timeout=12)
    assert time.monotonic() - began < 120
    hung, died = report.bad
    assert (hung.error, hung.cell) == ("Timeout", 4)
    assert hung.reason == "the notebook was ended after 12 seconds"
    assert (died.error, died.cell) == ("DeadKernelError", 5)
    assert "memory" in died.reason


def test_a_notebook_that_saves_nothing_has_failed(again):
    again.write_notebook("01_data_audit.ipynb", "x = 1")
    report = run(again, stages=["audit"])
    assert report.outcomes[0].reason.endswith("without saving its results")


START_RUN = """\
import sys
from pathlib import Path
from workbench.core.params import load_org_params
from workbench.core.quarters import Quarter
from workbench.core.store import Workspace
from workbench.runs.execute import run_quarter
workspace = Workspace(Path(sys.argv[1]))
params = load_org_params("acme", workspace.params)
run_quarter(params, workspace, Quarter(2026, 3), jobs=1)
"""

SLOW = """\
import os, pathlib, time
root = pathlib.Path(os.environ["WORKBENCH_PROJECT"])
folder = pathlib.Path(os.environ["WORKBENCH_STAGE_FOLDER"])
(folder / "half.parquet").write_text("half")
(root / "kernel.pid").write_text(str(os.getpid()))
time.sleep(0 if (root / "hurry").exists() else 600)"""


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until(holds, seconds=60):
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "waited too long"
        time.sleep(0.05)


def end(process, how):
    """End a run; Python can lose one interrupt, so a second is sent as people do."""
    process.send_signal(how)
    try:
        return process.wait(20)
    except subprocess.TimeoutExpired:
        process.send_signal(how)
        return process.wait(20)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing_half_and_goes_on_later(again, how):
    again.write_notebook("02_personas.ipynb", SLOW, BLOCK.replace("STATUS", "done"))
    shutil.rmtree(again.folder("personas"))
    kept = read_kept(again, "audit")
    command = [sys.executable, "-c", START_RUN, str(again.root)]
    elsewhere = os.environ | {"TMPDIR": str(again.root)}
    process = subprocess.Popen(command, env=elsewhere, stderr=subprocess.DEVNULL)
    pid = again.root / "kernel.pid"
    wait_until(lambda: pid.is_file() and pid.read_text())
    assert end(process, how) != 0
    wait_until(lambda: not is_alive(int(pid.read_text())), seconds=15)
    assert not again.folder("personas").exists()
    assert read_kept(again, "audit") == kept
    assert (list_hidden(again) == []) == (how == signal.SIGINT)
    (again.root / "hurry").write_text("")
    report = run(again)
    assert report.ok
    assert [item.ran for item in report.outcomes] == [False, True, True, True]
    assert list_hidden(again) == []


def test_a_second_run_of_the_quarter_is_refused(again):
    from workbench.runs.folders import lock_quarter

    folder = again.workspace.outputs / "acme" / "2026Q3"
    with lock_quarter(folder), pytest.raises(StageError, match="Another run"):
        run(again)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 0}, r"at least one job[\s\S]*got:   0"),
        ({"timeout": 0}, "timeout must leave time"),
        ({"personas": ["x"]}, "no persona 'x'"),
        ({"stages": ["x"]}, "no stage 'x'"),
    ],
)
def test_wrong_options_are_refused(project, options, message):
    with pytest.raises(ParamError, match=message):
        run(project, **options)


def test_a_run_without_data_is_refused(project):
    shutil.rmtree(project.workspace.store("acme"))
    with pytest.raises(SourceError, match="workbench load --org acme"):
        run(project)


def write_pages(project):
    for page in PAGES:
        project.write_notebook(page.notebook, "x = 1")


def test_pages_are_run_on_fresh_results_and_kept(again):
    write_pages(again)
    pages = sum(2 if page.per_persona else 1 for page in PAGES)
    report = run_pages(again.params, again.workspace, again.quarter)
    assert report.ok
    assert report.count() == {"done": pages}
    assert (again.folder("brief_persona", "leads") / NOTEBOOK).is_file()
    second = run_pages(again.params, again.workspace, again.quarter)
    assert second.count() == {"unchanged": pages}


def test_pages_are_refused_on_results_out_of_date_or_absent(again, project):
    write_pages(project)
    with pytest.raises(StageError, match=r"no results of 2026Q3[\s\S]*workbench run"):
        run_pages(project.params, project.workspace, project.quarter)
    write_pages(again)
    (again.workspace.store("acme") / "employees.parquet").write_text("eve")
    with pytest.raises(StageError, match=r"out of date[\s\S]*changed: inputs"):
        run_pages(again.params, again.workspace, again.quarter)
