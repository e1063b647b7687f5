"""What was delivered: files with their rows, and every fault put in on purpose."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from workbench.data.demo.files import Shaper

__all__ = ["Delivery", "Wart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wart:
    """One kind of fault: where it shows, how often, and why rows are set apart.

    ``reason`` is the reason of the quarantine, empty where a loader must cope with
    the fault without setting rows apart (another date format, a row to filter).
    """

    table: str
    name: str
    rows: int
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class Delivery:
    """The extracts while they are being written."""

    folder: Path
    shaper: Shaper
    files: dict[str, int] = field(default_factory=dict)
    warts: list[Wart] = field(default_factory=list)

    def note_file(self, name: str, rows: int) -> None:
        """Note the rows of a file, a table of a database, or files of one pattern."""
        self.files[name] = self.files.get(name, 0) + rows

    def note_wart(self, table: str, name: str, rows: int, reason: str = "") -> None:
        """Note a fault."""
        self.warts.append(Wart(table=table, name=name, rows=int(rows), reason=reason))

    def write_note(self) -> None:
        """Write the delivery note that comes with the extracts."""
        rows = sorted(self.files.items())
        table = pd.DataFrame(rows, columns=["file", "rows"])
        path = self.folder / "delivery_note.csv"
        table.to_csv(path, index=False, lineterminator="\n")
