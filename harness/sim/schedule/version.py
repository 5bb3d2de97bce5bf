"""Which code a simulated run used: digests by part, so that a replay can say what has changed."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

PARTS = (
    "node_impl/core/raft",
    "node_impl/core/registry",
    "node_impl/core/storage",
    "node_impl/core/api",
    "node_impl",
    "harness/sim",
    "harness/generator",
    "harness/client",
    "harness/nemesis",
    "harness/workload",
    "harness/mutants",
    "harness",
    "checkers",
    "history",
)
"""Folders that a run or its judgement depends on. A file counts for the first folder here that holds it."""

_ROOT = Path(__file__).parents[3]


@cache
def digests() -> Mapping[str, str]:
    """Give sixteen hex digits over the source files of each part."""
    by_part = {part: blake2b(digest_size=8) for part in PARTS}
    for package in ("checkers", "harness", "history", "node_impl"):
        for path in sorted((_ROOT / package).rglob("*.py")):
            place = path.relative_to(_ROOT).as_posix()
            part = next((part for part in PARTS if place.startswith(part + "/")), None)
            if part is not None:
                by_part[part].update(place.encode() + b"\0" + path.read_bytes() + b"\0")
    return {part: digest.hexdigest() for part, digest in by_part.items()}


def differences(then: Mapping[str, str]) -> tuple[str, ...]:
    """Give the parts whose code has changed."""
    now = digests()
    parts = dict.fromkeys((*then, *now))
    return tuple(part for part in parts if then.get(part) != now.get(part))


def identity() -> dict[str, str]:
    """What must be the same on every machine of one campaign: versions, and digests of the code."""
    code = {f"the code of {part}": digest for part, digest in digests().items()}
    return {"Ackproof": version("ackproof"), "Python": platform.python_version(), **code}
