"""Mechanisms of processes: they end, start, stop and go on, get less processor time, or have low limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from harness.nemesis.mechanisms.world import Mechanism, NodeResult

LimitedResource = Literal["descriptors", "memory"]


class Processes(Protocol):
    """The processes of nodes. Every method acts on one node, and is `DONE` once the effect was seen."""

    async def kill(self, node: str, by: str) -> NodeResult:
        """End the node's process with SIGKILL, on the account of the fault `by`."""
        ...

    async def terminate(self, node: str, by: str) -> NodeResult:
        """Ask the node's process to end, with SIGTERM, and wait until it has ended."""
        ...

    async def start(self, node: str) -> NodeResult:
        """Start a node that does not run; `DONE` once it answers."""
        ...

    async def pause(self, node: str) -> NodeResult:
        """Stop the node's process in mid-step, with SIGSTOP."""
        ...

    async def resume(self, node: str) -> NodeResult:
        """Let a paused process go on, with SIGCONT."""
        ...


class ProcessorTime(Protocol):
    """How much processor time the nodes' processes get."""

    async def slow(self, node: str, stopped_percent: int) -> NodeResult:
        """Stop the node's process for so much of every short period, until `restore`."""
        ...

    async def restore(self, node: str) -> NodeResult:
        """Let a slowed process run all the time again."""
        ...


class ProcessLimits(Protocol):
    """How many files and how much memory the nodes' processes may have."""

    async def lower(
        self, node: str, what: LimitedResource, more: int
    ) -> tuple[NodeResult, Mapping[str, int]]:
        """Let the node's process have only so much more than it has now; with what it had and may have."""
        ...

    async def lift(self, node: str, what: LimitedResource) -> NodeResult:
        """Let the node's process have as much as is usual again."""
        ...


PROCESSES = Mechanism[Processes]("processes that can be killed and stopped")
PROCESSOR_TIME = Mechanism[ProcessorTime]("processes that can be slowed down")
PROCESS_LIMITS = Mechanism[ProcessLimits]("limits on what processes may open or allocate")
