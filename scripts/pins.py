"""Pins the downloads of installed releases: adds what `installed.json` recorded to the repository's.

    ackproof systems install --unpinned NAME@VERSION
    python scripts/pins.py NAME@VERSION...

Of Debian packages it also pins the other versions of the same release that this machine's list offers: a
security update takes the place of an earlier one, but the version of the last point release stays. A pin that
is there already is kept and must agree. Compare the checksums with those that the makers publish before you
commit them.
"""

from __future__ import annotations

import subprocess
import sys

import msgspec

from harness.errors import CouldNotRun
from harness.systems.installing import installed, recipe_of
from harness.systems.installing.pins import FOLDER, all_pins, mismatch
from harness.systems.installing.sources.debian import Debian, offers_of


def offered(system: str, version: str) -> dict[str, str]:
    """The checksums of all versions of this release's Debian packages that can be downloaded here."""
    source = recipe_of(system).release(version, unpinned=True).source
    if not isinstance(source, Debian):
        return {}
    shown = subprocess.run(
        ["apt-cache", "show", *source.packages], capture_output=True, text=True, check=True
    )
    offers = offers_of(shown.stdout)
    kept = {offer.package: offer.upstream for offer in reversed(offers)}
    return {one.file: f"sha256:{one.sha256}" for one in offers if one.upstream == kept[one.package]}


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
    for name, checksum in (*record.artifacts.items(), *offered(system, version).items()):
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
