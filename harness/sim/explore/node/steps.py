"""What can happen to a node of an exploration, and what the network holds."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from node_impl.core.raft.messages import PreVote, RaftMessage, RequestVote
from node_impl.core.requests import MembershipChange


class Take(msgspec.Struct, frozen=True, tag=True):
    """A message arrives. `late`: so long after a leader was heard that it does not count any more."""

    node: str
    sender: str
    body: RaftMessage
    late: bool = False


class TimeOut(msgspec.Struct, frozen=True, tag=True):
    """The election timer of a node that does not lead is due."""

    node: str


class HeartbeatDue(msgspec.Struct, frozen=True, tag="Beat"):
    """A leader's heartbeat is due."""

    node: str


class CheckQuorum(msgspec.Struct, frozen=True, tag=True):
    """A leader looks whether a majority has answered since the last time."""

    node: str


class TimePasses(msgspec.Struct, frozen=True, tag="Tick"):
    """Under leases: a tick, in which the clock of this node is slow, and all others are fast."""

    slow: str | None

    @property
    def node(self) -> str:
        """The node whose clock is slow; empty for none."""
        return self.slow or ""


class Propose(msgspec.Struct, frozen=True, tag=True):
    """A client's write reaches a leader.

    `session`: (client, sequence) of a write that may have arrived before.
    """

    node: str
    payload: bytes
    session: tuple[str, int] | None = None


class AskRead(msgspec.Struct, frozen=True, tag=True):
    """A client's read reaches a leader, when everything up to `committed` was committed somewhere."""

    node: str
    committed: int


class Sync(msgspec.Struct, frozen=True, tag=True):
    """The oldest `groups` of the unfinished writes are on disk; one fsync may cover several."""

    node: str
    groups: int


class Crash(msgspec.Struct, frozen=True, tag=True):
    """The process ends, the first `kept` of the unfinished writes on its disk, and another one starts.

    `half`: the write after those has a snapshot, whose file is in place, while the log is still the old one.
    """

    node: str
    kept: int
    half: bool = False


class ChangeMembers(msgspec.Struct, frozen=True, tag=True):
    """An operator's change of the members reaches a leader that may begin it."""

    node: str
    change: MembershipChange


class Transfer(msgspec.Struct, frozen=True, tag=True):
    """An operator asks a leader to hand over to a voter that holds its whole log."""

    node: str
    to: str


class TakeSnapshot(msgspec.Struct, frozen=True, tag=True):
    """A node's state takes the place of all entries that it has applied."""

    node: str


Single = (
    Take
    | TimeOut
    | HeartbeatDue
    | CheckQuorum
    | TimePasses
    | Propose
    | AskRead
    | Sync
    | Crash
    | ChangeMembers
    | Transfer
    | TakeSnapshot
)


class Both(msgspec.Struct, frozen=True, tag=True):
    """Two of these are at hand together: the node takes both, and then writes and sends what they came to."""

    node: str
    first: Single
    second: Take | Sync


Event = Single | Both


def parts_of_step(event: Event) -> tuple[Single, ...]:
    """What a node takes in a step, in order."""
    return (event.first, event.second) if isinstance(event, Both) else (event,)


def taken_in(event: Event) -> tuple[Take, ...]:
    """The messages that arrive in a step, in order."""
    return tuple([part for part in parts_of_step(event) if isinstance(part, Take)])


class Mail(NamedTuple):
    """A message on the network."""

    to: str
    sender: str
    body: RaftMessage


def is_for_votes(body: RaftMessage) -> bool:
    """Whether it matters for this message how long ago a leader was heard."""
    return isinstance(body, RequestVote | PreVote)
