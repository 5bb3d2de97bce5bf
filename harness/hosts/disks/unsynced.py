"""A folder whose files remember what no fsync has covered, so that a power failure can take it back.

Everything that is written goes to the real folder below at once, as it goes to a kernel's cache, and
is read back from there. A journal keeps how to undo each step that is not durable yet:

- bytes written or cut, until an fsync of that file (what POSIX asks of fsync and fdatasync);
- names made, renamed or removed, until an fsync of the folder that they are in. POSIX promises no more,
  and programs that forget it lose whole files (Pillai et al., "All File Systems Are Not Created Equal", OSDI
  2014). A rename is one step, which the fsync of the new name's folder covers.

File systems do more: ext4, XFS and Btrfs make the names that lead to a file durable with the file's own
fsync, and many systems rely on that (etcd makes its folders so). With `names_by_fsync` this one does it too.
And it keeps names in order, as the journals of ext4 and XFS do: an fsync also makes durable each change of a
name that came before the last change of the file itself; of a fdatasync only those count that changed the
file's length or its names. So a log that was begun and synced after a rename is never there without it.

Files and folders are known by their inodes, so a journal stays right whatever they are called later, and hard
links are what they are. What a name was taken from is kept in a hidden folder, `KEPT`, until that is durable.

`lose_power` puts back every name and byte that is not durable: all of them, or, if the file system below
refuses, none. It may leave *torn* writes: of what a file was given since its last fsync nothing, all, or some
sectors have reached the disk, and its length perhaps before them, so that the sectors that are missing read
as zeros. The simulator's disk tears data in the same ways.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator

import msgspec

from harness.hosts.disks.diskmessages import LostData
from harness.hosts.disks.tearing import TornFile, merged

KEPT = ".ackproof-kept"
"""The hidden folder below the root; a program sees no such name."""


class ChangedBytes(msgspec.Struct, frozen=True):
    """Bytes of a file were written or cut."""

    file: int
    """Its inode."""
    offset: int
    length: int
    """How many bytes from `offset` on may differ now."""
    before: bytes
    """The bytes that stood there before."""
    size_before: int
    size: int


class _Entry(msgspec.Struct, frozen=True):
    """A name in a folder, by inodes: what it stood for before a step; None for nothing."""

    folder: int
    name: str
    before: int | None


class _Renamed(msgspec.Struct, frozen=True):
    """Names were made, taken away, or both at once; it is durable once `folder` is synced."""

    folder: int
    entries: tuple[_Entry, ...]


class UnsyncedFolder:
    """Files below one folder, by names relative to it such as `log.wal`. Errors are `OSError`.

    Args:
        names_by_fsync: an fsync of a file also makes durable how it, and the folders that it is in, got their
            names, and what names were changed before.
    """

    def __init__(self, root: str, *, names_by_fsync: bool = False) -> None:
        self._root = root
        self._names_by_fsync = names_by_fsync
        self._journal: list[ChangedBytes | _Renamed] = []
        self._folders: dict[int, int] = {}
        """By inode of a folder in which names changed: a descriptor, which stays right when it is renamed."""
        shutil.rmtree(self.path(KEPT), ignore_errors=True)  # of a disk that was killed
        os.mkdir(self.path(KEPT), 0o700)
        self._kept = os.open(self.path(KEPT), os.O_RDONLY | os.O_DIRECTORY)

    def close(self) -> None:
        """Forget how to undo anything, and remove what was kept for it."""
        self._journal.clear()
        for folder in (*self._folders.values(), self._kept):
            os.close(folder)
        self._folders.clear()
        shutil.rmtree(self.path(KEPT), ignore_errors=True)

    def path(self, name: str) -> str:
        """The real path of a file."""
        return os.path.join(self._root, name)

    def number(self, name: str) -> int:
        """A number that stays the file's own when it is renamed: its inode."""
        return os.lstat(self.path(name)).st_ino

    @property
    def unsynced_bytes(self) -> int:
        """How many bytes a power failure would take now, at the most."""
        return sum(change.length for change in self._journal if isinstance(change, ChangedBytes))

    # ---- what programs do with bytes -------------------------------------------------------------------

    def write(self, file: int, opened: int, data: bytes, offset: int) -> int:
        """Write by a file descriptor that is open for reading too; how many bytes were taken."""
        size = os.fstat(opened).st_size
        before = os.pread(opened, len(data), offset)
        taken = os.pwrite(opened, data, offset)
        start = min(offset, size)  # a hole before it comes and goes with it
        self._journal.append(
            ChangedBytes(file, start, offset + taken - start, before[:taken], size, max(size, offset + taken))
        )
        return taken

    def truncate(self, name: str, size: int) -> None:
        """Cut or lengthen a file."""
        opened = os.open(self.path(name), os.O_RDWR)
        try:
            self._resize(opened, size)
        finally:
            os.close(opened)

    def allocate(self, opened: int, offset: int, length: int) -> None:
        """Lengthen a file to hold these bytes, and take room for them, as posix_fallocate(3)."""
        size = os.fstat(opened).st_size
        os.posix_fallocate(opened, offset, length)
        if offset + length > size:
            self._journal.append(
                ChangedBytes(
                    os.fstat(opened).st_ino, size, offset + length - size, b"", size, offset + length
                )
            )

    def _resize(self, opened: int, size: int) -> None:
        found = os.fstat(opened)
        start = min(size, found.st_size)
        before = os.pread(opened, found.st_size - start, start)
        os.ftruncate(opened, size)
        length = abs(size - found.st_size)
        self._journal.append(ChangedBytes(found.st_ino, start, length, before, found.st_size, size))

    def sync(self, file: int, *, data_only: bool = False) -> None:
        """Make durable what was written to this file: no power failure takes it. `data_only`: fdatasync."""
        if self._names_by_fsync:
            self._settle_names_of(file, lambda step: _changes(step, file, length_only=data_only))
        self._forget_bytes(file)

    def _forget_bytes(self, file: int) -> None:
        self._journal = [
            step for step in self._journal if not (isinstance(step, ChangedBytes) and step.file == file)
        ]

    def drop_unsynced(self, file: int, opened: int) -> None:
        """Lose what was written to this open file since its last fsync, as after an fsync that failed."""
        for step in reversed(self._changes_of(file)):
            os.pwrite(opened, step.before, step.offset)
            os.ftruncate(opened, step.size_before)
        self._forget_bytes(file)

    def _changes_of(self, file: int) -> list[ChangedBytes]:
        return [step for step in self._journal if isinstance(step, ChangedBytes) and step.file == file]

    # ---- what programs do with names -------------------------------------------------------------------

    def create(self, name: str, flags: int, mode: int) -> int:
        """Open a new file; the descriptor, open for reading too."""
        existed = os.path.lexists(self.path(name))
        opened = os.open(self.path(name), _readable(flags) | os.O_CREAT, mode)
        if not existed:
            self._note((name, None))
        return opened

    def open(self, name: str, flags: int) -> int:
        """Open a file that is there; the descriptor, open for reading too."""
        return os.open(self.path(name), _readable(flags))

    def mkdir(self, name: str, mode: int) -> None:
        """Make a folder below this one."""
        os.mkdir(self.path(name), mode)
        self._note((name, None))

    def symlink(self, target: str, name: str) -> None:
        """Make a symbolic link of that name."""
        os.symlink(target, self.path(name))
        self._note((name, None))

    def link(self, name: str, another: str) -> None:
        """Give a file a second name."""
        os.link(self.path(name), self.path(another), follow_symlinks=False)
        self._note((another, None))

    def rename(self, old: str, new: str) -> None:
        """Give a file or folder another name, in place of whatever has it."""
        if os.path.lexists(self.path(new)):
            one, other = os.lstat(self.path(old)), os.lstat(self.path(new))
            if one.st_ino == other.st_ino:
                return  # two names of one file: rename(2) changes nothing
            self._refuse_to_replace(one, other, new)
            replaced: int | None = self._keep(new)
            is_folder = stat.S_ISDIR(other.st_mode)
        else:
            replaced, is_folder = None, False
        moved = self.number(old)
        if is_folder:
            os.rename(self.path(new), str(replaced), dst_dir_fd=self._kept)
        try:
            os.rename(self.path(old), self.path(new))
        except OSError:
            if is_folder:
                os.rename(str(replaced), self.path(new), src_dir_fd=self._kept)
            raise
        self._note((new, replaced), (old, moved))

    def _refuse_to_replace(self, one: os.stat_result, other: os.stat_result, new: str) -> None:
        if stat.S_ISDIR(other.st_mode) and not stat.S_ISDIR(one.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if stat.S_ISDIR(one.st_mode) and not stat.S_ISDIR(other.st_mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if stat.S_ISDIR(other.st_mode) and os.listdir(self.path(new)):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))

    def unlink(self, name: str) -> None:
        """Remove a file by its name."""
        kept = self._keep(name)
        os.unlink(self.path(name))
        self._note((name, kept))

    def rmdir(self, name: str) -> None:
        """Remove an empty folder."""
        if os.listdir(self.path(name)):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        found = self.number(name)
        os.rename(self.path(name), str(found), dst_dir_fd=self._kept)
        self._note((name, found))

    def sync_folder(self, folder: str) -> None:
        """Make durable the names in this folder (`""` for the uppermost)."""
        synced = os.stat(self.path(folder)).st_ino
        if self._names_by_fsync:
            self._settle_names_of(synced, lambda step: isinstance(step, _Renamed) and step.folder == synced)
        self._settle(lambda step: step.folder == synced)

    def _settle(self, is_durable: Callable[[_Renamed], bool]) -> None:
        """Make steps durable, each with every earlier one for the same name, since it presumes that."""
        settled: set[tuple[int, str]] = set()
        left: list[ChangedBytes | _Renamed] = []
        for step in reversed(self._journal):
            if isinstance(step, _Renamed):
                names = {(entry.folder, entry.name) for entry in step.entries}
                if is_durable(step) or names & settled:
                    settled |= names
                    continue
            left.append(step)
        if len(left) < len(self._journal):
            self._journal = left[::-1]
            self._release()

    def _settle_names_of(self, number: int, changes: Callable[[ChangedBytes | _Renamed], bool]) -> None:
        """Make durable the names that now lead to a file or folder, and to the folders it is in, and all that
        was done to names before the last of these steps, or of those that `changes` says it is changed by."""
        steps = [step for step in self._journal if isinstance(step, _Renamed)]
        reached = {number}
        leading: list[_Renamed] = []
        known = 0
        while known != len(reached):
            known = len(reached)
            leading = [
                step for step in steps if any(self._leads_to(entry, reached) for entry in step.entries)
            ]
            reached |= {
                entry.folder for step in leading for entry in step.entries if self._leads_to(entry, reached)
            }
        places = [place for place, step in enumerate(self._journal) if step in leading or changes(step)]
        if places:
            before = {id(step) for step in self._journal[: places[-1] + 1]}
            self._settle(lambda step: id(step) in before)

    def _leads_to(self, entry: _Entry, reached: set[int]) -> bool:
        return self._now(entry.folder, entry.name) in reached

    def _note(self, *entries: tuple[str, int | None]) -> None:
        """Remember what these names stood for; they are durable once the first one's folder is synced."""
        noted = tuple(
            _Entry(self._folder_of(name), os.path.basename(name), before) for name, before in entries
        )
        self._journal.append(_Renamed(noted[0].folder, noted))

    def _folder_of(self, name: str) -> int:
        above = self.path(os.path.dirname(name))
        number = os.stat(above).st_ino
        if number not in self._folders:
            self._folders[number] = os.open(above, os.O_RDONLY | os.O_DIRECTORY)
        return number

    def _keep(self, name: str) -> int:
        """Give a file that is about to lose this name another one that no program sees; its number."""
        number = self.number(name)
        if not stat.S_ISDIR(os.lstat(self.path(name)).st_mode):
            with contextlib.suppress(FileExistsError):
                os.link(self.path(name), str(number), dst_dir_fd=self._kept, follow_symlinks=False)
        return number

    def _release(self) -> None:
        """Let go of what no step needs any more, and of the bytes of files that are gone with it."""
        needed = {
            str(entry.before)
            for step in self._journal
            if isinstance(step, _Renamed)
            for entry in step.entries
        }
        for name in os.listdir(self._kept):
            if name in needed:
                continue
            found = os.stat(name, dir_fd=self._kept, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                shutil.rmtree(self.path(os.path.join(KEPT, name)))
                self._forget_folder(found.st_ino)
            else:
                os.unlink(name, dir_fd=self._kept)
                if found.st_nlink == 1:
                    self._forget_bytes(found.st_ino)

    def _forget_folder(self, number: int) -> None:
        """A folder is gone for good, and with it what was done to names in it before."""
        self._journal = [
            step
            for step in self._journal
            if isinstance(step, ChangedBytes) or all(entry.folder != number for entry in step.entries)
        ]
        if number in self._folders:
            os.close(self._folders.pop(number))

    # ---- power failures -------------------------------------------------------------------------------

    def lose_power(self, draw: int, *, tear: bool) -> LostData:
        """Undo what is not durable; with `tear` some of it stays, which follows from `draw`.

        Raises:
            OSError: the file system below refuses; then everything is as it was before.
        """
        changed: dict[int, list[ChangedBytes]] = {}
        for step in self._journal:
            if isinstance(step, ChangedBytes):
                changed.setdefault(step.file, []).append(step)
        undo: list[Callable[[], object]] = []
        with self._opened(changed) as opened:
            files = {
                number: TornFile(
                    opened[number],
                    merged((step.offset, step.offset + step.length) for step in steps),
                )
                for number, steps in changed.items()
                if number in opened
            }
            try:
                names, torn_files = self._restore_names(undo), 0
                lost = sum(
                    step.length for number, steps in changed.items() if number not in files for step in steps
                )
                chance = random.Random(draw)
                for number, file in files.items():
                    undo.append(file.put_back)
                    steps = changed[number]
                    file.take_back([(step.offset, step.before, step.size_before) for step in steps])
                    if self._is_kept_only(number):
                        lost += sum(step.length for step in steps)
                        continue
                    torn_files += bool(tear and file.tear(chance))
                    lost += file.lost_bytes()
            except OSError:
                for act in reversed(undo):
                    act()
                raise
        self._journal.clear()
        self._release()
        return LostData(lost, names, torn_files)

    def _restore_names(self, undo: list[Callable[[], object]]) -> int:
        """Let every name stand for what is durable; how many did not. `undo` takes the way back."""
        durable: dict[tuple[int, str], int | None] = {}
        for step in self._journal:
            for entry in step.entries if isinstance(step, _Renamed) else ():
                durable.setdefault((entry.folder, entry.name), entry.before)
        wrong = {
            (folder, name): number
            for (folder, name), number in durable.items()
            if self._now(folder, name) != number
        }
        for folder, name in wrong:
            number = self._now(folder, name)
            if number is not None:
                self._move(self._folders[folder], name, self._kept, str(number), undo)
        for (folder, name), number in wrong.items():
            if number is not None:
                self._place(number, self._folders[folder], name, undo)
        return len(wrong)

    def _now(self, folder: int, name: str) -> int | None:
        """The inode that a name stands for."""
        try:
            return os.stat(name, dir_fd=self._folders[folder], follow_symlinks=False).st_ino
        except FileNotFoundError:
            return None

    def _place(self, number: int, folder: int, name: str, undo: list[Callable[[], object]]) -> None:
        """Give what is kept a name again: a folder moves there, a file may have other names too."""
        kept = os.stat(str(number), dir_fd=self._kept, follow_symlinks=False)
        if stat.S_ISDIR(kept.st_mode):
            self._move(self._kept, str(number), folder, name, undo)
            return
        os.link(str(number), name, src_dir_fd=self._kept, dst_dir_fd=folder, follow_symlinks=False)
        undo.append(lambda: os.unlink(name, dir_fd=folder))

    def _move(self, folder: int, name: str, to: int, new: str, undo: list[Callable[[], object]]) -> None:
        """Give something another name, which is free, or which this very file has already."""
        try:
            os.stat(new, dir_fd=to, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(name, new, src_dir_fd=folder, dst_dir_fd=to)
            undo.append(lambda: os.rename(new, name, src_dir_fd=to, dst_dir_fd=folder))
        else:
            os.unlink(name, dir_fd=folder)
            undo.append(lambda: os.link(new, name, src_dir_fd=to, dst_dir_fd=folder, follow_symlinks=False))

    def _is_kept_only(self, number: int) -> bool:
        """Whether a file has no name left that a program can see."""
        try:
            return os.stat(str(number), dir_fd=self._kept).st_nlink == 1
        except FileNotFoundError:
            return False

    @contextlib.contextmanager
    def _opened(self, files: Iterable[int]) -> Iterator[dict[int, int]]:
        """Descriptors of these files, wherever they are."""
        wanted, opened = set(files), dict[int, int]()
        try:
            for base, _, names in os.walk(self._root) if wanted else ():
                for name in names:
                    path = os.path.join(base, name)
                    number = os.lstat(path).st_ino
                    if number in wanted and number not in opened:
                        opened[number] = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            yield opened
        finally:
            for descriptor in opened.values():
                os.close(descriptor)


def _changes(step: ChangedBytes | _Renamed, file: int, *, length_only: bool) -> bool:
    """Whether a step changed the bytes of a file, or its length."""
    if not isinstance(step, ChangedBytes) or step.file != file:
        return False
    return not length_only or step.size != step.size_before


def _readable(flags: int) -> int:
    """Flags of open(2) with which what is about to be overwritten can be read first; never O_APPEND, since
    the kernel says at which offset to write."""
    return (flags & ~(os.O_ACCMODE | os.O_APPEND | os.O_TRUNC | os.O_DIRECT)) | os.O_RDWR
