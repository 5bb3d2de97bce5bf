"""Real nodes, real sockets, real disk."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
from pathlib import Path

import msgspec
import pytest

from node_impl.io.options import parse_options
from node_impl.io.transport import NO_SECRET, Hello, Introduction, Seal, Secret, WireError, encode_frame
from node_impl.io.transport.frames import CHECKSUM
from tests.node_impl.certificates import make_certificate, needs_openssl
from tests.node_impl.dialling import introduced
from tests.node_impl.node_processes import (
    INSTANCE,
    NodeProcess,
    free_port,
    nodes,
    until,
    wait_for_leader,
    web,
)

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z n\d (INFO|WARNING|ERROR) \S.*")


def test_one_node_serves_and_ends_orderly(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start()
        wait_for_leader([node])
        put = node.register("10.0.0.1", metadata='{"registration-id":"r1"}')
        assert (put.status, put.body) == (200, b"ok")
        got = node.lookup("10.0.0.1")
        assert got.json()["metadata"] == {"registration-id": "r1"}
        assert int(got.headers["x-raft-index"]) >= int(put.headers["x-raft-index"]) > 0
        gone = node.ask("DELETE", INSTANCE, {**web("10.0.0.1"), "ephemeral": "false"})
        assert gone.headers["x-previous-metadata"] == '{"registration-id":"r1"}'
        missing = node.lookup("10.0.0.1")
        assert (missing.status, missing.json()["error"]) == (404, "not-found")
        assert node.status()["name"] == "n1"
        assert node.end(signal.SIGTERM) == 0
        assert all(LINE.fullmatch(line) for line in node.lines()), node.lines()
        trace = node.read_trace()
        assert trace.gaps == ()
        assert trace.events[0].event == "restart"
        assert trace.events[-1].event == "stop"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (((1 << 64) - 1, 0, 0, [], 0, 0), "cannot be read"),
        ((1 << 39, 0, 0, [], 0, 0), "more than elections can have brought about"),
    ],
)
def test_a_forged_term_is_refused_and_the_cluster_goes_on(
    fields: tuple[object, ...], why: str, tmp_path: Path
) -> None:
    with nodes(tmp_path, 3) as members:
        for member in members:
            member.start()
        wait_for_leader(members)
        assert members[0].register("10.0.0.1").status == 200
        victim, forger = members[1], members[2]
        forged, seal = introduced(victim.peer_port, Hello("ackproof", forger.name, victim.name))
        with forged:
            message = msgspec.msgpack.encode(["n3:9:1", forger.name, ["append?", *fields]])
            forged.sendall(encode_frame(message, seal))
            until(
                lambda: any("refused what n3 sent" in line for line in victim.lines()), "a line that says so"
            )
        assert any(why in line for line in victim.lines()), victim.lines()
        assert members[1].register("10.0.0.2").status == 200
        assert [member.lookup("10.0.0.2").status for member in members] == [200] * 3
        assert [member.end() for member in members] == [0, 0, 0]
        refused = [event for event in victim.read_trace().events if event.event == "refuse"]
        assert [(event.peer, event.index) for event in refused] == [("n3", None)]


def test_what_was_acknowledged_survives_the_kill_of_all_nodes(tmp_path: Path) -> None:
    with nodes(tmp_path, 3) as members:
        for member in members:
            member.start()
        wait_for_leader(members)
        for number in range(30):  # through every node, so forwarding is used, too
            assert members[number % 3].register(f"10.0.0.{number}").status == 200
        for member in members:
            member.end(signal.SIGKILL)
        for member in members:
            member.start()
        wait_for_leader(members)
        for member in members:
            assert [member.lookup(f"10.0.0.{number}").status for number in range(30)] == [200] * 30
        for member in members:
            assert member.end() == 0
            trace = member.read_trace()
            assert trace.gaps == ()
            lives = dict(trace.lives())
            assert sorted(lives) == [1, 2]
            assert lives[2][0].event == "restart"
            assert lives[2][0].term > 0, "a node that returns keeps its term"
            assert lives[2][-1].event == "stop"


def test_a_minority_refuses_and_says_whether_the_write_may_still_happen(tmp_path: Path) -> None:
    with nodes(tmp_path, 3) as members:
        lonely = members[0]
        lonely.arguments += ["--request-timeout-ms", "300"]
        lonely.start()
        until(lonely.status, "the node answers")
        refusal = lonely.register("10.0.0.1")
        assert refusal.status in (503, 504)
        assert refusal.json()["proposed"] is False
        assert lonely.lookup("10.0.0.1", consistency="stale").status == 404


def start_fails(node: NodeProcess, status: int, *words: str) -> None:
    """One line that says what is wrong and what to do; nothing else."""
    before = len(node.lines()) if node.log.exists() else 0
    node.start()
    assert node.ended() == status
    said = [line for line in node.lines()[before:] if " ERROR " in line]
    assert len(said) == 1, said
    for word in words:
        assert word in said[0]
    assert "Traceback" not in node.log.read_text()


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with nodes(tmp_path, 2) as [first, second], socket.socket() as taken:
        taken.bind(("127.0.0.1", first.port))
        taken.listen()
        start_fails(
            first, 69, f"--listen 127.0.0.1:{first.port}: Address already in use", "choose another port"
        )
        second.start()
        until(second.status, "the second node answers")
        first.arguments[first.arguments.index("--listen") + 1] = str(free_port())
        first.arguments[first.arguments.index("--peer-listen") + 1] = str(second.peer_port)
        start_fails(first, 69, "--peer-listen", "Address already in use")


def test_two_nodes_cannot_share_a_data_folder(tmp_path: Path) -> None:
    with nodes(tmp_path, 2) as [first, second]:
        first.start()
        until(first.status, "the first node answers")
        second.arguments[second.arguments.index("--data") + 1] = str(first.data)
        start_fails(second, 75, "is in use by another process", "--data")
        assert first.status() is not None


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.data.parent.mkdir()
        node.data.touch()
        start_fails(node, 73, f"--data {node.data} cannot be used: File exists; pass a folder")
        node.data.unlink()
        node.trace.touch()
        start_fails(node, 73, f"--trace {node.trace} cannot be used: File exists; pass a folder")


def test_a_node_refuses_the_data_folder_of_another(tmp_path: Path) -> None:
    with nodes(tmp_path, 2) as [first, second]:
        first.start()
        until(first.status, "the first node answers")
        first.end()
        second.arguments[second.arguments.index("--data") + 1] = str(first.data)
        start_fails(
            second, 73, f"--data {first.data} cannot be used: it belongs to", '"n1"', '"n2"', "own folder"
        )
        first.start()
        until(first.status, "its owner starts again")


def test_a_log_with_a_damaged_middle_does_not_start_and_a_torn_end_does(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start()
        wait_for_leader([node])
        for number in range(5):
            assert node.register(f"10.0.0.{number}").status == 200
        node.end(signal.SIGKILL)
        log = node.data / "log.wal"
        good = log.read_bytes()

        damaged = bytearray(good)
        damaged[len(good) // 2] ^= 1
        log.write_bytes(damaged)
        start_fails(node, 65, "log.wal, byte ", "checksum", "Restore the file")
        assert log.read_bytes() == damaged, "nothing is changed by refusing"

        log.write_bytes(good + b"\xf5Fr")
        node.start()
        wait_for_leader([node])
        assert any("cut a torn end of 3 bytes" in line for line in node.lines())
        assert [node.lookup(f"10.0.0.{number}").status for number in range(5)] == [200] * 5


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"ACKPPEER\x00\x09" + bytes(99), os.urandom(4000)]
)
def test_garbage_on_either_port_leaves_the_node_serving(tmp_path: Path, garbage: bytes) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start()
        wait_for_leader([node])
        with socket.create_connection(("127.0.0.1", node.peer_port), timeout=5) as peer:
            peer.sendall(garbage)
            assert ends(peer)
        with socket.create_connection(("127.0.0.1", node.port), timeout=5) as client:
            client.sendall(b"\x16\x03" + garbage + b"\r\n\r\n")
            assert ends(client)
        assert node.register("10.0.0.1").status == 200
        assert sum("disconnected 127.0.0.1:" in line for line in node.lines()) == 1
        assert all(LINE.fullmatch(line) for line in node.lines()), node.lines()


def ends(connection: socket.socket) -> bool:
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def test_what_is_too_large_or_half_is_refused_and_the_node_keeps_serving(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start()
        wait_for_leader([node])
        refusal = node.ask("POST", INSTANCE, body=b"metadata=" + b"x" * 300_000)
        assert (refusal.status, refusal.json()["error"]) == (413, "too-large")
        head = b"POST /nacos/v1/ns/instance HTTP/1.1\r\nHost: x\r\n"
        large = '{"a":"' + "x" * 60_000 + '"}'
        assert node.register("10.0.0.1", metadata=large).status == 200, (
            "within the line, as Nacos's clients do"
        )
        assert node.lookup("10.0.0.1").json()["metadata"] == {"a": "x" * 60_000}
        with socket.create_connection(("127.0.0.1", node.port), timeout=5) as client:
            client.sendall(head + b"Content-Length: 100\r\n\r\nhalf")
        with socket.create_connection(("127.0.0.1", node.port), timeout=5) as client:
            client.sendall(head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
            assert ends(client)
        assert node.register("10.0.0.2").status == 200
        assert node.end() == 0
        assert all(LINE.fullmatch(line) for line in node.lines()), node.lines()


FEW_FILES = """
import resource, sys
from node_impl.io.server import main
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
sys.exit(main())
"""


def test_more_clients_than_files_is_a_warning_and_passes(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start(("-c", FEW_FILES))
        wait_for_leader([node])
        clients = [socket.create_connection(("127.0.0.1", node.port), timeout=5) for _ in range(60)]
        until(lambda: "cannot take a connection: Too many open files" in node.log.read_text(), "the warning")
        for client in clients:
            client.close()
        assert node.register("10.0.0.1").status == 200
        assert node.end() == 0
        assert sum("cannot take a connection" in line for line in node.lines()) < 10


BROKEN_NODE = """
import sys
from node_impl.core.build import Parts
from node_impl.core.events import ClientRequest, GetStatus
from node_impl.core.node import Node
from node_impl.io.server import main

