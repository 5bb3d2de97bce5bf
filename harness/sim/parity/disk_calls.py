"""The two disks call by call: what files may hold after the same calls and a loss of power.

The simulated disk and the folder behind the FUSE file system (harness/hosts/disks/unsynced.py) take the same
calls, and then lose power under many draws. Compared is the set of all that was found then: a disk that never
loses what the other loses, or never keeps it, tests less. `F` is a file that was synced, its name included.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import msgspec

from harness.hosts.disks.unsynced import UnsyncedFolder
from harness.sim.world.disk import SimulatedDisk

DRAWS = 128
OLD, NEW = b"o" * 1536, b"n" * 1536
"""Three sectors each."""
F, G = "F", "G"


CalledDisk: TypeAlias = "SimulatedDisk | _Folder"
"""What is called: the node's own disk calls, on either side."""


class DiskCalls(msgspec.Struct, frozen=True):
    """Some calls after which power is lost, and what `F` then holds in one draw or another."""

    about: str
    calls: Callable[[CalledDisk], None]
    found: frozenset[str]
    by_fuse: frozenset[str] | None = None
    """What is found on a disk by FUSE, where that differs."""
    why: str = ""
    power_is_lost: bool = True


def _appended(disk: CalledDisk) -> None:
    disk.append(F, NEW)


def _appended_and_synced(disk: CalledDisk) -> None:
    disk.append(F, NEW)
    disk.sync(F)


def _cut(disk: CalledDisk) -> None:
    disk.truncate(F, 512)


def _cut_and_synced(disk: CalledDisk) -> None:
    disk.truncate(F, 512)
    disk.sync(F)


def _replaced(disk: CalledDisk) -> None:
    disk.write_new(G, NEW)
    disk.sync(G)
    disk.rename(G, F)


def _replaced_and_synced(disk: CalledDisk) -> None:
    _replaced(disk)
    disk.sync_folder()


def _replaced_unsynced(disk: CalledDisk) -> None:
    disk.write_new(G, NEW)
    disk.rename(G, F)
    disk.sync_folder()


WHOLE_OLD, WHOLE_NEW, BOTH, PART, CUT = "old", "new", "old and new", "a part", "cut"
_NAMES = (
    "The FUSE disk takes every name back that no fsync covers: the least that POSIX promises. The simulator "
    "keeps none, all, the first, or any of them, as file systems do, which is harder for a node."
)
CALLS = (
    DiskCalls("append, then a kill", _appended, frozenset({BOTH}), power_is_lost=False),
    DiskCalls("append", _appended, frozenset({WHOLE_OLD, BOTH, PART})),
    DiskCalls("append, fsync", _appended_and_synced, frozenset({BOTH})),
    DiskCalls(
        "cut",
        _cut,
        frozenset({WHOLE_OLD, CUT, PART}),
        frozenset({WHOLE_OLD, CUT}),
        "On the FUSE disk a cut that was not synced is there or not; in the simulator it may have any length "
        "between, since a file system may free blocks one after the other.",
    ),
    DiskCalls("cut, fsync", _cut_and_synced, frozenset({CUT})),
    DiskCalls(
        "write G, fsync G, rename G to F",
        _replaced,
        frozenset({WHOLE_OLD, WHOLE_NEW}),
        frozenset({WHOLE_OLD}),
        _NAMES,
    ),
    DiskCalls(
        "write G, fsync G, rename G to F, fsync the folder", _replaced_and_synced, frozenset({WHOLE_NEW})
    ),
    DiskCalls(
        "write G, rename G to F, fsync the folder",
        _replaced_unsynced,
        frozenset({WHOLE_NEW, PART, "nothing"}),
    ),
)


def found_in_simulator(calls: DiskCalls, draws: int = DRAWS) -> frozenset[str]:
    """All that the simulated disk may hold then."""
    found = set()
    for draw in range(draws):
        disk = SimulatedDisk()
        _prepare(disk)
        calls.calls(disk)
        if calls.power_is_lost:
            disk.lose_power(draw * 0x9E3779B97F4A7C15 % 2**64)
        found.add(_kind(disk.read(F)))
    return frozenset(found)


def found_by_fuse(calls: DiskCalls, folder: Path, draws: int = DRAWS) -> frozenset[str]:
    """All that the folder behind the FUSE file system may hold then. folder: an empty one."""
    found = set()
    for draw in range(draws):
        root = folder / str(draw)
        root.mkdir()
        disk = _Folder(root)
        _prepare(disk)
        calls.calls(disk)
        if calls.power_is_lost:
            disk.lose_power(draw)
        found.add(_kind((root / F).read_bytes() if (root / F).exists() else None))
        disk.close()
    return frozenset(found)


def _prepare(disk: CalledDisk) -> None:
    disk.write_new(F, OLD)
    disk.sync(F)
    disk.sync_folder()


def _kind(content: bytes | None) -> str:
    """What a file holds, in words."""
    known = {OLD: WHOLE_OLD, NEW: WHOLE_NEW, OLD + NEW: BOTH, OLD[:512]: CUT, b"": "nothing", None: "no file"}
    return known.get(content, PART)


class _Folder:
    """Carries out disk calls as the FUSE file system does that the kernel calls."""

    def __init__(self, root: Path) -> None:
        self._files = UnsyncedFolder(str(root))

    def write_new(self, name: str, content: bytes) -> None:
        """Write a whole file."""
        os.close(self._files.create(name, os.O_WRONLY, 0o600))
        self._files.truncate(name, 0)
        self.append(name, content)

    def append(self, name: str, data: bytes) -> None:
        """Write at the end of a file."""
        opened = self._files.open(name, os.O_WRONLY)
        self._files.write(self._files.number(name), opened, data, os.fstat(opened).st_size)
        os.close(opened)

    def truncate(self, name: str, size: int) -> None:
        """Cut a file."""
        self._files.truncate(name, size)

    def sync(self, name: str) -> None:
        """Make durable what a file holds."""
        self._files.sync(self._files.number(name))

    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""
        self._files.rename(old, new)

    def sync_folder(self) -> None:
        """Make names durable."""
        self._files.sync_folder("")

    def lose_power(self, draw: int) -> None:
        """Let what was not synced be lost or torn."""
        self._files.lose_power(draw, tear=True)

    def close(self) -> None:
        """Forget the folder."""
        self._files.close()
