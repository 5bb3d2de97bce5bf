"""The links between simulated nodes: what is cut, what is under way, what was swallowed."""

from __future__ import annotations

from collections.abc import Sequence

from harness.nemesis.action import Link
from harness.sim.plan.decisions import Decisions


class Line:
    """One direction between two nodes."""

    __slots__ = ("connection", "is_cut", "last_arrival", "link", "sent")

    def __init__(self, link: Link) -> None:
        self.link = link
        self.is_cut = False
        self.sent = 0
        """Messages handed to it."""
        self.connection = 0
        """Which connection this is; what an earlier one carried is lost."""
        self.last_arrival = 0


class Network:
    """Every line, and where each message on it goes.

    in_order: as TCP does; otherwise every message travels by itself, and they overtake one another.
    """

    def __init__(self, names: Sequence[str], decisions: Decisions, *, in_order: bool) -> None:
        self.lines = {(a, b): Line((a, b)) for a in names for b in names if a != b}
        self.swallowed = 0
        self._decisions = decisions
        self._in_order = in_order

    def arrivals(self, line: Line, now: int) -> tuple[int, ...]:
        """When a message that is handed over now arrives: never, once, or more than once."""
        line.sent += 1
        delays = self._decisions.message(line.link, line.sent)
        if line.is_cut:
            self.swallowed += 1
            return ()
        if not self._in_order:
            return tuple(now + delay for delay in delays)
        if not delays:
            return ()
        arrival = now + delays[0]  # TCP repeats nothing that its receiver would see
        if arrival > line.last_arrival:
            line.last_arrival = arrival
        return (line.last_arrival,)

    def is_lost(self, line: Line, connection: int) -> bool:
        """Whether what arrives now, sent on that connection, is lost after all."""
        if line.is_cut:
            self.swallowed += 1
        return line.is_cut or connection != line.connection

    def cut(self, links: Sequence[Link]) -> list[Link]:
        """Cut these too; gives all that are cut now."""
        for link in links:
            self.lines[link].is_cut = True
        return [link for link, line in self.lines.items() if line.is_cut]

    def heal(self) -> tuple[list[Link], int]:
        """Mend all; gives those that were cut, and how many messages were swallowed since the last time."""
        healed = [link for link, line in self.lines.items() if line.is_cut]
        for line in self.lines.values():
            line.is_cut = False
        swallowed, self.swallowed = self.swallowed, 0
        return healed, swallowed

    def reset(self, link: Link) -> None:
        """Break one connection: what is on its way is lost, what follows goes by a new one."""
        line = self.lines[link]
        line.connection += 1
        line.last_arrival = 0