class Broken(Node):
    def step(self, now, *events):
        for event in events:
            if isinstance(event, ClientRequest) and not isinstance(event.request.body, GetStatus):
                raise ZeroDivisionError("seeded")
        return super().step(now, *events)

sys.exit(main(parts=Parts(node=Broken)))
"""

BROKEN_DISK = """
import errno, sys
from node_impl.core.build import Parts
from node_impl.io.server import main
from node_impl.core.storage import WriteAheadLog

class Broken(WriteAheadLog):
    def sync(self):
        raise OSError(errno.EIO, "Input/output error")

sys.exit(main(parts=Parts(storage=Broken)))
"""


def test_a_defect_ends_the_node_with_its_traceback_in_the_log_and_not_at_the_client(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start(("-c", BROKEN_NODE))
        wait_for_leader([node])
        reply = node.register("10.0.0.1")
        assert reply.json()["proposed"] is True
        assert b"seeded" not in reply.body
        assert node.ended() == 70
        assert "ZeroDivisionError: seeded" in node.log.read_text()
        assert "Traceback" in node.log.read_text()


def test_a_disk_error_ends_the_node_at_once(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start(("-c", BROKEN_DISK))
        assert node.ended() == 74
        assert "cannot write the log: [Errno 5] Input/output error; check the disk" in node.lines()[-1]
        assert "synced" not in {event.event for event in node.read_trace().events}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"--name": "a b"}, "argument --name: 'a b' is no name"),
        ({"--listen": "host"}, "argument --listen: 'host' is no [HOST:]PORT"),
        ({"--listen": "1:70000"}, "argument --listen: '1:70000' is no [HOST:]PORT"),
        ({"--peer": "n2"}, "argument --peer: 'n2' is not NAME=HOST:PORT"),
        ({"--peer": "n1=127.0.0.1:5"}, "--peer n1=... is this node itself"),
        ({"--election-ms": "100"}, "--heartbeat-ms 100 must be below --election-ms 100"),
        ({"--heartbeat-ms": "-3"}, "argument --heartbeat-ms: '-3' is no number of milliseconds"),
        ({"--trace": "/tmp/d/trace"}, "--trace /tmp/d/trace lies inside --data /tmp/d"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    change: dict[str, str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"--name": "n1", "--listen": "1", "--peer-listen": "2", "--data": "/tmp/d", "--trace": "/tmp/t"}
    arguments = [f"{option}={value}" for option, value in {**given, **change}.items()]
    with pytest.raises(SystemExit) as ended:
        parse_options(arguments)
    assert ended.value.code == 64
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


def test_loopback_is_the_default_address() -> None:
    given = "--name n1 --listen 1 --peer-listen [::1]:2 --data d --trace t --peer n2=example.org:3"
    options = parse_options(given.split())
    assert [*options.listen] == ["127.0.0.1", 1]
    assert [*options.peer_listen] == ["::1", 2]
    assert {name: tuple(at) for name, at in options.peers.items()} == {"n2": ("example.org", 3)}


def with_secret(members: list[NodeProcess], file: Path, content: str = "s" * 40) -> None:
    file.write_text(content)
    file.chmod(0o600)
    for member in members:
        member.arguments += ["--peer-secret", str(file)]


def test_a_node_with_a_secret_takes_nothing_from_who_does_not_know_it(tmp_path: Path) -> None:
    with nodes(tmp_path, 3) as members:
        with_secret(members, tmp_path / "secret")
        for member in members:
            member.start()
        wait_for_leader(members)
        assert members[0].register("10.0.0.1").status == 200
        victim = members[1]
        for secret in (NO_SECRET, Secret(b"guessed" * 6)):
            with pytest.raises(WireError, match="n2 has another secret"):
                introduced(victim.peer_port, Hello("ackproof", "n3", "n2"), secret)
        forger = Introduction(Hello("ackproof", "n3", "n2"), NO_SECRET)
        with socket.create_connection(("127.0.0.1", victim.peer_port), timeout=5) as stranger:
            stranger.sendall(forger.begin())
            stranger.recv(4096)
            stranger.sendall(encode_frame(bytes(32), CHECKSUM) + encode_frame(b"forged", Seal()))
            assert ends(stranger)
        refused = victim.status()["refused"]
        assert refused["peer_connections"] >= 1
        assert refused["peer_frames"] == 0
        assert any("does not know this cluster's secret" in line for line in victim.lines())
        assert b"ackproof_refused_peer_connections_total" in victim.ask("GET", "/metrics").body
        assert [member.end() for member in members] == [0, 0, 0]
        for folder in (victim.data, victim.trace):
            assert not any(b"s" * 40 in file.read_bytes() for file in folder.iterdir())
        assert "s" * 40 not in victim.log.read_text()


def test_a_node_off_loopback_without_a_secret_does_not_start_unless_it_may(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        place = node.arguments.index("--peer-listen") + 1
        node.arguments[place] = f"0.0.0.0:{node.peer_port}"
        start_fails(node, 78, "--peer-listen 0.0.0.0:", "without a secret", "--trust-any-peer")
        node.arguments += ["--trust-any-peer"]
        node.start()
        wait_for_leader([node])
        node.end()
        node.arguments.pop()
        with_secret([node], tmp_path / "secret")
        node.start()
        wait_for_leader([node])


def test_a_secret_that_others_may_read_is_one_line(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        with_secret([node], tmp_path / "secret")
        (tmp_path / "secret").chmod(0o644)
        start_fails(node, 78, "--peer-secret", "is open to other users; run chmod 600")


def certified(folder: Path, node: NodeProcess) -> ssl.SSLContext:
    """Let the node serve by TLS; what a client needs that trusts it."""
    certificate, key = make_certificate(folder)
    node.arguments += ["--tls-certificate", str(certificate), "--tls-key", str(key)]
    return ssl.create_default_context(cafile=str(certificate))


@needs_openssl
def test_clients_are_served_by_tls_with_tokens_and_garbage_leaves_the_node_serving(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        trusting = certified(tmp_path, node)
        (tmp_path / "tokens").write_text(f"read {'r' * 32}\nadmin {'a' * 32}\n")
        (tmp_path / "tokens").chmod(0o600)
        node.arguments += ["--tokens", str(tmp_path / "tokens")]
        node.start()

        def ask(method: str, path: str, token: str = "") -> int:
            connection = http.client.HTTPSConnection("127.0.0.1", node.port, timeout=5, context=trusting)
            try:
                connection.request(
                    method, path, headers={"Authorization": f"Bearer {token}"} if token else {}
                )
                return connection.getresponse().status
            except ConnectionRefusedError:
                return 0
            finally:
                connection.close()

        until(lambda: ask("GET", "/v1/admin/health") == 200, "the node serves")
        with socket.create_connection(("127.0.0.1", node.port), timeout=5) as plain:
            plain.sendall(b"GET /v1/admin/health HTTP/1.1\r\n\r\n")
            assert ends(plain)
        write = f"{INSTANCE}?serviceName=web&ip=10.0.0.1&port=80&ephemeral=false"
        until(lambda: ask("POST", write, "a" * 32) == 200, "an admin may write")
        assert [ask("POST", write, token) for token in ("", "r" * 32, "x" * 32)] == [401, 403, 401]
        assert [ask("GET", write, token) for token in ("", "r" * 32)] == [401, 200]
        assert ask("DELETE", "/v1/admin/members?node=n1", "r" * 32) == 403
        assert ask("DELETE", "/v1/admin/members?node=n1", "a" * 32) not in (401, 403)
        assert node.end() == 0
        said = node.log.read_text()
        assert "Traceback" not in said
        assert "a" * 32 not in said


def test_members_are_not_changed_without_a_token_from_other_machines(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.arguments[node.arguments.index("--listen") + 1] = f"0.0.0.0:{node.port}"
        node.start()
        wait_for_leader([node])
        assert node.register("10.0.0.1").status == 200
        refused = node.ask("DELETE", "/v1/admin/members", {"node": "n1"})
        assert (refused.status, refused.json()["error"], refused.json()["proposed"]) == (
            401,
            "no-token",
            False,
        )
        node.end()
        node.arguments += ["--anonymous", "admin"]
        start_fails(node, 78, "--anonymous admin would let every machine that reaches this node")
