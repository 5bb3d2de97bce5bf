"""The few things storage asks of a disk; the real one is `os_disk.py`, a simulator passes its own."""

from __future__ import annotations

from typing import Protocol


class Disk(Protocol):
    """Named files in one flat folder.

    Every method raises `OSError` if the disk fails. A failure is final: what the kernel still holds
    after a failed fsync is unknown, and asking again may report success for data that is gone
    (Rebello et al., *Can Applications Recover from fsync Failures?*, 2020). So no caller retries.
    """

    def read(self, name: str) -> bytes | None:
        """The whole file; None if there is none."""
        ...

    def create(self, name: str, content: bytes) -> None:
        """Put a whole new file, durable on return; after a crash it is there entirely or not at all."""
        ...

    def append(self, name: str, data: bytes) -> None:
        """Hand bytes to the kernel. They outlive this process, yet not a power loss until `sync`."""
        ...

    def sync(self, name: str) -> None:
        """Make all that was appended durable."""
        ...

    def truncate(self, name: str, size: int) -> None:
        """Cut the file to `size` bytes, durable on return."""
        ...
