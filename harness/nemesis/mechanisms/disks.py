"""Mechanisms of disks: they lose power, fail, fill up, get slow; files are damaged while a node is down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from harness.nemesis.mechanisms.world import Mechanism, NodeResult

DamageKind = Literal["torn", "rot", "truncate"]


class DiskTrouble(msgspec.Struct, frozen=True):
    """What one fault does to a disk."""

    by: str
    """The fault's name: a process that ends because its disk fails ends on the account of this fault."""
    room_bytes: int | None = None
    """The disk is full after this number of further bytes."""
    failing: Literal["write", "fsync"] | None = None
    """Which calls fail with EIO."""
    delay_ms: int = 0
    """How much longer each write and each fsync takes."""


class DiskCounts(msgspec.Struct, frozen=True):
    """What a disk has done to calls so far."""

    refused: int
    delayed: int


class Disks(Protocol):
    """A disk under each node's data folder; what several faults do to one disk adds up."""

    async def lose_power(self, node: str, draw: int) -> Mapping[str, int]:
        """Let what the node's ended process had not synced be lost or torn; what was lost, in numbers."""
        ...

    async def trouble(self, node: str, trouble: DiskTrouble) -> DiskCounts | None:
        """Make the node's disk worse; its counts just before, None if the fault is on already."""
        ...

    async def counts(self, node: str) -> DiskCounts:
        """What the node's disk has done to calls so far."""
        ...

    async def mend(self, node: str, by: str) -> NodeResult:
        """End what one fault did to the node's disk; waits until a process that was refused has ended."""
        ...


class StoredFiles(Protocol):
    """The files of nodes whose processes do not run. Methods return what was changed, for reports."""

    async def damage(self, node: str, kind: DamageKind, draw: int) -> Mapping[str, Any]:
        """Damage the files of a stopped node; after `rot` the node is held down until `repair`."""
        ...

    def has_refused(self, node: str, kind: DamageKind) -> bool:
        """Whether the node's last process ended because its files were damaged so."""
        ...

    async def is_torn(self, node: str) -> bool:
        """Whether the write that `damage` left torn is still there as it was."""
        ...

    def is_rotten(self, node: str) -> bool:
        """Whether a bit of the node's files has flipped, and was not repaired."""
        ...

    async def try_rotten(self, node: str) -> NodeResult:
        """Start a node whose files are rotten; `DONE` once it has refused to start for that reason.

        One that starts on real disks keeps the files from then on: `is_rotten` is false.
        """
        ...

    async def dropped_bytes(self, node: str) -> int:
        """How much a node that was tried with rotten files has dropped of what lay behind the flipped bit."""
        ...

    async def repair(self, node: str) -> Mapping[str, Any]:
        """Put the exact bytes back, as from a mirror."""
        ...

    def is_backed_up(self, node: str) -> bool:
        """Whether there is a copy of the node's data folder that was not put back."""
        ...

    async def back_up(self, node: str) -> Mapping[str, Any]:
        """Copy the data folder of a stopped node."""
        ...

    async def restore(self, node: str) -> Mapping[str, Any]:
        """Put the copy in place of the data folder."""
        ...


DISKS = Mechanism[Disks]("disks that can fail")
STORED_FILES = Mechanism[StoredFiles]("files that can be damaged while their node is down")
