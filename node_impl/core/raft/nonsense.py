"""What no member of a cluster that follows Raft would send: such a message is refused, and changes nothing.

A number within its bounds (`node_impl.core.events.Number`) may still be none that this cluster can have
reached. One forged term would otherwise end every election, and one entry out of its place the node itself.
"""

from __future__ import annotations

from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    InstallSnapshot,
    RaftMessage,
    RequestVote,
)

MOST_TERMS_AHEAD = 1 << 32
"""A member that was away is behind by this many terms after 13 years of ten elections a second."""
MOST_SNAPSHOT_BYTES = 1 << 30
"""The chunks of a snapshot are held in memory until all are there."""


def nonsense_of(message: RaftMessage, state: RaftState) -> str | None:
    """Why this message is nonsense, in words; None if it may be true. The time is linear in its entries."""
    ahead = message.term - state.current_term
    if ahead > MOST_TERMS_AHEAD:
        return f"its term {message.term} is {ahead} ahead, more than elections can have brought about"
    match message:
        case AppendEntries():
            return _of_entries(message)
        case AppendEntriesReply():
            leads_then = state.role == "leader" and message.term == state.current_term
            if leads_then and message.success and message.match_index > state.log.last_index:
                return f"it holds {message.match_index} entries of a log that ends at {state.log.last_index}"
        case RequestVote():
            if message.last_log_term > message.term:
                return f"its last entry is of term {message.last_log_term}, after its own term {message.term}"
        case InstallSnapshot():
            return _of_chunk(message)
        case _:
            pass
    return None


def _of_entries(message: AppendEntries) -> str | None:
    """Entries follow one another, and their terms never fall and are none after the leader's own."""
    index, term = message.prev_log_index, message.prev_log_term
    for entry in message.entries:
        index += 1
        if entry.index != index:
            return f"entry {entry.index} stands where entry {index} should"
        if entry.term < term:
            return f"entry {index} is of term {entry.term}, and the one before it of term {term}"
        term = entry.term
    if term > message.term:
        return f"entry {index} is of term {term}, after the leader's own term {message.term}"
    return None


def _of_chunk(message: InstallSnapshot) -> str | None:
    if message.total > MOST_SNAPSHOT_BYTES:
        return f"a snapshot of {message.total} bytes, although {MOST_SNAPSHOT_BYTES} are the most"
    if message.offset + len(message.data) > message.total:
        return f"a chunk that ends at byte {message.offset + len(message.data)} of {message.total}"
    return None
