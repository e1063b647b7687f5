"""The shape of the package: who imports whom, what is public, how large, how loaded."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.runs.provenance import ROOMS

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "workbench"
MODULES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 500

HEAVY = {
    *("dowhy", "duckdb", "econml", "great_tables", "lifelines", "linearmodels"),
    *("matplotlib", "nbclient", "nbconvert", "nbformat", "numpy", "pandas", "pandera"),
    *("papermill", "pyarrow", "scipy", "seaborn", "shap", "sklearn", "sqlalchemy"),
    "statsmodels",
}
"""Libraries that `import workbench.cli` must not load."""

VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
UNDONE = [
    r"\bTO" + r"DO\b",
    r"\bFIX" + r"ME\b",
    r"\bXX" + r"X\b",
    "NotImpl" + r"ementedError\b",
]
FOREIGN = [
    r"/(?:root|farm|home|Users)/\w",
    r"(?<![.\w])/wo" + "rk/",
    r"python" + r"hosted",
    r"pypi" + r"\.org",
    r"npm" + r"js\.org",
    r"deb\." + r"debian",
    r"\banaconda\." + r"(?:org|com)",
]
TEXTS = {
    ".py",
    ".md",
    ".ipynb",
    ".yml",
    ".yaml",
    ".toml",
    ".lock",
    ".txt",
    ".sh",
    ".css",
}


def name_of(path: Path) -> str:
    """Name of a module within the package, such as ``data/demo/people``."""
    return path.relative_to(SOURCE).with_suffix("").as_posix()


def read_tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def list_imports(path: Path) -> set[str]:
    """Full names of all that a module imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(read_tree(path)):
        if isinstance(node, ast.Import):
            names |= {item.name for item in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            names.add(node.module or "")
            if node.module == "workbench":
                names |= {f"workbench.{item.name}" for item in node.names}
    return names


def may_import(room: str) -> set[str]:
    """Rooms that the modules of a room may import."""
    if room == "cli":
        return {"core", "data", "runs", "plots", "cli", *ROOMS}
    if room in ROOMS:
        return {"core", *ROOMS[: ROOMS.index(room) + 1]}
    return {"core", room}


def find_room(name: str) -> str:
    return name.split("/")[0]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_the_core_and_the_rooms_to_its_left(path):
    room = find_room(name_of(path))
    used = {
        name.split(".")[1]
        for name in list_imports(path)
        if name.startswith("workbench.") and name != "workbench.__version__"
    }
    assert used <= may_import(room), f"{name_of(path)} reaches out of its place"


def test_the_import_rule_sees_a_forbidden_import(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "SOURCE", tmp_path)
    path = tmp_path / "data" / "bad.py"
    path.parent.mkdir()
    path.write_text("def f():\n    from workbench.impact import psm\n")
    assert "workbench.impact" in list_imports(path)
    assert "impact" not in may_import("data")


def test_every_folder_of_the_package_is_a_known_room():
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    known = {"core", "runs", "cli", "plots", *ROOMS}
    assert folders - {"__pycache__"} <= known


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_is_public_is_listed_and_what_is_listed_exists(path):
    """Functions, classes and constants must be listed; aliases of types may be."""
    tree = read_tree(path)
    listed = None
    public: set[str] = set()
    defined: set[str] = set()
    imported: set[str] = set()
    for node in tree.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            defined.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            imported |= {item.asname or item.name for item in node.names}
        elif isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        parts = [part for target in targets for part in ast.walk(target)]
        names = {item.id for item in parts if isinstance(item, ast.Name)}
        if "__all__" in names:
            listed = ast.literal_eval(node.value)
        public |= names
    public = {name for name in public | defined if not name.startswith("_")}
    aliases = {name for name in public if name not in defined and not name.isupper()}
    if path.name == "__init__.py":
        assert public == set()
        return
    assert listed is not None, f"{name_of(path)} has no __all__"
    assert len(listed) == len(set(listed))
    own = {name for name in listed if name not in imported}
    assert own | aliases == public


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_small_named_for_what_they_do_and_finished(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") < MOST_LINES
    assert path.stem not in VAGUE
    for pattern in UNDONE:
        assert not re.search(pattern, text), f"{name_of(path)} is not finished"


def test_the_command_line_loads_nothing_heavy():
    code = "import sys, workbench, workbench.cli; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "typer" in loaded
    assert loaded & HEAVY == set()


def list_tracked() -> list[Path]:
    """Text files of the project: those git follows, or all where there is no git."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    named = [ROOT / line for line in done.stdout.splitlines()]
    plain = {"Makefile", "run", "setup", "say_missing", "LICENSE"}
    return [p for p in named if p.is_file() and (p.suffix in TEXTS or p.name in plain)]


def test_no_file_names_a_machine_s_path_or_a_registry_s_host():
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in list_tracked()
        for pattern in FOREIGN
        if (match := re.search(pattern, path.read_text(encoding="utf-8")))
    ]
    assert found == []


def list_described() -> dict[str, set[str]]:
    """Read the module table: rows of ``| `folder/` | `module` `module` | words |``.

    A folder may have several rows; modules are named without ending.
    """
    described: dict[str, set[str]] = {}
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for named, modules in re.findall(r"^\| `([\w/]+)` \| ([^|]+) \|", text, re.M):
        folder = named.rstrip("/")
        if (SOURCE / folder).is_dir():
            described.setdefault(folder, set()).update(re.findall(r"`(\w+)`", modules))
    return described


def test_the_architecture_page_names_every_module_and_no_other():
    present: dict[str, set[str]] = {}
    for path in MODULES:
        if path.stem != "__init__":
            folder = path.parent.relative_to(SOURCE).as_posix()
            present.setdefault(folder, set()).add(path.stem)
    assert list_described() == present


def test_the_architecture_page_stays_short():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 135
