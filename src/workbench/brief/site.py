"""Publishing: from the executed notebooks of a quarter to a version of its brief."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workbench.brief.archive import write_archive
from workbench.brief.builtin import render_builtin
from workbench.brief.gate import check_site
from workbench.brief.numbers import collect_numbers, compare_numbers
from workbench.brief.quarto import find_quarto, render_with_quarto, require_quarto
from workbench.brief.site_config import Edition
from workbench.brief.staging import StagedSite, list_sources, stage_site
from workbench.brief.versions import (
    next_version,
    point_to_latest,
    read_brief,
    write_brief,
)
from workbench.core.errors import ParamError, PublishError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.store import Workspace

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["PublishedBrief", "Renderer", "publish"]

Renderer = Literal["auto", "quarto", "builtin"]

_RENDERERS: dict[str, Callable[[Path, Path], None]] = {
    "quarto": render_with_quarto,
    "builtin": render_builtin,
}
_SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedBrief:
    """A published version: its folder, first page, number and renderer."""

    folder: Path
    index: Path
    version: int
    renderer: str


def publish(
    params: OrgParams,
    workspace: Workspace,
    quarter: Quarter,
    *,
    renderer: Renderer = "auto",
    console: Console | None = None,
) -> PublishedBrief:
    """Publish the brief of a quarter as a new version.

    The executed pages and stage notebooks are cleaned and staged, rendered beside
    the place of the new version, checked as a whole, and moved there. Nothing that
    was published before changes but the pointer ``latest``.

    Parameters
    ----------
    params : OrgParams
        The organisation; its personas say which pages there must be.
    workspace : Workspace
        Where the results of the quarter lie and the brief goes.
    quarter : Quarter
        The quarter to publish; its stages and pages have been run.
    renderer : {"auto", "quarto", "builtin"}
        ``auto`` takes Quarto where it is installed.
    console : rich.console.Console, optional
        Told what is being done; silent without.

    Returns
    -------
    PublishedBrief
        With the folder ``outputs/<org>/briefs/<quarter>/v<N>``.

    Raises
    ------
    PublishError
        If a page is missing or failed, may not be shown, or cannot be rendered.
    ParamError
        If `renderer` is none of the three.
    """
    chosen = _choose_renderer(renderer)
    sources = list_sources(params, workspace, quarter)
    folder = workspace.briefs(params.org) / str(quarter)
    version = next_version(folder)
    numbers = collect_numbers(params, workspace, quarter)
    changes = (
        compare_numbers(read_brief(folder / f"v{version - 1}"), numbers)
        if version > 1
        else ()
    )
    archive = write_archive(params, quarter, version, changes, folder=folder)
    edition = Edition(quarter, version)
    _say(console, f"Staging {len(sources)} notebooks of {quarter}")
    staged = stage_site(params, workspace, edition, sources, archive=archive)
    folder.mkdir(parents=True, exist_ok=True)
    site = Path(tempfile.mkdtemp(prefix=f"v{version}.partial-", dir=folder))
    try:
        _say(console, f"Rendering {len(staged.addresses)} pages with {chosen}")
        _RENDERERS[chosen](staged.folder, site)
        _check(staged, site, workspace)
        write_brief(
            site,
            params=params,
            quarter=quarter,
            version=version,
            renderer=chosen,
            numbers=numbers,
            changes=changes,
        )
        place = _move(site, folder / f"v{version}")
    finally:
        shutil.rmtree(site, ignore_errors=True)
    point_to_latest(workspace.briefs(params.org))
    index = place / "index.html"
    _say(console, f"Published version {version}: {index}")
    return PublishedBrief(folder=place, index=index, version=version, renderer=chosen)


def _choose_renderer(renderer: str) -> str:
    if renderer == "auto":
        return "builtin" if find_quarto() is None else "quarto"
    if renderer not in _RENDERERS:
        raise ParamError.build(
            "There is no such renderer", rule="auto, quarto or builtin", got=renderer
        )
    if renderer == "quarto":
        require_quarto()
    return renderer


def _check(staged: StagedSite, site: Path, workspace: Workspace) -> None:
    """Check the rendered site; no page may name the project's folder."""
    folders = {str(workspace.root), str(workspace.root.resolve())}
    secrets = [item for item in sorted(folders) if len(item) >= _SHORTEST_SECRET]
    check_site(site, staged.addresses, secrets=secrets)


def _move(site: Path, place: Path) -> Path:
    """Move a finished site to its place, where nothing may lie yet."""
    site.chmod(0o755)
    try:
        if place.exists():
            raise FileExistsError(place)
        os.rename(site, place)
    except OSError as error:
        raise PublishError.build(
            "The version was taken while this one was being made",
            where=str(place),
            got=str(error),
            hint="publish again; the next number will be taken",
        ) from error
    return place


def _say(console: Console | None, text: str) -> None:
    if console is not None:
        console.print(text)
