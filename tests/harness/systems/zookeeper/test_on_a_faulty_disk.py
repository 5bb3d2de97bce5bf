"""A real ZooKeeper on a disk that loses power: what it acknowledged is there when it starts again."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path

import pytest

from harness.client.clients import Client, Site
from harness.client.codecs.base import Codec
from harness.cluster.ports import free_ports
from harness.hosts.disks.disks import MountedDisk
from harness.hosts.host import eventually
from harness.hosts.ledger import Ledger
from harness.hosts.local import LocalHost, tail
from harness.systems.base import Place
from history import Operation
from tests.harness.hosts.disks.test_faultydisk import needs_fuse, on_disk
from tests.harness.systems.zookeeper.test_clients import SYSTEM, needs_zookeeper

LIVES = 3


@needs_fuse
@needs_zookeeper
@pytest.mark.campaign
@pytest.mark.timeout(180)
def test_it_starts_again_after_each_loss_of_power_with_what_it_acknowledged(tmp_path: Path) -> None:
    """It keeps its epochs in files that it renames into place, and begins a log with each life.

    Power is lost while the renames are not yet durable by themselves. Its first snapshot is durable before:
    it never syncs that, and refuses to start without it (docs/found.md).
    """
    ports = dict(zip(("client", "quorum", "election"), free_ports(3), strict=True))
    at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    data = tmp_path / "a folder"
    place = Place("n1", "127.0.0.1", ports, {"n1": at}, {}, data, tmp_path / "trace", tmp_path / "log", 0)
    launch = SYSTEM.launch(place)

    def serves() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", ports["client"])) as connection:
                connection.sendall(b"srvr")
                return b"Mode: leader" in connection.makefile("rb").read()
        except OSError:
            return False

    async def body(disk: MountedDisk, folder: Path) -> None:
        for file in launch.files:
            (tmp_path / file.path).write_text(file.content)
        async with LocalHost(Ledger("zookeeper", tmp_path / "zookeeper"), time.monotonic_ns) as host:
            for life in range(LIVES):
                argv = list(launch.processes[0].argv)
                node = await host.start("node", argv, log=place.log, folder=tmp_path, group="zookeeper")
                assert await eventually(serves, 60), f"life {life}: {tail(place.log, 5)}"
                await asyncio.to_thread(work, Site("n1", {"n1": at}, life, 5.0), life)
                assert await host.kill(node, "power")
                if life == 0:
                    sync_all(folder)
                await disk.lose_power(life)
                assert unfinished(folder) == [], "its renames came before the log that it synced"

    on_disk(tmp_path, body, names_by_fsync=True)


def work(site: Site, life: int) -> None:
    """Find what earlier lives acknowledged, and add ten numbers."""
    make = SYSTEM.clients["set"]
    assert not isinstance(make, Codec)
    client = make(site)
    client.open()
    try:
        assert does(client, "read", None) == list(range(10 * life))
        for number in range(10 * life, 10 * life + 10):
            assert does(client, "add", number) == number
    finally:
        client.close()


def does(client: Client, f: str, value: object) -> object:
    done = client.perform(Operation(-1, 0, 0, "invoke", f, "s", value))
    assert isinstance(done, Operation)
    assert done.type == "ok", done.error
    return done.value


def unfinished(folder: Path) -> list[str]:
    """The files that wait to be renamed into place."""
    return [path.name for path in folder.rglob("*.tmp")]


def sync_all(folder: Path) -> None:
    """Write all to the disk, as the kernel does some seconds after a program wrote it."""
    for path in (folder, *folder.rglob("*")):
        opened = os.open(path, os.O_RDONLY)
        os.fsync(opened)
        os.close(opened)
