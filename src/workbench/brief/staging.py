"""The folder that a renderer reads: cleaned notebooks, site configuration and theme.

The notebooks lie at the addresses of their pages, so that every renderer makes the
same site of them: ``index``, ``personas/<id>``, ``appendix/<id or all>/<stage>``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from workbench.brief.cleaning import CleanNotebook, clean_notebook
from workbench.brief.guard import escape_title
from workbench.brief.notebook_files import read_notebook, write_notebook
from workbench.brief.site_config import Edition, Entry, build_config, dump_yaml
from workbench.core.errors import PublishError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.stages import PAGES, STAGES, Stage
from workbench.core.store import ALL_PERSONAS, Workspace

__all__ = ["STAGE_FOLDER", "Source", "StagedSite", "list_sources", "stage_site"]

STAGE_FOLDER = "pages"
"""Folder below ``outputs/<org>/<quarter>/_all`` that renderers read."""

_LABELS: Mapping[str, str] = {
    "audit": "Data audit",
    "personas": "Personas and access",
    "psm": "Matching",
    "did": "Before and after",
    "ab": "Experiments",
    "survival": "Survival and retention",
    "portfolio": "Module portfolio",
    "prediction": "Predictions",
    "prescription": "Prescription",
    "roi": "Return on investment",
}
_HEADER = 'class="brief-header"'
_COMMON_GROUP = "All personas"
_APPENDIX_METADATA: Mapping[str, Any] = {
    "execute": {"echo": True},
    "format": {
        "html": {
            "code-fold": True,
            "code-summary": "Show the code",
            "toc-depth": 2,
        }
    },
    "search": False,
}
_THEME_FILES = ("brief.css", "brief.scss", "dark.scss", "favicon.svg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An executed notebook and the page it becomes.

    ``address`` is the page's path in the site without its ending; ``label`` names it
    in menus, ``group`` is the persona's label or empty; ``appendix`` tells a stage
    notebook from a page of the brief.
    """

    address: str
    notebook: Path
    label: str
    group: str = ""
    appendix: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedSite:
    """A folder ready to be rendered and the addresses it must give."""

    folder: Path
    addresses: tuple[str, ...]


def list_sources(
    params: OrgParams, workspace: Workspace, quarter: Quarter
) -> tuple[Source, ...]:
    """List the executed notebooks of a quarter in the order of the site.

    Pages of the brief are all required; stage notebooks are taken where they are.

    Raises
    ------
    PublishError
        If a page's notebook is missing; all of them are named.
    """
    sources = [
        *_list_stage_notebooks(params, workspace, quarter, PAGES, appendix=False),
        *_list_stage_notebooks(params, workspace, quarter, STAGES, appendix=True),
    ]
    missing = [
        item.notebook.relative_to(workspace.root).as_posix()
        for item in sources
        if not item.appendix and not item.notebook.is_file()
    ]
    if missing:
        raise PublishError.build(
            "Pages of the brief have not been made",
            where="; ".join(missing),
            hint=f"workbench run {quarter} --org {params.org}, and look at what fails",
        )
    return tuple(item for item in sources if item.notebook.is_file())


def stage_site(
    params: OrgParams,
    workspace: Workspace,
    edition: Edition,
    sources: Sequence[Source],
    *,
    archive: str,
) -> StagedSite:
    """Write the cleaned notebooks, configuration and theme into the staging folder.

    Parameters
    ----------
    params : OrgParams
        For the site's title.
    workspace : Workspace
        Its ``_quarto.yml`` and ``_quarto-stage.yml`` are merged into the staged one.
    edition : Edition
        Quarter and version, shown on every page.
    sources : sequence of Source
        From `list_sources`.
    archive : str
        Markdown of the archive page.

    Returns
    -------
    StagedSite
        ``outputs/<org>/<quarter>/_all/pages``; what was there before is replaced. A
        copy of the notebooks lies in ``outputs/pages`` for a render at the root.

    Raises
    ------
    PublishError
        If a notebook of a page failed, or holds what may not be published.
    """
    folder = workspace.outputs / params.org / str(edition.quarter) / ALL_PERSONAS
    target = folder / STAGE_FOLDER
    entries = [Entry(item.address, item.label, item.group) for item in sources]
    entries.insert(_count_pages(sources), Entry("archive", "Archive", ""))
    config = build_config(workspace.root, params, edition, entries)
    with _Replacement(target) as fresh:
        for item in sources:
            clean = _clean_source(item, workspace)
            _set_front(clean, item, edition)
            write_notebook(fresh / f"{item.address}.ipynb", clean.front, clean.cells)
        page = _make_archive(archive, edition)
        write_notebook(fresh / "archive.ipynb", page.front, page.cells)
        _write_appendix_metadata(fresh)
        with _Replacement(workspace.outputs / STAGE_FOLDER) as copy:
            shutil.copytree(fresh, copy, dirs_exist_ok=True)
        (fresh / "_quarto.yml").write_text(dump_yaml(config), encoding="utf-8")
        _copy_theme(fresh / "theme")
    addresses = tuple(entry.address for entry in entries)
    return StagedSite(folder=target, addresses=addresses)


