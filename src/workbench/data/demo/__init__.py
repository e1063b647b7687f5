"""A synthetic organisation whose true effects are known; see `world` for its model."""

from __future__ import annotations

from workbench.data.demo.make import DemoSummary, make_demo

__all__ = ["DemoSummary", "make_demo"]
