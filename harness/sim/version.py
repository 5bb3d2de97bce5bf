"""Which code a simulated run ran: digests by part, so that a replay can say what has changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path

PARTS = (
    "node_impl/raft",
    "node_impl/registry",
    "node_impl/storage",
    "node_impl/api",
    "node_impl",
    "harness/sim",
    "harness/generator",
    "harness/client",
    "harness/nemesis",
    "harness/workload",
    "harness/mutants",
    "harness",
    "checkers",
)
"""Folders that a run or its judgement depends on. A folder stands for its own files; one of another
folder that has subfolders listed here stands for what those leave."""

_ROOT = Path(__file__).parents[2]


@cache
def digests() -> Mapping[str, str]:
    """Sixteen hex digits over the source files of each part."""
    by_part = {part: blake2b(digest_size=8) for part in PARTS}
    for package in ("checkers", "harness", "node_impl"):
        for path in sorted((_ROOT / package).rglob("*.py")):
            place = path.relative_to(_ROOT).as_posix()
            part = next((part for part in PARTS if place.startswith(part + "/")), None)
            if part is not None:
                by_part[part].update(place.encode() + b"\0" + path.read_bytes() + b"\0")
    return {part: digest.hexdigest() for part, digest in by_part.items()}


def differences(then: Mapping[str, str]) -> tuple[str, ...]:
    """The parts whose code is another than it was."""
    now = digests()
    parts = dict.fromkeys((*then, *now))
    return tuple(part for part in parts if then.get(part) != now.get(part))
