from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest

from tests.data.audit.stores import LAST, Rows, build_params, build_rows, write_store
from workbench.core.results import StageResult
from workbench.data.audit import audit_store
from workbench.data.cut import open_cut

Opener = Callable[[Rows], duckdb.DuckDBPyConnection]


@pytest.fixture
def rows() -> Rows:
    return build_rows()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Open a store of the rows given, cut at the last quarter."""
    with ExitStack() as stack:

        def _open(content: Rows) -> duckdb.DuckDBPyConnection:
            store = write_store(tmp_path / "store", content)
            privacy = build_params().workbench.privacy
            con = open_cut(store, LAST.last_day, privacy, consented_only=False)
            return stack.enter_context(con)

        yield _open


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> StageResult:
    """Audit the organisation without a fault."""
    store = write_store(tmp_path_factory.mktemp("sound") / "store", build_rows())
    return audit_store(build_params(), store=store, quarter=LAST)
