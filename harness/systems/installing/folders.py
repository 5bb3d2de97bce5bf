"""Where installed releases lie, and what is known of each.

A release's folder holds its files and `installed.json`. One rename makes the folder appear with all its
contents, so a folder that has that file is complete.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

RECORD = "installed.json"


class Installed(msgspec.Struct, frozen=True):
    """What `installed.json` says of a release."""

    system: str
    version: str
    source: str
    """Where it came from, in words: `Debian packages`."""
    artifacts: Mapping[str, str]
    """By name of each download: its checksum, `sha256:HEX`, or `h1:BASE64` for a Go module."""
    unpinned: tuple[str, ...]
    """The downloads whose checksums were accepted without a pin."""
    seconds: float
    """How long the installation took."""
    note: str = ""


def systems_home() -> Path:
    """Where releases are installed: $XDG_DATA_HOME/ackproof/systems, by default below ~/.local/share."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "ackproof" / "systems"


def record_of(folder: Path) -> Installed | None:
    """What is known of the release in this folder; None if no complete release is there."""
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=Installed)
    except (OSError, msgspec.DecodeError):
        return None


def installed(home: Path | None = None) -> dict[Path, Installed]:
    """By folder: each release that is installed, sorted by system and version."""
    home = systems_home() if home is None else home
    found = {}
    for record in home.glob(f"*/*/{RECORD}"):
        known = None if record.parent.name.startswith(".") else record_of(record.parent)
        if known is not None:
            found[record.parent] = known
    return dict(sorted(found.items(), key=lambda item: (item[1].system, version_key(item[1].version))))


def version_key(version: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts versions by their numbers: 3.10 after 3.9."""
    parts = version.replace("-", ".").split(".")
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
