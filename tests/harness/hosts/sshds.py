"""Real sshd processes for tests: one in each namespace of a network, with host keys and config of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.hosts.host import Background
from harness.hosts.local import LocalHost
from harness.hosts.netns import reasons_against
from tests.harness.hosts.namespaces import Bench, network_of

SSHD = "/usr/sbin/sshd"
PORT = 2222


def _missing() -> str | None:
    if reasons_against():
        return "; ".join(reasons_against())
    if not Path(SSHD).exists():
        return "no sshd here: apt-get install openssh-server"
    return None


needs_sshd = pytest.mark.skipif(_missing() is not None, reason=str(_missing()))


@dataclass
class Sshds:
    """Namespaces with an sshd each, which accepts one key for root."""

    bench: Bench
    folder: Path
    key: Path
    known_hosts: Path
    processes: dict[str, Background]

    def line(self, name: str, *options: str) -> str:
        """A line of a nodes file."""
        at = f"root@{self.bench.network.addresses[name]}:{PORT}"
        return " ".join([at, f"key={self.key}", f"known_hosts={self.known_hosts}", *self.own(name), *options])

    def own(self, name: str) -> list[str]:
        """All share one file system: each host has a folder of its own in it."""
        return [f"folder={self.folder / name / 'home'}"]

    def nodes_file(self, *options: str) -> Path:
        path = self.folder / "hosts.txt"
        path.write_text("".join(f"{self.line(name, *options)}\n" for name in self.bench.hosts))
        return path

    def inside(self) -> list[str]:
        """What to put before a command to run it where the hosts are reached."""
        return ["ip", "netns", "exec", self.bench.network.bridge]


def keygen(path: Path) -> str:
    """A new key pair; the public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text()


async def start_sshd(host: LocalHost, folder: Path, address: str, *settings: str) -> Background:
    """An sshd on a host, in the foreground, so that it ends as any process of the test does."""
    os.makedirs("/run/sshd", 0o755, exist_ok=True)  # sshd's privilege separation wants it
    config = folder / "sshd_config"
    config.write_text(
        "\n".join(
            [
                *settings,
                f"ListenAddress {address}:{PORT}",
                f"HostKey {folder / 'host_key'}",
                f"AuthorizedKeysFile {folder / 'authorized_keys'}",
                "PermitRootLogin prohibit-password",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "UsePAM no",
                "StrictModes no",
                "PidFile none",
                "Subsystem sftp internal-sftp",
            ]
        )
    )
    log = folder / "sshd.log"
    process = await host.start("sshd", [SSHD, "-D", "-e", "-f", str(config)], log=log, folder=folder)
    async with asyncio.timeout(10):
        while not (log.exists() and "Server listening" in log.read_text()):
            assert process.is_running, log.read_text()
            await asyncio.sleep(0.01)
    return process


@asynccontextmanager
async def sshds(folder: Path, names: Sequence[str], *settings: str) -> AsyncIterator[Sshds]:
    """Namespaces, and an sshd in each with these settings."""
    assert shutil.which("ssh-keygen")
    async with network_of(folder, names) as bench:
        key, known_hosts = folder / "key", folder / "known_hosts"
        public = keygen(key)
        processes = {}
        known = []
        for name, host in bench.hosts.items():
            own, address = folder / name, bench.network.addresses[name]
            (own / "home").mkdir(parents=True)
            known.append(f"[{address}]:{PORT} {keygen(own / 'host_key')}")
            (own / "authorized_keys").write_text(public)
            processes[name] = await start_sshd(host, own, address, *settings)
        known_hosts.write_text("".join(known))
        yield Sshds(bench, folder, key, known_hosts, processes)
