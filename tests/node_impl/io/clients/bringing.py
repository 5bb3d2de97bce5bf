"""Nacos's clients, unchanged, each brought from its registry into a folder of its own with a program.

By the letters of docs/nacos.md: P Python, J Java, G Go, N Node.js.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.node_impl.io.clients.programs import python

PROGRAMS: Final = Path(__file__).with_name("programs")
BRING_S: Final = 600
"""How long each step of bringing a client may take, in seconds."""
KEYS: Final = (
    *(f"persistent-{number}" for number in range(6)),
    *(f"ephemeral-{number}" for number in range(4)),
)
"""The services that a program works on."""

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>clients</groupId><artifactId>client</artifactId><version>1</version><dependencies>
<dependency><groupId>com.alibaba.nacos</groupId><artifactId>nacos-client</artifactId><version>{}</version>
</dependency><dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version>
</dependency></dependencies></project>
"""
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_MODULE = "module client\n\ngo 1.21\n\nrequire github.com/nacos-group/nacos-sdk-go{} v{}\n"


class Client(NamedTuple):
    """One client in one version."""

    label: str
    version: str
    speaks_grpc: bool
    bring: Callable[[Path, str], list[str]]
    """Brings that version into a folder; the command that runs its program, but for the servers."""
    more: tuple[str, ...] = ()
    """What the program is given after the servers."""
    shows_own_lists: bool = False
    """Whether its lists are those that it keeps itself, so that its writes are judged by lookups at every
    member that lives."""
    shows_no_empty_list: bool = False
    """Whether it goes on to show the last instances of a service that has none any more."""
    hears_pushes: bool = True

    def command(self, folder: Path, servers: str) -> list[str]:
        """Bring the client into that folder; the command that runs its program against these servers."""
        return [*self.bring(folder, self.version), servers, *self.more]


def bring(command: list[str], otherwise: str, folder: Path | None = None, **environment: str) -> None:
    """Run a command that brings a client here; skip the test with that reason if it cannot.

    Args:
        folder: where it runs.
        environment: variables besides those of the test.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=BRING_S, env={**os.environ, **environment}
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{otherwise} within {BRING_S} s")
    if done.returncode:
        pytest.skip(otherwise)


def brought_by_pip(folder: Path, version: str) -> None:
    """Install `nacos-sdk-python` into the folder."""
    package = f"nacos-sdk-python=={version}"
    bring(
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), package],
        f"pip cannot install {package} here",
    )


def brought_by_maven(folder: Path, version: str, program: str) -> list[str]:
    """Copy `nacos-client` and what it needs into the folder; the command that runs that program of ours."""
    for needed in ("mvn", "java", "javac"):
        needs(needed)
    (folder / "pom.xml").write_text(_POM.format(version))
    command = ["mvn", "-q", "-B", _COPY, "-DoutputDirectory=lib"]
    bring(command, f"Maven cannot install nacos-client {version} here", folder)
    java = ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", "lib/*"]
    return [*java, f"-Duser.home={folder}", f"-DJM.LOG.PATH={folder}", str(PROGRAMS / program)]


def brought_by_go(folder: Path, version: str, program: str) -> list[str]:
    """Build that program of ours with `nacos-sdk-go`; its command."""
    needs("go")
    major = "/v2" if version >= "2" else ""
    text = (PROGRAMS / program).read_text().replace("nacos-sdk-go/v2/", f"nacos-sdk-go{major}/")
    if not major:
        text = text.replace("[]model.Instance", "[]model.SubscribeService")
    (folder / "main.go").write_text(text)
    (folder / "go.mod").write_text(_MODULE.format(major, version))
    for command in (["go", "mod", "tidy"], ["go", "build", "-o", "client", "."]):
        bring(command, f"Go cannot build nacos-sdk-go {version} here", folder, GOFLAGS="-mod=mod")
    return [str(folder / "client")]


def brought_by_npm(folder: Path, package: str, program: str) -> list[str]:
    """Install a package of npm; the command that runs that program of ours."""
    needs("npm")
    command = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--no-save", package]
    bring(command, f"npm cannot install {package} here", folder)
    shutil.copy(PROGRAMS / program, folder / "client.js")  # it finds packages next to itself
    return ["node", str(folder / "client.js")]


def needs(program: str) -> None:
    """Skip the test where a toolchain is missing."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")


def _python_http(folder: Path, version: str) -> list[str]:
    brought_by_pip(folder, version)
    return [sys.executable, "-c", python.HTTP]


def _python_grpc(folder: Path, version: str) -> list[str]:
    brought_by_pip(folder, version)
    return [sys.executable, "-c", python.GRPC]


def _java(folder: Path, version: str) -> list[str]:
    return brought_by_maven(folder, version, "Client.java")


def _go(folder: Path, version: str) -> list[str]:
    return brought_by_go(folder, version, "client.go")


def _node_js(folder: Path, package: str) -> list[str]:
    return brought_by_npm(folder, package, "client.js")


CLIENTS: Final = {
    client.label: client
    for client in (
        Client("P0", "0.1.14", False, _python_http),
        Client("P1", "1.0.0", False, _python_http),
        Client("P2", "2.0.9", True, _python_grpc),
        Client("P3", "3.2.0", True, _python_grpc),
        Client("J1", "1.4.7", False, _java),
        Client("J2", "2.5.1", True, _java),
        Client("J3", "3.1.0", True, _java),
        Client("G1", "1.1.4", False, _go, shows_own_lists=True),
        Client("G2", "2.3.5", True, _go, shows_own_lists=True),
        # It waits for pushes under a name that servers do not use, so it is shown the first list alone:
        # nacos-group/nacos-sdk-go, issue 815, mended in 2.3.0.
        Client("G2-deaf", "2.2.9", True, _go, shows_own_lists=True, hears_pushes=False),
        Client("N", "nacos@2.6.3", False, _node_js, ("nacos",), True, True),
        Client("NN", "nacos-naming@2.6.3", False, _node_js, ("nacos-naming",), True, True),
    )
}
"""By label."""
