"""Linearizable reads, at any node (ReadIndex; thesis, section 6.4), and the long polls they may become.

Get a read index from the leader, which confirms that it still leads; wait until that is applied here; read
the local state. Reads change nothing, so they are asked for again when a leader or a message is lost.
"""

from __future__ import annotations

from typing import Any

from node_impl.core.events import Done, Read, Refused, Request, SetTimer
from node_impl.core.raft.messages import Envelope, ReadIndex, ReadIndexReply
from node_impl.core.raft.raft import Raft
from node_impl.core.registry.changes import Changes
from node_impl.core.serving.long_polls import Answer, LongPolls
from node_impl.core.serving.open_requests import OpenRequest, OpenRequests
from node_impl.core.serving.state_machine import StateMachine

READ_INDEX_TIMER = "read-index"
LONG_POLL_TIMER = "watches"


class ClientReads:
    """Answers reads: at once, once their read index is applied, or when what a long poll watches changes."""

    def __init__(self, raft: Raft, requests: OpenRequests, machine: StateMachine) -> None:
        self._raft = raft
        self._requests = requests
        self._machine = machine
        self.long_polls = LongPolls(LONG_POLL_TIMER, machine.registry, raft.state.config.max_watches)
        self._next: list[int] = []
        """At a follower: reads for the next ReadIndex; one is on its way at a time, for many reads."""
        self._asked: tuple[str, int, list[int]] | None = None
        """The ReadIndex on its way: message id, when it was sent, request ids."""
        self._timer_is_armed = False
        self._unapplied: list[tuple[int, list[int]]] = []
        """(read index, request ids): served once that index is applied here."""

    # ---- The rules --------------------------------------------------------------------------------------

    def may_serve_read(self, read_index: int) -> bool:
        """A read is answered once all that was committed when it was asked for is applied here."""
        return read_index <= self._raft.state.last_applied

    def read_state(self, body: Read) -> Any:
        """All that is asked for is read at one moment, between two entries."""
        return self._machine.registry.read(body)

    def index_of_reading(self) -> int:
        """The index in a read's reply is what was applied when the state was read, not the read index."""
        return self._raft.state.last_applied

    # ---- A client's request -----------------------------------------------------------------------------

    def submit(self, opened: OpenRequest) -> None:
        """A leader is known: get a read index from it."""
        if self._raft.state.role == "leader":
            self._raft.reads.request((None, opened.request_id))
        else:
            self._next.append(opened.request_id)
            self._ask_read_index()

    # ---- At a follower ----------------------------------------------------------------------------------

    def _ask_read_index(self) -> None:
        """Send one ReadIndex for all reads that wait, unless one is on its way."""
        state = self._raft.state
        if self._asked is not None or not self._next or state.leader is None:
            return
        message_id = state.send(state.leader, ReadIndex())
        self._asked = (message_id, state.now, self._next)
        self._next = []
        if not self._timer_is_armed:
            self._arm_timer(state.now)

    def _arm_timer(self, sent_at: int) -> None:
        state = self._raft.state
        self._timer_is_armed = True
        state.outbox.effects.append(SetTimer(READ_INDEX_TIMER, sent_at + state.config.election_timeout_ns))

    def read_index_timer_fired(self) -> None:
        """Ask again if no answer came for an election time-out: the message, or its answer, is lost."""
        state = self._raft.state
        self._timer_is_armed = False
        if self._asked is None:
            return
        _, sent_at, request_ids = self._asked
        if state.now < sent_at + state.config.election_timeout_ns:
            self._arm_timer(sent_at)
            return
        self._next = request_ids + self._next
        self._asked = None
        self._ask_read_index()

    def on_read_index_reply(self, reply: ReadIndexReply) -> None:
        """The leader says from which index on the reads may be served, or that it does not lead."""
        if self._asked is None or self._asked[0] != reply.to:
            return  # the answer to a question that was asked again since
        request_ids, self._asked = self._asked[2], None
        if reply.index is not None:
            self.serve(reply.index, request_ids)
            self._ask_read_index()
            return
        # The receiver does not lead any more, which will be known here soon: wait for that.
        for opened in self._requests.still_open(request_ids + self._next):
            self._requests.await_leader(opened)
        self._next = []

    # ---- At the leader ----------------------------------------------------------------------------------

    def on_read_index(self, envelope: Envelope) -> None:
        """A follower asks for a read index."""
        state = self._raft.state
        if state.role == "leader":
            self._raft.reads.request((envelope.sender, envelope.message_id))
        else:
            state.send(envelope.sender, ReadIndexReply(envelope.message_id, None))

    def serve_confirmed(self) -> None:
        """A round has confirmed reads: serve this node's own, and answer the followers that asked."""
        for read_index, tokens in self._raft.reads.take_confirmed():
            mine: list[int] = []
            for peer, token in tokens:
                if peer is None:
                    mine.append(int(token))
                else:
                    self._raft.state.send(peer, ReadIndexReply(str(token), read_index))
            if mine:
                self.serve(read_index, mine)

    # ---- Serving ----------------------------------------------------------------------------------------

    def serve_unapplied(self) -> None:
        """More is applied than before: serve the reads that waited for it."""
        waiting, self._unapplied = self._unapplied, []
        for read_index, request_ids in waiting:
            self.serve(read_index, request_ids)

    def serve(self, read_index: int, request_ids: list[int]) -> None:
        """Answer these reads, or have them wait until `read_index` is applied here."""
        if not self.may_serve_read(read_index):
            self._unapplied.append((read_index, request_ids))
            return
        for opened in self._requests.still_open(request_ids):
            self._requests.release(opened.request_id)
            self.answer(opened.request_id, opened.request)

    def answer(self, request_id: int, request: Request) -> None:
        """Read what is applied here; a long poll for which nothing is new waits."""
        body = request.body
        assert isinstance(body, Read)
        state, value = self._raft.state, self.read_state(body)
        if not self.long_polls.must_wait(body, value):
            self._requests.respond(request_id, Done(self.index_of_reading(), value))
        elif self.long_polls.is_full:
            reason = f"{len(self.long_polls)} long polls wait here already"
            self._requests.respond(request_id, Refused("overloaded", reason, proposed=False))
        else:
            if request.op is not None:
                state.trace("hold", op=request.op)
            self.long_polls.add(request_id, request, state.now, state.outbox.effects)

    # ---- Long polls -------------------------------------------------------------------------------------

    def changed(self, changes: Changes) -> None:
        """Entries were applied: answer the long polls that watch what they changed."""
        for answer in self.long_polls.wake(changes):
            self._answer_held(answer)

    def long_poll_timer_fired(self) -> None:
        """The time of some long polls is over: answer them."""
        state = self._raft.state
        for answer in self.long_polls.due(state.now, state.outbox.effects):
            self._answer_held(answer)

    def _answer_held(self, answer: Answer) -> None:
        state = self._raft.state
        if answer.op is not None:
            state.trace("answer", op=answer.op)
        self._requests.respond(answer.request_id, Done(state.last_applied, answer.value))

    # ---- Ends -------------------------------------------------------------------------------------------

    def leader_lost(self) -> list[OpenRequest]:
        """Another leader or term is known: returns this node's reads to send again."""
        repeated: list[OpenRequest] = []
        for peer, token in self._raft.reads.abandon():
            if peer is None:
                repeated.extend(self._requests.still_open([int(token)]))
            else:
                self._raft.state.send(peer, ReadIndexReply(str(token), None))
        asked = self._asked[2] if self._asked else []
        repeated.extend(self._requests.still_open(asked + self._next))
        self._asked, self._next = None, []
        return repeated

    def stop(self, reason: str) -> None:
        """The node is stopping: refuse the long polls."""
        for request_id in self.long_polls.give_up():
            self._requests.respond(request_id, Refused("lost-leadership", reason, proposed=False))
