"""A history that is read in pieces, into narrow columns, has the verdicts and the page that it always has."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.run.folder import RunFolder
from harness.run.judging import judge
from harness.run.test import Test
from harness.sim.plan.plan import Plan
from harness.sim.run import run
from history import read_history
from history.kernels import Form
from history.stored import pieces, store

RUNS = [
    ("registry", None, 1),
    ("registry", "forgetful", 3),
    ("registry", "vote-twice", 2),
    ("cas", None, 2),
    ("sessions", None, 3),
    ("ephemeral", None, 4),
    ("register", "discard-on-election", 9),
]


def a_run(workload: str, mutant: str | None, seed: int, folder: Path) -> Path:
    """A short simulated run, stored."""
    test = Test(
        nodes=("n1", "n2", "n3"),
        workload=workload,
        nemesis=("kill",),
        concurrency=6,
        rate=150,
        time_limit_s=4,
        seed=seed,
        mutant=mutant,
    )
    return run(Plan(test=test, scheduled_faults=())).write(folder, ["test"]).path


class Unmultiplied(np.ndarray[Any, Any]):
    """Narrow numbers that count how often they are multiplied, which can need more bits than they have.

    They raise nothing, since a checker that ends by an error is no error of the run.
    """

    products = 0

    def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, **kwargs: Any) -> Any:
        given = [unguarded(one) for one in inputs]
        if "out" in kwargs:
            kwargs["out"] = tuple(unguarded(one) for one in kwargs["out"])
        found = guarded(getattr(ufunc, method)(*given, **kwargs))
        if ufunc in (np.multiply, np.left_shift, np.power) and isinstance(found, Unmultiplied):
            Unmultiplied.products += 1
        return found

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return guarded(super().__array_function__(func, types, args, kwargs))

    def astype(self, *words: Any, **options: Any) -> Any:
        return guarded(unguarded(self).astype(*words, **options))


def unguarded(one: Any) -> Any:
    return one.view(np.ndarray) if isinstance(one, Unmultiplied) else one


def guarded(one: Any) -> Any:
    if isinstance(one, np.ndarray) and one.dtype in (np.int16, np.int32):
        return one.view(Unmultiplied)
    return unguarded(one)


def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read histories in small pieces from now on."""
    monkeypatch.setattr(pieces, "fitting", lambda work: Form.COMPILED)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 10_000)
    monkeypatch.setattr(store, "MOST_BYTES_AT_ONCE", -1)


@pytest.mark.parametrize(("workload", "mutant", "seed"), RUNS)
def test_verdicts_and_page_are_the_same(
    workload: str, mutant: str | None, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = a_run(workload, mutant, seed, tmp_path / "one")
    other = tmp_path / "two" / whole.name
    shutil.copytree(whole, other)
    expected = judge(RunFolder(whole))
    in_pieces(monkeypatch)
    assert read_history(other / "history.jsonl").columns.process.dtype == np.int16
    found = judge(RunFolder(other))
    assert msgspec.json.encode(found) == msgspec.json.encode(expected)
    assert (other / "report.html").read_text() == (whole / "report.html").read_text()
    parquets = [(folder / "history.parquet").read_bytes() for folder in (whole, other)]
    assert parquets[0] == parquets[1]


@pytest.mark.parametrize(("workload", "mutant", "seed"), RUNS)
def test_what_judges_multiplies_no_narrow_numbers(
    workload: str, mutant: str | None, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_pieces(monkeypatch)
    read: Callable[..., Any] = pieces.columns_in_pieces

    def guarding(*words: Any) -> Any:
        columns = read(*words)
        names = ("process", "f", "key", "value", "node", "error")
        return replace(columns, **{name: guarded(getattr(columns, name)) for name in names})

    monkeypatch.setattr(store, "columns_in_pieces", guarding)
    folder = a_run(workload, mutant, seed, tmp_path)
    assert isinstance(read_history(folder / "history.jsonl").columns.process, Unmultiplied)
    monkeypatch.setattr(Unmultiplied, "products", 0)
    judge(RunFolder(folder))
    assert Unmultiplied.products == 0
