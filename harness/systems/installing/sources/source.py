"""What a source of releases does, and the bench on which it does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.systems.installing.pins import Accepting
from harness.systems.installing.tools import Say, run


@dataclass(frozen=True)
class Bench:
    """What one installation works with."""

    tree: Path
    """The folder that will be the release's; it is empty at first."""
    scratch: Path
    """A folder for downloads and work; it is removed at the end."""
    accepting: Accepting
    say: Say
    logs: list[Path] = field(default_factory=list)

    def folder(self, name: str) -> Path:
        """A folder of this name in the scratch folder; it is made if it is not there."""
        folder = self.scratch / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def run(
        self,
        argv: Sequence[str],
        *,
        bound_s: float,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a tool to its end, and return what it printed.

        Raises:
            CouldNotRun: it failed, or took too long.
        """
        self.logs.append(self.scratch / f"log-{len(self.logs)}")
        return run(argv, log=self.logs[-1], bound_s=bound_s, say=self.say, cwd=cwd, environment=environment)


class Source(Protocol):
    """One way to bring a release here."""

    @property
    def words(self) -> str:
        """What the source is, for people: `Debian packages`."""
        ...

    @property
    def tools(self) -> Sequence[str]:
        """The tools that it needs, as in tools.py."""
        ...

    def bring(self, bench: Bench, version: str) -> None:
        """Put the files of the release of this version into the bench's tree.

        Each download is accepted by its checksum before anything of it is run.

        Raises:
            CouldNotRun: it cannot be brought, or a download is refused; in one line.
        """
        ...
