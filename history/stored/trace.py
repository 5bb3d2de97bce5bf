"""A node's own record of one run: what it voted, appended, committed and applied, in its order.

The format is a contract with the systems that write it (docs/trace-format.md): a folder a node, one file a
life (`0001.jsonl`, `0002.jsonl`, ...), one JSON object a line, `seq` from 1 without a gap. A torn
last line is legal, since a kill may cut it; any other damage is a *gap*, after which the verdict
on what the trace should show is `unknown`.

**The end of a life.** A trace is not fsynced. A process that was killed loses nothing, as the kernel keeps
what was written; a host that lost its power loses the last lines, and nothing in the file shows it. So the
end of a life was *seen* only if its last line is `stop`, or if the reader knows that the process ended while
its host went on (`ended`). Any other life may be *cut*: that is a gap, too.

A trace that is larger than `KEPT_BYTES` stays on disk: `NodeTrace.events` then reads it in chunks, again
each time that it is iterated over, so that millions of events take the memory of some thousands.

Order on a node: an event is traced before its effect leaves the node (fsync, then the `synced` line, then the
message or reply). So a kill can only hide what no other node and no client saw. Time stamps are the node's
own and order no events of different nodes: message ids, terms and indices do.
"""

from __future__ import annotations

from collections.abc import Container, Generator, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, overload

import msgspec

from history.files import UNREADABLE, RefusedFile, brief, is_too_deep, names_in, open_regular
from history.limits import (
    LARGEST_NUMBER,
    LARGEST_TERM,
    LONGEST_LINE_BYTES,
    MOST_EVENTS_OF_A_LIFE,
    MOST_LIVES,
    longest_log,
)

Index = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_TERM)]
"""A term, or an index in the log."""
Number = Annotated[int, msgspec.Meta(ge=-LARGEST_NUMBER - 1, le=LARGEST_NUMBER)]
Seq = Annotated[int, msgspec.Meta(ge=0, lt=MOST_EVENTS_OF_A_LIFE)]

KEPT_BYTES = 16 << 20
"""The events of a larger trace are not held in memory."""
CHUNK_BYTES = 1 << 20
"""How much of a file is decoded at a time."""
MOST_MISSING_LIVES = 100
"""After a larger jump in the numbers of files, only these are named as missing."""

EventName = Literal[
    "restart",  # a life begins: term, vote, last, commit as recovered from disk
    "term",  # currentTerm grew (vote is None again)
    "vote",  # votedFor was set: vote
    "role",  # became follower, candidate or leader: role
    "append",  # entries were put at the end of the log: entries
    "truncate",  # entries from `index` on were removed from the log
    "synced",  # everything traced before this line, up to log index `index`, is on disk
    "commit",  # commitIndex grew: commit
    "apply",  # entries were given to the state machine: entries, skipped
    "snapshot",  # the state up to `index` was taken (peer: installed) as a snapshot: entries, digest, peer
    "configuration",  # the members changed: members
    "send",  # a message was handed to the transport: peer, message, message_id
    "receive",  # a message was taken: peer, message, message_id
    "refuse",  # a message changed nothing: peer, and index where it would have cut committed entries
    "acknowledge",  # a client's write was answered ok: index, op
    "hold",  # a client's read waits for a change, as it shows nothing new at `applied`: op
    "answer",  # a read that was held is answered with what is applied: op
    "stop",  # an orderly end of this life
]


class TraceEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A log entry as traces name it."""

    index: Index
    term: Index
    hash: str
    """Hex digest over term, kind and payload: equal hashes mean equal commands."""
    op: str | None = None
    """The operation id the command carries, if a client sent one."""


class TraceEvent(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of a trace. term, role, commit, applied and last are the node's state *after* the event."""

    seq: Seq
    at: Number
    """Nanoseconds of the node's monotonic clock."""
    event: EventName
    term: Index
    role: str
    commit: Index
    applied: Index
    last: Index
    vote: str | None = None
    index: Index | None = None
    entries: tuple[TraceEntry, ...] = ()
    peer: str | None = None
    message: str | None = None
    message_id: str | None = None
    count: Index = 0
    """Of an AppendEntries: how many entries, after `index`. Of snapshots' messages: bytes, in all or held."""
    ok: bool | None = None
    """Of a reply: granted, or success."""
    of_term: Index | None = None
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
    skipped: tuple[Index, ...] = ()
    """Of `apply`: the indices of those entries that the node's table of sessions kept without effect."""
    committed: Index | None = None
    """Of a message: a commit index that it carries, where its kind in Raft has none."""


