"""A Debian package of our own in a repository of our own, which apt-get reads instead of the machine's."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from harness.systems.installing.recipe import Binary, Recipe, Release
from harness.systems.installing.sources.debian import Debian

needs_debian = pytest.mark.skipif(
    shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None,
    reason="needs apt-get and dpkg-deb, which only Debian and its relatives have",
)

PACKAGE = "ackproof-teapot"
FILE = f"{PACKAGE}_1.2.3-4_all.deb"
TEAPOT = Recipe(
    system="teapot",
    programs=(Binary("teapot", version=r"teapot (\S+)", debian=PACKAGE),),
    releases=(Release("1.2.3", Debian((PACKAGE,)), {"teapot": ("usr/bin/teapot",)}, needs_mib=1),),
)


class Repository:
    """A flat repository with one package, and the settings that make apt-get use it alone."""

    def __init__(self, folder: Path) -> None:
        self.settings = folder / "apt.conf"
        self.packages = folder / "packages"
        self.packages.mkdir(parents=True)
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "sources.list").write_text(f"deb [trusted=yes] file:{self.packages} ./\n")
        self.settings.write_text(
            f'Dir::Etc::sourcelist "{folder / "sources.list"}";\n'
            'Dir::Etc::sourceparts "/dev/null";\n'
            f'Dir::State::Lists "{folder / "lists"}";\n'
        )
        self.witness = folder / "a-script-ran"
        self.publish(self.built(folder / "built"))

    def built(self, folder: Path, prints: str = "teapot 1.2.3") -> Path:
        """Build the package: one program, and scripts that must not run."""
        program = folder / "usr/bin/teapot"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho {prints}\n")
        program.chmod(0o4755)
        (folder / "usr/bin/kettle").symlink_to("/usr/bin/teapot")
        control = folder / "DEBIAN"
        control.mkdir()
        (control / "control").write_text(
            f"Package: {PACKAGE}\nVersion: 1.2.3-4\nArchitecture: all\nMaintainer: nobody <n@example.org>\n"
            "Description: a program for a test\n"
        )
        for script in ("preinst", "postinst"):
            (control / script).write_text(f"#!/bin/sh\ntouch {self.witness}\n")
            (control / script).chmod(0o755)
        package = folder.parent / FILE
        subprocess.run(["dpkg-deb", "--build", "-Znone", folder, package], check=True, capture_output=True)
        return package

    def publish(self, package: Path) -> None:
        """Make this file the package that apt-get finds."""
        shutil.copy(package, self.packages / FILE)
        content = package.read_bytes()
        (self.packages / "Packages").write_text(
            textwrap.dedent(
                f"""\
                Package: {PACKAGE}
                Version: 1.2.3-4
                Architecture: all
                Maintainer: nobody <n@example.org>
                Filename: ./{FILE}
                Size: {len(content)}
                SHA256: {hashlib.sha256(content).hexdigest()}
                Description: a program for a test
                """
            )
        )

    @property
    def pins(self) -> dict[str, str]:
        """The package's checksum."""
        return {FILE: f"sha256:{hashlib.sha256((self.packages / FILE).read_bytes()).hexdigest()}"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository that apt-get uses as long as the test runs."""
    made = Repository(tmp_path / "repository")
    monkeypatch.setenv("APT_CONFIG", str(made.settings))
    return made
