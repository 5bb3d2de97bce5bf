"""The events that go into the node and the effects that come out: all that a driver needs to know.

A driver (asyncio in `node_impl/io`, virtual time in the simulator) calls `node.step(now, event)` and
carries out the returned effects **in order**:

- `Persist(number, records)`: hand the records to storage. Once everything up to `number` is on disk
  (one fsync may cover many), feed `Synced(number)`. An fsync failure is fatal, never retried.
- `Send(to, message, after)`: give to the transport once `Synced(after)` *has been stepped* (0: at once).
- `Respond(request_id, reply, after)`: likewise, answer a client.
- `SetTimer(name, at)`: feed `TimerFired(name)` at node-clock time `at`; replaces the timer of that name.
- `CancelTimer(name)`.
- `Trace(...)`: the line is written with write(2) before any later effect that another process could notice: a
  message, a reply, a record on disk.
- `Fatal(reason)`: log it, stop serving, exit with status 70.

So the order fsync, `synced` traced, message or reply leaves, holds by construction.
Times are integer nanoseconds of the driver's monotonic clock; nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from node_impl.core.requests import (
    Body,
    Deregister,
    Done,
    GetStatus,
    Instance,
    InstanceKey,
    ListInstances,
    Lookup,
    Read,
    Refused,
    Register,
    Reply,
    Request,
    Update,
    Write,
)

__all__ = [  # names of requests.py that are a part of this seam, for those who import the seam alone
    "Body",
    "Deregister",
    "Done",
    "GetStatus",
    "Instance",
    "InstanceKey",
    "ListInstances",
    "Lookup",
    "Read",
    "Refused",
    "Register",
    "Reply",
    "Request",
    "Update",
    "Write",
]

Role = Literal["follower", "candidate", "leader"]


LARGEST = (1 << 40) - 1
"""The largest term and the largest index in a log: some billions of writes a second for minutes. A node that
took any number of 64 bits from another could not count on from it."""

Number = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
"""A term, an index in the log, or how many bytes."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A log entry. Its index counts from 1."""

    index: Number
    term: Number
    kind: Literal["noop", "command", "configuration"]
    payload: bytes = b""
    op: str | None = None
    """The operation id of the client's request, carried into logs and traces."""
    session: tuple[str, int] | None = None
    """(client id, sequence) of a write that is safe to repeat: node_impl/core/registry/sessions.py."""


class Status(msgspec.Struct, frozen=True):
    """A node's own view of itself."""

    node: str
    role: Role
    term: int
    vote: str | None
    leader: str | None
    commit: int
    applied: int
    last: int
    members: tuple[str, ...]
    services: int = 0
    instances: int = 0
    configs: int = 0
    watches: int = 0
    """Long polls that wait at this node."""
    learners: tuple[str, ...] = ()
    """Members whose votes do not count yet."""
    configuration: int = 0
    """Index of the entry, or snapshot, that says so; 0 for those that a cluster begins with."""
    refused: Mapping[str, int] = {}
    """What the node's sockets have refused since it began, by kind; the driver fills it in."""


# ---- what must reach the disk -------------------------------------------------------------------------


