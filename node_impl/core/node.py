"""The whole node, sans-I/O: clients' requests on one side, Raft and the registry on the other.

`step` takes one event and returns ordered effects; `events.py` says what they mean. A request's way:

- A write is proposed at the leader, forwarded to it at a follower, and answered when its entry is applied
  (`serving/writes.py`). A beat is remembered by the leader alone.
- A linearizable read waits at any node for the leader's read index (`serving/reads.py`). A long poll is
  such a read, which then may wait here for what it read to change (`watches.py`).
- Without a known leader all wait for a bounded time (`serving/open_requests.py`).

Here is what an event sets off, and what follows from any step.
"""

from __future__ import annotations

from node_impl.core.config import NodeConfig
from node_impl.core.events import (
    ClientRequest,
    Configuration,
    Done,
    Effect,
    Event,
    GetStatus,
    PeerLost,
    Read,
    Received,
    Refused,
    Request,
    Shutdown,
    Synced,
    TimerFired,
    Write,
)
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Envelope,
    Forward,
    ForwardReply,
    InstallSnapshot,
    InstallSnapshotReply,
    PreVote,
    PreVoteReply,
    ReadIndex,
    ReadIndexReply,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
)
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Sessions
from node_impl.core.requests import AdminBody, Beat, TransferLeadership
from node_impl.core.serving.administration import plan
from node_impl.core.serving.applying import APPLY_TIMER, Applying
from node_impl.core.serving.open_requests import LEADER_WAIT_TIMER, REQUEST_TIMER, WATCH_TIMER, Pending
from node_impl.core.serving.reads import READ_INDEX_TIMER
from node_impl.core.serving.waiting import SeenForwards
from node_impl.core.serving.writes import BEAT_TIMER, Origin

__all__ = ["Node", "Origin"]


