"""The actions that end, start, stop and continue processes, which many faults share."""

from __future__ import annotations

from harness.nemesis.action import Action
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.mechanisms.world import WorldMechanisms
from harness.nemesis.outcome import Outcome


class Kill(Action, frozen=True):
    """SIGKILL these nodes' processes; the exit status shows it."""

    verb = "kill"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the processes have ended."""
        processes = world.mechanism(PROCESSES)
        return await world.on_each(self.nodes, lambda node: processes.kill(node, by="kill"))


class Start(Action, frozen=True):
    """Start those of these nodes that do not run."""

    verb = "start"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the nodes answer."""
        return await world.on_each(self.nodes, world.mechanism(PROCESSES).start)


class Pause(Action, frozen=True):
    """SIGSTOP these nodes' processes."""

    verb = "pause"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the kernel shows the processes as stopped."""
        return await world.on_each(self.nodes, world.mechanism(PROCESSES).pause)


class Resume(Action, frozen=True):
    """SIGCONT these nodes' processes, and only those that are still alive."""

    verb = "resume"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the kernel shows that the processes go on."""
        return await world.on_each(self.nodes, world.mechanism(PROCESSES).resume)


class Terminate(Action, frozen=True):
    """SIGTERM these nodes' processes, and wait until they have ended."""

    verb = "terminate"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the processes have ended."""
        processes = world.mechanism(PROCESSES)
        return await world.on_each(self.nodes, lambda node: processes.terminate(node, by="terminate"))
