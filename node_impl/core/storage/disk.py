"""The few things storage asks of a disk; the real one is `os_disk.py`, a simulator passes its own."""

from __future__ import annotations

from typing import Final, Protocol

UNFINISHED: Final = ".new"
"""Ends the name of a file that is not yet in its place; what a crash leaves of one is written over."""


class Disk(Protocol):
    """Named files in one flat folder. As in a kernel, nothing is durable until it is synced.

    What is written outlives this process. It outlives a loss of power only after `sync`, and a file's name
    only after `sync_folder`: until then any part of either may be there, or nothing.

    Every method raises `OSError` if the disk fails. A failure is final: what the kernel still holds
    after a failed fsync is unknown, and asking again may report success for data that is gone
    (Rebello et al., *Can Applications Recover from fsync Failures?*, 2020). So no caller retries.
    """

    def read(self, name: str) -> bytes | None:
        """The whole file; None if there is none."""
        ...

    def write_new(self, name: str, content: bytes) -> None:
        """Write a whole file, in place of what a file of that name held."""
        ...

    def append(self, name: str, data: bytes) -> None:
        """Hand bytes to the kernel, at the end of a file."""
        ...

    def truncate(self, name: str, size: int) -> None:
        """Cut the file to `size` bytes."""
        ...

    def sync(self, name: str) -> None:
        """Make durable what a file holds and how long it is, but not its name."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in place of the file that had it."""
        ...

    def sync_folder(self) -> None:
        """Make all names durable."""
        ...


def put_in_place(disk: Disk, name: str, content: bytes) -> None:
    """Put a whole new file, durable on return; after a crash it is there entirely or not at all."""
    unfinished = name + UNFINISHED
    disk.write_new(unfinished, content)
    disk.sync(unfinished)
    disk.rename(unfinished, name)
    disk.sync_folder()
