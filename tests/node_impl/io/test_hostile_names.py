"""Names are data everywhere: none becomes a path, a header, or a line of the log of its own."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from node_impl.io.transport import NO_SECRET, Hello, Introduction
from tests.node_impl.node_processes import INSTANCE, NodeProcess, nodes, until, wait_for_leader

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z n\d (INFO|WARNING|ERROR) [ -~]+")
FORGED = "2026-01-01T00:00:00.000Z n1 ERROR forged"
HOSTILE = [
    "a\x00b",
    f"a\n{FORGED}",
    "a\r\nX-Forged: yes",
    "a\x1b[2Jb",
    "a\x7fb",
    "a\u202eb",
    "a\u2028b",
]
"""Names with characters that act on a terminal, a log, a header or a C string."""
PATHS = ["../../../tmp/forged", "/etc/forged", "..", "a/b", "a\\b", "~root", "%2e%2e%2f", "$(id>forged)"]
"""Names that would be paths or commands, if anything took them for such."""


def places(name: str) -> list[tuple[str, str, dict[str, str], bytes]]:
    """Requests that have the name in each place where a name may stand."""
    instance = {"serviceName": "web", "ip": "10.0.0.1", "port": "80", "ephemeral": "false"}
    config = {"dataId": "d", "group": "g", "content": "c"}
    return [
        *(
            ("POST", INSTANCE, {**instance, parameter: name}, b"")
            for parameter in ("serviceName", "groupName", "clusterName", "namespaceId", "ip", "port")
        ),
        ("POST", INSTANCE, {**instance, "metadata": '{"k":"' + name + '"}'}, b""),
        *(
            ("POST", "/nacos/v1/cs/configs", {**config, parameter: name}, b"")
            for parameter in ("dataId", "group", "tenant", "type")
        ),
        ("POST", "/v1/admin/members", {"node": name}, b""),
        ("PUT", "/v1/admin/leader", {"to": name}, b""),
        ("GET", "/" + quote_plus(name), {}, b""),
    ]


def files_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*")}


def refused_by(node: NodeProcess) -> int:
    """How many connections the node's peer port has refused."""
    refused: int = node.status()["refused"]["peer_connections"]
    return refused


def has_refused_more(node: NodeProcess, than: int) -> bool:
    return refused_by(node) > than


def assert_lines_are_whole(node: NodeProcess) -> None:
    assert all(LINE.fullmatch(line) for line in node.log.read_bytes().decode().split("\n")[:-1]), node.lines()
    assert not any(line.startswith(FORGED) for line in node.lines())


@pytest.mark.parametrize("name", [*HOSTILE, *PATHS], ids=repr)
def test_a_hostile_name_is_data_or_refused_and_nothing_else(
    name: str, node: tuple[NodeProcess, Path], request: pytest.FixtureRequest
) -> None:
    running, folder = node
    before = files_in(folder)
    for method, path, query, body in places(name):
        reply = running.ask(method, path, query, body)
        assert "x-forged" not in reply.headers
        if reply.status != 200:
            assert reply.status in (400, 404, 409, 503), (request.node.name, path, query, reply)
            assert reply.json()["proposed"] is False
            assert reply.body.isascii() or name not in HOSTILE
    assert files_in(folder) == before
    assert_lines_are_whole(running)


@pytest.mark.parametrize("name", PATHS)
def test_a_name_like_a_path_is_kept_as_it_is(name: str, node: tuple[NodeProcess, Path]) -> None:
    running, _ = node
    key = {"serviceName": name, "ip": "10.0.0.9", "port": "80", "ephemeral": "false"}
    assert running.ask("POST", INSTANCE, key).status == 200
    assert running.ask("GET", INSTANCE, key).json()["ip"] == "10.0.0.9"
    listed = running.ask("GET", "/nacos/v1/ns/service/list", {"pageNo": "1", "pageSize": "100"}).json()[
        "doms"
    ]
    assert name in listed
    assert running.ask("DELETE", INSTANCE, key).status == 200


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_the_name_of_a_stranger_is_no_line_of_the_log(name: str, node: tuple[NodeProcess, Path]) -> None:
    running, _ = node
    for hello in (Hello(name, "n9", "n1"), Hello("ackproof", name, "n1"), Hello("ackproof", "n9", name)):
        refused = refused_by(running)
        with socket.create_connection(("127.0.0.1", running.peer_port), timeout=5) as stranger:
            stranger.sendall(Introduction(hello, NO_SECRET).begin())
            stranger.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                assert stranger.recv(4096) == b""
        until(partial(has_refused_more, running, refused), "it is refused")
    assert_lines_are_whole(running)


def test_what_a_hostile_header_says_reaches_trace_and_log_escaped(node: tuple[NodeProcess, Path]) -> None:
    running, _ = node
    request = (
        b"POST /nacos/v1/ns/instance?serviceName=w&ip=10.0.0.1&port=80&ephemeral=false HTTP/1.1\r\n"
        b"Host: x\r\nX-Operation-Id: a\xff\x1b[2J\r\nX-Client-Id: ../../c\r\nX-Client-Sequence: 1\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as client:
        client.sendall(request)
        assert client.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert_lines_are_whole(running)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NodeProcess, Path]]:
    """One node for all of these, and the folder in which it writes; at its end its trace is whole."""
    folder = tmp_path_factory.mktemp("node")
    with nodes(folder, 1) as [running]:
        running.start()
        wait_for_leader([running])
        yield running, folder
        assert running.end() == 0
        assert running.read_trace().gaps == ()
