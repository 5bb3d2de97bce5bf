"""Requests over HTTP: hostile ones get one line and the right status, and the next one is answered."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.recording import http as channel
from harness.recording.http import HttpChannel
from harness.recording.journal import Journal
from harness.recording.protocol import MOST_REQUEST_BYTES
from history import read_history


class Recorder:
    """A channel in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder, 0)
        self.ended: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self._channel = HttpChannel(self.journal, self.ended.append)
        self._wait(self._channel.open(listening))

    def _wait(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def close(self) -> None:
        self._wait(self._channel.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def ask(self, path: str, body: object = b"", method: str = "POST", **headers: str) -> tuple[int, Any]:
        """The status and the answer to one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(
            method, path, data, {name.replace("_", "-"): text for name, text in headers.items()}
        )
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        assert text.count(b"\n") == 1
        return reply.status, json.loads(text)

    def send(self, data: bytes) -> bytes:
        """What comes back on a raw connection until the recorder closes it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(data)
            found = b""
            while piece := connection.recv(65_536):
                found += piece
        return found


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path)
    yield made
    made.close()


INVOKE = {"process": 0, "f": "write", "key": "x", "value": 1}


def test_an_operation_is_kept_and_a_client_may_end_it(recorder: Recorder, tmp_path: Path) -> None:
    assert recorder.ask("/v1/invoke", INVOKE) == (200, {"operation": 0, "process": 0, "ok": True})
    assert recorder.ask("/v1/status", method="GET")[1]["pending"] == [0]
    assert recorder.ask("/v1/complete", {"operation": 0, "type": "ok", "value": None})[0] == 200
    assert recorder.ask("/v1/end")[1]["events"] == 2
    assert recorder.ended == ["a client ended it"]
    assert recorder.ask("/v1/invoke", INVOKE)[0] == 410
    assert len(read_history(tmp_path)) == 2


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("/", "GET", b"", 404),
        ("/v1/invoke/", "POST", b"{}", 404),
        ("/v1/invoke", "GET", b"", 405),
        ("/v1/status", "POST", b"", 405),
        ("/v1/invoke", "PUT", b"{}", 405),
        ("/v1/invoke", "POST", b"", 400),
        ("/v1/invoke", "POST", b"\xff" * 100, 400),
        ("/v1/complete", "POST", b'{"operation": 4, "type": "fail"}', 409),
        ("/v1/invoke", "POST", b"x" * (MOST_REQUEST_BYTES + 1), 413),
    ],
)
def test_a_wrong_request_has_its_status_and_one_line(
    recorder: Recorder, path: str, method: str, body: bytes, status: int
) -> None:
    found, answer = recorder.ask(path, body, method)
    assert (found, answer["ok"]) == (status, False)
    assert answer["error"]
    assert recorder.ask("/v1/invoke", INVOKE)[0] == 200


def test_a_body_without_a_length_is_bounded(recorder: Recorder) -> None:
    head = b"POST /v1/invoke HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with socket.create_connection(("127.0.0.1", recorder.port), timeout=20) as connection:
        connection.sendall(head)
        for _ in range(MOST_REQUEST_BYTES // 65_536 + 1):
            connection.sendall(piece)
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_page_in_a_browser_and_a_compressed_body_are_refused(recorder: Recorder) -> None:
    assert recorder.ask("/v1/invoke", INVOKE, Origin="http://evil.example")[0] == 403
    assert recorder.ask("/v1/invoke", INVOKE, Content_Encoding="gzip")[0] == 415
    assert recorder.ask("/v1/status", method="GET")[1]["events"] == 0


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"GET /v1/status HTTP/9.9\r\n\r\n",
        b"POST /v1/invoke HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/invoke HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"H%d: x\r\n" % n for n in range(1000)) + b"\r\n",
    ],
)
def test_what_is_no_http_gets_one_line_of_json_and_no_traceback(
    recorder: Recorder, data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = recorder.send(data)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert json.loads(body)["code"] == "http"
    assert body.count(b"\n") == 1
    assert recorder.ask("/v1/invoke", INVOKE)[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_body_that_never_comes_whole_changes_nothing(recorder: Recorder) -> None:
    with socket.create_connection(("127.0.0.1", recorder.port), timeout=20) as connection:
        connection.sendall(b"POST /v1/invoke HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n")
        connection.sendall(json.dumps(INVOKE).encode())
    assert recorder.ask("/v1/status", method="GET")[1]["events"] == 0


def test_connections_are_bounded(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "MOST_CONNECTIONS", 3)
    held = [socket.create_connection(("127.0.0.1", recorder.port), timeout=20) for _ in range(3)]
    for one in held:  # each is answered, so each counts
        one.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 200 ")
    with socket.create_connection(("127.0.0.1", recorder.port), timeout=20) as refused:
        assert refused.recv(100).startswith(b"HTTP/1.1 503 ")
    for one in held:
        one.close()
