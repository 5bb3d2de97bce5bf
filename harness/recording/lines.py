"""Requests as lines of JSON on one file descriptor, and their answers, a line each, on another.

`{"invoke": {...}}`, `{"complete": {...}}`, `{"end": {}}`, `{"status": {}}`. Answers come in the order of the
requests. A client that does not wait for the answer to an invocation is found out where the completion was
already there when that answer left; it is refused, as the recorded interval would be shorter than the true
one.
"""

from __future__ import annotations

import os
from typing import Final

import msgspec

from harness.recording.journal import Journal
from harness.recording.protocol import (
    MOST_REQUEST_BYTES,
    Refusal,
    read_complete,
    read_invoke,
    read_line,
    too_large,
)

CHUNK_BYTES: Final = 1 << 16
_encode = msgspec.json.Encoder().encode


class LineChannel:
    """Answers requests until the input ends, or a client ends the recording.

    It blocks; `ackproof record` runs it in a thread of its own.

    Args:
        journal: what keeps the operations.
        source: the descriptor that requests come from.
        answers: the descriptor that answers go to.
    """

    def __init__(self, journal: Journal, source: int, answers: int) -> None:
        self._journal = journal
        self._source = source
        self._answers = answers
        self._is_over = False

    def run(self) -> str:
        """Answer until the end; says in words what the end was."""
        rest, skips = b"", False
        before: set[int] = set()
        while not self._is_over:
            try:
                chunk = os.read(self._source, CHUNK_BYTES)
            except OSError as problem:
                return f"standard input cannot be read: {problem.strerror}"
            if not chunk and not rest:
                return "standard input ended"
            had_begun = bool(rest)
            *lines, rest = (rest + (chunk or b"\n")).split(b"\n")
            out: list[object] = []
            if skips:
                skips, rest = not lines, rest if lines else b""
                lines = lines[1:]
            now: set[int] = set()
            for place, line in enumerate(lines):
                out.append(self._answer(line, before if had_begun and place == 0 else now, now))
                if self._is_over:
                    break
            before = now
            if len(rest) > MOST_REQUEST_BYTES:
                self._journal.keep_refusal(too_large(), was_invocation=False)
                out.append(too_large().answer)
                rest, skips = b"", True
            try:
                _write(self._answers, b"".join(_encode(answer) + b"\n" for answer in out))
            except OSError as problem:
                return f"the client reads no answers any more: {problem.strerror}"
        return "a client ended it"

    def _answer(self, line: bytes, unacknowledged: set[int], invoked: set[int]) -> object:
        """Carry out one line; an invocation's number goes into `invoked`."""
        kind = "not known"
        try:
            kind, request = read_line(line)
            match kind:
                case "invoke":
                    stored = self._journal.invoke(read_invoke(request))
                    invoked.add(stored.operation)
                    return stored
                case "complete":
                    return self._journal.complete(read_complete(request), unacknowledged)
                case "end":
                    ended = self._journal.end()
                    self._is_over = True
                    return ended
            return self._journal.status()
        except Refusal as refusal:
            self._journal.keep_refusal(refusal, was_invocation=kind == "invoke")
            return refusal.answer
        except OSError as problem:
            return Refusal(507, "disk", f"the history cannot be put on the disk: {problem.strerror}").answer


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