class Node(Applying):
    """One node. `start` once, then `step` for each event; times never decrease."""

    def __init__(self, raft: Raft, registry: Registry, sessions: Sessions, config: NodeConfig) -> None:
        super().__init__(raft, registry, sessions, config)
        self._known_leader: tuple[int, str | None] = (0, None)
        """(term, leader) as of the last step, to notice changes."""

    def start(self, now: int) -> list[Effect]:
        """Begin this life; the effects of coming up."""
        self.raft.now = now
        self.raft.start()
        self._restore()
        return self._take()

    def step(self, now: int, *events: Event) -> list[Effect]:
        """The effects of events that are at hand together, to be carried out in order.

        They are taken one by one, in order; what they append is one record and one message to each follower.
        After `stop` or Fatal there are none.
        """
        self.raft.now = now
        for event in events:
            if not self._ended:
                self._take_event(event)
        if not self._ended:
            self.raft.replicate()
        return self._take()

    def nobody_waits(self) -> bool:
        """Whether neither a client nor another node would notice if this one stood still for a moment."""
        return self.raft.role == "follower" and not self._open and not self._watches

    def _take_event(self, event: Event) -> None:
        raft = self.raft
        match event:
            case Received(envelope):
                if envelope.sender in raft.known:  # a stranger's message means nothing here
                    self._receive(envelope)
            case Synced(number):
                raft.synced(number)
            case ClientRequest(request_id, request):
                self._accept(request_id, request)
            case TimerFired(name):
                self._timer_fired(name)
            case PeerLost(peer):
                raft.peer_lost(peer)
            case Shutdown():
                self._shut_down()
        if not self._ended:
            self._follow_up()

    # ---- What follows from any step ---------------------------------------------------------------------

    def _follow_up(self) -> None:
        raft = self.raft
        if self._known_leader != (raft.current_term, raft.leader):
            self._known_leader = (raft.current_term, raft.leader)
            self._leadership_changed()
        if raft.installed is not None:
            self._restore()
        if raft.commit_index > raft.last_applied:
            self._apply()
            if raft.snapshot_is_due():
                self._take_snapshot()
        if self.registry.changes.touched:
            changes = self.registry.take_changes()
            self._beats.follow(changes.ephemeral, raft.now, raft.outbox.effects)
            for request_id, value in self._watches.wake(changes):
                self._respond(request_id, Done(raft.last_applied, value))
        self._watch_beats()
        if raft.reads.confirmed:
            self._take_confirmed_reads()

    def _leadership_changed(self) -> None:
        """The term, or who is known to lead it, is another than before."""
        raft = self.raft
        orphans: list[Pending] = []
        waiting: list[tuple[Origin, int | None]] = [(origin, index) for index, origin in self._writes.items()]
        waiting.extend((request_id, None) for request_id in self._forwarded.values())
        self._writes, self._forwarded = {}, {}
        for origin, index in waiting:
            pending = self._open.get(origin) if isinstance(origin, int) else None
            if pending is not None and self.may_repeat(pending.request):
                orphans.append(pending)
            else:
                self._conclude(origin, self.outcome_of_orphan(origin, index))
        for peer, token in raft.reads.abandon():
            if peer is None:
                orphans.extend(self._still_open([int(token)]))
            else:
                raft.send(peer, ReadIndexReply(str(token), None))
        asked = self._asked[2] if self._asked else []
        orphans.extend(self._still_open(asked + self._next_reads))
        self._asked, self._next_reads = None, []
        if raft.role == "leader":
            self._led_term, self._seen_forwards = raft.current_term, SeenForwards()
        orphans.extend(self._leaderless.values())
        self._leaderless = {}
        for pending in orphans:
            self._dispatch(pending)

    # ---- Clients' requests ------------------------------------------------------------------------------

    def _accept(self, request_id: int, request: Request) -> None:
        match request.body:
            case GetStatus():
                self._respond(request_id, Done(self.raft.last_applied, self.status()))
            case _ if isinstance(request.body, Read) and request.body.consistency == "stale":
                self._answer_read(request_id, request.body)
            case _ if len(self._open) >= self.config.max_pending:
                self._respond(
                    request_id, Refused("overloaded", f"{len(self._open)} requests wait here already", False)
                )
            case _:
                pending = self._open[request_id] = Pending(request_id, request)
                self._request_deadlines.add(request_id, self.raft.now, self.raft.outbox.effects)
                self._dispatch(pending)

    def _dispatch(self, pending: Pending) -> None:
        """Send a request, one that was not proposed yet or may be repeated, on its way."""
        raft = self.raft
        request_id, request = pending.request_id, pending.request
        match request.body:
            case _ if raft.leader is None:
                self._await_leader(pending)
            case _ if isinstance(request.body, Write | Beat):
                pending.proposed = isinstance(request.body, Write)
                if raft.role == "leader":
                    self._take_in(request, request_id)
                else:
                    message_id = raft.send(raft.leader, Forward(raft.current_term, request))
                    self._forwarded[message_id] = request_id
            case _ if isinstance(request.body, AdminBody):
                self._administer(pending, request.body)
            case _:
                if raft.role == "leader":
                    raft.request_read((None, request_id))
                else:
                    self._next_reads.append(request_id)
                    self._ask_read_index()

    def _administer(self, pending: Pending, body: AdminBody) -> None:
        """At the leader: change the membership, or hand over."""
        raft = self.raft
        planned = plan(raft, body)
        match planned:
            case Refused():
                self._close(pending.request_id, planned)
            case Configuration():
                pending.proposed = True
                index = raft.propose_configuration(planned, pending.request.op)
                self._writes[index] = pending.request_id
            case None:
                assert isinstance(body, TransferLeadership)
                raft.transfer_to(body.to)
                self._close(pending.request_id, Done(raft.last_applied))

    # ---- Peers' messages and timers ---------------------------------------------------------------------

    def _receive(self, envelope: Envelope) -> None:
        raft, body = self.raft, envelope.body
        raft.trace_message("receive", envelope.sender, type(body).__name__, envelope.message_id)
        match body:
            case (
                AppendEntries()
                | AppendEntriesReply()
                | RequestVote()
                | RequestVoteReply()
                | InstallSnapshot()
                | InstallSnapshotReply()
                | PreVote()
                | PreVoteReply()
                | TimeoutNow()
            ):
                raft.receive(envelope.sender, body)
            case Forward():
                self._on_forward(envelope, body)
            case ForwardReply():
                self._on_forward_reply(body)
            case ReadIndex():
                self._on_read_index(envelope)
            case ReadIndexReply():
                self._on_read_index_reply(body)

    def _timer_fired(self, name: str) -> None:
        effects, now = self.raft.outbox.effects, self.raft.now
        if name == REQUEST_TIMER:
            for request_id in self._request_deadlines.due(now, self._open, effects):
                self._expire(request_id, "timeout", self.config.request_timeout_ns)
        elif name == LEADER_WAIT_TIMER:
            for request_id in self._leader_deadlines.due(now, self._leaderless, effects):
                self._expire(request_id, "no-leader", self.config.leader_wait_ns)
        elif name == READ_INDEX_TIMER:
            self._on_read_timer()
        elif name == BEAT_TIMER:
            for expiry in self._beats.due(now, effects):
                self._decide(expiry)
        elif name == WATCH_TIMER:
            for request_id, value in self._watches.due(now, effects):
                self._respond(request_id, Done(self.raft.last_applied, value))
        elif name == APPLY_TIMER:
            pass  # what follows from any step applies the next piece
        else:
            self.raft.timer_fired(name)

    def _shut_down(self) -> None:
        refusal = Refused("lost-leadership", "the node is stopping", proposed=True)
        for origin in self._writes.values():
            self._conclude(origin, refusal)
        for pending in tuple(self._open.values()):
            self._close(
                pending.request_id, Refused("lost-leadership", "the node is stopping", pending.proposed)
            )
        for request_id in self._watches.give_up():
            self._respond(request_id, Refused("lost-leadership", "the node is stopping", proposed=False))
        self.raft.hand_over()
        self._trace_stop()
        self._ended = True
