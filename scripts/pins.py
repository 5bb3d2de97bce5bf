"""Pins the downloads of installed releases: adds what `installed.json` recorded to the repository's.

    ackproof systems install --unpinned NAME@VERSION
    python scripts/pins.py NAME@VERSION...

A pin that is there already is kept and must agree. Compare the checksums with those that the makers publish
before you commit them.
"""

from __future__ import annotations

import sys

import msgspec

from harness.errors import CouldNotRun
from harness.systems.installing import installed
from harness.systems.installing.pins import FOLDER, all_pins, mismatch


def pin(system: str, version: str) -> str:
    """Add the checksums of one installed release, and say how many are new."""
    for record in installed().values():
        if (record.system, record.version) == (system, version):
            break
    else:
        raise CouldNotRun(f"{system} {version} is not installed")
    pins = all_pins(system)
    mine = pins.setdefault(version, {})
    before = len(mine)
    for name, checksum in record.artifacts.items():
        if mine.setdefault(name, checksum) != checksum:
            raise mismatch(name, checksum, mine[name])
    ordered = {version: dict(sorted(those.items())) for version, those in pins.items()}
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{system}.json").write_bytes(msgspec.json.format(msgspec.json.encode(ordered)) + b"\n")
    return f"{system} {version}: {len(mine) - before} new pins, {len(mine)} in all"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for argument in sys.argv[1:]:
        try:
            print(pin(*argument.split("@", 1)))  # noqa: T201 - it is a command
        except CouldNotRun as error:
            sys.exit(str(error))
