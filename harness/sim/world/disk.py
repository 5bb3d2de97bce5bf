"""A simulated disk: the files of one node (node_impl/core/storage/disk.py), and how the disk fails.

There are two states: what the kernel holds (its page cache), which is what a process reads and writes, and
what is on the disk. A `sync` brings one file to the disk, a `sync_folder` the names of all files; each does
that alone, as POSIX has it.

- A process that is killed in a call leaves it done, undone, or, of bytes, a beginning. All that the kernel
  holds is there for the next life, durable or not.
- A loss of power takes what was not synced. Of a file's bytes it leaves none, all, or any of the sectors that
  differ, and the old length, the new one, or one between; a new sector that is missing reads as zeros. Of the
  names that were made or changed it leaves none, all, the first ones, or any.
- A full disk takes a beginning of the bytes and refuses. A failed fsync drops what was not synced.
- The files of a stopped node can be damaged, copied, and put back.

A write takes time, so the process calls storage only when the write is over. A crash before that is played by
`interrupt` and then the same calls: one of them ends in its middle, and raises `Interrupted`.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence

from harness.nemesis.mechanisms.disks import DiskCounts, DiskTrouble
from harness.sim.plan.stream import Stream
from history.units import MILLISECOND_NS
from node_impl.core.storage.disk import UNFINISHED

SECTOR_BYTES = 512


class Interrupted(Exception):
    """The process ended in the middle of this call."""


class _File:
    """What one file holds in the kernel and on the disk, whatever its names are.

    On the disk it holds the first `clean` bytes of `content`, and `tail` behind them.
    """

    __slots__ = ("clean", "content", "tail")

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self.clean = 0
        self.tail = b""

    def cut(self, size: int) -> None:
        if size < self.clean:
            self.tail = bytes(self.content[size : self.clean]) + self.tail
            self.clean = size
        del self.content[size:]

    def settle(self) -> None:
        """Let the disk hold what the kernel holds."""
        self.clean, self.tail = len(self.content), b""

    def drop(self) -> None:
        """Let the kernel hold what the disk holds."""
        self.content[self.clean :] = self.tail
        self.settle()


_Step = tuple[str, str | None, _File]
"""A name that a file was given, and the one that it had before, if any."""


class SimulatedDisk:
    """The files of one node; they outlive its processes."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        """By name, as the kernel has them."""
        self._durable: dict[str, _File] = {}
        """By name, as they are on the disk."""
        self._steps: list[_Step] = []
        """What was done to names since they were synced last."""
        self._interruption: int | None = None
        """What is drawn for the call that is interrupted."""
        self._calls_left = 0
        """Which call is interrupted, from 1."""
        self._troubles: dict[str, DiskTrouble] = {}
        """By fault, what it does to this disk."""
        self._unreadable: tuple[int, str] | None = None
        """Which read fails next, from 1, and by which fault."""
        self._room_bytes: int | None = None
        """How many more bytes the disk takes; None: it is not full."""
        self._refused = self._delayed = 0
        self.refused_by: str | None = None
        """The fault on whose account the disk refused a call last; None once that fault has ended."""

    # ---- what storage asks -----------------------------------------------------------------------------

    def read(self, name: str) -> bytes | None:
        """Read a whole file; None if there is none."""
        if self._unreadable is not None:
            left, by = self._unreadable
            self._unreadable = (left - 1, by) if left > 1 else None
            if left == 1:
                self._refuse(by)
                raise OSError(errno.EIO, "Input/output error")
        file = self._files.get(name)
        return None if file is None else bytes(file.content)

    def write_new(self, name: str, content: bytes) -> None:
        """Write a whole file, in place of what a file of that name held."""
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = _File()
            self._steps.append((name, None, file))
        else:
            file.cut(0)
        self.append(name, content)

    def append(self, name: str, data: bytes) -> None:
        """Hand bytes to the kernel."""
        content = self._files[name].content
        if self._interruption is not None and self._ends_here():
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

    def truncate(self, name: str, size: int) -> None:
        """Cut the file."""
        self._may_end()
        if self._troubles:
            self._fail("write")
        self._files[name].cut(size)
        self._end()

    def sync(self, name: str) -> None:
        """Make durable what a file holds and how long it is."""
        self._may_end()
        file = self._files[name]
        if self._troubles:
            try:
                self._fail("fsync")
            except OSError:
                file.drop()
                raise
        file.settle()
        self._end()

    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""
        self._may_end()
        if self._troubles:
            self._fail("write")
        file = self._files[new] = self._files.pop(old)
        self._steps.append((new, old, file))
        self._end()

    def sync_folder(self) -> None:
        """Make all names durable."""
        self._may_end()
        if self._troubles:
            self._fail("fsync")
        self._durable = dict(self._files)
        self._steps.clear()
        self._end()

    # ---- how a process ends ----------------------------------------------------------------------------

    def interrupt(self, draw: int, call: int) -> None:
        """Let the process end in the middle of the `call`-th call from now on, from 1.

        draw: how much of that call is done by then.
        """
        self._interruption, self._calls_left = draw, call

    def end_interruption(self) -> None:
        """Let calls come to their end again."""
        self._interruption = None

    def _ends_here(self) -> bool:
        self._calls_left -= 1
        return self._calls_left == 0

    def _may_end(self) -> None:
        """End the process before the call has done anything, in half of the cases."""
        if self._interruption is not None and self._ends_here() and self._interruption & 1:
            raise Interrupted

    def _end(self) -> None:
        """End the process after the call has done all, in the other half."""
        if self._interruption is not None and self._calls_left == 0:
            raise Interrupted

    def lose_power(self, draw: int) -> Mapping[str, int]:
        """Let what was not synced be lost or torn; what was lost, in numbers."""
        before = self._files
        self._files = _names_left(self._durable, self._steps, Stream(draw, "names"))
        self._steps.clear()
        self._durable = dict(self._files)
        lost_bytes = torn_files = 0
        for name, file in self._files.items():
            if file.clean == len(file.content) and not file.tail:
                continue
            seen = bytes(file.content[file.clean :])
            kept = _torn(seen, file.tail, file.clean, Stream(draw, name))
            lost_bytes += abs(len(seen) - len(kept)) + sum(a != b for a, b in zip(seen, kept, strict=False))
            torn_files += kept not in (seen, file.tail)
            file.content[file.clean :] = kept
            file.settle()
        lost_names = sum(self._files.get(name) is not file for name, file in before.items())
        return {"lost_bytes": lost_bytes, "lost_names": lost_names, "torn_files": torn_files}

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

    def fail_read(self, read: int, by: str) -> None:
        """Let one read fail with EIO: the `read`-th from now on, from 1."""
        self._unreadable = (read, by)

    def end_failing_reads(self) -> None:
        """Let all files be read again."""
        self._unreadable = None

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
        return {name: bytes(self._files[name].content) for name in sorted(self._files)}

    def put(self, files: Mapping[str, bytes]) -> None:
        """Put these files in place of all others, durable."""
        self._files = {name: _File(content) for name, content in files.items()}
        for file in self._files.values():
            file.settle()
        self._durable = dict(self._files)
        self._steps.clear()

    def largest(self) -> str | None:
        """The largest file that is in its place, a log mostly; None if no file holds anything."""
        sizes = {name: len(self._files[name].content) for name in sorted(self._files)}
        held = [name for name, size in sizes.items() if size and not name.endswith(UNFINISHED)]
        return max(held, key=sizes.__getitem__, default=None)

    def rot(self, name: str, draw: int) -> int | None:
        """Flip one bit of what is durable; the byte that it is in, or None if nothing is."""
        file = self._files[name]
        if not file.clean:
            return None
        byte, bit = (draw * file.clean) >> 64, draw & 7
        file.content[byte] ^= 1 << bit
        return byte

    def tear(self, name: str, by: int) -> None:
        """Let a file end in a write of which the new length reached the disk, and the bytes did not. It takes
        the place of what was not synced."""
        file = self._files[name]
        file.content[file.clean :] = bytes(by)
        file.settle()

    def cut(self, name: str, by: int) -> None:
        """Cut bytes off a file's end, durable or not."""
        file = self._files[name]
        del file.content[len(file.content) - by :]
        if file.clean > len(file.content):
            file.settle()


