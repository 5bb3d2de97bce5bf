"""A harness that is stopped right after the final heal, as a paused machine is, accuses nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.campaigns.ackproof import ACKPROOF

pytestmark = pytest.mark.campaign

STOPPED_S = 12
"""Longer than the bound of 10 s within which a write must be acknowledged."""


def healed(store: Path) -> bool:
    """Whether the run's history holds the completion of its final heal."""
    histories = store.glob("*-registry-*/history.jsonl")
    lines = [
        line for history in histories for line in history.read_text().splitlines() if "final-heal" in line
    ]
    return len(lines) > 1


def run_and_stop(store: Path, state: Path, seed: int) -> tuple[int, dict[str, dict[str, str]]]:
    """Run a small cluster, stop the harness for a while once all is healed, and give status and verdicts."""
    command = [
        *(ACKPROOF, "run", "--nodes", "3", "--time-limit", "5", "--rate", "100", "--nemesis", "kill"),
        *("--seed", str(seed), "--store", str(store), "--json"),
    ]
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as harness:
        deadline = time.monotonic() + 120
        while not healed(store) and harness.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        harness.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        harness.send_signal(signal.SIGCONT)
        output, _ = harness.communicate(timeout=240)
    found = json.loads(output)
    return harness.returncode, {verdict["checker"]: verdict for verdict in found["verdicts"]}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_harness_that_was_stopped_after_the_final_heal_accuses_nobody(seed: int, tmp_path: Path) -> None:
    status, verdicts = run_and_stop(tmp_path / "store", tmp_path, seed)
    assert status != 1, {
        name: one["summary"] for name, one in verdicts.items() if one["validity"] == "invalid"
    }
    recovery = verdicts["recovery"]
    stopped = "the harness itself did not run" in recovery["summary"]
    assert recovery["validity"] == ("unknown" if stopped else "valid"), recovery
