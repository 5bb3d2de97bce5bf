"""What the trace shows of a message's content: the part without which the receiver's step cannot be judged.

The rest follows from the sender's state on the same line (term, commitIndex) and from its log as traced
before. `docs/trace-format.md` describes the same for readers of traces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from node_impl.core.events import Trace
from node_impl.core.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    InstallSnapshot,
    InstallSnapshotReply,
    RequestVote,
    RequestVoteReply,
)


def _request_vote(message: RequestVote, line: Trace) -> None:
    line.index = message.last_log_index


def _request_vote_reply(message: RequestVoteReply, line: Trace) -> None:
    line.ok = message.granted


def _append_entries(message: AppendEntries, line: Trace) -> None:
    line.index = message.prev_log_index
    if message.entries:
        line.count = len(message.entries)


def _append_entries_reply(message: AppendEntriesReply, line: Trace) -> None:
    line.index = message.match_index
    line.ok = message.success


def _install_snapshot(message: InstallSnapshot, line: Trace) -> None:
    line.index = message.index
    line.count = message.total


def _install_snapshot_reply(message: InstallSnapshotReply, line: Trace) -> None:
    line.index = message.index
    line.count = message.held


DESCRIBE: Mapping[type[Any], Callable[[Any, Trace], None]] = {
    RequestVote: _request_vote,
    RequestVoteReply: _request_vote_reply,
    AppendEntries: _append_entries,
    AppendEntriesReply: _append_entries_reply,
    InstallSnapshot: _install_snapshot,
    InstallSnapshotReply: _install_snapshot_reply,
}
"""By kind of message: a function that adds the content to the message's `send` line. One function a kind, for
speed: every message passes here."""
