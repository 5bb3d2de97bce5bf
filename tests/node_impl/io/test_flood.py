"""A node under hostile traffic, on real sockets: its memory stays bounded, others are served, nothing is
proposed."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.node_impl.node_processes import NodeProcess, nodes, until, wait_for_leader

MOST_MB = 100
BODY_BYTES = 250_000
POST = b"POST /nacos/v1/ns/instance HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % BODY_BYTES
WHOLE = (POST + b"x" * BODY_BYTES) * 17
HALF = POST + b"x" * (BODY_BYTES - 10_000)
_CHECKED = struct.pack(">I16s", 8 * 1024 * 1024, bytes(16))
HALF_FRAME = b"ACKPPEER\x00\x03" + _CHECKED + struct.pack(">I", zlib.crc32(_CHECKED)) + b"x" * 1_000_000
SLOW = b"GET / HTTP/1.1\r\nHo"


def peak_mb(node: NodeProcess) -> float:
    """The most memory that the node has had."""
    assert node.process is not None
    status = Path(f"/proc/{node.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def pour(port: int, data: bytes, count: int) -> list[socket.socket]:
    """This number of connections, each with as much of the data as the node takes within two seconds."""

    def one(_: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)  # a busy node accepts late
        connection.settimeout(2)
        with contextlib.suppress(OSError):
            connection.sendall(data)
        return connection

    with ThreadPoolExecutor(32) as threads:
        return list(threads.map(one, range(count)))


def flood(tmp_path: Path, share: float) -> None:
    with nodes(tmp_path, 3) as members:
        for member in members:
            member.start()
        leader = wait_for_leader(members)
        last = leader.status()["last"]
        hundred = int(100 * share)
        served = pour(leader.port, WHOLE, hundred)
        half = [
            *pour(leader.port, HALF, hundred),
            *pour(leader.peer_port, HALF_FRAME, hundred),
            *pour(leader.port, SLOW, 5 * hundred),
        ]
        status = leader.status()
        assert status["last"] - last <= status["term"], "nothing was proposed but a new leader's first entry"
        assert status["refused"]["peer_connections"] == hundred
        assert wait_for_leader(members).register("10.0.0.1").status == 200
        assert peak_mb(leader) < MOST_MB
        until(lambda: all(is_closed(one) for one in half), "all that sent half of something are closed", 40)
        assert leader.status()["refused"]["slow_clients"] >= 5 * hundred
        assert "Traceback" not in leader.log.read_text()
        for connection in (*served, *half):
            connection.close()
        assert [member.end() for member in members] == [0, 0, 0]


def is_closed(connection: socket.socket) -> bool:
    """Whether the node has closed it; what it has sent before is read."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.campaign
def test_a_flood_costs_a_node_less_than_100_mb_and_what_stays_half_sent_is_closed(tmp_path: Path) -> None:
    flood(tmp_path, 1.0)


def test_pipelined_bodies_beyond_the_room_are_refused_and_nothing_is_proposed(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start()
        wait_for_leader([node])
        last = node.status()["last"]
        held = [*pour(node.port, HALF, 80), *pour(node.peer_port, HALF_FRAME, 20)]
        with socket.create_connection(("127.0.0.1", node.port), timeout=5) as client:
            client.sendall(POST + b"x" * BODY_BYTES)
            head, _, body = client.recv(65536).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(body) == {
            "error": "overloaded",
            "reason": "requests of 16777216 bytes wait at this node; ask again in a moment",
            "proposed": False,
        }
        assert node.status()["last"] == last
        assert node.register("10.0.0.1").status == 200
        assert peak_mb(node) < MOST_MB
        for connection in held:
            connection.close()