class NodeTrace(msgspec.Struct, frozen=True):
    """All lives of one node, in order."""

    node: str
    events: Sequence[TraceEvent]
    """A tuple, or a sequence that is read from disk each time that it is iterated over."""
    gaps: tuple[str, ...] = ()
    """What is missing or damaged, in words; empty where the trace is whole."""
    cut: frozenset[int] = frozenset()
    """The lives whose events may end too early, or that are missing. If there are gaps and this is empty, any
    life may."""

    def is_whole(self, life: int) -> bool:
        """Whether every event of a life is here, up to its end."""
        return not self.gaps or (bool(self.cut) and life not in self.cut)

    def is_whole_between(self, before: int, life: int) -> bool:
        """Whether nothing is missing between the last event of one life and the first event of a later one.

        Args:
            before: the earlier life; 0 if there is none.
        """
        if not self.gaps or life == 1:
            return True
        first = max(before, 1)
        return life - first <= MOST_MISSING_LIVES and all(map(self.is_whole, range(first, life)))

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
    folder: Path,
    node: str,
    *,
    ended: Container[int] | None = None,
    last_life: int = 0,
    root: Path | None = None,
    longest: int | None = None,
    kept_bytes: int = KEPT_BYTES,
    chunk_bytes: int = CHUNK_BYTES,
) -> NodeTrace:
    """Read every life of a node's trace under `folder`.

    Damage never raises: it becomes an entry of `gaps`, and what is readable is kept.

    Args:
        ended: the lives whose end was seen, apart from those that end with `stop`; None for all.
        last_life: the number of the last life that the node is known to have had; 0 if that is not known.
        root: a folder that is not trusted, in which no link is followed; by default `folder`.
        longest: no log has more entries; by default what the size of this node's trace allows.
        kept_bytes: the events of a trace with more bytes stay on disk.
        chunk_bytes: how much of a file is decoded at a time.
    """
    root = folder if root is None else root
    reading = _Reading(node, ended, chunk_bytes)
    sizes: dict[int, tuple[Path, int]] = {}
    for life, path in _trace_files(folder, root, reading):
        try:
            with open_regular(path, root=root) as file:
                sizes[life] = (path, file.seek(0, 2))
        except (RefusedFile, OSError) as error:
            reading.lacks(life, f"{node}: {error}")
    if not sizes and not reading.gaps:
        reading.gaps.append(f"{node}: no trace under {folder}")
    in_all = sum(size for _, size in sizes.values())
    reading.longest = longest_log(in_all) if longest is None else longest
    reading.is_kept = in_all <= kept_bytes
    reading.tell_apart(sizes)
    expected_life = 1
    for life, (path, _) in sorted(sizes.items()):
        for missing in range(expected_life, min(life, expected_life + MOST_MISSING_LIVES)):
            reading.lacks(missing, f"{node}: the trace of life {missing} is missing")
        expected_life = life + 1
        if life not in reading.displaced:
            reading.read(path, life)
    if sizes and expected_life <= last_life:
        reading.lacks(last_life, f"{node}: the trace of life {last_life}, its last one, is missing")
    return reading.trace()


