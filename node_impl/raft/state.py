"""Figure 2's State box: what one member holds, and the ways in which it changes.

Names are the paper's, in Python's spelling:

| the paper | here | | the paper | here |
|---|---|---|---|---|
| currentTerm | `current_term` | | lastApplied | `last_applied` |
| votedFor | `voted_for` | | nextIndex[] | `peers[...].next_index` |
| log[] | `log` | | matchIndex[] | `peers[...].match_index` |
| commitIndex | `commit_index` | | | |

Each change is recorded for the disk, where the paper calls the state persistent, and traced. When
to change what is for `core.py` alone.
"""

from __future__ import annotations

from typing import Any

from node_impl.config import NodeConfig
from node_impl.events import (
    AppendRecord,
    Entry,
    HardState,
    Recovered,
    Role,
    Send,
    Trace,
    TruncateRecord,
)
from node_impl.raft.log import Log
from node_impl.raft.messages import Envelope, Message
from node_impl.raft.outbox import Durable, Outbox
from node_impl.raft.progress import Progress
from node_impl.raft.read_rounds import ReadRounds


class State:
    """A member's state; `Raft` adds the rules."""

    def __init__(
        self,
        *,
        name: str,
        members: tuple[str, ...],
        life: int,
        recovered: Recovered,
        config: NodeConfig,
    ) -> None:
        if name not in members or len(set(members)) != len(members):
            raise ValueError(f"{name!r} must be one of the members, each named once; they are {members!r}")
        self.name = name
        self.members = members
        self.config = config
        self.now = 0
        hard_state = self.recover(recovered)
        self.current_term = hard_state.term
        self.voted_for = hard_state.vote
        self.log = Log(recovered.entries)
        self.commit_index = 0
        self.last_applied = 0
        self.role: Role = "follower"
        self.leader: str | None = None
        """Who leads current_term, as far as is known."""
        self.votes: set[str] = set()
        self.peers: dict[str, Progress] = {}
        self.reads = ReadRounds()
        self.outbox = Outbox(Durable(self.voted_for, self.log.last_index))
        self._message_prefix = f"{name}:{life}:"
        self._messages = 0

    def recover(self, recovered: Recovered) -> HardState:
        """currentTerm and votedFor outlive a restart (Figure 2, persistent state)."""
        return recovered.hard_state

    # ---- Changes ---------------------------------------------------------------------------------------

    def _set_term(self, term: int) -> None:
        self.current_term, self.voted_for = term, None
        self.outbox.record(HardState(term, None))
        self.trace("term")

    def _vote_for(self, candidate: str) -> None:
        self.voted_for = candidate
        self.outbox.record(HardState(self.current_term, candidate))
        self.trace("vote", vote=candidate)

    def _set_role(self, role: Role) -> None:
        self.role = role
        self.trace("role")

    def _append(self, entries: tuple[Entry, ...]) -> None:
        first = self.log.last_index + 1
        self.log.append(entries)
        self.outbox.record(AppendRecord(entries))
        self.trace("append", entries=self.log.trace_rows(first, self.log.last_index))

    def _truncate(self, index: int) -> None:
        self.log.truncate(index)
        self.outbox.truncated(index - 1)
        self.outbox.record(TruncateRecord(index))
        self.trace("truncate", index=index)

    def _set_commit_index(self, index: int) -> None:
        if index > self.commit_index:
            self.commit_index = index
            self.trace("commit")

    # ---- Effects -----------------------------------------------------------------------------------------

    def trace(self, event: str, **fields: Any) -> None:
        """Have a line written to the node's trace, with the state as it is now."""
        self.outbox.effects.append(
            Trace(
                event,
                self.current_term,
                self.role,
                self.commit_index,
                self.last_applied,
                self.log.last_index,
                fields,
            )
        )

    def send(self, to: str, body: Message, after: int = 0) -> str:
        """Send a message once `after` is synced; returns its message id."""
        self._messages += 1
        message_id = f"{self._message_prefix}{self._messages}"
        self.trace("send", peer=to, message=type(body).__name__, message_id=message_id)
        self.outbox.effects.append(Send(to, Envelope(message_id, self.name, body), after))
        return message_id
