"""The workers of a run: processes that carry notebooks, away from this one."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import TracebackType
from typing import Self

from workbench.core.run_params import PROJECT_VARIABLE
from workbench.runs.jobs import Answer, Failure, Job

__all__ = ["Pool", "build_environment"]

_GRACE = 60.0
"""Seconds a worker has beyond a notebook's timeout, to start and end its kernel."""

_SECONDS_TO_LEAVE = 10.0
_LOG_LINES = 5
_WORKER = "workbench.runs.worker"

_PINNED: Mapping[str, str] = {
    "DIFF_DIFF_BACKEND": "python",
    "MKL_NUM_THREADS": "1",
    "NUMBA_THREADING_LAYER": "workqueue",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
"""What makes sums, hash orders and bootstraps the same on every machine."""


def build_environment(root: Path, cut: date, scratch: Path) -> dict[str, str]:
    """Build the environment in which the notebooks of a run work.

    Parameters
    ----------
    root : Path
        The project folder.
    cut : date
        Data cut of the quarter; figures that hold a date hold this one.
    scratch : Path
        Folder for sockets, temporary files and IPython's own files.

    Returns
    -------
    dict of str to str
        This process's environment with the pinned variables laid over it. A backend
        of matplotlib chosen outside is left out: kernels draw inline.
    """
    midnight = datetime(cut.year, cut.month, cut.day, tzinfo=UTC)
    kept = {name: text for name, text in os.environ.items() if name != "MPLBACKEND"}
    return {
        **kept,
        **_PINNED,
        "IPYTHONDIR": str(scratch / "ipython"),
        PROJECT_VARIABLE: str(root),
        "SOURCE_DATE_EPOCH": str(int(midnight.timestamp())),
        "TMPDIR": str(scratch),
    }


class Pool:
    """As many workers as jobs may run at once, each replaced when it dies.

    Parameters
    ----------
    root : Path
        The project folder.
    cut : date
        Data cut of the quarter.
    size : int
        How many workers.
    """

    def __init__(self, root: Path, cut: date, *, size: int) -> None:
        self.size = size
        self._scratch = Path(tempfile.mkdtemp(prefix="wb-"))
        environment = build_environment(root, cut, self._scratch)
        self._threads = ThreadPoolExecutor(max_workers=size)
        self._workers = [
            _Worker(environment, self._scratch / f"{number}.log")
            for number in range(size)
        ]
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.stop()
        self._threads.shutdown(cancel_futures=True)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def warm(self, count: int) -> None:
        """Start so many workers now, so that they are ready when first needed."""
        for worker in self._workers[:count]:
            worker.start()

    def submit(self, job: Job) -> Future[Answer]:
        """Give a job to an idle worker, or to the next that becomes idle."""
        return self._threads.submit(self._carry, job)

    def _carry(self, job: Job) -> Answer:
        worker = self._idle.get()
        try:
            return worker.carry(job)
        finally:
            self._idle.put(worker)


class _Worker:
    """One process, started when first used and again after it has died."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def start(self) -> Connection:
        """Start the process unless it runs; return the connection to it.

        It leads a session of its own, so that Ctrl-C in a terminal reaches only the
        run, which then ends its workers in order.

        Raises
        ------
        EOFError
            If the run is ending.
        """
        with self._lock:
            if self._stopped:
                raise EOFError
            if self._connection is None:
                self._connection, far = Pipe()
                with far, self._log.open("wb") as log:
                    self._process = subprocess.Popen(
                        [sys.executable, "-m", _WORKER, str(far.fileno())],
                        env=dict(self._environment),
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        pass_fds=[far.fileno()],
                        start_new_session=True,
                    )
            return self._connection

    def carry(self, job: Job) -> Answer:
        """Carry one job; a worker that dies or hangs is an answer, not an error."""
        try:
            connection = self.start()
            connection.send(job)
            if connection.poll(job.timeout + _GRACE):
                answer: Answer = connection.recv()
                return answer
            text = f"no answer {_GRACE:g} seconds after the timeout"
        except (EOFError, OSError):
            text = "the process that carried the notebook ended by itself"
        text = "\n".join([text, *self._read_log()])
        self._end()
        return Answer(failure=Failure(kind="worker", error="Worker", text=text))

    def stop(self) -> None:
        """End the process for good; who waits for its answer is told at once."""
        with self._lock:
            self._stopped = True
        self._end()

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
            self._connection = None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_SECONDS_TO_LEAVE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _read_log(self) -> list[str]:
        if not self._log.is_file():
            return []
        return self._log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]
