"""A node's own record of one run: what it voted, appended, committed and applied, in its order.

The format is a contract with the systems that write it (docs/trace-format.md): a folder a node, one file a
life (`0001.jsonl`, `0002.jsonl`, ...), one JSON object a line, `seq` from 1 without a gap. A torn
last line is legal, since a kill may cut it; any other damage is a *gap*, after which the verdict
on what the trace should show is `unknown`.

A trace that is larger than `KEPT_BYTES` stays on disk: `NodeTrace.events` then reads it in chunks, again
each time that it is iterated over, so that millions of events take the memory of some thousands.

Order on a node: an event is traced before its effect leaves the node (fsync, then the `synced` line, then the
message or reply). So a kill can only hide what no other node and no client saw. Time stamps are the node's
own and order no events of different nodes: message ids, terms and indices do.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, overload

import msgspec

KEPT_BYTES = 16 << 20
"""The events of a larger trace are not held in memory."""
CHUNK_BYTES = 1 << 20
"""How much of a file is decoded at a time."""

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


class TraceEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A log entry as traces name it."""

    index: int
    term: int
    hash: str
    """Hex digest over term, kind and payload: equal hashes mean equal commands."""
    op: str | None = None
    """The operation id the command carries, if a client sent one."""


class TraceEvent(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
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
    events: Sequence[TraceEvent]
    """A tuple, or a sequence that is read from disk each time that it is iterated over."""
    gaps: tuple[str, ...] = ()
    """What is missing or damaged, in words; empty where the trace is whole."""

    def lives(self) -> Iterator[tuple[int, list[TraceEvent]]]:
        """(life, its events) in order."""
        by_life: dict[int, list[TraceEvent]] = {}
        for event in self.events:
            by_life.setdefault(event.life, []).append(event)
        yield from by_life.items()


class _File(NamedTuple):
    """The trace file of one life."""

    path: Path
    life: int
    events: int
    """How many can be read from its beginning."""


class StoredEvents(Sequence[TraceEvent]):
    """A trace's events, read from its files in chunks.

    Made for passes from the first to the last. Taking one out by its position reads all before it.
    """

    def __init__(self, node: str, files: Sequence[_File], chunk_bytes: int) -> None:
        self._node = node
        self._files = tuple(files)
        self._chunk_bytes = chunk_bytes
        self._length = sum(file.events for file in files)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[TraceEvent]:
        for file in self._files:
            left = file.events
            for chunk in _chunks(file.path, self._node, file.life, self._chunk_bytes):
                yield from chunk if len(chunk) <= left else chunk[:left]
                left -= len(chunk)
                if left <= 0:
                    break

    @overload
    def __getitem__(self, at: int) -> TraceEvent: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[TraceEvent]: ...

    def __getitem__(self, at: int | slice) -> TraceEvent | Sequence[TraceEvent]:
        if isinstance(at, slice):
            start, stop, step = at.indices(self._length)
            if step < 0:
                return tuple(islice(self, stop + 1, start + 1))[::step]
            return tuple(islice(self, start, stop, step))
        position = at + self._length if at < 0 else at
        if not 0 <= position < self._length:
            raise IndexError(f"no event {at}: the trace has {self._length}")
        return next(islice(self, position, None))


def read_trace(
    folder: Path, node: str, *, kept_bytes: int = KEPT_BYTES, chunk_bytes: int = CHUNK_BYTES
) -> NodeTrace:
    """Read every life of a node's trace under `folder`.

    Damage never raises: it becomes an entry of `gaps`, and what is readable is kept.

    Args:
        kept_bytes: the events of a trace with more bytes stay on disk.
        chunk_bytes: how much of a file is decoded at a time.
    """
    events: list[TraceEvent] = []
    files: list[_File] = []
    gaps: list[str] = []
    paths = sorted(file for file in folder.glob("*.jsonl") if file.stem.isdecimal())
    if not paths:
        gaps.append(f"{node}: no trace under {folder}")
    is_kept = sum(path.stat().st_size for path in paths) <= kept_bytes
    expected_life = 1
    for path in paths:
        life = int(path.stem)
        if life != expected_life:
            gaps.append(f"{node}: the trace of life {expected_life} is missing")
        expected_life = life + 1
        chunks = _chunks(path, node, life, chunk_bytes)
        count = 0
        while True:
            try:
                chunk = next(chunks)
            except StopIteration as end:
                if end.value is not None:
                    gaps.append(end.value)
                break
            count += len(chunk)
            if is_kept:
                events += chunk
        files.append(_File(path, life, count))
    kept = tuple(events) if is_kept else StoredEvents(node, files, chunk_bytes)
    return NodeTrace(node=node, events=kept, gaps=tuple(gaps))


_decode = msgspec.json.Decoder(TraceEvent).decode
_decode_many = msgspec.json.Decoder(list[TraceEvent]).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)


def _chunks(
    path: Path, node: str, life: int, chunk_bytes: int
) -> Generator[list[TraceEvent], None, str | None]:
    """A life's events, in pieces; returns what is damaged, in words, where they break off."""
    seq, number, torn = 0, 0, b""
    with path.open("rb") as file:
        while data := file.read(chunk_bytes):
            *lines, torn = (torn + data).split(b"\n")  # the last is b"" where the line is whole
            events, seq, gap = _events_of(lines, seq, number, path.name, node, life)
            number += len(lines)
            if events:
                yield events
            if gap is not None:
                return gap
    if torn:
        try:
            event = _decode(torn)
        except _UNREADABLE:
            return None  # cut by a kill: its effect never left the node
        if event.seq == seq + 1:
            yield [_placed(event, node, life)]
    return None


def _events_of(
    lines: list[bytes], seq: int, number: int, file: str, node: str, life: int
) -> tuple[list[TraceEvent], int, str | None]:
    """The events of whole lines up to the first that is damaged; the last `seq`; and what is damaged.

    Args:
        seq: of the event before these.
        number: how many lines came before these.
    """
    try:
        events = _decode_many(b"[" + b",".join(lines) + b"]")
    except _UNREADABLE:
        events = []
    if len(events) == len(lines):
        follows = seq
        for event in events:
            follows += 1
            if event.seq != follows:
                break
            _placed(event, node, life)
        else:
            return events, follows, None
    return _one_by_one(lines, seq, number, file, node, life)


def _one_by_one(
    lines: list[bytes], seq: int, number: int, file: str, node: str, life: int
) -> tuple[list[TraceEvent], int, str | None]:
    """The same, line by line, where one of them is damaged."""
    events: list[TraceEvent] = []
    for at, line in enumerate(lines, start=number + 1):
        try:
            event = _decode(line)
        except _UNREADABLE as error:
            return events, seq, f"{node}: {file}, line {at}: {error}"
        if event.seq != seq + 1:
            return events, seq, f"{node}: {file}, line {at}: seq {event.seq} follows {seq}"
        seq = event.seq
        events.append(_placed(event, node, life))
    return events, seq, None


def _placed(event: TraceEvent, node: str, life: int) -> TraceEvent:
    """Fill in the node and life of an event that was just read; so no other code has it yet."""
    msgspec.structs.force_setattr(event, "node", node)
    msgspec.structs.force_setattr(event, "life", life)
    return event
