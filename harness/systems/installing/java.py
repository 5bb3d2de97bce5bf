"""Finds Java, and refuses one that is too old."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import msgspec

from harness.errors import CouldNotRun
from harness.systems.installing.tools import PACKAGES, answer

BOUND_S = 30.0
_VERSION = re.compile(r'version "(?:1\.)?(\d+)([^"]*)"')


class Java(msgspec.Struct, frozen=True):
    """A Java machine."""

    path: Path
    version: int
    """Its feature release, such as 17."""


def located_java(at_least: int = 8, given: Path | None = None) -> Java:
    """The Java machine: the given one, or the one of PATH.

    Args:
        at_least: the oldest feature release that will do.
        given: the path of the user's own `java`.

    Raises:
        CouldNotRun: there is none, or it is too old; in one line.
    """
    found = shutil.which("java") if given is None else str(given)
    if found is None:
        raise CouldNotRun(f"there is no `java` here: Debian has it in {PACKAGES['java']}")
    try:
        printed = answer([found, "-version"], bound_s=BOUND_S)
    except OSError as error:
        raise CouldNotRun(f"{found} cannot be started: {error}") from error
    named = _VERSION.search(printed)
    if named is None:
        raise CouldNotRun(f"{found} names no version of Java")
    version = int(named[1])
    if version < at_least:
        raise CouldNotRun(
            f"{found} is Java {version}, and Java {at_least} or newer is needed: "
            f"Debian has it in {PACKAGES['java']}"
        )
    return Java(Path(found), version)
