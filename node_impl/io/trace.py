"""Writes the node's trace: docs/trace-format.md, one file a life, one JSON object a line.

Lines are collected by `add` and leave in one write(2) at `flush`. The driver flushes before any
effect that follows them, so what is traced is in the kernel before anyone else can see it; lines of
several steps share one write, where no other process could have seen anything in between.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from node_impl.core.events import Trace


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
        self._lines: list[Trace] = []

    @property
    def waiting(self) -> int:
        """How many lines were collected since the last `flush`."""
        return len(self._lines)

    def add(self, trace: Trace, at: int) -> None:
        """Collect one event; `at` is the node's clock in nanoseconds."""
        self._seq += 1
        trace.seq, trace.at = self._seq, at
        self._lines.append(trace)

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
