"""The links between simulated nodes: what is cut, what is on its way, what was swallowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from harness.nemesis.action import Link
from harness.sim.plan.decisions import Decisions
from node_impl.core.raft.messages import Envelope

if TYPE_CHECKING:
    from harness.sim.world.impairments import ImpairedLink


class OneWayLink:
    """One direction between two nodes."""

    __slots__ = ("connection", "impaired", "is_cut", "last_arrival", "link", "sent")

    def __init__(self, link: Link) -> None:
        self.link = link
        self.is_cut = False
        self.sent = 0
        """How many messages were handed to the link."""
        self.connection = 0
        """The number of the present connection; what an earlier one carried is lost."""
        self.last_arrival = 0
        self.impaired: ImpairedLink | None = None
        """What faults do to the link's messages now; None if nothing."""


class Network:
    """Every link, and when each message on it arrives.

    in_order: whether messages on one link keep their order, as TCP's do; otherwise they overtake one another.
    """

    def __init__(self, names: Sequence[str], decisions: Decisions, *, in_order: bool) -> None:
        self.links = {(a, b): OneWayLink((a, b)) for a in names for b in names if a != b}
        self.in_order = in_order
        self.swallowed = 0
        self.watcher: Callable[[OneWayLink, Envelope], None] | None = None
        """Sees every message before it is decided when it arrives."""
        self._decisions = decisions

    def arrivals(self, link: OneWayLink, envelope: Envelope, now: int) -> tuple[int, ...]:
        """Give the times at which a message that is sent now arrives: none, one or more."""
        link.sent += 1
        if self.watcher is not None:
            self.watcher(link, envelope)
        delays = self._decisions.message(link.link, link.sent)
        if link.is_cut:
            self.swallowed += 1
            return ()
        if not delays:
            return ()
        if not self.in_order:
            if len(delays) == 1:
                return (now + delays[0],)
            return tuple([now + delay for delay in delays])
        arrival = now + delays[0]  # TCP repeats nothing that its receiver would see
        if arrival > link.last_arrival:
            link.last_arrival = arrival
        return (link.last_arrival,)

    def is_lost(self, link: OneWayLink, connection: int) -> bool:
        """Whether a message that arrives now, sent on that connection, is lost after all."""
        if link.is_cut:
            self.swallowed += 1
        return link.is_cut or connection != link.connection

    def cut(self, links: Sequence[Link]) -> list[Link]:
        """Cut these links too; give all that are cut now."""
        for link in links:
            self.links[link].is_cut = True
        return [name for name, link in self.links.items() if link.is_cut]

    def heal(self) -> tuple[list[Link], int]:
        """Let all links carry again; give those that were cut, and how many messages were swallowed since the
        last heal."""
        healed = [name for name, link in self.links.items() if link.is_cut]
        for link in self.links.values():
            link.is_cut = False
        swallowed, self.swallowed = self.swallowed, 0
        return healed, swallowed

    def reset(self, link: OneWayLink) -> None:
        """Break a connection: what is on its way is lost, and what follows uses a new connection."""
        link.connection += 1
        link.last_arrival = 0
