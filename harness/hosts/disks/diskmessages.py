"""What the harness and a faulty disk tell each other, as JSON, through the disk's control file."""

from __future__ import annotations

from typing import Literal

import msgspec

CONTROL = ".ackproof"
Failing = Literal["write", "fsync"]


class Behave(msgspec.Struct, frozen=True, tag="behave", omit_defaults=True):
    """How to be from now on; without arguments, a good disk."""

    room_bytes: int | None = None
    """Take so many bytes more, and then be full; None has room."""
    failing: Failing | None = None
    """What fails with EIO."""
    delay_ms: int = 0
    """How long each write and fsync takes longer."""


class LosePowerCommand(msgspec.Struct, frozen=True, tag="lose-power"):
    """What was not synced is lost, or torn, as `draw` has it. No process may have a file open."""

    draw: int
    tear: bool


Command = Behave | LosePowerCommand


class LostData(msgspec.Struct, frozen=True):
    """What a loss of power took."""

    bytes: int
    """Written, and not there any more or not as written."""
    names: int
    """Made, renamed or removed, and as before again."""
    torn_files: int
    """Files that kept some of what was not synced."""


class DiskState(msgspec.Struct, frozen=True):
    """What is known of the disk now; counts are since it was mounted."""

    syncs: int = 0
    """Calls of fsync that succeeded."""
    refused: int = 0
    """Calls that failed because the disk was to fail or full."""
    delayed: int = 0
    """Calls that took longer because they were to."""
    unsynced_bytes: int = 0
    lost: LostData | None = None
    """What the last loss of power took."""
