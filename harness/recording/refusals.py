"""The refusals of a recording, kept next to its history: what a client reported may be missing there.

A client that does not look at its answers goes on after a refusal. If its completion was refused, a reply of
the system is missing, and what is left must not count as valid; if its invocation was refused, an effect has
no cause in the history. `refused.jsonl` says so also after the recorder was killed. It is bounded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from harness.recording.protocol import Refusal
from history.files import UNREADABLE, is_regular, read_regular

REFUSED: Final = "refused.jsonl"
MOST_KEPT: Final = 1000
_MOST_BYTES: Final = 4 << 20


class KeptRefusal(msgspec.Struct, frozen=True):
    """One request that was not accepted."""

    time: int
    """Nanoseconds since the recording began."""
    code: str
    error: str
    field: str | None
    hides_a_reply: bool
    """Whether it was, or may have been, a completion that is not in the history."""


class RefusalLog:
    """Appends refusals, a line each; the file is made with the first one."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / REFUSED
        self._file = -1
        self._kept = 0
        self._waiting: list[bytes] = []

    def keep(self, time: int, refusal: Refusal, *, hides_a_reply: bool) -> None:
        """Keep one; if the disk is full, it waits for the next one, or for the end."""
        if self._kept >= MOST_KEPT:
            return
        self._kept += 1
        kept = KeptRefusal(time, refusal.code, str(refusal), refusal.field, hides_a_reply)
        self._waiting.append(msgspec.json.encode(kept) + b"\n")
        try:
            self._write()
        except OSError:
            return

    def close(self) -> None:
        """Write what waits, and put the file on the disk.

        Raises:
            OSError: that is not possible; without it, a verdict could be wrong.
        """
        self._write()
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1

    def _write(self) -> None:
        while self._waiting:
            if self._file < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
                self._file = os.open(self._path, flags, 0o644)
            line = self._waiting[0]
            written = os.write(self._file, line)
            if written != len(line):
                self._waiting[0] = line[written:]
                continue
            del self._waiting[0]


def read_refusals(folder: Path) -> list[KeptRefusal]:
    """The refusals of a recording; a line that cannot be read may have been any.

    Raises:
        RefusedFile: the file is a link, or too large.
    """
    path = folder / REFUSED
    if not path.is_symlink() and not is_regular(path, folder):
        return []
    found = []
    for line in read_regular(path, root=folder, most_bytes=_MOST_BYTES).splitlines():
        try:
            found.append(msgspec.json.decode(line, type=KeptRefusal))
        except UNREADABLE:
            found.append(KeptRefusal(0, "not known", "", None, True))
    return found
