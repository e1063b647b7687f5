"""The renderer used where Quarto is not installed.

It reads the same staged folder, the same ``_quarto.yml`` and the same notebooks, and
makes the same pages at the same addresses: `cells` turns notebooks into Markdown by
Quarto's rules for cells, `pandoc` reads and writes all pages in one process each,
`tree` does between the two what pandoc leaves to Quarto (links, callouts, numbers of
figures, contents), `menus` and `page` put the frame around, `search` lists the words.
"""

from __future__ import annotations

from workbench.brief.builtin.site import render_builtin

__all__ = ["render_builtin"]
