"""A node may end at any moment, also while a fault acts on it: the fault then says only what is true."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from harness.cluster.world import HostedWorld
from harness.nemesis.action import Action
from harness.nemesis.faults.processes.lifecycle import Pause, Resume
from harness.nemesis.faults.processes.limits import LiftLimit, LowerLimit
from harness.nemesis.faults.processes.slow import EndSlow, Slow
from tests.harness.cluster.test_faults import BOUND_S, NAMES, in_world, took

N1 = ("n1",)


def end(pid: int) -> None:
    """End a process, and wait until it is gone; no task goes on meanwhile, so that none sees the end."""
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + BOUND_S
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "the process is still there"


def end_before(patch: pytest.MonkeyPatch, world: HostedWorld, asked: str) -> None:
    """The node's process ends, and is gone, just when its host is asked to do something."""
    host, process = world.nodes["n1"].host, world.nodes["n1"].process
    assert process is not None
    original = getattr(host, asked)

    async def after_the_end(*words: Any, **options: Any) -> Any:
        if process.is_running:
            end(process.pid)
            assert process.is_running, "the end was seen"
        return await original(*words, **options)

    patch.setattr(host, asked, after_the_end)


@pytest.mark.parametrize(
    ("before", "asked", "action", "took_effect"),
    [
        ((), "run", LowerLimit(N1, "memory", 0), False),
        ((LowerLimit(N1, "memory", 1 << 33),), "run", LiftLimit(N1, "memory"), True),
        ((), "pause", Pause(N1), False),
        ((Pause(N1),), "resume", Resume(N1), False),
        ((), "start", Slow(N1, 50), False),
        ((Slow(N1, 50),), "resume", EndSlow(N1), True),
    ],
    ids=["lower", "lift", "pause", "resume", "slow", "end-slow"],
)
def test_a_fault_on_a_node_that_ends_meanwhile_is_no_error(
    before: tuple[Action, ...],
    asked: str,
    action: Action,
    took_effect: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def body(world: HostedWorld) -> None:
        for one in before:
            await took(world, one)
        with monkeypatch.context() as patch:
            end_before(patch, world, asked)
            outcome = await world.carry_out(action)
        assert (outcome.took_effect, outcome.error) == (took_effect, None)

    in_world(tmp_path, body, names=NAMES, faults=("memory", "pause", "slow"))
