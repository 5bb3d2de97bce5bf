"""Paths that an agent names: only those inside the store."""

from __future__ import annotations

from pathlib import Path

from harness.errors import CouldNotRun
from harness.recording.folder import RECORDING

_MARKS = ("test.json", RECORDING)
"""A folder with one of these is that of a run or of a recording."""


class ConfinedStore:
    """A store, and the paths in it. A link that leads out of it is refused as any other path outside is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def path(self, name: str) -> Path:
        """The file or folder that a name means, relative to the store.

        Raises:
            CouldNotRun: it lies outside the store, or is not there.
        """
        try:
            path = (self.folder / name).resolve()
            is_inside = path.is_relative_to(self.folder)
            exists = is_inside and path.exists()
        except (OSError, ValueError) as error:  # a name too long, or with a zero byte
            raise CouldNotRun(f"{name[:80]!r} cannot be the name of a file") from error
        if not is_inside:
            raise CouldNotRun(f"{name[:200]!r} lies outside the store; name what is inside it")
        if not exists:
            raise CouldNotRun(f"the store has no {name[:200]!r}; the tool `runs` lists what it has")
        return path

    def run(self, name: str) -> Path:
        """The folder of a run or a recording; `latest` is the newest.

        Raises:
            CouldNotRun: there is none of this name in the store.
        """
        path = self.path(name)
        if not any((path / mark).is_file() for mark in _MARKS):
            raise CouldNotRun(f"{name[:200]!r} is no run; the tool `runs` lists what the store has")
        return path

    def history(self, name: str) -> Path:
        """A history to judge: a file, or a run's folder, in which no file may be a link.

        Raises:
            CouldNotRun: there is none of this name in the store.
        """
        path = self.path(name)
        if not path.is_dir():
            return path
        links = [one.name for one in self.run(name).iterdir() if one.is_symlink()]
        if links:
            raise CouldNotRun(f"{name[:200]!r} has a link in it ({links[0][:80]!r}), which may lead anywhere")
        return path
