"""Plays a scenario on real processes of this machine: its kernel, its disks by FUSE, its clocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from harness.client.carrying import Carrier
from harness.cluster.world import HostedWorld
from harness.run.parts import parts_of
from harness.run.worlds import world_of
from harness.sim.parity.scenario import KernelWorld, Scenario, Seen, Stage
from harness.sim.parity.simulated import the_test
from harness.systems.base import bounds
from history import NodeLife, NodeTrace, Operation, read_trace

LONGEST_S = 150.0


class KernelArena:
    """Implements `Arena` by processes of this machine."""

    def __init__(self, world: HostedWorld, carrier: Carrier, folder: Path, name: KernelWorld) -> None:
        self.world = world
        self.name: KernelWorld | None = name
        self._carrier = carrier
        self._folder = folder
        self._tasks: dict[int, asyncio.Task[Operation]] = {}

    def begin(self, invocation: Operation) -> None:
        """Let a client begin an operation."""
        self._tasks[invocation.process] = asyncio.create_task(self._carrier.perform(invocation))

    def completion(self, process: int) -> Operation | None:
        """How the operation of that process ended."""
        task = self._tasks[process]
        return task.result() if task.done() else None

    def lives(self, node: str) -> Sequence[NodeLife]:
        """The lives of a node that have ended."""
        return [life for life in self.world.lives() if life.node == node and life.ended_at is not None]

    def trace(self, node: str) -> NodeTrace:
        """What the node has traced so far."""
        return read_trace(self._folder / node / "trace", node)

    def log(self, node: str) -> Sequence[str]:
        """The lines that the node has logged so far."""
        return (self._folder / node / "log.txt").read_text(encoding="utf-8").splitlines()

    async def end(self) -> None:
        """Let no operation go on."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


def play_on_kernel(scenario: Scenario, folder: Path, world: KernelWorld, seed: int = 1) -> Seen:
    """Play a scenario in a real world; what was seen.

    Args:
        folder: the nodes' files come here.

    Raises:
        ParityError: something that must happen did not.
        CouldNotRun: this machine cannot have such nodes.
    """
    return asyncio.run(_played(scenario, folder, world, seed))


async def _played(scenario: Scenario, folder: Path, kind: KernelWorld, seed: int) -> Seen:
    test = the_test(scenario, kind, seed)
    parts, begun = parts_of(test), time.monotonic_ns()
    limits = bounds(parts.system)
    hosted = world_of(test, parts.system, folder, lambda: time.monotonic_ns() - begun)
    async with asyncio.timeout(LONGEST_S), hosted as world:
        await world.wait_for_leader(limits.leader_s)
        carrier = Carrier(
            parts.client, parts.workload.retries, world, limits.request_s, seed, threads=test.concurrency
        )
        async with carrier:
            arena = KernelArena(world, carrier, folder, kind)
            try:
                return await scenario.play(Stage(arena))
            finally:
                await arena.end()