def _beginning(data: bytes, draw: int) -> bytes:
    """All of the bytes in half of the cases, since one call takes them all; else a beginning of them."""
    if draw & 1:
        return data
    return data[: (draw * (len(data) + 1)) >> 64]


def _names_left(durable: Mapping[str, _File], steps: Sequence[_Step], stream: Stream) -> dict[str, _File]:
    """The names on a disk that lost power: the durable ones, and none, all, the first, or any of the steps
    that were taken since, in their order."""
    names = dict(durable)
    if not steps:
        return names
    kind = stream.below(4)
    left = (0, len(steps), stream.below(len(steps) + 1), len(steps))[kind]
    for new, old, file in steps[:left]:
        if kind == 3 and stream.chance(1, 2):
            continue
        if old is not None and names.get(old) is file:
            del names[old]
        names[new] = file
    return names


def _torn(seen: bytes, durable: bytes, offset: int, stream: Stream) -> bytes:
    """What is left, from `offset` of a file on, when the kernel had `seen` there and the disk `durable`: one
    of them, or some sectors of one and some of the other.

    The file's new length may have reached the disk while a sector's bytes did not, which then reads as zeros.
    """
    kind = stream.below(4)
    if kind < 2:
        return seen if kind else durable
    shorter, longer = sorted((len(seen), len(durable)))
    size = (len(seen), len(durable), stream.between(shorter, longer))[stream.choose((0, 0, 1, 2))]
    kept = bytearray(durable[:size].ljust(size, b"\0"))
    start = 0
    while start < size:
        after = min(size, start + SECTOR_BYTES - (offset + start) % SECTOR_BYTES)
        if stream.chance(1, 2) and start < len(seen):
            kept[start:after] = seen[start:after].ljust(after - start, b"\0")
        start = after
    return bytes(kept)
