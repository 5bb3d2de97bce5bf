"""The declaration of a seeded bug: what it breaks, which checker finds it, and what may follow from it."""

from __future__ import annotations

import msgspec

from node_impl.core.build import Parts


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One seeded bug, declared in the file of its class."""

    name: str
    about: str
    """What the node does wrong, in one line."""
    caught_by: str
    """The checker whose property the bug breaks."""
    source: str
    """The rule that the bug breaks, or where the bug was seen."""
    options: tuple[str, ...] = ()
    """Options of `ackproof run` that are known to expose the bug; empty if only the simulator is known to."""
    also: tuple[str, ...] = ()
    """Checkers that may rightly report consequences of the bug, with or without `caught_by`. A report by any
    other checker is an error."""
    seed: int = 0
    """A seed of `ackproof sim` that is known to expose the bug, with this workload and these faults."""
    workload: str = "registry"
    """The workload under which the bug shows."""
    faults: tuple[str, ...] | None = None
    """The faults in the simulated world under which the bug shows; None: the seed draws them."""
    parts: Parts
    """The classes of the node, one of them with the bug."""

    @property
    def broken(self) -> type:
        """The class with the bug: the one that stands in the file of this declaration."""
        parts = (part for part in vars(self.parts).values() if isinstance(part, type))
        return next(part for part in parts if part.__module__.startswith("harness.mutants."))

    def described(self) -> dict[str, object]:
        """The declaration without the classes, as `ackproof mutants --list --json` prints it."""
        return {field: getattr(self, field) for field in self.__struct_fields__ if field != "parts"}


CLIENT_CHECKERS = (
    "durability",
    "linearizability",
    "index-honesty",
    "session-guarantees",
    "bounded-staleness",
    "applied-once",
    "convergence",
    "liveness",
)
"""Checkers of what clients observe: any bug may reach them."""
LOG_CHECKERS = (
    "log-matching",
    "leader-completeness",
    "state-machine-safety",
    "commit-monotonic",
    "committed-never-truncated",
    "durable-before-acknowledge",
    "snapshot-safety",
    "recovery",
    "liveness",
    "conformance",
    "node-health",
)
"""Checkers that may report a wrong log or commitIndex. Nodes may then even refuse each other for good, or end
themselves when they meet an impossible state."""
ELECTION_CHECKERS = ("election-safety", "one-vote-a-term", "term-monotonic", "membership", "conformance")
"""Checkers that may report forgotten votes or terms."""
DISK_CHECKERS = ("durable-log", "node-health", "conformance")
"""Checkers that may report a disk with other contents than the node believes. A node may then end itself when
it meets an impossible state."""
