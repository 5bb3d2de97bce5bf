"""Compiled code is kept on disk, and only as long as it is the code of the files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from history.kernels import can_compile

OUTER = """
from history.kernels import compiled_in_place
from inner import inner

@compiled_in_place
def outer(n: int) -> int:
    return inner(n) + 1
"""
INNER = """
from history.kernels import inlined

@inlined
def inner(n: int) -> int:
    return n * {factor}
"""
CALLED = """
from outer import outer
print(outer(10), sum(outer.compiled.stats.cache_hits.values()))
"""


def called(folder: Path) -> list[int]:
    """What a kernel returned in a new process, and how often its code was found on disk."""
    done = subprocess.run(
        [sys.executable, "-c", CALLED],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
    )
    return [int(word) for word in done.stdout.split()]


@pytest.mark.skipif(not can_compile(), reason="numba is not installed")
def test_a_kernel_is_compiled_again_exactly_if_a_file_of_its_folder_changed(tmp_path: Path) -> None:
    (tmp_path / "outer.py").write_text(OUTER)
    (tmp_path / "inner.py").write_text(INNER.format(factor=2))
    assert called(tmp_path) == [21, 0]
    assert called(tmp_path) == [21, 1]
    (tmp_path / "inner.py").write_text(INNER.format(factor=30))
    assert called(tmp_path) == [301, 0]
    assert called(tmp_path) == [301, 1]


SMALL = """
import sys
from ackproof import check
from history import Operation
def done(f, asked, answered, process=0):
    at = len(lines)
    for type_, value in (("invoke", asked), ("ok", answered)):
        lines.append(Operation(len(lines), len(lines), process, type_, f, value=value))
lines = []
model = sys.argv[1]
if model in ("cas-register", "registry"):
    done("write" if model == "cas-register" else "register", "1", "1")
    done("read" if model == "cas-register" else "lookup", None, "2")
elif model == "queue":
    done("enqueue", 1, None)
    done("dequeue", None, 2)
elif model == "list-append":
    done("txn", [["append", "x", 1]], [["append", "x", 1]])
    done("txn", [["r", "x", None]], [["r", "x", []]])
print(check(lines, model).validity.value, "numba" in sys.modules)
"""


@pytest.mark.parametrize("model", ["cas-register", "queue", "registry", "list-append"])
def test_a_small_history_is_judged_without_loading_numba(model: str) -> None:
    done = subprocess.run([sys.executable, "-c", SMALL, model], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["invalid", "False"]
