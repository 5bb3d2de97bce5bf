"""A `send` line says what docs/trace-format.md promises of each kind of message, and no more."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from node_impl.core.events import Entry, Trace
from node_impl.core.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    InstallSnapshot,
    InstallSnapshotReply,
    Message,
    PreVote,
    ReadIndex,
    RequestVote,
    RequestVoteReply,
)
from tests.node_impl.core.raft.driving import Alone

ENTRY = Entry(6, 0, "noop")
STATE = ("seq", "at", "event", "term", "role", "commit", "applied", "last")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (RequestVote(0, 7, 3), {"index": 7}),
        (RequestVoteReply(0, False), {"ok": False}),
        (AppendEntries(0, 5, 3, (ENTRY,), 4, 1), {"index": 5, "count": 1}),
        (AppendEntries(0, 5, 3, (), 4, 1), {"index": 5}),
        (AppendEntriesReply(0, True, 6, 0, 0, 1), {"index": 6, "ok": True}),
        (AppendEntriesReply(9, False, 5, 2, 3, 1), {"index": 5, "ok": False, "of_term": 9}),
        (InstallSnapshot(0, 4, "d", 100, 0, b""), {"index": 4, "count": 100}),
        (InstallSnapshotReply(0, 4, "d", 60), {"index": 4, "count": 60}),
        (PreVote(0, 1, 1), {}),
        (ReadIndex(), {}),
    ],
)
def test_a_line_tells_what_its_message_says(message: Message, said: dict[str, Any]) -> None:
    raft = Alone(term=0).raft
    message_id = raft.state.send("n2", message)
    (line,) = [e for e in raft.state.outbox.effects if isinstance(e, Trace) and e.event == "send"]
    common = {"peer": "n2", "message": type(message).__name__, "message_id": message_id}
    state = {name: getattr(line, name) for name in STATE}
    assert msgspec.to_builtins(line) == state | common | said
