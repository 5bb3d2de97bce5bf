"""Linearizable reads, at any node (ReadIndex; thesis, section 6.4), and the long polls they may become.

Get a read index from the leader, which confirms that it still leads; wait until that is applied here; read
the local state. Reads change nothing, so they are asked for again when a leader or a message is lost.
"""

from __future__ import annotations

from typing import Any

from node_impl.core.config import NodeConfig
from node_impl.core.events import Done, Read, Refused, SetTimer
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import Envelope, ReadIndex, ReadIndexReply
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Sessions
from node_impl.core.serving.open_requests import OpenRequests

READ_INDEX_TIMER = "read-index"


class Reads(OpenRequests):
    """A node that answers reads."""

    def __init__(self, raft: Raft, registry: Registry, sessions: Sessions, config: NodeConfig) -> None:
        super().__init__(raft, registry, sessions, config)
        self._next_reads: list[int] = []
        """At a follower: reads for the next ReadIndex; one is on its way at a time, for many reads."""
        self._asked: tuple[str, int, list[int]] | None = None
        """The ReadIndex on its way: message id, when sent, request ids."""
        self._read_timer_is_armed = False
        self._unapplied_reads: list[tuple[int, list[int]]] = []
        """(read index, request ids): served once that index is applied here."""

    # ---- The rules --------------------------------------------------------------------------------------

    def may_serve_read(self, read_index: int) -> bool:
        """A read is answered once all that was committed when it was asked for is applied here."""
        return read_index <= self.raft.last_applied

    def read_state(self, body: Read) -> Any:
        """All that is asked for is read at one moment, between two entries."""
        return self.registry.read(body)

    def index_of_reading(self) -> int:
        """A reading is told as of what was applied here when the state was read, not as of its read index."""
        return self.raft.last_applied

    # ---- At a follower ----------------------------------------------------------------------------------

    def _ask_read_index(self) -> None:
        """At a follower: one ReadIndex for all reads that wait, unless one is on its way."""
        raft = self.raft
        if self._asked is not None or not self._next_reads or raft.leader is None:
            return
        message_id = raft.send(raft.leader, ReadIndex())
        self._asked = (message_id, raft.now, self._next_reads)
        self._next_reads = []
        if not self._read_timer_is_armed:
            self._arm_read_timer(raft.now)

    def _arm_read_timer(self, sent_at: int) -> None:
        self._read_timer_is_armed = True
        self.raft.outbox.effects.append(SetTimer(READ_INDEX_TIMER, sent_at + self.config.election_timeout_ns))

    def _on_read_timer(self) -> None:
        """Ask again if no answer came for an election time-out: the message, or its answer, is lost."""
        self._read_timer_is_armed = False
        if self._asked is None:
            return
        _, sent_at, request_ids = self._asked
        if self.raft.now < sent_at + self.config.election_timeout_ns:
            self._arm_read_timer(sent_at)
            return
        self._next_reads = request_ids + self._next_reads
        self._asked = None
        self._ask_read_index()

    def _on_read_index_reply(self, reply: ReadIndexReply) -> None:
        if self._asked is None or self._asked[0] != reply.to:
            return  # the answer to a question that was asked again since
        request_ids, self._asked = self._asked[2], None
        if reply.index is not None:
            self._serve_reads(reply.index, request_ids)
            self._ask_read_index()
            return
        # Who was asked does not lead any more, which will be known here soon: wait for that.
        for pending in self._still_open(request_ids + self._next_reads):
            self._await_leader(pending)
        self._next_reads = []

    # ---- At the leader ----------------------------------------------------------------------------------

    def _on_read_index(self, envelope: Envelope) -> None:
        if self.raft.role == "leader":
            self.raft.request_read((envelope.sender, envelope.message_id))
        else:
            self.raft.send(envelope.sender, ReadIndexReply(envelope.message_id, None))

    def _take_confirmed_reads(self) -> None:
        confirmed, self.raft.reads.confirmed = self.raft.reads.confirmed, []
        for read_index, tokens in confirmed:
            mine: list[int] = []
            for peer, token in tokens:
                if peer is None:
                    mine.append(int(token))
                else:
                    self.raft.send(peer, ReadIndexReply(str(token), read_index))
            if mine:
                self._serve_reads(read_index, mine)

    # ---- Serving ----------------------------------------------------------------------------------------

    def _serve_waiting_reads(self) -> None:
        waiting, self._unapplied_reads = self._unapplied_reads, []
        for read_index, request_ids in waiting:
            self._serve_reads(read_index, request_ids)

    def _serve_reads(self, read_index: int, request_ids: list[int]) -> None:
        if not self.may_serve_read(read_index):
            self._unapplied_reads.append((read_index, request_ids))
            return
        for pending in self._still_open(request_ids):
            body = pending.request.body
            assert isinstance(body, Read)
            del self._open[pending.request_id]
            self._answer_read(pending.request_id, body)

    def _answer_read(self, request_id: int, body: Read) -> None:
        """Read what is applied here; a long poll that would hear nothing new waits."""
        raft, value = self.raft, self.read_state(body)
        if not self._watches.must_wait(body, value):
            self._respond(request_id, Done(self.index_of_reading(), value))
        elif self._watches.is_full:
            reason = f"{len(self._watches)} long polls wait here already"
            self._respond(request_id, Refused("overloaded", reason, proposed=False))
        else:
            self._watches.add(request_id, body, raft.now, raft.outbox.effects)
