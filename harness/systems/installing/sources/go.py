"""Programs of Go modules, built here in a module of our own.

The pins are lines of go.sum, which covers every module that takes part in the build. They are written before
go downloads anything, so go itself refuses a module with another checksum; what it adds has no pin.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from harness.systems.installing.pins import mismatch
from harness.systems.installing.sources.source import Bench
from harness.systems.installing.tools import ToolFailed

DOWNLOAD_BOUND_S = 900.0
BUILD_BOUND_S = 3600.0
_MISMATCH = re.compile(r"verifying (\S+): checksum mismatch\s+downloaded: (h1:\S+)\s+go\.sum: +(h1:\S+)")
_ENVIRONMENT = {
    "GOFLAGS": "-mod=mod -buildvcs=false -trimpath",
    "GOTOOLCHAIN": "local",  # no other Go is downloaded
    "GOWORK": "off",
    "CGO_ENABLED": "0",
}


class Go(msgspec.Struct, frozen=True):
    """One program of a module."""

    module: str
    """The path of the module, which is that of the program's package, too."""
    binary: str
    """The name of the program; it is put into `bin/`."""

    @property
    def words(self) -> str:
        """What the source is, for people."""
        return "Go modules"

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that it needs."""
        return ("go",)

    def bring(self, bench: Bench, version: str) -> None:
        """Download the module and what it needs, accept each by its checksum, and build the program.

        Raises:
            CouldNotRun: a module is not to be had, or is refused, or does not build with the Go that is here.
        """
        folder = bench.folder("module")
        (folder / "go.mod").write_text("module ackproof.invalid/build\n\ngo 1.21\n", encoding="utf-8")
        (folder / "go.sum").write_text(lines_of(dict(bench.accepting.pins)), encoding="utf-8")
        bench.say(f"{self.module} {version} and the modules that it needs")
        self._go(bench, folder, "get", f"{self.module}@v{version}", bound_s=DOWNLOAD_BOUND_S)
        self._accept(bench, folder)
        bench.say(f"building {self.binary}, which takes some minutes the first time")
        target = bench.tree / "bin" / self.binary
        self._go(bench, folder, "build", "-o", str(target), self.module, bound_s=BUILD_BOUND_S)
        self._accept(bench, folder)  # the build may have asked for more modules

    def _go(self, bench: Bench, folder: Path, *arguments: str, bound_s: float) -> None:
        try:
            bench.run(["go", *arguments], bound_s=bound_s, cwd=folder, environment=_ENVIRONMENT)
        except ToolFailed as failed:
            found = _MISMATCH.search(failed.output)
            if found is None:
                raise
            raise mismatch(found[1], found[2], found[3]) from None

    def _accept(self, bench: Bench, folder: Path) -> None:
        for name, checksum in checksums_in((folder / "go.sum").read_text(encoding="utf-8")).items():
            if name not in bench.accepting.accepted:
                bench.accepting.checksum(name, checksum)


def lines_of(pins: dict[str, str]) -> str:
    """The lines of go.sum for these pins; a pin's name is MODULE@VERSION, or that with /go.mod."""
    return "".join(f"{name.replace('@', ' ', 1)} {checksum}\n" for name, checksum in pins.items())


def checksums_in(go_sum: str) -> dict[str, str]:
    """By MODULE@VERSION: the checksums in a go.sum."""
    found = (line.split() for line in go_sum.splitlines())
    return {f"{module}@{version}": checksum for module, version, checksum in found}
