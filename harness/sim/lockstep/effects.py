"""What a core answers to any event but `hello`: effects, as docs/lockstep.md lists them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Row(msgspec.Struct, frozen=True, array_like=True):
    """An entry of a replicated log. Its data must have the same text on every node."""

    index: int
    term: int
    data: msgspec.Raw
    op: str | None = None
    """The id of the operation that the entry carries."""


class PersistEffect(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="persist"
):
    """Write records behind the journal's last one; `synced` follows. The persists of a life count from 1."""

    records: tuple[msgspec.Raw, ...]
    replace: bool = False
    """The journal holds nothing but these records from now on."""


class Means(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a message is in Raft, in the words of its specification: one row of a core's refinement map.

    The fields are those of the same message in docs/trace-format.md.
    """

    kind: Literal[
        "AppendEntries",
        "AppendEntriesReply",
        "RequestVote",
        "RequestVoteReply",
        "InstallSnapshot",
        "InstallSnapshotReply",
        "other",
    ]
    term: int
    """The term that the message has, of which its receiver may learn."""
    index: int | None = None
    """The entry before the first one; the last one of a candidate, a snapshot, or what a follower holds."""
    count: int | None = None
    """How many entries; how many bytes of a snapshot, or of it are held."""
    ok: bool | None = None
    """Of a reply: whether it agrees."""
    commit: int | None = None
    """A commit index that it carries, where its kind in Raft has none: of an entry that the sender knows to
    be committed."""


class SendEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="send"):
    """Send to another node, once the persist `after` is on disk."""

    to: str
    message: msgspec.Raw
    after: int = 0
    means: Means | None = None


class SentEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="sent"):
    """A message of the core's own leaves, in what `send` carries; it may never arrive."""

    id: str
    """Of the message: no other one of the run has it."""
    to: str
    means: Means


class TookEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="took"):
    """A message of the core's own is taken: what follows, up to the next one, is what it caused."""

    id: str
    sender: str = msgspec.field(name="from")


class ReplyEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="reply"):
    """Answer a client, once the persist `after` is on disk."""

    id: int
    type: Literal["ok", "fail", "info"]
    value: Any = msgspec.UNSET
    error: str = ""
    index: int | None = None
    after: int = 0


class TimerEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="timer"):
    """Wake the node at this time of its clock, in nanoseconds; None: do not."""

    name: str
    at: int | None


class AppliedEffect(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="applied"
):
    """These entries were applied to the state machine, in order."""

    entries: tuple[Row, ...]


class TraceEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="trace"):
    """What of the node's state is another than before; what is left out stays."""

    term: int | None = None
    role: Literal["follower", "candidate", "leader"] | None = None
    vote: str | msgspec.UnsetType | None = msgspec.UNSET
    leader: str | msgspec.UnsetType | None = msgspec.UNSET
    truncate: int | None = None
    """Entries from this index on were removed from the log."""
    append: tuple[Row, ...] = ()
    """Entries were put at the end of the log, after what `truncate` removed."""
    commit: int | None = None
    snapshot: Row | None = None
    """The last entry of a snapshot that now replaces the beginning of the log; in the answer to `start`, of
    the snapshot that was recovered."""
    digest: str = ""
    """Over the state that this snapshot holds: the same text for the same index on every node."""
    installed_from: str | None = None
    """The node that the snapshot came from: the log ends with it now. None if the node took it itself."""


class FatalEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="fatal"):
    """The node cannot go on: its life ends with an error of its own, which is a finding."""

    reason: str


CoreEffect = (
    PersistEffect
    | SendEffect
    | SentEffect
    | TookEffect
    | ReplyEffect
    | TimerEffect
    | AppliedEffect
    | TraceEffect
    | FatalEffect
)


class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A core's answer to any event but `hello`."""

    answers: int
    effects: tuple[CoreEffect, ...] = ()
