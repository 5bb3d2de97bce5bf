"""A simulated disk: what storage asks of one (node_impl/core/storage/disk.py), and how it fails.

A write takes time, so the process calls storage only when the write is over: on return all is durable.
A crash before that is played by `tear` and then the same call: the bytes stop on their way at a
drawn place, and `Interrupted` takes the place of the return.

- SIGKILL in mid-write leaves a beginning of the bytes (a *short* write), or all of them.
- Loss of power leaves any sectors of them and zeros for the others (a *torn* write), nothing, or all.
- A full disk takes a beginning of the bytes and refuses. A failed fsync drops what was not synced.
- A new file is there whole or not at all.
- *Rot* flips one bit of what was durable.
"""

from __future__ import annotations

import errno
from typing import Literal

from harness.generator.draw import scramble
from harness.sim.plan.stream import Stream

SECTOR_BYTES = 512

Failure = Literal["full", "fsync-error"]


class Interrupted(Exception):
    """The process ended in the middle of this write."""


class SimulatedDisk:
    """The files of one node; outlives its processes."""

    def __init__(self) -> None:
        self._files: dict[str, bytearray] = {}
        self._unsynced: dict[str, int] = {}
        """By file: where that begins which no sync has covered."""
        self._interruption: tuple[bool, int] | None = None
        self._failure: Failure | None = None

    # ---- what storage asks -----------------------------------------------------------------------------

    def read(self, name: str) -> bytes | None:
        """The whole file; None if there is none."""
        content = self._files.get(name)
        return None if content is None else bytes(content)

    def create(self, name: str, content: bytes) -> None:
        """Put a whole new file, durable on return."""
        if self._interruption is not None:
            power_lost, draw = self._interruption
            if draw & 1:
                raise Interrupted  # its new name was not given to it yet
            self._interruption = (power_lost, scramble(draw))  # else it stops at what follows
        if self._failure is not None:
            raise _error(self._failure)
        self._files[name] = bytearray(content)
        self._unsynced.pop(name, None)

    def append(self, name: str, data: bytes) -> None:
        """Hand bytes to the kernel."""
        content = self._files.setdefault(name, bytearray())
        begin = len(content)
        if self._interruption is not None:
            power_lost, draw = self._interruption
            content += _torn(data, begin, draw) if power_lost else _short(data, draw)
            raise Interrupted
        self._unsynced.setdefault(name, begin)
        if self._failure == "full":
            content += data[: len(data) // 2]
            raise _error(self._failure)
        content += data

    def sync(self, name: str) -> None:
        """Make all that was appended durable."""
        if self._interruption is not None:
            raise Interrupted
        begin = self._unsynced.pop(name, None)
        if self._failure == "fsync-error":
            if begin is not None:
                del self._files[name][begin:]
            raise _error(self._failure)

    def truncate(self, name: str, size: int) -> None:
        """Cut the file, durable on return."""
        if self._interruption is not None:
            raise Interrupted
        del self._files[name][size:]
        self._unsynced.pop(name, None)

    # ---- what befalls it -------------------------------------------------------------------------------

    def tear(self, power_lost: bool, draw: int) -> None:
        """The process has ended in the middle of the write that comes next; `draw` says how much of it."""
        self._interruption = (power_lost, draw)

    def lose_power(self, draw: int) -> None:
        """What was appended and not synced is as far on the disk as it happens to be."""
        for name, begin in self._unsynced.items():
            content = self._files[name]
            content[begin:] = _torn(bytes(content[begin:]), begin, draw)
        self._unsynced.clear()

    def fail(self, failure: Failure) -> None:
        """The write that comes next fails."""
        self._failure = failure

    def mend(self) -> None:
        """A new process begins: nothing is torn or failing any more."""
        self._interruption = self._failure = None

    def rot(self, name: str, draw: int) -> int | None:
        """Flip one bit of a file; gives the byte it is in, or None if there is nothing to flip."""
        content = self._files.get(name)
        if not content:
            return None
        byte, bit = (draw * len(content)) >> 64, draw & 7
        content[byte] ^= 1 << bit
        return byte

    def files(self) -> dict[str, bytes]:
        """Every file and what it holds, by name in order."""
        return {name: bytes(self._files[name]) for name in sorted(self._files)}


def _error(failure: Failure) -> OSError:
    if failure == "full":
        return OSError(errno.ENOSPC, "No space left on device")
    return OSError(errno.EIO, "Input/output error")


def _short(data: bytes, draw: int) -> bytes:
    """A beginning of the bytes: none, some or all."""
    return data[: (draw * (len(data) + 1)) >> 64]


def _torn(data: bytes, offset: int, draw: int) -> bytes:
    """Nothing of it, or all, or some of the sectors that these bytes at `offset` lie in: the file's new
    length may have reached the disk while a sector's bytes did not, which then reads as zeros."""
    stream = Stream(draw)
    trip = stream.below(4)
    if trip < 2:
        return data if trip else b""
    kept = bytearray(data[: len(data) if stream.chance(1, 2) else stream.below(len(data) + 1)])
    start = 0
    while start < len(kept):
        after = min(len(kept), start + SECTOR_BYTES - (offset + start) % SECTOR_BYTES)
        if stream.chance(1, 2):
            kept[start:after] = bytes(after - start)
        start = after
    return bytes(kept)
