"""The real disk: a folder of one node, locked against any other process.

Files are written with O_APPEND and made durable with fdatasync, which also covers the file's new
length; a name, with an fsync of the folder.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

LOCK = "lock"


class FolderInUse(Exception):
    """Another process has locked the folder."""


class OsDisk:
    """The files of one data folder; creates it where it is missing.

    Once a call failed, every later one fails too: an fsync that is asked again may report success
    for data that the kernel already dropped.

    Raises:
        FolderInUse: another process has it open.
        OSError: the folder cannot be created or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, int] = {}
        self._failure: OSError | None = None
        if not folder.is_dir():
            folder.mkdir(parents=True)
            _sync_folder(folder.parent)
        self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise FolderInUse(
                f"{folder} is in use by another process; stop that node, or pass another --data"
            ) from error

    def read(self, name: str) -> bytes | None:
        """Read a whole file; None if there is none."""
        self._check()
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._failure = error
            raise

    def write_new(self, name: str, content: bytes) -> None:
        """Write a whole file, in place of what a file of that name held."""
        self._check()
        try:
            _write_all(self._open(name, os.O_CREAT | os.O_TRUNC), content)
        except OSError as error:
            self._failure = error
            raise

    def append(self, name: str, data: bytes) -> None:
        """Hand bytes to the kernel, at the end of a file."""
        self._check()
        try:
            _write_all(self._open(name), data)
        except OSError as error:
            self._failure = error
            raise

    def sync(self, name: str) -> None:
        """Make durable what a file holds and how long it is."""
        self._check()
        try:
            os.fdatasync(self._open(name))
        except OSError as error:
            self._failure = error
            raise

    def truncate(self, name: str, size: int) -> None:
        """Cut a file to `size` bytes."""
        self._check()
        try:
            os.ftruncate(self._open(name), size)
        except OSError as error:
            self._failure = error
            raise

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in place of the file that had it."""
        self._check()
        try:
            os.rename(self._folder / old, self._folder / new)
        except OSError as error:
            self._failure = error
            raise
        self._forget(new)
        if old in self._files:
            self._files[new] = self._files.pop(old)

    def sync_folder(self) -> None:
        """Make all names durable."""
        self._check()
        try:
            _sync_folder(self._folder)
        except OSError as error:
            self._failure = error
            raise

    def close(self) -> None:
        """Close the files and give the folder free; nothing is synced by this."""
        for file in (*self._files.values(), self._lock):
            os.close(file)
        self._files.clear()

    def _open(self, name: str, flags: int = 0) -> int:
        """The open file. With flags it is opened again by them."""
        if flags:
            self._forget(name)
        if name not in self._files:
            how = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | flags
            self._files[name] = os.open(self._folder / name, how, 0o644)
        return self._files[name]

    def _forget(self, name: str) -> None:
        replaced = self._files.pop(name, None)
        if replaced is not None:
            os.close(replaced)

    def _check(self) -> None:
        if self._failure is not None:
            raise OSError(self._failure.errno, f"the disk has failed before: {self._failure}")


def _write_all(file: int, data: bytes) -> None:
    """Write every byte; the kernel may take fewer at once, and the next call says why (a full disk)."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
