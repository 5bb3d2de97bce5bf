"""Low limits meet the running process: the system shows them, and the node feels them."""

from __future__ import annotations

import asyncio
import resource
import socket
from contextlib import suppress
from pathlib import Path

from harness.cluster.world import HostedWorld
from harness.hosts.host import eventually
from harness.nemesis.faults.processes.lifecycle import Start
from harness.nemesis.faults.processes.limits import LiftLimit, LowerLimit
from tests.harness.cluster.busy import busy
from tests.harness.cluster.test_faults import BOUND_S, NAMES, in_world, took


def test_a_node_that_may_open_no_more_files_takes_no_more_connections_until_it_may(tmp_path: Path) -> None:
    log = tmp_path / "nodes/n1/log.txt"

    async def body(world: HostedWorld) -> None:
        await took(world, LowerLimit(("n1",), "descriptors", 0))
        host, _, port = world.address("n1").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=2):
            assert await eventually(
                lambda: "cannot take a connection: Too many open files" in log.read_text(), 5
            )
        assert not (await world.carry_out(LowerLimit(("n1",), "descriptors", 0))).took_effect
        await took(world, LiftLimit(NAMES, "descriptors"))
        async with asyncio.timeout(BOUND_S):
            while (await world.observe()).nodes["n1"].role is None:  # noqa: ASYNC110 (it must be asked)
                await asyncio.sleep(0.05)
        assert not (await world.carry_out(LiftLimit(NAMES, "descriptors"))).took_effect

    in_world(tmp_path, body, faults=("descriptors",))


def test_a_node_that_gets_no_more_memory_ends_on_the_faults_account_or_bears_it(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        async with busy(world):
            pid = world.lives()[0].pid
            assert resource.prlimit(pid, resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
            await took(world, LowerLimit(("n1",), "memory", 0))
            await asyncio.sleep(1)
            with suppress(ProcessLookupError):  # it may end at any moment
                assert resource.prlimit(pid, resource.RLIMIT_AS)[0] > 0
            await took(world, LiftLimit(NAMES, "memory"))
            with suppress(ProcessLookupError):
                assert resource.prlimit(pid, resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
        await world.carry_out(Start(NAMES))
        await world.wait_for_leader(BOUND_S)

    world = in_world(tmp_path, body, faults=("memory",))
    assert {life.ended_by for life in world.lives()} <= {"memory", "teardown"}
