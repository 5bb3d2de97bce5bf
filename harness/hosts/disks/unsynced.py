"""A folder whose files remember what no fsync has covered, so that a power failure can take it back.

Everything that is written goes to the real folder below at once, as it goes to a kernel's cache, and
is read back from there. A journal keeps how to undo each step that is not durable yet:

- bytes written or cut, until an fsync of that file (what POSIX asks of fsync and fdatasync);
- names made, renamed or removed, until an fsync of the folder that they are in. POSIX promises no more,
  and programs that forget it lose whole files (Pillai et al., "All File Systems Are Not Created Equal", OSDI
  2014).

`lose_power` undoes the journal from its end. It may leave *torn* writes: of what a file was given since
its last fsync nothing, all, or some sectors have reached the disk, and its length perhaps before them,
so that the sectors that are missing read as zeros. The simulator's disk tears data in the same ways.
"""

from __future__ import annotations

import errno
import os
import random
from pathlib import PurePosixPath

import msgspec

from harness.hosts.disks.diskmessages import LostData

SECTOR_BYTES = 512


class _Changed(msgspec.Struct, frozen=True):
    """Bytes of a file were written or cut."""

    file: int
    offset: int
    length: int
    """How many bytes from `offset` on may differ now."""
    before: bytes
    """The bytes that stood there before."""
    size_before: int


class _Made(msgspec.Struct, frozen=True):
    """A name was made for a new file or folder."""

    name: str


class _Removed(msgspec.Struct, frozen=True):
    """A name was taken from a file, which `content` was in."""

    name: str
    file: int
    content: bytes
    mode: int


class _Renamed(msgspec.Struct, frozen=True):
    """A file got another name; what had that name before was undone as `_Removed`."""

    old: str
    new: str


