"""What is said of traces that stay on disk is what is said of the same traces in memory."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from checkers.raft import raft_checkers
from checkers.verdict import Validity, Verdict
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.world.traces import written
from history import NodeTrace, Recording, read_trace
from tests.checkers.builders import not_fine


def judge(recording: Recording, traces: dict[str, NodeTrace]) -> list[Verdict]:
    again = msgspec.structs.replace(recording, traces=traces)
    return [checker.check(again) for checker in raft_checkers()]


@pytest.mark.parametrize(
    ("mutant", "seed", "chunk_bytes"),
    [
        (None, 1, 300),
        (None, 3, 20_000),
        ("forgetful", 0, 1_000),
        ("truncate-on-stale-append", 3, 5_000),
        ("half-is-a-majority", 0, 777),
    ],
)
def test_verdicts_do_not_depend_on_how_traces_are_read(
    tmp_path: Path, mutant: str | None, seed: int, chunk_bytes: int
) -> None:
    ran = run(plan_of(seed, SeedOptions(mutant=mutant)))
    for node, lives in ran.traces.items():
        (tmp_path / node).mkdir()
        for life, lines in enumerate(lives, start=1):
            (tmp_path / node / f"{life:04}.jsonl").write_bytes(b"".join(written(lines)))
    recording = ran.recording()
    kept = {node: read_trace(tmp_path / node, node) for node in recording.nodes}
    stored = {
        node: read_trace(tmp_path / node, node, kept_bytes=-1, chunk_bytes=chunk_bytes)
        for node in recording.nodes
    }
    assert kept == recording.traces
    verdicts = judge(recording, kept)
    assert judge(recording, stored) == verdicts
    if mutant is None:
        assert not_fine(verdicts) == {}
    else:
        assert any(verdict.validity is Validity.INVALID for verdict in verdicts)
