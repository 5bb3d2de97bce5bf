"""The node's settings; each is a duration in nanoseconds or a bound."""

from __future__ import annotations

from dataclasses import dataclass, fields

MILLISECOND_NS = 1_000_000
_MAY_BE_ZERO = ("snapshot_trailing", "clock_drift_bound_percent")


@dataclass(frozen=True)
class NodeConfig:
    """What can be set. The defaults suit nodes whose messages take well under a heartbeat.

    Raises:
        ValueError: a value is not positive, or heartbeats are too rare to keep followers from elections.
    """

    heartbeat_ns: int = 50 * MILLISECOND_NS
    """How often a leader sends heartbeats to its followers."""
    election_timeout_ns: int = 300 * MILLISECOND_NS
    """A follower that hears no leader for t, drawn from [this, 2 x this), stands for election (section
    5.2)."""
    request_timeout_ns: int = 2_000 * MILLISECOND_NS
    """After this time an unanswered request is refused, whether or not it may still take effect."""
    leader_wait_ns: int = 1_000 * MILLISECOND_NS
    """How long a request waits for a leader to become known before it is refused."""
    pre_vote: bool = True
    """Ask whether an election could be won before standing in it (thesis, section 9.6)."""
    lease: bool = False
    """Serve reads under a leader's lease: its assumptions stand in node_impl/core/raft/leases.py."""
    clock_drift_bound_percent: int = 10
    """How much faster or slower than true time any node's clock may run; a lease is shorter by it."""
    voters: tuple[str, ...] = ()
    """Who votes in a cluster that begins; empty: all its nodes. Later changes are in the log."""
    max_batch_entries: int = 256
    """The most entries in one AppendEntries."""
    max_batch_bytes: int = 1 << 20
    """Payload bytes in one AppendEntries; a single larger entry still goes, alone."""
    max_in_flight: int = 4
    """AppendEntries with entries on their way to one follower; more entries wait and so share a message."""
    snapshot_entries: int = 10_000
    """The number of applied entries after which a node takes a snapshot and drops its log (section 7)."""
    snapshot_trailing: int = 5_000
    """The number of entries before a snapshot that are kept for followers a little behind; may be 0."""
    snapshot_chunk_bytes: int = 256 * 1024
    """Bytes of a snapshot in one message; one such message is on its way to each follower at a time."""
    max_apply_entries: int = 1024
    """Entries applied in one step; what is left follows at once, after what else waits for the node."""
    max_clients: int = 10_000
    """Clients whose last write is remembered (`sessions.py`); must be the same on all nodes."""
    max_pending: int = 10_000
    """Requests that wait at one node; more are refused as `overloaded`."""
    max_watches: int = 10_000
    """Long polls that wait at one node; more are refused as `overloaded`."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool | tuple):
                continue
            if value < 0 or (value == 0 and field.name not in _MAY_BE_ZERO):
                raise ValueError(f"{field.name} is {value}; it must be above 0")
        if self.clock_drift_bound_percent >= 100:
            raise ValueError(
                f"clock_drift_bound_percent is {self.clock_drift_bound_percent}; it must be below 100, since "
                "a clock that may stand still measures nothing"
            )
        if self.heartbeat_ns >= self.election_timeout_ns:
            raise ValueError(
                f"heartbeat_ns ({self.heartbeat_ns}) must be below election_timeout_ns "
                f"({self.election_timeout_ns}), best by a factor of 5 or more: a follower that hears no "
                "heartbeat within its time-out stands for election"
            )