class UnsyncedFolder:
    """Files below one folder, by names relative to it such as `log.wal`. Errors are `OSError`."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._journal: list[_Changed | _Made | _Removed | _Renamed] = []
        self._numbers: dict[str, int] = {}
        self._last_number = 0

    def path(self, name: str) -> str:
        """The real path of a file."""
        return os.path.join(self._root, name)

    def number(self, name: str) -> int:
        """A number that stays the file's own when it is renamed."""
        if name not in self._numbers:
            self._last_number += 1
            self._numbers[name] = self._last_number
        return self._numbers[name]

    @property
    def unsynced_bytes(self) -> int:
        """How many bytes a power failure would take now, at the most."""
        return sum(change.length for change in self._journal if isinstance(change, _Changed))

    # ---- what programs do ------------------------------------------------------------------------------

    def write(self, file: int, opened: int, data: bytes, offset: int) -> int:
        """Write by a file descriptor that is open for reading too; how many bytes were taken."""
        size = os.fstat(opened).st_size
        before = os.pread(opened, len(data), offset)
        taken = os.pwrite(opened, data, offset)
        start = min(offset, size)  # a hole before it comes and goes with it
        self._journal.append(_Changed(file, start, offset + taken - start, before[:taken], size))
        return taken

    def truncate(self, name: str, size: int) -> None:
        """Cut or lengthen a file."""
        opened = os.open(self.path(name), os.O_RDWR)
        try:
            size_before = os.fstat(opened).st_size
            start = min(size, size_before)
            before = os.pread(opened, max(0, size_before - size), start)
            os.ftruncate(opened, size)
        finally:
            os.close(opened)
        length = abs(size - size_before)
        self._journal.append(_Changed(self.number(name), start, length, before, size_before))

    def create(self, name: str, flags: int, mode: int) -> int:
        """Open a new file; the descriptor, open for reading too."""
        existed = os.path.exists(self.path(name))
        opened = os.open(self.path(name), _readable(flags) | os.O_CREAT, mode)
        if not existed:
            self.number(name)
            self._journal.append(_Made(name))
        return opened

    def open(self, name: str, flags: int) -> int:
        """Open a file that is there; the descriptor, open for reading too."""
        return os.open(self.path(name), _readable(flags))

    def mkdir(self, name: str, mode: int) -> None:
        """Make a folder below this one."""
        os.mkdir(self.path(name), mode)
        self._journal.append(_Made(name))

    def rmdir(self, name: str) -> None:
        """Remove a folder; a power failure does not undo this."""
        os.rmdir(self.path(name))

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in place of whatever has it."""
        if os.path.isdir(self.path(old)):
            raise OSError(errno.EOPNOTSUPP, "folders are not renamed here")
        if os.path.exists(self.path(new)) and new != old:
            self._remember_removed(new)
        os.rename(self.path(old), self.path(new))
        number = self.number(old)
        del self._numbers[old]
        self._numbers[new] = number
        self._journal.append(_Renamed(old, new))

    def unlink(self, name: str) -> None:
        """Remove a file by its name."""
        self._remember_removed(name)
        os.unlink(self.path(name))

    def sync(self, file: int) -> None:
        """Make durable what was written to this file: no power failure takes it."""
        self._journal = [
            step for step in self._journal if not (isinstance(step, _Changed) and step.file == file)
        ]

    def sync_folder(self, folder: str) -> None:
        """Make durable the names in this folder (`""` for the uppermost)."""
        self._journal = [
            step for step in self._journal if isinstance(step, _Changed) or _folder_of(step) != folder
        ]

    def _remember_removed(self, name: str) -> None:
        with open(self.path(name), "rb") as file:
            content = file.read()
            mode = os.fstat(file.fileno()).st_mode & 0o7777
        self._journal.append(_Removed(name, self.number(name), content, mode))
        del self._numbers[name]

    # ---- power failures -------------------------------------------------------------------------------

    def lose_power(self, draw: int, *, tear: bool) -> LostData:
        """Undo what is not durable; with `tear` some of it stays, which follows from `draw`."""
        chance = random.Random(draw)
        changed: dict[int, list[_Changed]] = {}
        for step in self._journal:
            if isinstance(step, _Changed):
                changed.setdefault(step.file, []).append(step)
        seen = {number: self._content(number) for number in changed}
        names = 0
        while self._journal:
            names += self._undo(self._journal.pop())
        lost = torn_files = 0
        for number, steps in changed.items():
            durable, seen_content = self._content(number), seen[number]
            if durable is None or seen_content is None:
                lost += sum(step.length for step in steps)
                continue
            kept = _torn(durable, seen_content, steps, chance) if tear else durable
            if kept != durable:
                torn_files += 1
                self._replace(number, kept)
            lost += sum(a != b for a, b in zip(kept, seen_content, strict=False))
            lost += abs(len(seen_content) - len(kept))
        return LostData(lost, names, torn_files)

    def drop_unsynced(self, file: int) -> None:
        """Lose what was written to this file since its last fsync, as after an fsync that failed."""
        mine = [step for step in self._journal if isinstance(step, _Changed) and step.file == file]
        for step in reversed(mine):
            self._undo(step)
        self.sync(file)

    def _undo(self, step: _Changed | _Made | _Removed | _Renamed) -> int:
        """Take one step back; how many names that concerned."""
        match step:
            case _Changed(file, offset, _, before, size_before):
                name = self._name(file)
                if name is not None:
                    opened = os.open(self.path(name), os.O_WRONLY)
                    try:
                        os.pwrite(opened, before, offset)
                        os.ftruncate(opened, size_before)
                    finally:
                        os.close(opened)
                return 0
            case _Made(name):
                if os.path.isdir(self.path(name)):
                    os.rmdir(self.path(name))
                else:
                    os.unlink(self.path(name))
                    self._numbers.pop(name, None)
            case _Renamed(old, new):
                os.rename(self.path(new), self.path(old))
                self._numbers[old] = self._numbers.pop(new)
            case _Removed(name, file, content, mode):
                with open(self.path(name), "xb") as restored:
                    restored.write(content)
                    os.fchmod(restored.fileno(), mode)
                self._numbers[name] = file
        return 1

    def _name(self, number: int) -> str | None:
        return next((name for name, found in self._numbers.items() if found == number), None)

    def _content(self, number: int) -> bytes | None:
        name = self._name(number)
        if name is None:
            return None
        with open(self.path(name), "rb") as file:
            return file.read()

    def _replace(self, number: int, content: bytes) -> None:
        name = self._name(number)
        assert name is not None
        with open(self.path(name), "r+b") as file:
            file.write(content)
            file.truncate()


def _readable(flags: int) -> int:
    """Flags of open(2) with which what is about to be overwritten can be read first; never O_APPEND, since
    the kernel says at which offset to write."""
    return (flags & ~(os.O_ACCMODE | os.O_APPEND | os.O_TRUNC | os.O_DIRECT)) | os.O_RDWR


def _folder_of(step: _Made | _Removed | _Renamed) -> str:
    name = step.new if isinstance(step, _Renamed) else step.name
    folder = str(PurePosixPath(name).parent)
    return "" if folder == "." else folder


def _torn(durable: bytes, seen: bytes, steps: list[_Changed], chance: random.Random) -> bytes:
    """What reached the disk of a file that was `durable` once and is `seen` now; as the module explains."""
    fate = chance.randrange(4)
    if fate < 2:
        return seen if fate else durable
    shortest = min(len(durable), len(seen))
    length = len(seen) if chance.random() < 0.5 else chance.randint(shortest, len(seen))
    kept = bytearray(seen[:length])
    before = durable[:length] + bytes(max(0, length - len(durable)))
    sectors = sorted(
        {
            sector
            for step in steps
            for sector in range(step.offset // SECTOR_BYTES, -(-(step.offset + step.length) // SECTOR_BYTES))
        }
    )
    for sector in sectors:
        if chance.random() < 0.5:
            span = slice(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES)
            kept[span] = before[span]
    return bytes(kept)
