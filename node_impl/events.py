"""What goes into the sans-I/O node and what comes out: the seam every driver stands on.

A driver (asyncio in `server.py`, virtual time in the simulator) calls `node.step(now, event)` and
carries out the returned effects **in order**:

- `Persist(number, records)`: hand the records to storage. Once everything up to `number` is on disk
  (one fsync may cover many), feed `Synced(number)`. An fsync failure is fatal, never retried.
- `Send(to, message, after)`: give to the transport once `Synced(after)` *has been stepped* (0: at once).
- `Respond(request_id, reply, after)`: likewise, answer a client.
- `SetTimer(name, at)`: feed `TimerFired(name)` at node-clock time `at`; replaces the timer of that name.
- `CancelTimer(name)`.
- `Trace(...)`: write the line with write(2) at once, before the effects after it.
- `Fatal(reason)`: log it, stop serving, exit with status 70.

So the order fsync, `synced` traced, message or reply leaves, holds by construction.
Times are integer nanoseconds of the driver's monotonic clock; nothing here reads a clock.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Role = Literal["follower", "candidate", "leader"]


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A log entry. Its index counts from 1."""

    index: int
    term: int
    kind: Literal["noop", "command"]
    payload: bytes = b""
    op: str | None = None
    """The operation id of the client's request, carried into logs and traces."""
    session: tuple[str, int] | None = None
    """(client id, sequence) of a write that is safe to repeat: node_impl/sessions.py."""


# ---- requests and replies: what the HTTP codec speaks with the node ---------------------------------


class InstanceKey(msgspec.Struct, frozen=True, order=True):
    """What identifies an instance."""

    service: str
    ip: str
    port: int
    namespace: str = "public"
    group: str = "DEFAULT_GROUP"
    cluster: str = "DEFAULT"


class Register(msgspec.Struct, frozen=True, tag=True):
    """Put an instance, replacing what its key held."""

    key: InstanceKey
    weight: float = 1.0
    enabled: bool = True
    metadata: dict[str, str] = {}


class Update(msgspec.Struct, frozen=True, tag=True):
    """Change an instance that exists; refused (`not-found`, at an index) if not. None: leave as it is."""

    key: InstanceKey
    weight: float | None = None
    enabled: bool | None = None
    metadata: dict[str, str] | None = None


class Deregister(msgspec.Struct, frozen=True, tag=True):
    """Remove an instance by key; ok also if there was none. The reply says what was removed."""

    key: InstanceKey


class Lookup(msgspec.Struct, frozen=True, tag=True):
    """Read one instance."""

    key: InstanceKey
    consistency: Literal["linearizable", "stale"] = "linearizable"


class ListInstances(msgspec.Struct, frozen=True, tag=True):
    """Read all instances of a service."""

    service: str
    namespace: str = "public"
    group: str = "DEFAULT_GROUP"
    clusters: tuple[str, ...] = ()
    """Empty: all."""
    consistency: Literal["linearizable", "stale"] = "linearizable"


class GetStatus(msgspec.Struct, frozen=True, tag=True):
    """Read this node's own state."""


Write = Register | Update | Deregister
Read = Lookup | ListInstances
Body = Register | Update | Deregister | Lookup | ListInstances | GetStatus


class Request(msgspec.Struct, frozen=True):
    """One client's request. client and sequence, where given, make a write safe to repeat (`sessions.py`)."""

    body: Body
    op: str | None = None
    client: str | None = None
    sequence: int | None = None

    @property
    def session(self) -> tuple[str, int] | None:
        """(client, sequence), if the request carries both."""
        if self.client is None or self.sequence is None:
            return None
        return self.client, self.sequence


class Instance(msgspec.Struct, frozen=True):
    """A registered instance as replies show it."""

    key: InstanceKey
    weight: float
    enabled: bool
    metadata: dict[str, str]


class Done(msgspec.Struct, frozen=True, tag=True):
    """The request was carried out; it took effect at `raft_index` (for a read: the applied index it saw).

    value: for writes what the key held before (`Instance | None`); for Lookup `Instance | None`; for
    ListInstances a tuple of `Instance`, sorted by key; for GetStatus a `Status`.
    """

    raft_index: int
    value: Any = None


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The request was not, or not known to be, carried out.

    proposed: False only if it certainly has and will have no effect: nothing was appended to any log, or
    (`not-found`) what was appended changed nothing; a client may then say `fail`. True: it may still take
    effect at any later time.
    """

    code: Literal[
        "no-leader", "not-leader", "timeout", "lost-leadership", "not-found", "bad-request", "overloaded"
    ]
    reason: str
    proposed: bool
    raft_index: int | None = None
    """For `not-found`: the index at which that was so."""


Reply = Done | Refused


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


# ---- what must reach the disk -------------------------------------------------------------------------


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


Record = HardState | AppendRecord | TruncateRecord


class Recovered(msgspec.Struct, frozen=True):
    """What storage found on disk at start."""

    hard_state: HardState
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()
    """For the log: a torn tail that was cut, and how many bytes."""


# ---- events: into the node ---------------------------------------------------------------------------


class Received(msgspec.Struct, frozen=True):
    """A peer's message arrived. `message` is one of node_impl.raft.messages."""

    message: Any


class TimerFired(msgspec.Struct, frozen=True):
    """The timer of that name is due."""

    name: str


class ClientRequest(msgspec.Struct, frozen=True):
    """A client asks this node. `request_id` is the driver's, unique in this life."""

    request_id: int
    request: Request


class Synced(msgspec.Struct, frozen=True):
    """Everything persisted up to `number` is on disk."""

    number: int


class Shutdown(msgspec.Struct, frozen=True):
    """An orderly end was asked for (SIGTERM)."""


Event = Received | TimerFired | ClientRequest | Synced | Shutdown


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
    """Forget that timer."""

    name: str


class Trace(msgspec.Struct, frozen=True):
    """One line for the node's trace, as in docs/trace-format.md, without seq and at: the driver adds them."""

    event: str
    term: int
    role: Role
    commit: int
    applied: int
    last: int
    fields: dict[str, Any] = {}
    """The rest of the line: vote, index, entries, peer, message, message_id, op, members."""


class Fatal(msgspec.Struct, frozen=True):
    """The node cannot go on."""

    reason: str


Effect = Persist | Send | Respond | SetTimer | CancelTimer | Trace | Fatal
