"""The messages between nodes: Figure 2's two RPCs as one-way messages, reads, and forwarding.

Every message travels in an `Envelope`; `Send.message` and `Received.message` hold one. The body's
struct tag tells its kind, so `msgspec.msgpack` decodes an `Envelope` in one pass. The network may
lose, delay, repeat and reorder messages: nothing here assumes otherwise. Every number has bounds, which hold
where a message is decoded; what else no honest node would send is refused by node_impl/core/raft/nonsense.py.

A request is matched with its reply by the request's message id, which no other message of the run
has, so a reply to an earlier life of a node is never taken for one to this life.
"""

from __future__ import annotations

import msgspec

from node_impl.core.events import Entry, Instance, Number, Refused, Request
from node_impl.core.requests import ConfigVersion, Service


class RequestVote(msgspec.Struct, frozen=True, array_like=True, tag="vote?"):
    """A candidate, the sender, asks for a vote (Figure 2, RequestVote RPC)."""

    term: Number
    last_log_index: Number
    last_log_term: Number
    transfer: bool = False
    """The leader itself asked the candidate to stand (thesis, section 3.10)."""


class RequestVoteReply(msgspec.Struct, frozen=True, array_like=True, tag="vote"):
    """`term` is the voter's currentTerm, for the candidate to update itself."""

    term: Number
    granted: bool


class PreVote(msgspec.Struct, frozen=True, array_like=True, tag="prevote?"):
    """Would the receiver vote for the sender, if that stood in the term after its own? (Thesis, 9.6.)"""

    term: Number
    last_log_index: Number
    last_log_term: Number


class PreVoteReply(msgspec.Struct, frozen=True, array_like=True, tag="prevote"):
    """Answers the PreVote of `asked_in`; no state depends on it. `term` is the voter's currentTerm."""

    term: Number
    granted: bool
    asked_in: Number


class TimeoutNow(msgspec.Struct, frozen=True, array_like=True, tag="timeout!"):
    """The leader asks the receiver to stand for election at once, in its place (thesis, section 3.10)."""

    term: Number


class AppendEntries(msgspec.Struct, frozen=True, array_like=True, tag="append?"):
    """The leader, the sender, replicates; without entries it is a heartbeat (Figure 2, AppendEntries RPC)."""

    term: Number
    prev_log_index: Number
    prev_log_term: Number
    entries: tuple[Entry, ...]
    leader_commit: Number
    read_round: Number
    """The leader's newest round of confirming its leadership; the reply repeats it (thesis, section 6.4)."""


class AppendEntriesReply(msgspec.Struct, frozen=True, array_like=True, tag="append"):
    """Whether the follower holds the entries of the request, durably."""

    term: Number
    success: bool
    match_index: Number
    """If successful: the follower's log equals the leader's up to here. Else the refused prev_log_index."""
    conflict_term: Number
    """If refused: the term of the follower's entry at prev_log_index; 0 if it has none (section 5.3)."""
    conflict_index: Number
    """If refused: the first index of conflict_term, or the follower's last index + 1."""
    read_round: Number


class InstallSnapshot(msgspec.Struct, frozen=True, array_like=True, tag="snapshot?"):
    """The leader sends a chunk of its snapshot, `data` from `offset` on (Figure 13, InstallSnapshot RPC)."""

    term: Number
    index: Number
    """The index of the last included entry."""
    digest: str
    total: Number
    """Bytes in all chunks together."""
    offset: Number
    data: bytes


class InstallSnapshotReply(msgspec.Struct, frozen=True, array_like=True, tag="snapshot"):
    """How many bytes of that snapshot the follower holds; all of them: it is installed, durably."""

    term: Number
    index: Number
    digest: str
    held: Number


class Forward(msgspec.Struct, frozen=True, array_like=True, tag="forward?"):
    """A follower hands a client's write to the leader of `term`; sent once, never repeated."""

    term: Number
    request: Request


class Written(msgspec.Struct, frozen=True, tag=True):
    """A forwarded write took effect at `raft_index`; `previous` is what was there before."""

    raft_index: Number
    previous: Instance | Service | ConfigVersion | None


class ForwardReply(msgspec.Struct, frozen=True, array_like=True, tag="forward"):
    """The outcome of the write that was forwarded in message `to`."""

    to: str
    outcome: Written | Refused


class ReadIndex(msgspec.Struct, frozen=True, array_like=True, tag="read?"):
    """A follower asks the leader up to where it must have applied before it serves reads (thesis, 6.4)."""


class ReadIndexReply(msgspec.Struct, frozen=True, array_like=True, tag="read"):
    """Answers message `to`. index: what must be applied; None if the sender does not lead."""

    to: str
    index: Number | None


RaftMessage = (
    RequestVote
    | RequestVoteReply
    | AppendEntries
    | AppendEntriesReply
    | InstallSnapshot
    | InstallSnapshotReply
    | PreVote
    | PreVoteReply
    | TimeoutNow
)
"""What the Raft core takes; each carries the sender's term, which rules all servers (Figure 2)."""

Message = RaftMessage | Forward | ForwardReply | ReadIndex | ReadIndexReply


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """A message on its way. `message_id` is `node:life:n`, unique in a run."""

    message_id: str
    sender: str
    body: Message
