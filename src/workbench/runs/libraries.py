"""Loading papermill without the part of it that takes longest and is not used."""

from __future__ import annotations

import sys
from types import ModuleType

__all__ = ["load_papermill"]

_UNUSED = "rfc3987_syntax"
"""Optional part of jsonschema that checks international addresses, which notebooks do
not hold; building its grammar takes longer than all else that papermill imports."""


def load_papermill() -> ModuleType:
    """Import papermill and, with it, nbformat and nbclient."""
    skipped = _UNUSED not in sys.modules
    if skipped:
        sys.modules[_UNUSED] = None  # type: ignore[assignment]
    try:
        import papermill
    finally:
        if skipped:
            del sys.modules[_UNUSED]
    module: ModuleType = papermill
    return module
