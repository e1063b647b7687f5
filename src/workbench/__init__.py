"""The learning impact workbench."""

__version__ = "0.1.0"