def _trace_files(folder: Path, root: Path, reading: _Reading) -> Iterator[tuple[int, Path]]:
    try:
        names = names_in(folder, root) if folder != root else [path.name for path in folder.glob("*.jsonl")]
    except (RefusedFile, OSError) as error:
        reading.gaps.append(f"{reading.node}: {error}")
        return
    for name in names:
        stem, _, suffix = name.rpartition(".")
        if suffix == "jsonl" and stem.isascii() and stem.isdecimal() and 1 <= int(stem[:12]) < MOST_LIVES:
            yield int(stem[:12]), folder / name


class _Reading:
    """The lives of one node, as they are read."""

    def __init__(self, node: str, ended: Container[int] | None, chunk_bytes: int) -> None:
        self.node = node
        self.longest = 0
        self.is_kept = True
        self.gaps: list[str] = []
        self._ended = ended
        self._chunk_bytes = chunk_bytes
        self._events: list[TraceEvent] = []
        self._files: list[_File] = []
        self._cut: set[int] = set()
        self.displaced: set[int] = set()
        """The lives whose files hold something else."""

    def lacks(self, life: int, gap: str) -> None:
        """Note that a life is missing, or that its events may end too early."""
        self._cut.add(life)
        self.gaps.append(gap)

    def tell_apart(self, sizes: Mapping[int, tuple[Path, int]]) -> None:
        """Find the files that are not what their names say: of another life or node, or a copy.

        A message tells whose life it is. If one file is displaced, then the place of a file without any
        message is not known either. Nothing in such files counts. Lives whose end was seen are in their
        place: two of them may even be equal, if the node was started twice in one instant of a simulation.
        """
        silent: list[int] = []
        by_size: dict[int, Path] = {}
        for life, (path, size) in sorted(sizes.items()):
            if self._ended is not None and life in self._ended:
                continue
            original = by_size.setdefault(size, path) if size else path
            message_id = _first_message(path)
            if self._ended is not None and original != path and _are_equal(original, path):
                self._displace(life, f"{path.name} is a copy of {original.name}")
            elif not _is_of(message_id, self.node, life):
                self._displace(life, f"{path.name} holds message {brief(message_id)}, not of life {life}")
            elif message_id is None and size:
                silent.append(life)
        if self.displaced:
            for life in silent:
                self._displace(life, f"which life {sizes[life][0].name} is of is not known")

    def _displace(self, life: int, why: str) -> None:
        self.displaced.add(life)
        self.lacks(life, f"{self.node}: {why}")

    def read(self, path: Path, life: int) -> None:
        """Read the file of one life."""
        chunks = _chunks(path, self.node, life, self._chunk_bytes, self.longest)
        count = 0
        last: TraceEvent | None = None
        while True:
            try:
                chunk = next(chunks)
            except StopIteration as end:
                gap = end.value
                break
            count += len(chunk)
            last = chunk[-1]
            if self.is_kept:
                self._events += chunk
        if gap is not None:
            self.lacks(life, gap)
        elif (last is None or last.event != "stop") and self._ended is not None and life not in self._ended:
            after = "before its first line" if last is None else f"after seq {last.seq}"
            self.lacks(
                life,
                f"{self.node}: the trace of life {life} may lack lines {after}, as the end of that life was "
                "not seen",
            )
        self._files.append(_File(path, life, count))

    def trace(self) -> NodeTrace:
        """All that was read."""
        kept = (
            tuple(self._events) if self.is_kept else StoredEvents(self.node, self._files, self._chunk_bytes)
        )
        return NodeTrace(node=self.node, events=kept, gaps=tuple(self.gaps), cut=frozenset(self._cut))


_decode = msgspec.json.Decoder(TraceEvent).decode
_decode_many = msgspec.json.Decoder(list[TraceEvent]).decode


