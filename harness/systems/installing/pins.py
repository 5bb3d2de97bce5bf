"""The checksums that downloads must have: one JSON file a system, `pins/NAME.json`.

It maps each version to its downloads, and each download's name to its checksum: `sha256:HEX` of a file,
`h1:BASE64` of a Go module (as in go.sum). `scripts/pins.py` adds what an installation has recorded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.errors import CouldNotRun

FOLDER = Path(__file__).parent / "pins"
_CHUNK_BYTES = 1 << 20

Pins = Mapping[str, str]
"""By name of each download of one release: its checksum."""


def pins_of(system: str, version: str) -> Pins:
    """The pins of one release; empty if there are none."""
    return all_pins(system).get(version, {})


def all_pins(system: str) -> dict[str, dict[str, str]]:
    """The pins of all releases of a system, by version."""
    file = FOLDER / f"{system}.json"
    if not file.exists():
        return {}
    return msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, str]])


def checksum_of(file: Path) -> str:
    """The file's SHA-256, as `sha256:HEX`."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


class Accepting:
    """Accepts the downloads of one installation, by their checksums."""

    def __init__(self, pins: Pins, *, unpinned: bool) -> None:
        """Accept by these pins.

        Args:
            pins: the checksum of each download, by name.
            unpinned: whether a download without a pin is accepted, too.
        """
        self.pins = pins
        self.may_lack_pins = unpinned
        self.accepted: dict[str, str] = {}
        self.unpinned: list[str] = []

    def file(self, file: Path, name: str | None = None) -> None:
        """Accept a file, by default under its own name.

        Raises:
            CouldNotRun: as for `checksum`.
        """
        self.checksum(file.name if name is None else name, checksum_of(file))

    def checksum(self, name: str, found: str) -> None:
        """Accept the download of this name and checksum.

        Raises:
            CouldNotRun: its pin is another one; or it has none, and that was not asked for.
        """
        pin = self.pins.get(name)
        if pin is None and not self.may_lack_pins:
            raise CouldNotRun(
                f"{name} has no pinned checksum, its checksum here is {found}: "
                "--unpinned accepts and records it"
            )
        if pin is not None and pin != found:
            raise mismatch(name, found, pin)
        if pin is None:
            self.unpinned.append(name)
        self.accepted[name] = found


def mismatch(name: str, found: str, pin: str) -> CouldNotRun:
    """The error for a download with another checksum than its pin; it names both."""
    return CouldNotRun(f"{name} is refused: its checksum is {found}, and {pin} was expected")