def _list_stage_notebooks(
    params: OrgParams,
    workspace: Workspace,
    quarter: Quarter,
    stages: Iterable[Stage],
    *,
    appendix: bool,
) -> list[Source]:
    """List where the notebooks of stages lie, persona by persona."""
    found = []
    for stage in stages:
        if not stage.per_persona:
            address = f"appendix/all/{stage.name}" if appendix else str(stage.page)
            found.append(
                Source(
                    address=address,
                    notebook=_find_notebook(
                        params, workspace, quarter, ALL_PERSONAS, stage
                    ),
                    label=_label(stage),
                    group=_COMMON_GROUP if appendix else "",
                    appendix=appendix,
                )
            )
            continue
        for order, persona in enumerate(params.personas, start=1):
            page = str(stage.page).format(persona=persona.id)
            address = f"appendix/{persona.id}/{stage.name}" if appendix else page
            found.append(
                Source(
                    address=address,
                    notebook=_find_notebook(
                        params, workspace, quarter, persona.id, stage
                    ),
                    label=_label(stage) if appendix else persona.label,
                    group=persona.label if appendix else "Personas",
                    appendix=appendix,
                    order=order,
                )
            )
    if appendix:
        found.sort(key=lambda item: item.order)
    return found


def _find_notebook(
    params: OrgParams,
    workspace: Workspace,
    quarter: Quarter,
    persona: str,
    stage: Stage,
) -> Path:
    return workspace.stage(params.org, quarter, persona, stage.name) / "notebook.ipynb"


def _label(stage: Stage) -> str:
    """Name a stage or page for menus."""
    if stage.page == "index":
        return "Executive brief"
    name = stage.name.removeprefix("brief_")
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _count_pages(sources: Sequence[Source]) -> int:
    return sum(not item.appendix for item in sources)


def _clean_source(item: Source, workspace: Workspace) -> CleanNotebook:
    """Clean one notebook; a page that failed may not be published."""
    where = item.notebook.relative_to(workspace.root).as_posix()
    roots = sorted({str(workspace.root), str(workspace.root.resolve())})
    clean = clean_notebook(read_notebook(item.notebook), where=where, roots=roots)
    if clean.failed and not item.appendix:
        raise PublishError.build(
            "A page of the brief holds an error",
            where=where,
            hint="open the notebook, mend it and run the page again",
        )
    return clean


def _set_front(clean: CleanNotebook, item: Source, edition: Edition) -> None:
    """Settle the front matter: titles escaped, quarter and version above them."""
    front = clean.front
    if item.appendix:
        common = item.group == _COMMON_GROUP
        front["title"] = item.label if common else f"{item.label}: {item.group}"
        front["subtitle"] = f"Appendix · {edition.line}"
        front.pop("description", None)
    else:
        own = front.get("title") if clean.titled or not item.order else None
        front["title"] = own or item.label
        short = f"{item.label} · version {edition.version}"
        front.setdefault("subtitle", short if _has_header(clean) else edition.line)
    if item.address == "index":
        front.setdefault("toc", False)
    if item.order:
        front["order"] = item.order
    for key in ("title", "subtitle", "description"):
        if key in front:
            front[key] = escape_title(str(front[key]))


def _has_header(clean: CleanNotebook) -> bool:
    """Tell whether a page states quarter and data cut itself, in a header line."""
    return any(_HEADER in str(cell.get("outputs")) for cell in clean.cells)


def _make_archive(text: str, edition: Edition) -> CleanNotebook:
    """Make the archive page, which no notebook computes."""
    cell = {"cell_type": "markdown", "id": "cell-000", "metadata": {}, "source": text}
    front = {"title": "Archive", "subtitle": escape_title(edition.line)}
    return CleanNotebook(front=front, cells=[cell])


def _write_appendix_metadata(folder: Path) -> None:
    appendix = folder / "appendix"
    if appendix.is_dir():
        text = dump_yaml(_APPENDIX_METADATA)
        (appendix / "_metadata.yml").write_text(text, encoding="utf-8")


def _copy_theme(folder: Path) -> None:
    theme = resources.files("workbench.brief") / "theme"
    folder.mkdir()
    for name in _THEME_FILES:
        (folder / name).write_bytes((theme / name).read_bytes())


class _Replacement:
    """Fills a folder beside `target` and puts it in its place when all went well."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> Path:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        name = tempfile.mkdtemp(
            prefix=f"{self._target.name}.partial-", dir=self._target.parent
        )
        self._fresh = Path(name)
        self._fresh.chmod(0o755)
        return self._fresh

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            old = self._fresh.with_name(f"{self._fresh.name}.old")
            if self._target.exists():
                self._target.rename(old)
            os.replace(self._fresh, self._target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            shutil.rmtree(self._fresh, ignore_errors=True)
