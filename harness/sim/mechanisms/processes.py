"""Simulated processes that faults end, start, stop and slow down."""

from __future__ import annotations

from harness.nemesis.mechanisms.world import DONE, NodeResult
from harness.sim.world.world import SimulatedWorld


class SimulatedProcesses:
    """Implements `Processes`: an act is done when the call returns."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    async def kill(self, node: str, by: str) -> NodeResult:
        """End the process; its kernel keeps what it had written and not synced."""
        process = self._world.processes[node]
        if not process.is_running:
            return None
        process.kill(by)
        return DONE

    async def terminate(self, node: str, by: str) -> NodeResult:
        """End the process in order."""
        process = self._world.processes[node]
        if not process.is_running or process.is_paused:
            return None
        process.stop(by)
        return DONE

    async def start(self, node: str) -> NodeResult:
        """Start a node that does not run, unless its rotten files hold it down."""
        process = self._world.processes[node]
        if process.is_running or process.is_held_down:
            return None
        return process.start() or DONE

    async def pause(self, node: str) -> NodeResult:
        """Stop the process in mid-step."""
        process = self._world.processes[node]
        if not process.is_running or process.is_paused or process.is_slowed:
            return None
        process.pause()
        return DONE

    async def resume(self, node: str) -> NodeResult:
        """Let a paused process go on."""
        process = self._world.processes[node]
        if not process.is_paused:
            return None
        process.resume()
        return DONE


class SimulatedProcessorTime:
    """Implements `ProcessorTime`: a slow process is stopped for a part of every 50 ms."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    async def slow(self, node: str, stopped_percent: int) -> NodeResult:
        """Stop the process at once, and then in every period."""
        process = self._world.processes[node]
        if not process.is_running or process.is_paused or process.is_slowed:
            return None
        process.slow(stopped_percent)
        return DONE

    async def restore(self, node: str) -> NodeResult:
        """Let a slow process run all the time again."""
        process = self._world.processes[node]
        if not process.is_slowed:
            return None
        process.end_slow()
        return DONE
