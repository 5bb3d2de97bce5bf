"""What a recipe is: a system's programs, and its releases. All of it is values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from harness.errors import CouldNotRun
from harness.systems.installing.sources.source import Source

PATH = "{path}"
"""Stands for a program's path in the command that prints its version."""


class Binary(msgspec.Struct, frozen=True):
    """A program that is one executable file."""

    name: str
    version: str
    """A regular expression; its first group is the version in what the program prints."""
    debian: str
    """The Debian package that brings the program to the machine; for messages."""
    version_argv: tuple[str, ...] = (PATH, "--version")
    """The command that prints the version and ends; `PATH` in it stands for the program's path."""


class Jars(msgspec.Struct, frozen=True):
    """A program of the Java machine: a list of jars, the class path."""

    name: str
    version: str
    """A regular expression; its first group is the version in what the class prints, or in names of jars."""
    debian: str
    """The Debian package that brings the jars to the machine; for messages. Empty if Debian has none."""
    version_class: str | None = None
    """A class whose main method prints the version; None if the names of the jars hold it."""
    machine: tuple[str, ...] = ()
    """Where the Debian package puts the jars, as absolute patterns; the first one is its own."""
    java: int = 8
    """The oldest Java that runs it."""


class Modules(msgspec.Struct, frozen=True):
    """A Python distribution in a folder that is put on the module path of a node."""

    name: str
    """The distribution's name; its version stands in its metadata."""
    debian: str = ""
    """The Debian package that has it; empty if Debian has none."""


Program = Binary | Jars | Modules


class Release(msgspec.Struct, frozen=True):
    """One version of a system, and how it is brought here."""

    version: str
    source: Source
    where: Mapping[str, tuple[str, ...]]
    """By name of each program: its file, the patterns of its jars, or its folder; in the release's folder."""
    needs_mib: int = 100
    """How much space must be free for it, downloads included."""
    libraries: tuple[str, ...] = ()
    """Folders with shared libraries that the programs need, as patterns; relative to the release's folder."""
    search: tuple[str, ...] = ()
    """Folders that the programs expect in PATH; relative to the release's folder."""
    note: str = ""
    """What a reader of a result must know of this release; it is shown by `--list`."""


class Recipe(msgspec.Struct, frozen=True):
    """One system: its programs and its releases."""

    system: str
    programs: tuple[Program, ...]
    releases: tuple[Release, ...]
    """The first one is installed if no version is asked for."""
    other: Callable[[str], Release] | None = None
    """Any other version, where the source has all of them; it has no pins, so it needs --unpinned."""

    def program(self, name: str | None = None) -> Program:
        """The program of this name, or the first one.

        Raises:
            KeyError: the system has no such program.
        """
        if name is None:
            return self.programs[0]
        for program in self.programs:
            if program.name == name:
                return program
        raise KeyError(name)

    def release(self, version: str | None = None, *, unpinned: bool = False) -> Release:
        """The release of this version, such as 3.5.1, or the first one of a line of versions, such as 3.5.

        Args:
            version: the version; None for the first release.
            unpinned: whether a version that is not listed may be made up from the source.

        Raises:
            CouldNotRun: there is no such release.
        """
        if version is None:
            return self.releases[0]
        for release in self.releases:
            if is_version(release.version, version):
                return release
        if self.other is not None and unpinned:
            return self.other(version)
        known = ", ".join(release.version for release in self.releases)
        more = "; any other one is taken with --unpinned" if self.other is not None else ""
        raise CouldNotRun(f"{self.system} has no release {version}: known are {known}{more}")

    def has(self, version: str | None) -> bool:
        """Whether there is a release of this version, or in this line of versions."""
        return version is None or any(is_version(release.version, version) for release in self.releases)


def is_version(found: str, wanted: str) -> bool:
    """Whether a version is the wanted one, or one of the wanted line: 3.6.12 is of 3.6, but not of 3.61."""
    return found == wanted or found.startswith((f"{wanted}.", f"{wanted}-"))
