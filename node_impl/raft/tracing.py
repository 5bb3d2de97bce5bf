"""What traces tell of a message's content: as much as its receiver's step cannot be judged without.

The rest follows from the sender's state on the same line (term, commitIndex) and from its log as traced
before. docs/trace-format.md says the same from the reader's side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from node_impl.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    InstallSnapshot,
    InstallSnapshotReply,
    RequestVote,
    RequestVoteReply,
)

TOLD: Mapping[type[Any], Callable[[Any], dict[str, Any]]] = {
    RequestVote: lambda m: {"index": m.last_log_index},
    RequestVoteReply: lambda m: {"ok": m.granted},
    AppendEntries: lambda m: {"index": m.prev_log_index, "count": len(m.entries) or None},
    AppendEntriesReply: lambda m: {"index": m.match_index, "ok": m.success},
    InstallSnapshot: lambda m: {"index": m.index, "count": m.total},
    InstallSnapshotReply: lambda m: {"index": m.index, "count": m.held},
}
"""By kind of message: the fields of its `send` line."""
