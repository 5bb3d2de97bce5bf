"""Writes and beats: proposed or remembered at the leader, forwarded once by a follower.

A write is answered when its entry is applied at the leader: by then a majority holds it on disk. A write is
not repeated, unless it carries (client id, sequence): then it is applied once however often it is in the log
(`sessions.py`), and is sent again when its leader is lost. A beat is remembered by the leader alone
(`beats.py`).
"""

from __future__ import annotations

from node_impl.core.events import Configuration, Done, Refused, Request, Write
from node_impl.core.raft.messages import Envelope, Forward, ForwardReply, Written
from node_impl.core.raft.raft import Raft
from node_impl.core.registry.commands import encode_command
from node_impl.core.registry.sessions import Outcome
from node_impl.core.requests import Beat
from node_impl.core.serving.beats import Beats
from node_impl.core.serving.open_requests import OpenRequest, OpenRequests
from node_impl.core.serving.state_machine import StateMachine
from node_impl.core.serving.waiting import SeenForwards

SPARE_FORWARDS = 8
"""A follower remembers twice as many forwards as clients wait here, and twice this number besides."""

Origin = int | tuple[str, str]
"""Who waits for a write: this node's client by request id, or a follower by (peer, its message id)."""


class ClientWrites:
    """Takes writes and beats, and answers each once its outcome is known."""

    def __init__(self, raft: Raft, requests: OpenRequests, machine: StateMachine, beats: Beats) -> None:
        self._raft = raft
        self._requests = requests
        self._machine = machine
        self._beats = beats
        self._led_term = 0
        """The last term that this node led in this life."""
        self._waiting: dict[int, Origin] = {}
        """At the leader: who waits for the entry at an index, proposed in `_led_term`."""
        self._seen_forwards = SeenForwards()
        self._forwarded: dict[str, int] = {}
        """At a follower: request id by the id of the message that forwarded it."""

    # ---- The rules --------------------------------------------------------------------------------------

    def may_acknowledge(self, index: int) -> bool:
        """A write is answered once its entry is applied at the leader: then it is committed (section 5.3)."""
        return index <= self._raft.state.last_applied

    def is_first_copy(self, message_id: str) -> bool:
        """A forward is proposed once, however often the network delivers it."""
        return self._seen_forwards.is_first(message_id)

    def remembers_too_many_forwards(self) -> bool:
        """A forward or its reply may be lost: what is remembered of it must go with its client's request."""
        return len(self._forwarded) > 2 * (len(self._requests) + SPARE_FORWARDS)

    def outcome_of_orphan(self, origin: Origin, index: int | None) -> Outcome:  # noqa: ARG002 - all alike
        """The outcome of a write whose leader is lost, for the client that waits for it.

        An entry that this node appended at `index`, or forwarded (None), may still be committed, or be
        overwritten.
        """
        return Refused("lost-leadership", "the leader was lost before the outcome was known", proposed=True)

    # ---- A client's request -----------------------------------------------------------------------------

    def submit(self, opened: OpenRequest, leader: str) -> None:
        """A leader is known: take the request in, or forward it."""
        state, request = self._raft.state, opened.request
        opened.proposed = isinstance(request.body, Write)
        if state.role == "leader":
            self._take_in(request, opened.request_id)
        else:
            message_id = state.send(leader, Forward(state.current_term, request))
            self._forwarded[message_id] = opened.request_id
            if self.remembers_too_many_forwards():
                self._forwarded = {
                    name: request_id
                    for name, request_id in self._forwarded.items()
                    if self._requests.get(request_id) is not None
                }

    @property
    def forwards(self) -> int:
        """How many forwards are remembered here."""
        return len(self._forwarded)

    def submit_configuration(self, opened: OpenRequest, configuration: Configuration) -> None:
        """At the leader: propose a change of the members."""
        opened.proposed = True
        index = self._raft.replication.propose_configuration(configuration, opened.request.op)
        self._waiting[index] = opened.request_id

    def on_forward_reply(self, reply: ForwardReply) -> None:
        """At a follower: the leader says how a forwarded write ended."""
        request_id, outcome = self._forwarded.pop(reply.to, None), reply.outcome
        opened = None if request_id is None else self._requests.get(request_id)
        if opened is None:
            return  # answered, timed out, or sent again meanwhile
        is_lost = isinstance(outcome, Refused) and outcome.code in ("not-leader", "lost-leadership")
        if is_lost and self._requests.may_repeat(opened.request):
            self._requests.await_leader(opened)  # this node will soon know that the receiver does not lead
        else:
            self._conclude(opened.request_id, outcome)

    # ---- At the leader ----------------------------------------------------------------------------------

    def on_forward(self, envelope: Envelope, forward: Forward) -> None:
        """A follower's write.

        It is proposed at most once, however often the network delivers it. It is refused as not proposed only
        where this node knows that no earlier copy was proposed.
        """
        state, origin = self._raft.state, (envelope.sender, envelope.message_id)
        if forward.term != self._led_term:
            reason = f"{state.name} does not lead term {forward.term} and cannot tell whether it did"
            self._conclude(origin, Refused("not-leader", reason, proposed=True))
        elif not self.is_first_copy(envelope.message_id):
            return
        elif state.role != "leader":
            reason = f"{state.name} no longer leads term {forward.term}"
            self._conclude(origin, Refused("not-leader", reason, proposed=False))
        elif len(self._waiting) >= state.config.max_pending:
            reason = f"{len(self._waiting)} writes wait at the leader already"
            self._conclude(origin, Refused("overloaded", reason, proposed=False))
        else:
            self._take_in(forward.request, origin)

    def _take_in(self, request: Request, origin: Origin) -> None:
        """Propose a write; remember a beat."""
        if isinstance(request.body, Beat):
            self._conclude(origin, self._beats.beat(request.body.key))
        else:
            self.propose(request, origin)

    def propose(self, request: Request, origin: Origin) -> None:
        """Append a write to the log; `origin` is answered once it is applied."""
        body = request.body
        assert isinstance(body, Write)
        index = self._raft.replication.propose(encode_command(body), request.op, request.session)
        self._waiting[index] = origin
        if self.may_acknowledge(index):  # never yet, unless the rule is broken
            self._conclude(self._waiting.pop(index), Written(index, None))

    def begin_to_lead(self) -> None:
        """This node leads the current term: forwards of this term are for it."""
        self._led_term, self._seen_forwards = self._raft.state.current_term, SeenForwards()

    # ---- Outcomes ---------------------------------------------------------------------------------------

    def apply_committed(self) -> None:
        """Have committed entries applied, and answer the writes among them that wait here."""
        for index, outcome in self._machine.apply_committed(self._waiting):
            self._conclude(self._waiting.pop(index), outcome)

    def leader_lost(self) -> list[OpenRequest]:
        """Another leader or term is known: returns the writes to send again; all others are answered."""
        waiting: list[tuple[Origin, int | None]] = [
            (origin, index) for index, origin in self._waiting.items()
        ]
        waiting.extend((request_id, None) for request_id in self._forwarded.values())
        self._waiting, self._forwarded = {}, {}
        repeated: list[OpenRequest] = []
        for origin, index in waiting:
            opened = self._requests.get(origin) if isinstance(origin, int) else None
            if opened is not None and self._requests.may_repeat(opened.request):
                repeated.append(opened)
            else:
                self._conclude(origin, self.outcome_of_orphan(origin, index))
        return repeated

    def stop(self, reason: str) -> None:
        """The node is stopping: whether these writes are committed is not known here."""
        for origin in self._waiting.values():
            self._conclude(origin, Refused("lost-leadership", reason, proposed=True))

    def _conclude(self, origin: Origin, outcome: Outcome) -> None:
        """A write's outcome is known: answer the client, or the follower that has the client."""
        state = self._raft.state
        if not isinstance(origin, int):
            peer, message_id = origin
            state.send(peer, ForwardReply(message_id, outcome))
            return
        opened = self._requests.get(origin)
        if opened is None:
            return
        if isinstance(outcome, Written):
            request = opened.request
            if isinstance(request.body, Write):
                state.trace("acknowledge", index=outcome.raft_index, op=request.op)
            self._requests.close(origin, Done(outcome.raft_index, outcome.previous))
        else:
            self._requests.close(origin, outcome)
