"""What is collected on request: packets on the wire, and the core of a node that crashed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.http import HttpTransport
from harness.cluster.collecting.packets import HANDED_OVER_S, LISTENS, capturing, lost
from harness.cluster.local import LocalWorld
from harness.hosts import agent
from harness.hosts.abilities import reasons_against
from harness.systems.base import Place
from harness.systems.reference_node import ReferenceNode
from node_impl.io.transport.handshake import MAGIC
from tests.harness.cluster.test_local import NAMES, assert_nothing_left, view_where

FACTS = agent.Agent("", "").facts()
PCAP_MAGIC = bytes.fromhex("d4c3b2a1"), bytes.fromhex("4d3cb2a1")
"""Little-endian, in micro- or nanoseconds."""


def needs(what: str) -> pytest.MarkDecorator:
    reasons = reasons_against(what, FACTS)
    return pytest.mark.skipif(bool(reasons), reason="; ".join(reasons))


def world_with(folder: Path, collect: str) -> LocalWorld:
    return LocalWorld(
        ReferenceNode(),
        NAMES,
        folder / "nodes",
        time.monotonic_ns,
        faults=(collect,),
        ledgers=folder / "ledgers",
    )


def place_at(ports: dict[str, int]) -> Place:
    peers = {"n2": "127.0.0.1:30"}
    return Place("n1", "127.0.0.1", ports, {}, peers, Path("d"), Path("t"), Path("l"), 0)


def talk(listener: socket.socket, messages: list[bytes]) -> None:
    """Send each message by itself over one connection of this process to itself."""
    with socket.create_connection(listener.getsockname()) as sender, listener.accept()[0] as receiver:
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for message in messages:
            sender.sendall(message)
            assert receiver.recv(len(message)) == message


@needs("packets")
def test_a_clients_request_and_the_nodes_talk_are_in_the_capture(tmp_path: Path) -> None:
    async def run() -> LocalWorld:
        async with asyncio.timeout(60), world_with(tmp_path, "packets") as world:
            await world.wait_for_leader(20)
            async with HttpTransport(2.0) as transport:
                asked = HttpRequest("GET", "/v1/admin/status", (("mark", "seen-on-the-wire"),))
                assert isinstance(await transport.send(world.address("n2"), asked), HttpReply)
        return world

    world = asyncio.run(run())
    assert_nothing_left(tmp_path, world)
    for name in NAMES:
        captured = (tmp_path / "nodes" / name / "packets.pcap").read_bytes()
        assert captured[:4] in PCAP_MAGIC
        assert (b"seen-on-the-wire" in captured) == (name == "n2"), "a node's own packets, and no other's"
        assert MAGIC in captured, "and its connections to its peers"


@needs("packets")
@pytest.mark.campaign
def test_a_capture_that_the_machine_lets_wait_loses_nothing(tmp_path: Path) -> None:
    file, messages = tmp_path / "packets.pcap", [b"message %03d" % number for number in range(200)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        argv = capturing(place_at({"client": listener.getsockname()[1]}), file)
        with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as capture:
            assert capture.stderr is not None
            assert LISTENS in capture.stderr.readline()
            capture.send_signal(signal.SIGSTOP)
            talk(listener, messages)
            capture.send_signal(signal.SIGCONT)
            time.sleep(HANDED_OVER_S)  # the kernel may keep packets so long, and nothing shows it
            capture.terminate()
            assert lost(capture.stderr.read()) == 0
    captured = file.read_bytes()
    assert [message for message in messages if message not in captured] == []


def test_what_a_capture_has_lost_is_what_it_says_at_its_end() -> None:
    said = "4 packets captured\n812 packets received by filter\n{} dropped by kernel\n"
    assert lost(said.format("804 packets")) == 804
    assert lost(said.format("0 packets")) == 0
    assert lost("tcpdump: listening on any\n") is None, "it was ended by force"


@needs("cores")
def test_a_crashed_node_leaves_its_core_beside_its_log(tmp_path: Path) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), world_with(tmp_path, "cores") as world:
            await world.wait_for_leader(20)
            (life,) = [life for life in world.lives() if life.node == "n1"]
            os.kill(life.pid, signal.SIGABRT)
            await view_where(world, lambda view: not view.nodes["n1"].running)
            (ended,) = [life for life in world.lives() if life.node == "n1"]
            assert (ended.status, ended.ended_by) == (-signal.SIGABRT, None), "a crash is unexpected"

    asyncio.run(run())
    (core,) = (tmp_path / "nodes" / "n1").glob("core*")
    assert core.read_bytes()[:4] == b"\x7fELF"


def test_loopback_is_captured_on_its_own_interface_and_the_expression_is_one_argument() -> None:
    argv = capturing(place_at({"client": 10, "peer": 20}), Path("/x/packets.pcap"))
    assert argv[1:3] == ["-i", "lo"]
    assert argv[-1] == "tcp port 10 or tcp port 20 or tcp port 30"
