"""A worker process: answers jobs with carried notebooks, one after another.

Started by `workbench.runs.pool` as ``python -m workbench.runs.worker HANDLE``, where
HANDLE is the inherited end of the connection over which jobs come and answers go.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from types import FrameType

from workbench.runs.libraries import load_papermill

__all__ = ["serve"]

_WATCH_SECONDS = 1.0


def serve(connection: Connection) -> None:
    """Answer jobs until the run closes the connection."""
    load_papermill()
    from workbench.runs.carry import carry

    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(carry(job))


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """Leave by an exception, so that the kernel is ended on the way out."""
    sys.exit(1)


def _watch(parent: int) -> None:
    """Ask this process to leave when the run that started it is gone."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    watch = threading.Thread(target=_watch, args=(os.getppid(),), daemon=True)
    watch.start()
    serve(Connection(int(sys.argv[1])))