def _chunks(
    path: Path, node: str, life: int, chunk_bytes: int, longest: int = LARGEST_TERM
) -> Generator[list[TraceEvent], None, str | None]:
    """A life's events, in pieces; returns what is damaged, in words, where they break off."""
    lines = _Lines(path.name, node, life, longest)
    torn = b""
    with open_regular(path, root=path.parent) as file:
        while data := file.read(chunk_bytes):
            *whole, torn = (torn + data).split(b"\n")  # the last is b"" where the line is whole
            events, gap = lines.events_of(whole)
            if events:
                yield events
            if gap is not None:
                return gap
            if len(torn) > LONGEST_LINE_BYTES:
                return (
                    f"{node}: {path.name}, line {lines.number + 1}: longer than {LONGEST_LINE_BYTES:,} bytes"
                )
            if len(torn) > chunk_bytes:
                chunk_bytes = len(torn)  # so that a long line is not copied once for each chunk
    if torn and not is_too_deep(torn):
        try:
            event = _decode(torn)
        except UNREADABLE:
            return None  # cut by a kill: its effect never left the node
        if lines.wrong(event) is None:
            lines.place(event)
            yield [event]
    return None


class _Lines:
    """The lines of one life's file, checked one after the other."""

    def __init__(self, file: str, node: str, life: int, longest: int) -> None:
        self.number = 0
        """How many lines were read."""
        self._file = file
        self._node = node
        self._life = life
        self._longest = longest
        self._seq = 0

    def events_of(self, lines: list[bytes]) -> tuple[list[TraceEvent], str | None]:
        """The events of whole lines up to the first that is damaged, and what is damaged."""
        joined = b"[" + b",".join(lines) + b"]"
        try:
            events = _decode_many(joined)
        except UNREADABLE:
            events = []
        if len(events) == len(lines) and self._follow(events):
            self.number += len(lines)
            return events, None
        return self._one_by_one(lines)

    def _follow(self, events: list[TraceEvent]) -> bool:
        """Place events that are all right; whether they are."""
        node, life, longest = self._node, self._life, self._longest
        seq = self._seq
        for event in events:
            seq += 1
            if event.seq != seq or event.last > longest:
                return False
            force_setattr(event, "node", node)
            force_setattr(event, "life", life)
        self._seq = seq
        return True

    def _one_by_one(self, lines: list[bytes]) -> tuple[list[TraceEvent], str | None]:
        """The same, line by line, where one of them is damaged."""
        events: list[TraceEvent] = []
        for line in lines:
            self.number += 1
            where = f"{self._node}: {self._file}, line {self.number}"
            try:
                event = _decode(line)
            except UNREADABLE as error:
                return events, f"{where}: {brief(error)}"
            wrong = self.wrong(event)
            if wrong is not None:
                return events, f"{where}: {wrong}"
            self.place(event)
            events.append(event)
        return events, None

    def wrong(self, event: TraceEvent) -> str | None:
        """Why an event cannot be the next one of this life."""
        if event.seq != self._seq + 1:
            return f"seq {event.seq} follows {self._seq}"
        if event.last > self._longest:
            return f"a log of {event.last} entries, of which the traces could hold {self._longest} at most"
        return None

    def place(self, event: TraceEvent) -> None:
        """Take an event that is right as the last one so far; no other code has it yet."""
        self._seq = event.seq
        force_setattr(event, "node", self._node)
        force_setattr(event, "life", self._life)


def _first_message(path: Path) -> str | None:
    """The id of the first message that a life sent; None if it sent none before its first damaged line."""
    with open_regular(path, root=path.parent) as file:
        while line := file.readline(LONGEST_LINE_BYTES):
            try:
                event = _decode(line)
            except UNREADABLE:
                return None
            if event.event == "send":
                return event.message_id
    return None


def _are_equal(one: Path, other: Path) -> bool:
    """Whether two files of the same size have the same bytes."""
    with open_regular(one, root=one.parent) as first, open_regular(other, root=other.parent) as second:
        while data := first.read(CHUNK_BYTES):
            if data != second.read(CHUNK_BYTES):
                return False
    return True


def _is_of(message_id: str | None, node: str, life: int) -> bool:
    """Whether a message can be of a node's life: its id is `node:life:n`. Another form says nothing."""
    parts = (message_id or "").rsplit(":", 2)
    if len(parts) != 3 or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return True
    return parts[0] == node and parts[1] == str(life)


force_setattr = msgspec.structs.force_setattr
