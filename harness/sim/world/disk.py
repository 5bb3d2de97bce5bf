"""A simulated disk: the files of one node (node_impl/core/storage/disk.py), and how the disk fails.

A write takes time, so the process calls storage only when the write is over: on return all is durable. A
crash before that is played by `interrupt` and then the same call: the bytes stop at a drawn place, and
`Interrupted` takes the place of the return.

- A process that is killed in a write leaves a beginning of the bytes, or all of them, in the kernel's hands.
- A loss of power takes what was not synced: nothing of it is left, or all, or some of its sectors, with zeros
in
  place of the others (a *torn* write).
- A full disk takes a beginning of the bytes and refuses. A failed fsync drops what was not synced.
- A new file is there whole or not at all.
- The files of a stopped node can be damaged, copied, and put back.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping

from harness.generator.draw import scramble
from harness.nemesis.mechanisms.disks import DiskCounts, DiskTrouble
from harness.sim.plan.stream import Stream
from history.units import MILLISECOND_NS

SECTOR_BYTES = 512


class Interrupted(Exception):
    """The process ended in the middle of this write."""


class SimulatedDisk:
    """The files of one node; they outlive its processes."""

    def __init__(self) -> None:
        self._files: dict[str, bytearray] = {}
        self._unsynced: dict[str, int] = {}
        """By file, the place from which on no sync has covered it."""
        self._interruption: int | None = None
        """What is drawn for the write that is interrupted."""
        self._troubles: dict[str, DiskTrouble] = {}
        """By fault, what it does to this disk."""
        self._room_bytes: int | None = None
        """How many more bytes the disk takes; None: it is not full."""
        self._refused = self._delayed = 0
        self.refused_by: str | None = None
        """The fault on whose account the disk refused a call last; None once that fault has ended."""

    # ---- what storage asks -----------------------------------------------------------------------------

    def read(self, name: str) -> bytes | None:
        """Read a whole file; None if there is none."""
        content = self._files.get(name)
        return None if content is None else bytes(content)

    def create(self, name: str, content: bytes) -> None:
        """Put a whole new file, durable on return."""
        if self._interruption is not None:
            if self._interruption & 1:
                raise Interrupted  # the file had not got its new name yet
            self._interruption = scramble(self._interruption)  # else the write stops at what follows
        if self._troubles:
            self._take_room(len(content))
            self._fail("write")
            self._fail("fsync")
        self._files[name] = bytearray(content)
        self._unsynced.pop(name, None)

    def append(self, name: str, data: bytes) -> None:
        """Hand bytes to the kernel."""
        content = self._files.setdefault(name, bytearray())
        self._unsynced.setdefault(name, len(content))
        if self._interruption is not None:
            content += _beginning(data, self._interruption)
            raise Interrupted
        if self._troubles:
            self._fail("write")
            room = self._room_bytes
            if room is not None:
                content += data[:room]
            self._take_room(len(data))
            if room is not None:
                return
        content += data

    def sync(self, name: str) -> None:
        """Make all that was appended durable."""
        if self._interruption is not None:
            raise Interrupted
        begin = self._unsynced.pop(name, None)
        if self._troubles:
            try:
                self._fail("fsync")
            except OSError:
                if begin is not None:
                    del self._files[name][begin:]
                raise

    def truncate(self, name: str, size: int) -> None:
        """Cut the file, durable on return."""
        if self._interruption is not None:
            raise Interrupted
        if self._troubles:
            self._fail("write")
            self._fail("fsync")
        del self._files[name][size:]
        self._unsynced.pop(name, None)

    # ---- how a process ends ----------------------------------------------------------------------------

    def interrupt(self, draw: int) -> None:
        """Let the process end in the middle of the write that comes next; `draw` says where."""
        self._interruption = draw

    def end_interruption(self) -> None:
        """Let writes come to their end again."""
        self._interruption = None

    def lose_power(self, draw: int) -> Mapping[str, int]:
        """Let what was appended and not synced be lost or torn; what was lost, in numbers."""
        lost_bytes = torn_files = 0
        for name, begin in self._unsynced.items():
            content = self._files[name]
            before = bytes(content[begin:])
            kept = _torn(before, begin, draw)
            content[begin:] = kept
            lost_bytes += len(before) - len(kept) + sum(a != b for a, b in zip(before, kept, strict=False))
            torn_files += bool(kept) and kept != before
        self._unsynced.clear()
        return {"lost_bytes": lost_bytes, "lost_names": 0, "torn_files": torn_files}

    # ---- trouble ---------------------------------------------------------------------------------------

    def begin_trouble(self, trouble: DiskTrouble) -> DiskCounts | None:
        """Make the disk worse; its counts just before, or None if that fault is on already."""
        if trouble.by in self._troubles:
            return None
        before = self.counts()
        self._troubles[trouble.by] = trouble
        self._measure_room()
        return before

    def end_trouble(self, by: str) -> bool:
        """End what one fault did to the disk; False if that fault was not on."""
        if self._troubles.pop(by, None) is None:
            return False
        if self.refused_by == by:
            self.refused_by = None
        self._measure_room()
        return True

    def counts(self) -> DiskCounts:
        """How many calls the disk has refused and delayed so far."""
        return DiskCounts(self._refused, self._delayed)

    def delay_ns(self) -> int:
        """Say how much longer the write and the fsync that begin now take, and count them as delayed."""
        delay_ms = max((trouble.delay_ms for trouble in self._troubles.values()), default=0)
        if delay_ms:
            self._delayed += 2
        return 2 * delay_ms * MILLISECOND_NS

    def _measure_room(self) -> None:
        rooms = [trouble.room_bytes for trouble in self._troubles.values() if trouble.room_bytes is not None]
        self._room_bytes = min(rooms, default=None)

    def _take_room(self, size: int) -> None:
        """Take room for so many bytes.

        Raises:
            OSError: there is not enough; what is left is taken all the same.
        """
        if self._room_bytes is None:
            return
        fits = size <= self._room_bytes
        self._room_bytes = max(0, self._room_bytes - size)
        if not fits:
            self._refuse(next(one.by for one in self._troubles.values() if one.room_bytes is not None))
            raise OSError(errno.ENOSPC, "No space left on device")

    def _fail(self, call: str) -> None:
        """Raise the error of a call that a fault lets fail now."""
        for trouble in self._troubles.values():
            if trouble.failing == call:
                self._refuse(trouble.by)
                raise OSError(errno.EIO, "Input/output error")

    def _refuse(self, by: str) -> None:
        self._refused += 1
        self.refused_by = by

    # ---- files of a stopped node -----------------------------------------------------------------------

    def files(self) -> dict[str, bytes]:
        """Every file and what it holds, by name in order."""
        return {name: bytes(self._files[name]) for name in sorted(self._files)}

    def put(self, files: Mapping[str, bytes]) -> None:
        """Put these files in place of all others, durable."""
        self._files = {name: bytearray(content) for name, content in files.items()}
        self._unsynced.clear()

    def largest(self) -> str | None:
        """The largest file, a log mostly; None if no file holds anything."""
        held = [name for name in sorted(self._files) if self._files[name]]
        return max(held, key=lambda name: len(self._files[name]), default=None)

    def rot(self, name: str, draw: int) -> int | None:
        """Flip one bit of what was durable; the byte that it is in, or None if nothing was durable."""
        content = self._files[name]
        durable = self._unsynced.get(name, len(content))
        if not durable:
            return None
        byte, bit = (draw * durable) >> 64, draw & 7
        content[byte] ^= 1 << bit
        return byte

    def tear(self, name: str, by: int) -> None:
        """Let a file end in a write of which the new length reached the disk, and the bytes did not. It takes
        the place of what was not synced."""
        content = self._files[name]
        del content[self._unsynced.pop(name, len(content)) :]
        content += bytes(by)

    def cut(self, name: str, by: int) -> None:
        """Cut bytes off a file's end, durable or not."""
        content = self._files[name]
        del content[len(content) - by :]
        if name in self._unsynced:
            self._unsynced[name] = min(self._unsynced[name], len(content))


def _beginning(data: bytes, draw: int) -> bytes:
    """All of the bytes in half of the cases, since one call takes them all; else a beginning of them."""
    if draw & 1:
        return data
    return data[: (draw * (len(data) + 1)) >> 64]


def _torn(data: bytes, offset: int, draw: int) -> bytes:
    """Nothing of the data, or all, or some of the sectors that it lies in, from `offset` of its file on.

    The file's new length may have reached the disk while a sector's bytes did not, which then reads as zeros.
    """
    stream = Stream(draw)
    kind = stream.below(4)
    if kind < 2:
        return data if kind else b""
    kept = bytearray(data[: len(data) if stream.chance(1, 2) else stream.below(len(data) + 1)])
    start = 0
    while start < len(kept):
        after = min(len(kept), start + SECTOR_BYTES - (offset + start) % SECTOR_BYTES)
        if stream.chance(1, 2):
            kept[start:after] = bytes(after - start)
        start = after
    return bytes(kept)
