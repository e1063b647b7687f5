from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from workbench.brief.notebook_files import read_notebook, write_notebook
from workbench.core.errors import PublishError


def test_texts_stored_as_lines_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    outputs = [
        new_output("stream", name="stdout", text="a\nb\n"),
        new_output("display_data", data={"text/markdown": "c\nd"}),
    ]
    cell = new_code_cell("one\ntwo", outputs=outputs)
    nbformat.write(new_notebook(cells=[cell]), path)
    assert isinstance(json.loads(path.read_text())["cells"][0]["source"], list)
    (read,) = read_notebook(path)["cells"]
    assert read["source"] == "one\ntwo"
    assert read["outputs"][0]["text"] == "a\nb\n"
    assert read["outputs"][1]["data"] == {"text/markdown": "c\nd"}


def test_written_notebook_is_valid_and_the_same_every_time(tmp_path: Path) -> None:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "cell-000", "metadata": {}, "source": "é"}
    ]
    front = {"title": "a: b # c", "order": 1}
    for name in ("one", "two"):
        write_notebook(tmp_path / name / "x.ipynb", front, cells)
    one, two = (tmp_path / name / "x.ipynb" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    nbformat.validate(nbformat.read(one, as_version=4))
    first, second = read_notebook(one)["cells"]
    assert first["source"] == "---\ntitle: 'a: b # c'\norder: 1\n---"
    assert second["source"] == "é"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"cells": []}',
        '{"nbformat": 3, "cells": []}',
        '{"nbformat": 4, "cells": 1}',
        '{"nbformat": 4, "cells": [{"cell_type": "markdown"}]}',
        '{"nbformat": 4, "cells": [{"cell_type": "code", "source": ""}]}',
    ],
)
def test_damaged_notebook_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PublishError, match=r"cannot be read(.|\n)*x\.ipynb"):
        read_notebook(path)


def test_missing_and_binary_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "b.ipynb").write_bytes(b"\xff\xfe\x00")
    for name in ("a.ipynb", "b.ipynb"):
        with pytest.raises(PublishError, match=rf"cannot be read(.|\n)*{name}"):
            read_notebook(tmp_path / name)
