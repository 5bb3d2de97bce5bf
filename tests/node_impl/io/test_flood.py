"""A node under hostile traffic, on real sockets: its memory stays bounded, others are served, nothing is
proposed."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from node_impl.io.transport import Hello, encode_frame
from node_impl.io.transport.frames import MAX_PAYLOAD_BYTES
from tests.node_impl.certificates import make_certificate, needs_openssl
from tests.node_impl.dialling import introduced
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


@needs_openssl
def test_clients_that_never_shake_hands_cost_a_node_little_and_others_are_served(tmp_path: Path) -> None:
    """asyncio's own TLS takes 290 KB for each, and says nothing of them."""
    certificate, key = make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    begun, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        trusting.wrap_bio(begun, out, server_hostname="127.0.0.1").do_handshake()
    hello = out.read()
    with nodes(tmp_path, 1) as [node]:
        node.arguments += ["--tls-certificate", str(certificate), "--tls-key", str(key)]
        node.start()
        until(lambda: served_by_tls(node, trusting), "it serves")
        before = peak_mb(node)
        held = [*pour(node.port, b"", 250), *pour(node.port, hello[:100], 150), *pour(node.port, hello, 150)]
        refused = until(lambda: served_by_tls(node, trusting), "it serves others")["refused"]
        assert refused["tls_handshakes"] >= 44, "of 300 that began, the oldest made room for those after 256"
        assert peak_mb(node) - before < 45
        for connection in held:
            connection.close()
        assert node.end() == 0
        assert "Traceback" not in node.log.read_text()


@needs_openssl
@pytest.mark.campaign
def test_the_flood_costs_less_than_100_mb_over_tls_too(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with nodes(tmp_path, 1) as [node]:
        node.arguments += ["--tls-certificate", str(certificate), "--tls-key", str(key)]
        node.start()
        last = until(lambda: served_by_tls(node, trusting), "it serves")["last"]

        def pour_encrypted(data: bytes) -> list[socket.socket]:
            def one(_: int) -> socket.socket:
                plain = socket.create_connection(("127.0.0.1", node.port), timeout=30)
                connection = trusting.wrap_socket(plain, server_hostname="127.0.0.1")
                connection.settimeout(2)
                with contextlib.suppress(OSError):
                    connection.sendall(data)
                return connection

            with ThreadPoolExecutor(32) as threads:
                return list(threads.map(one, range(100)))

        held = [*pour_encrypted(WHOLE), *pour_encrypted(HALF), *pour(node.port, b"", 500)]
        status = until(lambda: served_by_tls(node, trusting), "it serves others")
        assert status["last"] - last <= status["term"], "nothing was proposed but a new leader's first entry"
        assert peak_mb(node) < MOST_MB
        until(
            lambda: all(is_closed(one) for one in held[200:]), "those that never shook hands are closed", 40
        )
        for connection in held:
            connection.close()
        assert node.end() == 0


def served_by_tls(node: NodeProcess, trusting: ssl.SSLContext) -> Any:
    """What the node says of itself over TLS; None while it does not."""
    connection = http.client.HTTPSConnection("127.0.0.1", node.port, timeout=10, context=trusting)
    try:
        connection.request("GET", "/v1/admin/status")
        return json.loads(connection.getresponse().read())
    except OSError:
        return None
    finally:
        connection.close()


@pytest.mark.campaign
def test_half_frames_of_peers_cost_a_node_less_than_100_mb(tmp_path: Path) -> None:
    """Of peers that are introduced: without a secret, each program of this machine may call itself one."""
    with nodes(tmp_path, 5) as members:
        for member in members:
            member.start()
        leader = wait_for_leader(members)
        held = []
        for other in 3 * [member.name for member in members if member is not leader]:
            connection, seal = introduced(leader.peer_port, Hello("ackproof", other, leader.name))
            connection.settimeout(2)
            with contextlib.suppress(OSError):
                connection.sendall(encode_frame(bytes(MAX_PAYLOAD_BYTES), seal)[:-1])
            held.append(connection)
        assert leader.status()["refused"]["peer_frames"] >= 3
        assert peak_mb(leader) < MOST_MB
        for connection in held:
            connection.close()
        assert wait_for_leader(members).register("10.0.0.1").status == 200


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
