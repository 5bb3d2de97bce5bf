"""A node's own record of one run: what it voted, appended, committed and applied, in its order.

The format is a contract with whoever writes it (docs/trace-format.md): a folder a node, one file a
life (`0001.jsonl`, `0002.jsonl`, ...), one JSON object a line, `seq` from 1 without a gap. A torn
last line is legal, since a kill may cut it; any other damage is a *gap*, after which the verdict
on what the trace should show is `unknown`.

Order on a node: what happened is traced before anyone else can see it (fsync, then `synced` is
traced, then the message or reply leaves). So a kill can only hide what nobody saw. Time stamps
are the node's own and order nothing between nodes: message ids, terms and indices do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

EventName = Literal[
    "restart",  # a life begins: term, vote, last, commit as recovered from disk
    "term",  # currentTerm grew (vote is None again)
    "vote",  # votedFor was set: vote
    "role",  # became follower, candidate or leader: role
    "append",  # entries were put at the end of the log: entries
    "truncate",  # entries from `index` on were removed from the log
    "synced",  # everything traced before this line, up to log index `index`, is on disk
    "commit",  # commitIndex grew: commit
    "apply",  # entries were given to the state machine: entries
    "snapshot",  # the state up to `index` was taken (peer: installed) as a snapshot: entries, digest, peer
    "configuration",  # the members changed: members
    "send",  # a message was handed to the transport: peer, message, message_id
    "receive",  # a message was taken: peer, message, message_id
    "acknowledge",  # a client's write was answered ok: index, op
    "stop",  # an orderly end of this life
]


class TraceEntry(msgspec.Struct, frozen=True, array_like=True):
    """A log entry as traces name it."""

    index: int
    term: int
    hash: str
    """Hex digest over term, kind and payload: equal hashes mean equal commands."""
    op: str | None = None
    """The operation id the command carries, if a client sent one."""


class TraceEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a trace. term, role, commit, applied and last are the node's state *after* the event."""

    seq: int
    at: int
    """Nanoseconds of the node's monotonic clock."""
    event: EventName
    term: int
    role: str
    commit: int
    applied: int
    last: int
    vote: str | None = None
    index: int | None = None
    entries: tuple[TraceEntry, ...] = ()
    peer: str | None = None
    message: str | None = None
    message_id: str | None = None
    count: int = 0
    """Of an AppendEntries: how many entries, after `index`. Of snapshots' messages: bytes, in all or held."""
    ok: bool | None = None
    """Of a reply: granted, or success."""
    of_term: int | None = None
    """Of a message: its term, where that is not its sender's."""
    op: str | None = None
    members: tuple[str, ...] | None = None
    learners: tuple[str, ...] = ()
    """With `members`: who is sent the log and has no vote."""
    digest: str | None = None
    """Of a snapshot: hex digits over the state it holds."""
    node: str = ""
    """Filled in by the reader, from the folder's name."""
    life: int = 0
    """Filled in by the reader, from the file's name."""


class NodeTrace(msgspec.Struct, frozen=True):
    """All lives of one node, in order."""

    node: str
    events: tuple[TraceEvent, ...]
    gaps: tuple[str, ...] = ()
    """What is missing or damaged, in words; empty where the trace is whole."""

    def lives(self) -> Iterator[tuple[int, list[TraceEvent]]]:
        """(life, its events) in order."""
        by_life: dict[int, list[TraceEvent]] = {}
        for event in self.events:
            by_life.setdefault(event.life, []).append(event)
        yield from by_life.items()


def read_trace(folder: Path, node: str) -> NodeTrace:
    """Read every life of a node's trace under `folder`.

    Damage never raises: it becomes an entry of `gaps`, and what is readable is kept.
    """
    decoder = msgspec.json.Decoder(TraceEvent)
    events: list[TraceEvent] = []
    gaps: list[str] = []
    files = sorted(file for file in folder.glob("*.jsonl") if file.stem.isdecimal())
    if not files:
        gaps.append(f"{node}: no trace under {folder}")
    expected_life = 1
    for file in files:
        life = int(file.stem)
        if life != expected_life:
            gaps.append(f"{node}: the trace of life {expected_life} is missing")
        expected_life = life + 1
        gap = _read_life(file, node, life, decoder, events)
        if gap is not None:
            gaps.append(gap)
    return NodeTrace(node=node, events=tuple(events), gaps=tuple(gaps))


def _read_life(
    file: Path,
    node: str,
    life: int,
    decoder: msgspec.json.Decoder[TraceEvent],
    events: list[TraceEvent],
) -> str | None:
    lines = file.read_bytes().split(b"\n")
    torn = lines.pop()  # b"" where the last line is whole
    seq = 0
    for number, line in enumerate(lines, start=1):
        try:
            event = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return f"{node}: {file.name}, line {number}: {error}"
        if event.seq != seq + 1:
            return f"{node}: {file.name}, line {number}: seq {event.seq} follows {seq}"
        seq = event.seq
        events.append(msgspec.structs.replace(event, node=node, life=life))
    if torn:
        try:
            event = decoder.decode(torn)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None  # cut by a kill: nobody outside the node saw what it would have told
        if event.seq == seq + 1:
            events.append(msgspec.structs.replace(event, node=node, life=life))
    return None
