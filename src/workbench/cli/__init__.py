"""The command line: ``workbench --help`` lists what it can do."""

from workbench.cli.app import app

__all__ = ["app"]
