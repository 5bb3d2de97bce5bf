"""Writes the node's trace: docs/trace-format.md, one file a life, one JSON object a line.

Lines are collected by `add` and leave in one write(2) at `flush`. The driver flushes before any
effect that follows them, so what is traced is in the kernel before anyone else can see it; lines of
several steps share one write, where nobody could have seen anything in between.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from node_impl.events import Trace
from node_impl.raft.log import TraceRow


class _Line(msgspec.Struct, omit_defaults=True, gc=False):
    """One line, with all fields that any event has: to encode a struct takes half the time of putting text
    together. What is None or an empty tuple is left out; zero and false are said."""

    seq: int
    at: int
    event: str
    term: int
    role: str
    commit: int
    applied: int
    last: int
    vote: str | None = None
    peer: str | None = None
    message: str | None = None
    message_id: str | None = None
    index: int | None = None
    count: int | None = None
    ok: bool | None = None
    of_term: int | None = None
    op: str | None = None
    digest: str | None = None
    entries: tuple[TraceRow, ...] = ()
    members: tuple[str, ...] = ()
    learners: tuple[str, ...] = ()


class TraceWriter:
    """The trace of one life of a node, in a folder that holds all its lives.

    Raises:
        OSError: the folder cannot be written, or is full. A node that cannot record what it does
            must end, since a gap would make everything after it unknown.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        lives = [int(path.stem) for path in folder.glob("[0-9]*.jsonl") if path.stem.isdigit()]
        self.life = max(lives, default=0)
        """The number of this life, from 1."""
        self._file = -1
        while self._file < 0:
            self.life += 1
            path = folder / f"{self.life:04}.jsonl"
            try:
                self._file = os.open(
                    path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644
                )
            except FileExistsError:
                continue  # another process took the number since the folder was listed
        self._encode = msgspec.json.Encoder().encode_lines
        self._seq = 0
        self._lines: list[_Line] = []

    @property
    def waiting(self) -> int:
        """How many lines were collected since the last `flush`."""
        return len(self._lines)

    def add(self, trace: Trace, at: int) -> None:
        """Collect one event; `at` is the node's clock in nanoseconds."""
        self._seq += 1
        self._lines.append(
            _Line(
                self._seq,
                at,
                trace.event,
                trace.term,
                trace.role,
                trace.commit,
                trace.applied,
                trace.last,
                **trace.fields,
            )
        )

    def flush(self) -> None:
        """Hand the collected lines to the kernel."""
        if not self._lines:
            return
        data = memoryview(self._encode(self._lines))
        self._lines.clear()
        while data:
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        """Write what is left and close."""
        self.flush()
        os.close(self._file)
