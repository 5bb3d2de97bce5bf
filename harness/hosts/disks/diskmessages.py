"""Messages between the harness and a faulty disk: JSON, through the disk's control file."""

from __future__ import annotations

from typing import Literal

import msgspec

CONTROL = ".ackproof"
NAMES_BY_FSYNC = "--names-by-fsync"
"""The option with which an fsync of a file also makes durable the names that lead to it (unsynced.py)."""
Failing = Literal["write", "fsync"]


class Behave(msgspec.Struct, frozen=True, tag="behave", omit_defaults=True):
    """How the disk behaves from now on; without arguments, as a good disk."""

    room_bytes: int | None = None
    """The disk is full after this number of further bytes; None: it has room."""
    failing: Failing | None = None
    """Which calls fail with EIO."""
    delay_ms: int = 0
    """How much longer each write and fsync takes."""


class LosePowerCommand(msgspec.Struct, frozen=True, tag="lose-power"):
    """Lose or tear what was not synced; how follows from `draw`. No process may have a file open."""

    draw: int
    tear: bool


Command = Behave | LosePowerCommand


class LostData(msgspec.Struct, frozen=True):
    """What a power failure took."""

    bytes: int
    """Bytes that were written and are gone, or differ from what was written."""
    names: int
    """Names that were made, renamed or removed, and are as before again."""
    torn_files: int
    """Files that kept some of what was not synced."""


class DiskState(msgspec.Struct, frozen=True):
    """What is known of the disk now; counts are since it was mounted."""

    syncs: int = 0
    """Calls of fsync that succeeded."""
    refused: int = 0
    """Calls that failed because the disk failed or was full."""
    delayed: int = 0
    """Calls that were delayed."""
    unsynced_bytes: int = 0
    lost: LostData | None = None
    """What the last power failure took."""
