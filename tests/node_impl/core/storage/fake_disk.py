"""A disk in memory that remembers what was synced, so that tests can lose power."""

from __future__ import annotations


class FakeDisk:
    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.synced: dict[str, bytes] = {}
        self.syncs = 0

    def read(self, name: str) -> bytes | None:
        return bytes(self.files[name]) if name in self.files else None

    def create(self, name: str, content: bytes) -> None:
        """A whole file, durable at once: how a test prepares a disk."""
        self.files[name] = bytearray(content)
        self.synced[name] = content

    def write_new(self, name: str, content: bytes) -> None:
        self.files[name] = bytearray(content)

    def rename(self, old: str, new: str) -> None:
        """A new name is durable at once here; harness/sim/world/disk.py knows better."""
        self.files[new] = self.files.pop(old)
        self.synced[new] = self.synced.pop(old, b"")

    def sync_folder(self) -> None:
        pass

    def append(self, name: str, data: bytes) -> None:
        self.files[name] += data

    def sync(self, name: str) -> None:
        self.syncs += 1
        self.synced[name] = bytes(self.files[name])

    def truncate(self, name: str, size: int) -> None:
        del self.files[name][size:]

    @classmethod
    def holding(cls, name: str, content: bytes) -> FakeDisk:
        disk = cls()
        disk.create(name, content)
        return disk
