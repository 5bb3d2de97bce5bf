# ruff: noqa: ARG002 - libfuse gives a method more than it may need
"""A disk that fails on demand: a FUSE file system over one node's data folder, a process of its own.

    python -m harness.hosts.disks.faultydisk FOLDER [--names-by-fsync]

It is mounted over FOLDER, which it opened before, and writes everything into that folder, so after the
unmount everything lies where the node's data always lies. Each write and fsync of the node arrives here at
once; the kernel keeps pages for reads and for memory maps, until the file is next opened. What a program
writes into a shared map arrives when the kernel writes it: at msync, at fsync, and at the latest at its end.

Commands come through a file in the mount that no listing shows, `.ackproof`: one writes a JSON object and
reads the new state. That needs only the mount, on a remote host as well as here.

It can forget what was not synced (unsynced.py explains how). Until the next command it can also be full after
a few bytes more, fail writes or fsyncs with EIO (a failed fsync loses what it was to make durable, as whoever
opens the file next sees), or be slow. Power is lost only while no file is open: the command waits for that,
or is refused and changes nothing.

Needs libfuse (Debian: fuse3) and, not as root, fusermount3. A SIGTERM unmounts and ends it.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from mfusepy import FUSE, Operations

from harness.hosts.disks.diskmessages import (
    CONTROL,
    NAMES_BY_FSYNC,
    Behave,
    Command,
    DiskState,
    LosePowerCommand,
    LostData,
)
from harness.hosts.disks.unsynced import KEPT, UnsyncedFolder

_MILLISECONDS_A_SECOND = 1000
FALLOC_FL_KEEP_SIZE = 1
"""Room beyond the end of the file (linux/falloc.h)."""
CLOSED_BOUND_S = 2.0
ENDED_BY_SIGNAL = 8
"""The status of libfuse's fuse_main after a signal has ended it and it has unmounted."""


