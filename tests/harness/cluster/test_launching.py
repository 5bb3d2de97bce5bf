"""Nodes of several processes, with files of their own, as another user."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from harness.client.codecs.base import Codec
from harness.client.net import Net
from harness.cluster.local import LocalWorld
from harness.errors import CouldNotRun
from harness.hosts.host import eventually
from harness.nemesis.view import ClusterView
from harness.systems.base import Launch, Links, NodeStatus, Place, Process, WrittenFile

SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
print(open("conf/name").read(), os.getuid(), flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SIDE = "import time; print('at the side', flush=True); time.sleep(600)"


class Pair:
    """A node of a server and a second process."""

    name = "pair"
    ports: ClassVar[Mapping[str, int]] = {"client": 8000}
    links: ClassVar[Links] = "addresses"
    clients: ClassVar[Mapping[str, Codec]] = {}

    def __init__(self, *, user: str | None = None, path: str = "conf/name") -> None:
        self._user = user
        self._path = path

    def launch(self, place: Place) -> Launch:
        return Launch(
            (
                Process((sys.executable, "-c", SERVER, str(place.ports["client"]))),
                Process((sys.executable, "-c", SIDE), name="side"),
            ),
            (
                WrittenFile(self._path, f"I am {place.name} of {len(place.members)}"),
                WrittenFile("conf/once", place.at(), once=True),
            ),
            self._user,
        )

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        reply = await net.get(place.at(), "/")
        return None if reply is None else NodeStatus("leader" if place.number == 1 else "follower", 1)

    def leader(self, view: ClusterView) -> str | None:
        return view.leader()


class SlowToEnd(Pair):
    """A pair whose nodes write down when they are asked to end, and take half a second for it."""

    ends_leader_last = True
    # the half second is what is tested: nodes that end at once have no order
    ASKED = "import time; print(time.monotonic_ns(), flush=True); time.sleep(0.5); os._exit(0)"
    stop_statuses = (0,)

    def launch(self, place: Place) -> Launch:
        on_sigterm = f"import signal\ndef end(*_): {self.ASKED}\nsignal.signal(signal.SIGTERM, end)"
        server = SERVER.replace("print(", f"{on_sigterm}\nprint(", 1)
        argv = (sys.executable, "-c", server, str(place.ports["client"]))
        return Launch((Process(argv),), (WrittenFile("conf/name", place.name),))


@pytest.mark.parametrize("leader_last", [True, False])
def test_a_leader_that_would_wait_for_another_node_is_asked_to_end_when_the_others_have(
    tmp_path: Path, *, leader_last: bool
) -> None:
    async def run() -> int:
        system = SlowToEnd()
        system.ends_leader_last = leader_last
        world = LocalWorld(
            system, ("n1", "n2"), tmp_path / "nodes", time.monotonic_ns, ledgers=tmp_path / "ledgers"
        )
        async with world:
            await world.wait_for_leader(10)
        lives = {life.node: life for life in world.lives()}
        assert [(life.status, life.ended_by) for life in lives.values()] == [(0, "teardown")] * 2
        return lives["n2"].ended_at or 0

    follower_ended_at = asyncio.run(run())
    leader_asked_at = int((tmp_path / "nodes/n1/log.txt").read_text().split()[-1])
    assert (leader_asked_at > follower_ended_at) is leader_last


def with_pair(
    folder: Path, body: Callable[[LocalWorld], Awaitable[None]], system: Pair | None = None
) -> None:
    async def run() -> None:
        world = LocalWorld(
            system or Pair(), ("n1", "n2"), folder / "nodes", time.monotonic_ns, ledgers=folder / "ledgers"
        )
        async with world:
            await world.wait_for_leader(10)
            await body(world)

    asyncio.run(run())


def test_all_processes_of_a_node_start_pause_and_die_together(tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        node = world.nodes["n1"]
        server, side = node.running
        assert await world.processes.pause("n1") == "done"
        assert server.is_stopped
        assert side.is_stopped
        assert await world.processes.resume("n1") == "done"
        assert not any(process.is_stopped for process in (server, side))
        assert await world.processes.kill("n1", by="kill") == "done"
        assert node.running == ()
        lives = [(life.process, life.status, life.ended_by) for life in world.lives() if life.node == "n1"]
        assert lives == [("", -9, "kill"), ("side", -9, "kill")]
        assert await world.processes.start("n1") == "done"
        assert len(node.running) == 2

    with_pair(tmp_path, body)
    assert (tmp_path / "nodes/n1/side.txt").read_text() == "at the side\n" * 2
    assert (tmp_path / "nodes/n1/log.txt").read_text().startswith("I am n1 of 2 ")


def test_what_is_left_of_a_node_ends_before_its_next_life(tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        node = world.nodes["n2"]
        server, side = node.running
        await node.host.kill(server, by="kill")
        assert (await world.observe()).nodes["n2"].running is False
        assert side.is_running
        assert await world.processes.start("n2") == "done"
        assert await eventually(lambda: not side.is_running, 5)
        assert side.ended_by == "next life"

    with_pair(tmp_path, body)


def test_a_file_that_is_written_once_keeps_what_the_node_made_of_it(tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        for name in ("once", "name"):
            (tmp_path / "nodes/n1/conf" / name).write_text("changed")
        await world.processes.kill("n1", by="kill")
        await world.processes.start("n1")

    with_pair(tmp_path, body)
    assert (tmp_path / "nodes/n1/conf/once").read_text() == "changed"
    assert (tmp_path / "nodes/n1/conf/name").read_text() == "I am n1 of 2"


@pytest.mark.parametrize("path", ["../outside", "/tmp/outside", "a/../../outside"])
def test_a_file_outside_of_the_nodes_folder_is_refused(path: str, tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        raise AssertionError(f"{world.names} started")

    with pytest.raises(CouldNotRun, match="is not in the node's folder"):
        with_pair(tmp_path, body, Pair(path=path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start processes of another user")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is missing: apt-get install util-linux")
def test_processes_run_as_the_user_that_the_system_names(tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        assert len(world.nodes["n1"].running) == 2

    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 1:
            folder.chmod(folder.stat().st_mode | 0o11)
    with_pair(tmp_path, body, Pair(user="nobody"))
    assert (tmp_path / "nodes/n1/log.txt").read_text() == "I am n1 of 2 65534\n"
    assert (tmp_path / "nodes/n1/data").stat().st_uid == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start processes of another user")
def test_a_user_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        raise AssertionError(f"{world.names} started")

    with pytest.raises(CouldNotRun, match="must run as the user no-such-user, who cannot get its folder"):
        with_pair(tmp_path, body, Pair(user="no-such-user"))
