"""All contests one after the other: ``make bench``."""

from __future__ import annotations

import subprocess
import sys

for _module in (
    "bench.matching",
    "bench.did",
    "bench.survival",
    "bench.paths",
    "bench.exports",
):
    subprocess.run([sys.executable, "-m", _module, *sys.argv[1:]], check=True)
