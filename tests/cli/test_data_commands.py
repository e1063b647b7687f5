"""Checking and loading real extracts from the command line."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tests.runs.conftest import make_project
from workbench.cli import app

SOURCE = """
root: extracts/acme
sources:
  people: {format: csv, path: people.csv}
  jobs: {format: csv, path: jobs.csv}
  modules: {format: csv, path: modules.csv}
  visits: {format: csv, path: visits.csv}
tables:
  employees:
    from: people
    columns: {employee_id: no, hire_date: start}
    identifiers: [email]
  job_history:
    from: jobs
    columns:
      employee_id: no
      effective_date: day
      event: {constant: hire}
      role: job
      level: {constant: one}
  courses:
    from: modules
    columns:
      course_id: code
      title: title
      modality: {constant: elearning}
      effort_hours: hours
  enrollments:
    from: visits
    columns:
      enrollment_id: id
      employee_id: no
      course_id: code
      enrolled_at: day
      status: {constant: enrolled}
control_totals:
  - {name: people known, sql: select count(*) from people, expected: 4}
"""

EXTRACTS = {
    "people.csv": "no,start,email,shoe\n1,2024-01-01,a@example.org,40\n"
    "2,2024-02-01,b@example.org,41\n3,soon,c@example.org,42\n",
    "jobs.csv": "no,day,job\n1,2024-01-01,lead\n2,2024-02-01,seller\n",
    "modules.csv": "code,title,hours\nA,Leading,2\n",
    "visits.csv": "id,no,code,day\nx,1,A,2025-01-01\ny,2,B,2025-01-02\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with extracts that hold one fault of each kind."""
    made = make_project(tmp_path)
    (made.params.folder / "source.yml").write_text(SOURCE)
    folder = made.root / "extracts" / "acme"
    folder.mkdir(parents=True)
    for name, text in EXTRACTS.items():
        (folder / name).write_text(text)
    monkeypatch.chdir(made.root)
    return made


def call(*words):
    return CliRunner().invoke(app, [*words, "--org", "acme"])


def squeeze(text):
    return " ".join(text.split())


def test_a_check_shows_every_column_with_its_first_bad_values(project):
    result = call("check")
    assert result.exit_code == 0, result.output
    text = squeeze(result.output)
    assert "employees, from people: 3 rows, 0 filtered out, 1 set apart" in text
    assert "hire_date start unreadable date 'soon' (people.csv row 3)" in text
    assert "course_id code unknown course 'B' (visits.csv row 2)" in text
    assert "event constant 'hire'" in text
    assert "direct identifiers, not loaded, people: email" in text
    assert "not loaded, people: shoe" in text
    assert "control total people known: 3, expected 4" in text
    assert "not mapped: course_skills" in text
    assert text.endswith("Nothing stops a load.")
    assert not (project.workspace.store("acme") / "job_history.parquet").exists()


def test_a_check_says_at_its_end_which_tables_would_be_empty(project):
    path = project.params.folder / "source.yml"
    marks = "  marks: {format: csv, path: marks.csv}\n"
    table = (
        "  performance:\n    from: marks\n"
        "    columns: {employee_id: no, period: period, rating: mark}\n"
    )
    text = path.read_text().replace("tables:\n", f"{marks}tables:\n{table}", 1)
    path.write_text(text)
    (project.root / "extracts" / "acme" / "marks.csv").write_text(
        'no,period,mark\n1,2025Q1,"3,5"\n2,2025Q1,"4,0"\n'
    )
    result = call("check")
    assert result.exit_code == 0, result.output
    assert squeeze(result.output).endswith(
        "A load would leave no row in: performance. See why above."
    )


def test_a_check_that_finds_what_stops_a_load_ends_with_code_1(project):
    (project.root / "extracts" / "acme" / "modules.csv").write_text(
        "code,name,hours\nA,Leading,2\n"
    )
    result = call("check")
    assert result.exit_code == 1
    assert "courses, from modules: cannot be loaded" in result.output
    assert "A load would be stopped by:" in result.output
    assert "title" in result.output.split("stopped by:")[1]


def test_a_load_counts_rows_and_is_not_repeated(project):
    first = call("load")
    assert first.exit_code == 0, first.output
    text = squeeze(first.output)
    assert "employees 2" in text
    assert "set apart: 1 rows, unreadable date" in text
    assert "control totals as expected: 0 of 1" in text
    assert "control total people known: 3, expected 4" in text
    assert (project.workspace.store("acme") / "employees.parquet").is_file()
    assert call("load").output == "The data of acme are unchanged.\n"
    assert "employees" in call("load", "--force").output


def test_extracts_can_lie_elsewhere(project):
    (project.root / "extracts" / "acme").rename(project.root / "moved")
    assert call("load").exit_code == 1
    assert call("load", "--extracts", "moved").exit_code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SOURCE.replace("columns:", "colums:", 1), "colums"),
        (SOURCE.replace("format: csv", "format: csb", 1), "csb"),
    ],
)
def test_a_misspelt_mapping_is_shown_with_its_line(project, text, message):
    (project.params.folder / "source.yml").write_text(text)
    result = call("check")
    assert result.exit_code == 1
    assert message in result.stderr
    assert "source.yml:" in result.stderr


def test_the_demo_is_made_where_the_project_lies(project):
    words = ["demo", "--employees", "200", "--quarters", "2", "--events", "0"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "200 people, 2026Q2 to 2026Q3" in result.output
    assert (project.root / "extracts" / "demo" / "hris").is_dir()
    assert (project.root / "extracts" / "demo_truth" / "truth.json").is_file()
