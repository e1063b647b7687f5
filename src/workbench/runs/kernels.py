"""Kernels on the interpreter that runs, whatever kernelspecs are installed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

__all__ = ["OwnKernelManager"]

_LONGEST_SOCKET_PATH = 100
"""Bytes; systems allow a little over 100 for the path of a Unix socket."""

_SECONDS_TO_LEAVE = 2.0


class OwnKernelManager(AsyncKernelManager):
    """Start ipykernel on this interpreter and speak with it over Unix sockets.

    A kernelspec found by name may belong to another environment; this one is made on
    the spot. Sockets instead of TCP ports keep other users of the machine out. Where
    the temporary folder's path is too long for a socket, TCP on loopback is used.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        folder = Path(tempfile.mkdtemp(prefix="k"))
        self.connection_file = str(folder / "k.json")
        if len(str(folder / "k-ipc-1").encode()) <= _LONGEST_SOCKET_PATH:
            self.transport = "ipc"
        self.shutdown_wait_time = _SECONDS_TO_LEAVE

    @property
    def kernel_spec(self) -> KernelSpec:
        """The one kernel there is."""
        command = [sys.executable, "-m", "ipykernel_launcher"]
        return KernelSpec(
            argv=[*command, "-f", "{connection_file}"],
            display_name="Python",
            language="python",
            name="python3",
        )
