"""The bounds of an exploration, and the disks with which it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import msgspec

from harness.sim.explore.node.clocks import DRIFT_BOUND_PERCENT, ELECTION_TIMEOUT, SLOW_TICK
from harness.sim.explore.node.disk import EMPTY_DISK, DurableState
from node_impl.core.build import MACHINE_PARTS, RAFT_PARTS
from node_impl.core.config import NodeConfig
from node_impl.core.events import Entry, HardState

DiskPace = Literal["prompt", "any"]
"""`prompt`: while a node waits for its disk, only that node may crash, and nothing else happens.
`any`: anything may happen meanwhile."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """How often each thing may happen. Messages arrive in any order, or never, in every scope."""

    nodes: int = 3
    elections: int = 1
    """Election time-outs of nodes that do not lead, of all nodes together."""
    proposals: int = 1
    """Clients' writes that reach a leader; in addition, each term begins with an entry."""
    crashes: int = 0
    heartbeats: int = 0
    checks: int = 0
    """How often a leader looks whether it still hears a majority."""
    duplicates: int = 0
    """How often a message arrives and also stays in transit."""
    reads: int = 0
    changes: int = 0
    """How many changes of the members leaders begin: each node may become a learner, vote, or be removed."""
    transfers: int = 0
    """How often a leader is asked to hand over."""
    repeats: int = 0
    """How often a client's write arrives again; then all writes have a session."""
    clients: int = 1
    """Whose writes these are, in turn. Nodes remember the sessions of one client less, of one at least."""
    pairs: int = 0
    """How often a node takes two events in one step, the second a message or the disk's answer."""
    snapshots: int = 0
    """How often a node takes a snapshot, and forgets the entries that it stands for."""
    lease_ticks: int = 0
    """How often time passes where leaders read under leases (`node/clocks.py`); 0: no leases."""
    voters: int = 0
    """How many of the nodes vote at first; 0 for all. The others can be added."""
    pre_vote: bool = True
    disk: DiskPace = "prompt"
    batch: int = 256
    """The most entries in one message."""
    start: str = "fresh"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the nodes."""
        return tuple(f"n{number}" for number in range(1, self.nodes + 1))

    @property
    def config(self) -> NodeConfig:
        """The settings of all nodes."""
        usual = NodeConfig(
            pre_vote=self.pre_vote,
            max_batch_entries=self.batch,
            snapshot_trailing=0,
            voters=self.names[: self.voters],
            max_clients=max(self.clients - 1, 1),
        )
        if not self.lease_ticks:
            return usual
        return replace(
            usual,
            lease=True,
            clock_drift_bound_percent=DRIFT_BOUND_PERCENT,
            election_timeout_ns=ELECTION_TIMEOUT,
            heartbeat_ns=SLOW_TICK,
        )

    @property
    def first_voters(self) -> frozenset[str]:
        """Who votes in a cluster that begins."""
        return frozenset(self.names[: self.voters or self.nodes])

    @property
    def explored_parts(self) -> tuple[str, ...]:
        """The parts of a node that run, by their names in `Parts`."""
        return (*RAFT_PARTS, *MACHINE_PARTS) if self.repeats else RAFT_PARTS

    @property
    def nodes_are_alike(self) -> bool:
        """Whether a cluster behaves the same when its nodes change names.

        Where members change it does not: some nodes vote at first, and of two followers that hold as much a
        leader that goes asks the one whose name comes first.
        """
        return not (self.changes or self.transfers or self.voters)

    def disks(self) -> Mapping[str, DurableState]:
        """What is on each node's disk when it starts.

        Raises:
            ValueError: there is no such start, or it has another number of nodes, or too many are to vote.
        """
        if not 0 <= self.voters <= self.nodes:
            raise ValueError(f"{self.voters} of {self.nodes} nodes cannot vote")
        disks = STARTS.get(self.start)
        if disks is None:
            raise ValueError(f"there is no start {self.start!r}; there are {', '.join(STARTS)}")
        if disks and len(disks) != self.nodes:
            raise ValueError(f"the start {self.start!r} is of {len(disks)} nodes, not of {self.nodes}")
        return dict(zip(self.names, disks or [EMPTY_DISK] * self.nodes, strict=True))

    def in_words(self) -> str:
        """Describe the scope in words."""
        clients = f" of {self.clients} clients" if self.clients > 1 else ""
        counts = {
            "election time-outs": self.elections,
            "proposals": self.proposals,
            "crashes": self.crashes,
            "heartbeats": self.heartbeats,
            "quorum checks": self.checks,
            "repeated messages": self.duplicates,
            "reads": self.reads,
            "changes of members": self.changes,
            "transfers": self.transfers,
            f"repeated writes{clients}": self.repeats,
            "steps of two events": self.pairs,
            "snapshots": self.snapshots,
            "ticks of the clocks under leases": self.lease_ticks,
        }
        some = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        pre_vote = "with" if self.pre_vote else "without"
        start = "" if self.start == "fresh" else f", from {self.start}"
        voters = f" ({self.voters} vote at first)" if self.voters else ""
        return (
            f"{self.nodes} nodes{voters}, {some or 'nothing'}; {pre_vote} pre-vote, disk {self.disk}{start}"
        )


def _disk(term: int, *terms: int) -> DurableState:
    """A disk in a term without a vote, its log's entries of these terms."""
    entries = [Entry(index, of, "command", b"%d/%d" % (of, index)) for index, of in enumerate(terms, start=1)]
    return DurableState(HardState(term, None), tuple(entries))


STARTS: Mapping[str, Sequence[DurableState]] = {
    "fresh": (),
    "led": (),
    "figure-8": (_disk(3, 1, 2), _disk(3, 1), _disk(3, 1, 3)),
}
"""Disks by the name of a start. `fresh`: empty ones. `led`: empty ones too, but before anything else the
first node is elected, and all that is sent arrives until nothing is in transit. `figure-8`: as in (b) of the
paper's Figure 8, with the nodes that matter: n1 led term 2 and n3 term 3, and each has an entry that no other
node has."""
