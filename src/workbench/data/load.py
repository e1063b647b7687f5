"""From extracts to the store of canonical tables, whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from workbench.core.errors import ContractError, SourceError
from workbench.core.params import OrgParams
from workbench.core.store import Workspace, hash_text, read_json, write_json
from workbench.data.build import StoreBuilder
from workbench.data.connection import open_duckdb
from workbench.data.contract import TABLES
from workbench.data.files import find_root
from workbench.data.ledger import Ledger
from workbench.data.mapping import check_timezone
from workbench.data.protection import list_dropped, list_unmapped
from workbench.data.pseudonyms import PseudonymKey, find_key
from workbench.data.registry import register_all
from workbench.data.source_model import SourceMap, read_source_map
from workbench.data.sources import Collected, collect_source
from workbench.data.totals import ControlResult, check_totals, write_totals

__all__ = [
    "LoadReport",
    "check_consent",
    "collect_all",
    "list_mapped",
    "load_org",
    "prepare_builder",
]

_SCHEMA = 1
_FACTS = "_load.json"

Progress = Callable[[str], None]
"""Told in a few words what is being done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What a load has made.

    Attributes
    ----------
    org : str
        The organisation.
    tables : dict
        Rows of each table of the store, in the order of the contract.
    missing_tables : tuple of str
        Tables of the contract that the mapping does not have.
    quarantined : dict
        Rows set apart, by reason.
    dropped_identifiers, unmapped_columns : dict
        Columns that were not loaded, by source: direct identifiers, and the rest.
    control_totals : tuple of ControlResult
        Known numbers and what was found.
    warnings : tuple of str
        What the analyst should know of.
    skipped : bool
        Whether nothing had changed, and the store was left as it was.
    """

    org: str
    tables: dict[str, int]
    missing_tables: tuple[str, ...]
    quarantined: dict[str, int]
    dropped_identifiers: dict[str, tuple[str, ...]]
    unmapped_columns: dict[str, tuple[str, ...]]
    control_totals: tuple[ControlResult, ...]
    warnings: tuple[str, ...]
    skipped: bool = False


def load_org(
    params: OrgParams,
    workspace: Workspace,
    *,
    extracts: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> LoadReport:
    """Turn the extracts of an organisation into its store of canonical tables.

    Parameters
    ----------
    params : OrgParams
        The organisation; `source.yml` lies in its folder.
    workspace : Workspace
        The store is made in its outputs, beside the old one, and then takes its
        place; a load that fails or is killed leaves the old one.
    extracts : Path, optional
        Folder of the extracts; goes before ``WORKBENCH_EXTRACTS_<ORG>`` and before
        ``root`` in `source.yml`.
    force : bool
        Load again though extracts, mapping, contract and key are unchanged.
    progress : callable, optional
        Told what is being done.

    Returns
    -------
    LoadReport
        Rows loaded, filtered and set apart, and all that was not loaded.

    Raises
    ------
    ParamError
        If the mapping, an address or the key cannot be used.
    SourceError
        If an extract is missing, empty, damaged or unreadable.
    ContractError
        If a required column or table is missing or has no row left.
    """
    tell = progress or (lambda _: None)
    source_map = read_source_map(params)
    check_consent(params, source_map)
    root = find_root(params, source_map, workspace, extracts)
    key = find_key(params, workspace)
    store = workspace.store(params.org)
    with _lock(store), _open_work(store) as work:
        collected = collect_all(source_map, root, work, tell)
        fingerprint = _hash_inputs(params, source_map, key, collected)
        if not force and _is_current(store, fingerprint):
            return _read_report(store, params.org)
        target = work / "store"
        target.mkdir()
        with open_duckdb(work / "spill") as connection:
            builder = prepare_builder(
                connection, source_map, collected, key, work, target
            )
            for name in list_mapped(source_map):
                tell(f"table {name}")
                builder.build_table(name)
                builder.check_filled(name)
            tell("control totals")
            report = _finish(builder, params, key)
        write_json(target / _FACTS, _list_facts(report, params, builder, fingerprint))
        _swap(target, store)
    return report


def collect_all(
    source_map: SourceMap, root: Path, work: Path, tell: Progress | None = None
) -> list[Collected]:
    """Find, check and hash every source; see `collect_source`."""
    collected = []
    for name, spec in source_map.sources.items():
        if tell:
            tell(f"source {name}")
        collected.append(collect_source(name, spec, root, work))
    return collected


def prepare_builder(
    connection: duckdb.DuckDBPyConnection,
    source_map: SourceMap,
    collected: Sequence[Collected],
    key: PseudonymKey,
    work: Path,
    target: Path,
) -> StoreBuilder:
    """Register all sources and open the account; see `StoreBuilder`.

    Raises
    ------
    ParamError, SourceError
        If a source or the time zone cannot be used.
    """
    check_timezone(connection, source_map.timezone, "source.yml: timezone")
    relations = register_all(connection, collected, work)
    key.install(connection)
    ledger = Ledger(connection)
    ledger.open(list(relations.values()))
    return StoreBuilder(
        connection=connection,
        source_map=source_map,
        relations=relations,
        ledger=ledger,
        work=work,
        target=target,
    )


def check_consent(params: OrgParams, source_map: SourceMap) -> None:
    """Refuse a mapping without the table of consent where consent is the basis."""
    privacy = params.workbench.privacy
    if privacy.lawful_basis == "consent" and "consent" not in source_map.tables:
        raise ContractError.build(
            "The lawful basis is consent, but no table of consent is mapped",
            where="source.yml: tables",
            rule="privacy.lawful_basis: consent needs the table consent",
            hint="map the table consent, or correct lawful_basis in workbench.yml",
        )


def list_mapped(source_map: SourceMap) -> list[str]:
    """List the mapped tables in the order of the contract."""
    return [name for name in TABLES if name in source_map.tables]


def _hash_inputs(
    params: OrgParams,
    source_map: SourceMap,
    key: PseudonymKey,
    collected: Sequence[Collected],
) -> str:
    """Hash all that the store depends on."""
    files = [(item.name, f.name, f.sha256) for item in collected for f in item.files]
    quarter = params.workbench.quarter
    parts = (
        _SCHEMA,
        source_map.model_dump_json(),
        list(TABLES.values()),
        key.fingerprint,
        quarter.fiscal_year_starts,
        files,
        duckdb.__version__,
    )
    return hash_text(repr(parts))


def _is_current(store: Path, fingerprint: str) -> bool:
    """Whether the store is whole and made of these very inputs."""
    if not (store / _FACTS).is_file():
        return False
    try:
        facts = read_json(store / _FACTS)
        same = facts["inputs_sha256"] == fingerprint
        sizes = facts["bytes"].items()
        return same and all(
            (store / name).stat().st_size == size for name, size in sizes
        )
    except (SourceError, KeyError, TypeError, OSError):
        return False


def _finish(builder: StoreBuilder, params: OrgParams, key: PseudonymKey) -> LoadReport:
    """Check the totals, write the account, and put the report together."""
    source_map, relations = builder.source_map, builder.relations
    totals = check_totals(builder.connection, source_map)
    write_totals(builder.target, totals)
    builder.ledger.write(builder.target)
    missed = [item for item in totals if not item.ok]
    warnings = [
        *builder.list_warnings(),
        *(
            f"control total {item.name}: expected {item.expected:.15g}, "
            f"found {item.found:.15g}"
            for item in missed
        ),
    ]
    if key.created:
        warnings.append(
            f"a new key was made in keys/{params.org}.key: keep it safe, without it "
            "later loads give other pseudonyms"
        )
    return LoadReport(
        org=params.org,
        tables=dict(builder.rows),
        missing_tables=tuple(name for name in TABLES if name not in builder.rows),
        quarantined=builder.ledger.count_reasons(),
        dropped_identifiers=list_dropped(source_map, relations),
        unmapped_columns=list_unmapped(source_map, relations),
        control_totals=totals,
        warnings=tuple(warnings),
    )


def _list_facts(
    report: LoadReport, params: OrgParams, builder: StoreBuilder, fingerprint: str
) -> dict[str, Any]:
    files = sorted(builder.target.glob("*.parquet"))
    facts = asdict(report)
    del facts["skipped"]
    return facts | {
        "schema": _SCHEMA,
        "inputs_sha256": fingerprint,
        "timezone": builder.source_map.timezone,
        "year_starts": params.workbench.quarter.fiscal_year_starts,
        "bytes": {path.name: path.stat().st_size for path in files},
    }


def _read_report(store: Path, org: str) -> LoadReport:
    facts = read_json(store / _FACTS)
    return LoadReport(
        org=org,
        tables={
            name: facts["tables"][name] for name in TABLES if name in facts["tables"]
        },
        missing_tables=tuple(facts["missing_tables"]),
        quarantined=facts["quarantined"],
        dropped_identifiers=_tuples(facts["dropped_identifiers"]),
        unmapped_columns=_tuples(facts["unmapped_columns"]),
        control_totals=tuple(ControlResult(**item) for item in facts["control_totals"]),
        warnings=tuple(facts["warnings"]),
        skipped=True,
    )


def _tuples(lists: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(items) for name, items in lists.items()}


@contextlib.contextmanager
def _lock(store: Path) -> Iterator[None]:
    """Let one load at a time work on a store; another waits for its end."""
    store.parent.mkdir(parents=True, exist_ok=True)
    with (store.parent / ".load.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _open_work(store: Path) -> Iterator[Path]:
    """Give a private folder beside the store; those of killed loads are removed."""
    for left in store.parent.glob(".load-*"):
        shutil.rmtree(left)
    work = Path(tempfile.mkdtemp(prefix=".load-", dir=store.parent))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _swap(target: Path, store: Path) -> None:
    """Put the new store in the place of the old one, which goes if that succeeds."""
    target.chmod(0o755)
    old = target.with_name("old")
    if store.exists():
        store.rename(old)
    try:
        target.rename(store)
    except OSError:
        if old.exists():
            old.rename(store)
        raise
