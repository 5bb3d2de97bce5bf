"""How far an exploration goes, and where it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from harness.sim.explore.member import EMPTY_DISK, Disk
from node_impl.core.config import NodeConfig
from node_impl.core.events import Entry, HardState

DiskPace = Literal["prompt", "any"]
"""`prompt`: while a node waits for its disk nothing else happens to the cluster, but for that node's crash.
`any`: anything may."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """How often each thing may happen. Messages arrive in any order, or never, in every scope."""

    nodes: int = 3
    elections: int = 1
    """Election time-outs of nodes that do not lead, all nodes together."""
    proposals: int = 1
    """Clients' writes that reach a leader; each term begins with an entry besides."""
    crashes: int = 0
    heartbeats: int = 0
    checks: int = 0
    """How often a leader looks whether it still hears a majority."""
    duplicates: int = 0
    """How often a message arrives and is still on its way."""
    reads: int = 0
    pre_vote: bool = True
    disk: DiskPace = "prompt"
    batch: int = 256
    """Entries in one message."""
    start: str = "fresh"

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes."""
        return tuple(f"n{number}" for number in range(1, self.nodes + 1))

    @property
    def config(self) -> NodeConfig:
        """The nodes' settings."""
        return NodeConfig(pre_vote=self.pre_vote, max_batch_entries=self.batch)

    def disks(self) -> Mapping[str, Disk]:
        """What is on each node's disk when it starts.

        Raises:
            ValueError: this start is of another number of nodes, or there is no such start.
        """
        disks = STARTS.get(self.start)
        if disks is None:
            raise ValueError(f"there is no start {self.start!r}; there are {', '.join(STARTS)}")
        if disks and len(disks) != self.nodes:
            raise ValueError(f"the start {self.start!r} is of {len(disks)} nodes, not of {self.nodes}")
        return dict(zip(self.names, disks or [EMPTY_DISK] * self.nodes, strict=True))

    def told(self) -> str:
        """In words."""
        counts = {
            "election time-outs": self.elections,
            "proposals": self.proposals,
            "crashes": self.crashes,
            "heartbeats": self.heartbeats,
            "quorum checks": self.checks,
            "repeated messages": self.duplicates,
            "reads": self.reads,
        }
        some = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        pre_vote = "with" if self.pre_vote else "without"
        start = "" if self.start == "fresh" else f", from {self.start}"
        return f"{self.nodes} nodes, {some or 'nothing'}; {pre_vote} pre-vote, disk {self.disk}{start}"


def _disk(term: int, *terms: int) -> Disk:
    """A disk in a term without a vote, its log's entries of these terms."""
    entries = [Entry(index, of, "command", b"%d/%d" % (of, index)) for index, of in enumerate(terms, start=1)]
    return Disk(HardState(term, None), tuple(entries))


STARTS: Mapping[str, Sequence[Disk]] = {
    "fresh": (),
    "figure-8": (_disk(3, 1, 2), _disk(3, 1), _disk(3, 1, 3)),
}
"""Disks by the name of a start. `fresh`: empty ones. `figure-8`: as in (b) of the paper's Figure 8, with the
nodes that matter: n1 led term 2 and n3 term 3, and each has an entry of its own that nobody else has."""