class Configuration(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Who is in the cluster, from an entry on (thesis, chapter 4)."""

    voters: tuple[str, ...]
    learners: tuple[str, ...] = ()
    """They are sent the log, and count toward no majority."""

    @property
    def members(self) -> tuple[str, ...]:
        """All names: voters and learners, sorted."""
        return tuple(sorted((*self.voters, *self.learners)))


class Snapshot(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The replicated state as the entries up to `index` left it (section 7)."""

    index: int
    """The last included entry's index, term and hash."""
    term: int
    hash: str
    configuration: Configuration
    """The configuration that the entries up to `index` amount to."""
    registry: bytes
    sessions: bytes
    digest: str
    """32 hex digits over all the rest: equal wherever the same entries were applied."""


class HardState(msgspec.Struct, frozen=True, tag="h", array_like=True):
    """currentTerm and votedFor (Figure 2, persistent state)."""

    term: int
    vote: str | None


class AppendRecord(msgspec.Struct, frozen=True, tag="a", array_like=True):
    """Entries that follow the log's last one."""

    entries: tuple[Entry, ...]


class TruncateRecord(msgspec.Struct, frozen=True, tag="t", array_like=True):
    """Entries from `index` on are gone."""

    index: int


class BaseRecord(msgspec.Struct, frozen=True, tag="b", array_like=True):
    """The log begins after this entry; the first record of a log that follows a snapshot."""

    index: int
    term: int


class SnapshotRecord(msgspec.Struct, frozen=True, tag="s", array_like=True):
    """A snapshot replaces the one before, and the log is from now on these entries after `base`."""

    snapshot: Snapshot
    base: BaseRecord
    entries: tuple[Entry, ...]


Record = HardState | AppendRecord | TruncateRecord | BaseRecord | SnapshotRecord


class Recovered(msgspec.Struct, frozen=True):
    """What storage found on disk at start."""

    hard_state: HardState
    entries: tuple[Entry, ...]
    """The entries of the log, which begins after `base`."""
    notes: tuple[str, ...] = ()
    """Lines for the node's log: a torn tail that was cut, and how many bytes."""
    base: BaseRecord = BaseRecord(0, 0)
    snapshot: Snapshot | None = None
    """It reaches at least up to the base."""


# ---- events: into the node ---------------------------------------------------------------------------


class Received(msgspec.Struct, frozen=True):
    """A peer's message arrived. `message` is one of node_impl.core.raft.messages."""

    message: Any


class TimerFired(msgspec.Struct, frozen=True):
    """The timer of that name fired."""

    name: str


class ClientRequest(msgspec.Struct, frozen=True):
    """A client asks this node. `request_id` is the driver's, unique in this life."""

    request_id: int
    request: Request


class Synced(msgspec.Struct, frozen=True):
    """Everything persisted up to `number` is on disk."""

    number: int


class Undecodable(msgspec.Struct, frozen=True):
    """A peer sent what is no message, or one with a number beyond its bounds."""

    peer: str
    why: str


class PeerLost(msgspec.Struct, frozen=True):
    """The connection by which a peer sends to this node was closed: its process may have ended.

    A hint, which a driver may give or not: safety does not rest on it.
    """

    peer: str


class Shutdown(msgspec.Struct, frozen=True):
    """An orderly end was asked for (SIGTERM)."""


Event = Received | Undecodable | TimerFired | ClientRequest | Synced | PeerLost | Shutdown


# ---- effects: out of the node --------------------------------------------------------------------------


class Persist(msgspec.Struct, frozen=True):
    """Write these records, in order; numbers grow by one."""

    number: int
    records: tuple[Record, ...]


class Send(msgspec.Struct, frozen=True):
    """Send to a peer once Synced(after) was stepped; delivery is not promised."""

    to: str
    message: Any
    after: int = 0


class Respond(msgspec.Struct, frozen=True):
    """Answer a client once Synced(after) was stepped."""

    request_id: int
    reply: Reply
    after: int = 0


class SetTimer(msgspec.Struct, frozen=True):
    """Wake the node at `at` nanoseconds."""

    name: str
    at: int


class CancelTimer(msgspec.Struct, frozen=True):
    """Cancel the timer of that name."""

    name: str


TraceRow = tuple[int, int, str, str | None]
"""(index, term, hash, op): an entry as docs/trace-format.md names it."""


class Trace(msgspec.Struct, omit_defaults=True, gc=False):
    """One line of the node's trace, as docs/trace-format.md says: a field that is None or an empty tuple is
    left out; zero and false are written.

    One flat struct, since a busy node makes several of them for every write, and to encode it as it is
    takes half the time of putting a line together. The writer of the line sets `seq` and `at`.
    """

    seq: int
    at: int
    event: str
    term: int
    role: Role
    commit: int
    applied: int
    last: int
    vote: str | None = None
    peer: str | None = None
    message: str | None = None
    message_id: str | None = None
    index: int | None = None
    op: str | None = None
    digest: str | None = None
    entries: Sequence[TraceRow] = ()
    members: tuple[str, ...] = ()
    learners: tuple[str, ...] = ()
    count: int | None = None
    ok: bool | None = None
    of_term: int | None = None
    why: str | None = None
    skipped: tuple[int, ...] = ()
    committed: int | None = None


class Fatal(msgspec.Struct, frozen=True):
    """The node cannot go on, and has to end."""

    reason: str


Effect = Persist | Send | Respond | SetTimer | CancelTimer | Trace | Fatal
