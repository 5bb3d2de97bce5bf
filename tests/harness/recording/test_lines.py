"""Requests as lines: an answer for each, in order, and no client that does not wait gets through."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.recording.journal import Journal
from harness.recording.lines import LineChannel
from harness.recording.protocol import MOST_REQUEST_BYTES
from history import read_history


class Peer:
    """The client's ends of two pipes, and the channel in a thread."""

    def __init__(self, folder: Path) -> None:
        source, self.to = os.pipe()
        answers, out = os.pipe()
        self.answers = os.fdopen(answers, "rb")
        self.journal = Journal(folder, 0)
        self.why = ""
        self._ends = (source, out)
        self.thread = threading.Thread(target=self._run, args=(source, out))
        self.thread.start()

    def _run(self, source: int, out: int) -> None:
        self.why = LineChannel(self.journal, source, out).run()

    def ask(self, request: object) -> dict[str, Any]:
        """Send one request, as bytes or as JSON, and read its answer."""
        os.write(self.to, request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n")
        return self.read()

    def read(self) -> dict[str, Any]:
        """The next answer."""
        found: dict[str, Any] = json.loads(self.answers.readline())
        return found

    def close(self) -> str:
        """End the input; why the channel ended."""
        if self.to >= 0:
            os.close(self.to)
            self.to = -1
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.why


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    made = Peer(tmp_path)
    yield made
    made.close()
    made.answers.close()
    for descriptor in made._ends:
        os.close(descriptor)


INVOKE = {"invoke": {"process": 0, "f": "write", "key": "x", "value": 1}}
COMPLETE = {"complete": {"process": 0, "type": "ok", "value": None}}


def test_an_operation_is_kept_and_the_end_is_answered(peer: Peer, tmp_path: Path) -> None:
    assert peer.ask(INVOKE) == {"operation": 0, "process": 0, "ok": True}
    assert peer.ask(COMPLETE)["ok"] is True
    assert peer.ask({"status": {}})["events"] == 2
    ended = peer.ask({"end": {}})
    assert (ended["events"], ended["not_completed"]) == (2, 0)
    assert peer.close() == "a client ended it"
    assert len(read_history(tmp_path)) == 2


def test_the_end_of_the_input_ends_it(peer: Peer) -> None:
    peer.ask(INVOKE)
    assert peer.close() == "standard input ended"


def test_a_last_line_without_its_newline_counts(peer: Peer, tmp_path: Path) -> None:
    os.write(peer.to, json.dumps(INVOKE).encode())
    peer.close()
    assert len(read_history(tmp_path)) == 1


def test_garbage_lines_are_refused_and_the_next_ones_are_carried_out(peer: Peer) -> None:
    for garbage in (b"\n", b"garbage\n", b"\xff\xfe\x00\n", b"[]\n", b'{"invoke": 3}\n', b"[" * 5000 + b"\n"):
        answer = peer.ask(garbage)
        assert (answer["ok"], answer["code"]) == (False, "malformed")
    assert peer.ask(INVOKE)["ok"] is True


def test_a_line_without_end_is_refused_once_and_skipped(peer: Peer) -> None:
    piece = b"x" * 60_000
    sent = 0
    while sent <= MOST_REQUEST_BYTES + 200_000:
        sent += os.write(peer.to, piece)
    assert peer.read()["code"] == "too-large"
    os.write(peer.to, b"rest\n")
    assert peer.ask(INVOKE)["ok"] is True


def test_a_completion_that_did_not_wait_for_its_acknowledgement_is_refused(
    peer: Peer, tmp_path: Path
) -> None:
    both = json.dumps(INVOKE).encode() + b"\n" + json.dumps(COMPLETE).encode() + b"\n"
    assert peer.ask(both)["ok"] is True
    assert peer.read()["code"] == "not-acknowledged"
    assert peer.ask(COMPLETE)["ok"] is True
    assert [op.type for op in read_history(tmp_path)] == ["invoke", "ok"]


def test_also_where_the_completion_was_still_on_its_way(peer: Peer) -> None:
    complete = json.dumps(COMPLETE).encode() + b"\n"
    assert peer.ask(json.dumps(INVOKE).encode() + b"\n" + complete[:20])["ok"] is True
    assert peer.ask(complete[20:])["code"] == "not-acknowledged"
    assert peer.ask(COMPLETE)["ok"] is True


def test_a_client_that_waits_may_write_its_line_in_pieces(peer: Peer) -> None:
    assert peer.ask(INVOKE)["ok"] is True
    line = json.dumps(COMPLETE).encode() + b"\n"
    os.write(peer.to, line[:20])
    assert peer.ask(line[20:])["ok"] is True


def test_a_client_that_reads_no_answers_ends_it(tmp_path: Path) -> None:
    source, to = os.pipe()
    answers, out = os.pipe()
    os.close(answers)
    os.write(to, json.dumps(INVOKE).encode() + b"\n")
    assert "reads no answers any more" in LineChannel(Journal(tmp_path, 0), source, out).run()
    for descriptor in (source, to, out):
        os.close(descriptor)
