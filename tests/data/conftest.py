"""A small organisation whose extracts a test can spoil, and a PostgreSQL server."""

from __future__ import annotations

import copy
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from workbench.core.params import load_org_params
from workbench.core.store import Workspace
from workbench.data.check import SourceCheck, check_sources
from workbench.data.load import LoadReport, load_org
from workbench.data.pseudonyms import PseudonymKey
from workbench.data.sql import quote_name, quote_path

KEY = "a key for tests, long enough"

FILES = {
    "people.csv": "emp,start,end,why,sex\n"
    "E1,2020-01-01,,,F\n"
    "E2,2021-05-01,2024-02-29,R,M\n"
    "E3,2022-06-15,,,F\n",
    "jobs.csv": "emp,from,what,role,level,boss\n"
    "E1,2020-01-01,hire,lead,2,\n"
    "E2,2021-05-01,hire,support,1,E1\n"
    "E3,2022-06-15,hire,support,1,E1\n",
    "courses.csv": "id,title,kind,hours,before\n"
    "c1,First,elearning,2.5,\n"
    "c2,Second,classroom,8,c1\n",
    "enrolments.csv": "no,emp,course,at,done,score,state\n"
    "n1,E1,c1,2024-01-10 09:00:00,2024-01-20 17:30:00,80,completed\n"
    "n2,E2,c1,2024-01-11 09:00:00,,,enrolled\n"
    "n3,E3,c2,2024-01-12 09:00:00,2024-02-01 10:00:00,55.5,failed\n",
}

SOURCE_MAP: dict[str, Any] = {
    "root": "extracts",
    "timezone": "UTC",
    "sources": {
        "people": {"format": "csv", "path": "people.csv"},
        "jobs": {"format": "csv", "path": "jobs.csv"},
        "courses": {"format": "csv", "path": "courses.csv"},
        "enrolments": {"format": "csv", "path": "enrolments.csv"},
    },
    "tables": {
        "employees": {
            "from": "people",
            "columns": {
                "employee_id": "emp",
                "hire_date": "start",
                "exit_date": "end",
                "exit_type": {"column": "why", "map": {"R": "voluntary"}},
                "gender": {"column": "sex", "map": {"F": "female", "M": "male"}},
            },
        },
        "job_history": {
            "from": "jobs",
            "columns": {
                "employee_id": "emp",
                "effective_date": "from",
                "event": "what",
                "role": "role",
                "level": "level",
                "manager_id": "boss",
            },
        },
        "courses": {
            "from": "courses",
            "columns": {
                "course_id": "id",
                "title": "title",
                "modality": "kind",
                "effort_hours": "hours",
                "prerequisite_ids": {"column": "before", "separator": "|"},
            },
        },
        "enrollments": {
            "from": "enrolments",
            "columns": {
                "enrollment_id": "no",
                "employee_id": "emp",
                "course_id": "course",
                "enrolled_at": "at",
                "completed_at": "done",
                "score": "score",
                "status": "state",
            },
        },
    },
}

ORG_FILES = {
    "workbench.yml": "name: Small\n"
    "quarter: {first: 2024Q1, last: 2024Q4}\n"
    "privacy: {lawful_basis: contract}\n",
    "personas.yml": "- {id: all, label: All, where: 'true', priority: 1}\n",
    "programs.yml": "- {id: p, personas: [all], courses: [c1], "
    "complete: {at_least: 1}}\n",
    "outcomes.yml": "- {id: o, source: performance.rating, kind: continuous}\n",
}


@dataclass
class Project:
    """A project folder with one organisation, `small`, to be changed at will."""

    root: Path
    source_map: dict[str, Any] = field(
        default_factory=lambda: copy.deepcopy(SOURCE_MAP)
    )

    def __post_init__(self) -> None:
        (self.root / "notebooks").mkdir()
        for name, text in ORG_FILES.items():
            self.write_param(name, text)
        for name, text in FILES.items():
            self.write(name, text)

    @property
    def extracts(self) -> Path:
        return self.root / "extracts"

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root)

    @property
    def store(self) -> Path:
        return self.workspace.store("small")

    def write_param(self, name: str, text: str) -> None:
        folder = self.root / "params" / "small"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.extracts / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        return path

    def columns(self, table: str) -> dict[str, Any]:
        return self.source_map["tables"][table]["columns"]

    def source(self, name: str, **options: Any) -> None:
        self.source_map["sources"][name] = options

    def _params(self) -> Any:
        self.write_param("source.yml", yaml.safe_dump(self.source_map, sort_keys=False))
        return load_org_params("small", self.workspace.params)

    def load(self, **options: Any) -> LoadReport:
        return load_org(self._params(), self.workspace, **options)

    def check(self) -> SourceCheck:
        return check_sources(self._params(), self.workspace)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL with every file of the store as a table."""
        with duckdb.connect() as connection:
            for path in self.store.glob("*.parquet"):
                connection.execute(
                    f"CREATE VIEW {quote_name(path.stem)} AS "
                    f"SELECT * FROM read_parquet({quote_path(path)})"
                )
            return connection.execute(sql).fetchall()

    def quarantine(self) -> list[tuple[Any, ...]]:
        return self.query(
            'SELECT "table", reason, file, row, "column", value FROM _quarantine'
        )


def pseudonym(person: str) -> str:
    return PseudonymKey(KEY.encode()).pseudonymise(person)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("WORKBENCH_KEY_SMALL", KEY)
    return Project(tmp_path)


def _find_postgres() -> Path | None:
    """Find the folder of the server's programs, on the path or as Debian puts it."""
    on_path = shutil.which("initdb")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    candidates = [Path(on_path).parent] if on_path else []
    for folder in [*candidates, *places]:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    return None


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a temporary PostgreSQL server on loopback."""
    programs = _find_postgres()
    if programs is None:
        pytest.skip(
            "no PostgreSQL server here: install Debian's package postgresql to run "
            "the tests of database sources"
        )
    become: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("runuser") is None:
            pytest.skip("PostgreSQL refuses to run as root, and there is no runuser")
        become = ["runuser", "-u", "postgres", "--"]
    folder = Path(tempfile.mkdtemp(prefix="workbench-postgres-"))
    if become:
        shutil.chown(folder, "postgres")
    port, data = _find_port(), folder / "data"

    def run(*command: str) -> None:
        subprocess.run(
            [*become, *command],
            check=True,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )

    password = folder / "password"
    password.write_text("s3cr:t/word")
    password.chmod(0o644)
    initdb, pg_ctl = str(programs / "initdb"), str(programs / "pg_ctl")
    run(
        *(initdb, "-D", str(data), "-U", "wb", "-A", "scram-sha-256", "-N"),
        *("-E", "UTF8", "--locale=C", f"--pwfile={password}"),
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
    log = str(folder / "log")
    run(pg_ctl, "-D", str(data), "-w", "-t", "60", "-l", log, "-o", options, "start")
    try:
        yield f"postgresql+psycopg://wb:s3cr%3At%2Fword@127.0.0.1:{port}/postgres"
    finally:
        run(pg_ctl, "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)
