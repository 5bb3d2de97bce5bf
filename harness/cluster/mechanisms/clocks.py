"""A clock of its own for every node's processes: wall clocks that jump, monotonic clocks that drift."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

from harness.cluster.attachment import Attachment, RunningCluster
from harness.cluster.layout import NodeOnHost
from harness.hosts.clocks import strobing
from harness.hosts.clocks.faketime import Faketime
from harness.hosts.host import Background
from harness.nemesis.mechanisms.clocks import CLOCK_RATES, WALL_CLOCKS
from harness.nemesis.mechanisms.world import MechanismError
from harness.systems.base import ReportsMonotonicClock, ShowsDate

RATE_BOUND_S = 4.0
RATE_POLL_S = 0.1
CLOSE_ENOUGH = 0.05
"""How far apart the bounds of a rate may lie for it to be known; rates differ by more."""
STOP_BOUND_S = 3.0


class ClockReading(msgspec.Struct, frozen=True):
    """A reading of a node's own monotonic clock, between two readings of the harness's clock; in seconds."""

    asked_at: float
    shown: float
    answered_at: float


class HostClocks(Attachment):
    """`WallClocks` and `ClockRates`: libfaketime in the nodes' processes, read back from their replies."""

    def __init__(self, cluster: RunningCluster) -> None:
        super().__init__(cluster)
        self._clocks: dict[str, Faketime] = {}
        self._strobes: dict[str, Background] = {}

    def reason_against(self) -> str | None:
        """One run cannot have both kinds of clock faults (harness/hosts/clocks/faketime.py)."""
        if self._cluster.has(CLOCK_RATES) and self._cluster.has(WALL_CLOCKS):
            return "one run cannot have drift and clock or strobe (docs/hosts.md, Clocks)"
        return None

    async def attach(self, node: NodeOnHost) -> None:
        """Prepare the clock that all processes of the node will have."""
        clock = Faketime(
            node.host,
            node.place.name,
            node.place.data.parent / "clock",
            self._cluster.layout.faketime[node.place.name],
            node.place.python,
            drifts=self._cluster.has(CLOCK_RATES),
        )
        self._clocks[node.place.name] = clock
        await clock.fit()

    async def detach(self, node: NodeOnHost) -> None:
        """Remove what the clock has on the host."""
        if node.place.name in self._clocks:
            await self._clocks[node.place.name].end()

    async def before_start(self, node: NodeOnHost) -> None:
        """Begin the clock of the process that is about to start."""
        await self._clocks[node.place.name].begin()

    def environment(self, node: NodeOnHost) -> Mapping[str, str]:
        """The variables by which a process has libfaketime loaded."""
        return self._clocks[node.place.name].environment

    # ---- wall clocks ---------------------------------------------------------------------------------

    def offset_s(self, node: str) -> int:
        """How far the clock is set ahead of its host's."""
        return self._clocks[node].offset_s

    async def set_offset(self, node: str, offset_s: int) -> None:
        """Set the clock ahead of its host's, or behind it if below 0."""
        await self._clocks[node].set(offset_s)

    async def ahead_s(self, node: str) -> float | None:
        """How far the time of day that the node shows is ahead; None without an answer.

        It is the Date of an HTTP reply (RFC 9110, section 6.6.1), in whole seconds.
        """
        system = self._cluster.system
        if not isinstance(system, ShowsDate):
            return None
        reply = await self._cluster.ask(node, system.date_request())
        if reply is None or "date" not in reply.headers:
            return None
        return parsedate_to_datetime(reply.headers["date"]).timestamp() - time.time()

    async def start_strobe(self, node: str, offset_s: int, period_ms: int) -> bool:
        """Start a program on the node's host that moves the clock; False if one runs, or the node is down."""
        clock, found = self._clocks[node], self._cluster.nodes[node]
        if found.process is None or node in self._strobes:
            return False
        here, there = f"{clock.offset_s:+d}s", f"{clock.offset_s + offset_s:+d}s"
        self._strobes[node] = await found.host.start(
            f"the program that moves the clock of {node}",
            [found.place.python, "-c", strobing.SOURCE, str(clock.file), here, there, str(period_ms / 1000)],
            log=found.place.log.with_name("strobe.txt"),
            folder=found.place.log.parent,
        )
        return True

    async def end_strobe(self, node: str) -> bool:
        """End that program, and set the clock to where it was; False if there was none."""
        strobe = self._strobes.pop(node, None)
        if strobe is None:
            return False
        host, clock = self._cluster.nodes[node].host, self._clocks[node]
        if not await host.terminate(strobe, "heal-strobe", STOP_BOUND_S):
            await host.kill(strobe, "heal-strobe")
        await clock.set(clock.offset_s)
        return True

    # ---- rates -----------------------------------------------------------------------------------------

    def rate_percent(self, node: str) -> int:
        """The rate now; 100 is the clock's own."""
        return self._clocks[node].rate_percent

    async def set_rate(self, node: str, percent: int) -> int:
        """Let the clock run at this rate; by how many nanoseconds it may have gone back while it was set."""
        return await self._clocks[node].set_rate(percent)

    async def seen_rate(self, node: str) -> tuple[float, float] | None:
        """How fast the clock runs, by two readings of it; None if the node does not answer.

        Raises:
            MechanismError: the answers come too late for the rate to be known.
        """
        first = await self.reading(node)
        deadline = asyncio.get_running_loop().time() + RATE_BOUND_S
        while first is not None:
            await asyncio.sleep(RATE_POLL_S)
            last = await self.reading(node)
            if last is None:
                return None
            low, high = bounds_of_rate(first, last)
            if high - low <= CLOSE_ENOUGH:
                return low, high
            if asyncio.get_running_loop().time() > deadline:
                raise MechanismError("answers too late for its rate to be known")
        return None

    async def reading(self, node: str) -> ClockReading | None:
        """What the node's monotonic clock shows; None without an answer."""
        system = self._cluster.system
        if not isinstance(system, ReportsMonotonicClock):
            return None
        asked_at = time.monotonic()
        reply = await self._cluster.ask(node, system.monotonic_request())
        shown_s = None if reply is None else system.read_monotonic(reply)
        return None if shown_s is None else ClockReading(asked_at, shown_s, time.monotonic())


def bounds_of_rate(first: ClockReading, last: ClockReading) -> tuple[float, float]:
    """How fast a clock ran, in the harness's seconds, at the least and at the most.

    A reading was taken at some time between question and answer.
    """
    shown = last.shown - first.shown
    most, least = last.answered_at - first.asked_at, last.asked_at - first.answered_at
    return shown / most, shown / least if least > 0 else float("inf")