class FaultyDisk(Operations):  # type: ignore[misc]  # mfusepy has no type hints
    """The calls that the kernel makes to a file system."""

    use_ns = True

    def __init__(self, root: str, *, names_by_fsync: bool) -> None:
        self._folder = UnsyncedFolder(root, names_by_fsync=names_by_fsync)
        self._lock = threading.Condition(threading.RLock())
        """Held while anything changes; notified when a file is closed."""
        self._behave = Behave()
        self._syncs = self._refused = self._delayed = 0
        self._lost: LostData | None = None
        self._files: dict[int, int] = {}
        """By descriptor: the file's own number; 0 for the control file."""
        self._opened_states: dict[int, bytes] = {}
        """By descriptor of the control file: the state as it was opened, since it is read in pieces."""

    # ---- commands --------------------------------------------------------------------------------------

    def _obey(self, data: bytes) -> None:
        match msgspec.json.decode(data, type=Command):
            case Behave() as behave:
                self._behave = behave
            case LosePowerCommand(draw, tear):
                # The kernel closes the files of a process that has ended a little later.
                if not self._lock.wait_for(lambda: not any(self._files.values()), CLOSED_BOUND_S):
                    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
                self._lost = self._folder.lose_power(draw, tear=tear)

    def _state(self) -> bytes:
        state = DiskState(self._syncs, self._refused, self._delayed, self._folder.unsynced_bytes, self._lost)
        return msgspec.json.encode(state) + b"\n"

    # ---- bytes -----------------------------------------------------------------------------------------

    def open(self, path: str, fi: Any) -> int:
        """Open a file, see open(2); `fi` holds the flags, and takes the descriptor."""
        if path == f"/{CONTROL}":
            fi.fh, fi.direct_io = self._control(), 1  # its size is 0, and what is in it changes
            return 0
        with self._lock:
            fi.fh = self._opened(self._folder.open(path[1:], fi.flags))
        return 0

    def create(self, path: str, mode: int, fi: Any) -> int:
        """Make and open a file, see open(2) with O_CREAT; `fi` holds the flags, and takes the descriptor."""
        with self._lock:
            self._refuse_if_full()
            fi.fh = self._opened(self._folder.create(path[1:], fi.flags, mode))
        return 0

    def _opened(self, descriptor: int) -> int:
        self._files[descriptor] = os.fstat(descriptor).st_ino
        return descriptor

    def _control(self) -> int:
        descriptor = os.open(os.devnull, os.O_RDWR)
        with self._lock:
            self._files[descriptor] = 0
            self._opened_states[descriptor] = self._state()
        return descriptor

    def read(self, path: str, size: int, offset: int, fi: Any) -> bytes:
        """Read bytes of a file, see pread(2)."""
        fh = fi.fh
        with self._lock:
            if not self._files[fh]:
                return self._opened_states[fh][offset : offset + size]
            return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fi: Any) -> int:
        """Write bytes to a file, see pwrite(2)."""
        fh = fi.fh
        if not self._files[fh]:
            with self._lock:
                try:
                    self._obey(data)
                except msgspec.MsgspecError as error:
                    raise OSError(errno.EINVAL, str(error)) from error
                return len(data)
        self._wait()
        with self._lock:
            if self._behave.failing == "write":
                self._refuse(errno.EIO)
            room = self._behave.room_bytes
            if room is not None:
                data = data[:room]
                self._refuse_if_full()
                self._behave = msgspec.structs.replace(self._behave, room_bytes=room - len(data))
            return self._folder.write(self._files[fh], fh, data, offset)

    def fallocate(self, path: str, mode: int, offset: int, length: int, fi: Any) -> int:
        """Take room for a file, see fallocate(2); only what posix_fallocate(3) does, and KEEP_SIZE."""
        with self._lock:
            self._refuse_if_full()
            if mode & ~FALLOC_FL_KEEP_SIZE:
                raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
            if not mode:
                self._folder.allocate(fi.fh, offset, length)
        return 0

    def fsync(self, path: str, datasync: int, fi: Any) -> int:
        """Make a file durable, see fsync(2)."""
        fh = fi.fh
        self._wait()
        with self._lock:
            if self._behave.failing == "fsync":
                self._folder.drop_unsynced(self._files[fh], fh)
                self._refuse(errno.EIO)
            os.fsync(fh)
            self._folder.sync(self._files[fh], data_only=bool(datasync))
            self._syncs += 1
        return 0

    def truncate(self, path: str, length: int, fi: Any = None) -> int:
        """Cut or lengthen a file, see ftruncate(2). Opening the control file to write cuts it."""
        if path != f"/{CONTROL}":
            with self._lock:
                self._folder.truncate(path[1:], length)
        return 0

    def release(self, path: str, fi: Any) -> int:
        """Close a file, once the last copy of its descriptor is closed."""
        with self._lock:
            del self._files[fi.fh]
            self._opened_states.pop(fi.fh, None)
            os.close(fi.fh)
            self._lock.notify_all()
        return 0

    def destroy(self, path: str) -> None:
        """Leave nothing of ours in the folder."""
        with self._lock:
            self._folder.close()

    def _wait(self) -> None:
        delay_ms = self._behave.delay_ms
        if delay_ms:
            time.sleep(delay_ms / _MILLISECONDS_A_SECOND)  # the fault itself: its caller waits
            with self._lock:
                self._delayed += 1

    def _refuse(self, number: int) -> None:
        self._refused += 1
        raise OSError(number, os.strerror(number))

    def _refuse_if_full(self) -> None:
        if self._behave.room_bytes == 0:
            self._refuse(errno.ENOSPC)

    # ---- names -----------------------------------------------------------------------------------------

    def getattr(self, path: str, fi: Any = None) -> dict[str, Any]:
        """The attributes of a file, see stat(2)."""
        if path == f"/{KEPT}" or path.startswith(f"/{KEPT}/"):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        if path == f"/{CONTROL}":
            return {"st_mode": 0o100600, "st_nlink": 1, "st_size": 0, "st_uid": os.getuid()}
        found = os.lstat(self._folder.path(path[1:]))
        names = ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid", "st_blocks", "st_ino")
        times = {f"st_{kind}time": getattr(found, f"st_{kind}time_ns") for kind in "amc"}
        return {**{name: getattr(found, name) for name in names}, **times}

    def readdir(self, path: str, fi: Any) -> list[str]:
        """The names in a folder, see readdir(3)."""
        found = os.listdir(self._folder.path(path[1:]))
        return [".", "..", *(name for name in found if path != "/" or name != KEPT)]

    def readlink(self, path: str) -> str:
        """What a symbolic link holds, see readlink(2)."""
        return os.readlink(self._folder.path(path[1:]))

    def symlink(self, target: str, source: str) -> int:
        """Make a symbolic link called `target`, see symlink(2)."""
        with self._lock:
            self._refuse_if_full()
            self._folder.symlink(source, target[1:])
        return 0

    def link(self, target: str, source: str) -> int:
        """Give a file a second name, `target`, see link(2)."""
        with self._lock:
            self._refuse_if_full()
            self._folder.link(source[1:], target[1:])
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        """Make a folder, see mkdir(2)."""
        with self._lock:
            self._refuse_if_full()
            self._folder.mkdir(path[1:], mode)
        return 0

    def rmdir(self, path: str) -> int:
        """Remove an empty folder, see rmdir(2)."""
        with self._lock:
            self._folder.rmdir(path[1:])
        return 0

    def unlink(self, path: str) -> int:
        """Remove a file, see unlink(2)."""
        with self._lock:
            self._folder.unlink(path[1:])
        return 0

    def rename(self, old: str, new: str) -> int:
        """Rename a file, see rename(2)."""
        with self._lock:
            self._folder.rename(old[1:], new[1:])
        return 0

    def fsyncdir(self, path: str, datasync: int, fi: Any) -> int:
        """An fsync of a folder."""
        self._wait()
        with self._lock:
            self._folder.sync_folder(path[1:])
        return 0

    def chmod(self, path: str, mode: int) -> int:
        """Change a file's mode, see chmod(2)."""
        os.chmod(self._folder.path(path[1:]), mode)
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        """Change a file's owner, see chown(2)."""
        os.chown(self._folder.path(path[1:]), uid, gid)
        return 0

    def utimens(self, path: str, times: tuple[int, int]) -> int:
        """Set a file's times, see utimensat(2)."""
        os.utime(self._folder.path(path[1:]), ns=times)
        return 0

    def statfs(self, path: str) -> Mapping[str, int]:
        """The room on the file system, see statvfs(3)."""
        found = os.statvfs(self._folder.path(""))
        names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_namemax")
        attributes = {name: getattr(found, name) for name in names}
        return {**attributes, "f_bavail": 0, "f_bfree": 0} if self._behave.room_bytes == 0 else attributes


def main(folder: str, *, names_by_fsync: bool) -> None:
    """Mount, and serve until a signal or an unmount ends it."""
    below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    as_root = {"allow_other": True} if os.geteuid() == 0 else {}
    try:
        FUSE(
            FaultyDisk(f"/proc/self/fd/{below}/", names_by_fsync=names_by_fsync),
            folder,
            foreground=True,
            fsname="ackproof",
            subtype="ackproof",
            raw_fi=True,
            attr_timeout=0,
            entry_timeout=0,
            negative_timeout=0,
            **as_root,
        )
    except RuntimeError as error:
        if error.args != (ENDED_BY_SIGNAL,):
            raise


if __name__ == "__main__":
    main(sys.argv[1], names_by_fsync=NAMES_BY_FSYNC in sys.argv[2:])
