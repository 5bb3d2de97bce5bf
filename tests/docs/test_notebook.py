"""The example notebook does what it says, in an empty folder, cell by cell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "examples" / "stored-run.ipynb"

AS_A_NOTEBOOK = """
import ast, json, sys
names = {"__name__": "__main__"}
for number, source in enumerate(json.load(open(sys.argv[1]))):
    tree = ast.parse(source, f"cell {number}")
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, f"cell {number}", "exec"), names)
    if last is not None:
        shown = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
        print(f"[{number}] {shown!r}")
"""
"""Executes the cells in one process as a notebook does: the value of a last expression is shown."""


def cells(kind: str) -> list[str]:
    notebook: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_every_cell_runs_and_shows_what_its_text_promises(tmp_path: Path) -> None:
    (tmp_path / "cells.json").write_text(json.dumps(cells("code")))
    done = subprocess.run(
        [sys.executable, "-c", AS_A_NOTEBOOK, "cells.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert "[0] (<Validity.INVALID" in shown
    assert "election-safety - " in shown or "one-vote-a-term - " in shown or "term-monotonic - " in shown
    assert "latency_ns" in shown
    assert "failed" in shown


def test_it_is_stored_without_outputs_so_that_a_change_shows_its_text_alone() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["outputs"] for cell in code] == [[]] * len(code)
    assert len(cells("markdown")) >= len(code) - 1
