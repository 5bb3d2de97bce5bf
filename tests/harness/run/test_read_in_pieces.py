"""A history that is read in pieces, into narrow columns, has the verdicts and the page that it always has."""

from __future__ import annotations

import shutil
from pathlib import Path

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


@pytest.mark.parametrize(("workload", "mutant", "seed"), RUNS)
def test_verdicts_and_page_are_the_same(
    workload: str, mutant: str | None, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = a_run(workload, mutant, seed, tmp_path / "one")
    other = tmp_path / "two" / whole.name
    shutil.copytree(whole, other)
    expected = judge(RunFolder(whole))
    monkeypatch.setattr(pieces, "fitting", lambda work: Form.COMPILED)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 10_000)
    monkeypatch.setattr(store, "MOST_BYTES_AT_ONCE", -1)
    assert read_history(other / "history.jsonl").columns.process.dtype == np.int16
    found = judge(RunFolder(other))
    assert msgspec.json.encode(found) == msgspec.json.encode(expected)
    assert (other / "report.html").read_text() == (whole / "report.html").read_text()
    parquets = [(folder / "history.parquet").read_bytes() for folder in (whole, other)]
    assert parquets[0] == parquets[1]
