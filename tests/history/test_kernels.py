"""Compiled code is kept on disk, and only as long as it is the code of the files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from history.kernels import AnyIntegers, Integers, can_compile, compiled_in_place

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
import sys
from outer import outer
print(outer(10), int("numba" in sys.modules))
"""


def called(folder: Path) -> list[int]:
    """What a kernel returned in a new process, and whether numba was loaded for it."""
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
    assert called(tmp_path) == [21, 1]
    assert called(tmp_path) == [21, 0]
    (tmp_path / "inner.py").write_text(INNER.format(factor=30))
    assert called(tmp_path) == [301, 1]
    assert called(tmp_path) == [301, 0]
    machine_code(tmp_path).write_bytes(machine_code(tmp_path).read_bytes()[:-1])
    assert called(tmp_path) == [301, 1], "code that was cut off is not run"


def machine_code(folder: Path) -> Path:
    """The file of the machine code that was kept last."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    found = (Path(given) if given else folder).rglob("outer.outer-*.machine")
    return max(found, key=lambda path: path.stat().st_mtime_ns)


class Pair(NamedTuple):
    """Two arrays, as kernels take them."""

    first: Integers
    second: Integers


@compiled_in_place
def weighed(pair: Pair, text: AnyIntegers, factor: int) -> tuple[int, int]:
    """A sum and a length; the first array is changed."""
    total = 0
    for place in range(len(pair.first)):
        total += pair.first[place] * pair.second[place] * factor
        pair.first[place] = text[place]
    return total, len(text)


@compiled_in_place
def is_large(number: int) -> bool:
    """Whether a number is above ten."""
    return number > 10


@pytest.mark.parametrize("length", [0, 1, 1000])
def test_machine_code_answers_as_numba_and_plain_python_do(length: int) -> None:
    text = np.frombuffer(bytes(range(250)) * 4, dtype=np.uint8)
    for kernel in (weighed.plain, weighed.by_numba, weighed.compiled, weighed.compiled):
        pair = Pair(np.arange(length), np.arange(length) - 7)
        expected = -3 * int((pair.first * pair.second).sum())
        assert kernel(pair, text, -3) == (expected, 1000)
        assert pair.first.tolist() == text[:length].tolist()
    assert [is_large.compiled(number) for number in (10, 11, -(1 << 62))] == [False, True, False]


@pytest.mark.parametrize("odd", [np.arange(20)[::2], np.arange(20)[::-1]], ids=["gaps", "backward"])
def test_arrays_that_machine_code_cannot_take_are_left_to_numba(odd: Integers) -> None:
    pair = Pair(odd.copy(), odd)
    assert weighed.compiled(pair, np.arange(100), 1) == (int((odd * odd).sum()), 100)


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
