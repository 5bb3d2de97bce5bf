"""A seed is a run: the same bytes in every process, whatever the hash seed; and another for each seed."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from history import read_history, read_trace
from history.recording import VIRTUAL_TIME

PROGRAM = """
import sys
from pathlib import Path
from harness.sim.run import run
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
run(plan_of(int(sys.argv[1]), SeedOptions(workload=sys.argv[3]))).write(Path(sys.argv[2]), ["test"])
"""


def stored(seed: int, store: Path, hash_seed: str, workload: str = "registry") -> dict[str, str]:
    """Digests of the history and of every trace that another process wrote for a seed."""
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(seed), str(store), workload],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        timeout=60,
    )
    folder = store / "latest"
    files = [folder / "history.jsonl", *folder.glob("nodes/*/trace/*"), *folder.glob("nodes/*/data/*")]
    assert len(files) > 3
    return {str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("seed", [2, 11])
def test_a_seed_gives_the_same_bytes_in_every_process_and_hash_seed(seed: int, tmp_path: Path) -> None:
    found = [stored(seed, tmp_path / hash_seed, hash_seed) for hash_seed in ("0", "1", "4242")]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("workload", "seed"),
    [
        ("subscriptions", 771662),  # several long polls end at one instant
        ("ephemeral", 12),
        ("sessions", 13),
        ("membership", 14),
        ("cas", 15),
        ("instances", 16),
    ],
)
def test_so_it_does_with_every_kind_of_work(workload: str, seed: int, tmp_path: Path) -> None:
    first, second = (stored(seed, tmp_path / hash_seed, hash_seed, workload) for hash_seed in ("2", "3"))
    assert first == second


def test_runs_in_one_process_do_not_touch_one_another() -> None:
    first = run(plan_of(5))
    run(plan_of(6))
    again = run(plan_of(5))
    assert again.operations == first.operations
    assert again.traces == first.traces
    assert again.disks == first.disks


def test_seeds_differ() -> None:
    options = SeedOptions(nodes=3, time_limit_s=2, nemesis=())
    assert run(plan_of(1, options)).operations != run(plan_of(2, options)).operations


def test_what_is_judged_in_memory_is_what_would_be_read_back(tmp_path: Path) -> None:
    ran = run(plan_of(2))
    folder = ran.write(tmp_path, ["test"])
    recording = ran.recording()
    assert tuple(read_history(folder.path)) == tuple(recording.history)
    assert recording.options[VIRTUAL_TIME] is folder.recording().options[VIRTUAL_TIME] is True
    for node in recording.nodes:
        assert read_trace(folder.node(node) / "trace", node) == recording.traces[node]
