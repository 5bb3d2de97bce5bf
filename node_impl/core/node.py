"""The whole node without I/O: clients' requests on one side, Raft and the registry on the other.

`step` takes one event and returns ordered effects; `events.py` says what they mean. `Node` decides nothing by
itself: it hands each event to one collaborator, by the `match` in `_take_event` and in `_receive`, and then
does what follows from any step (`_follow_up`).

| collaborator | owns |
|---|---|
| `raft` (`raft/raft.py`) | consensus: elections, the log, what is committed |
| `machine` (`serving/state_machine.py`) | the registry and the sessions |
| `requests` (`serving/open_requests.py`) | the clients that wait here |
| `beats` (`serving/beats.py`) | which ephemeral instances beat |
| `reads` (`serving/client_reads.py`) | reads and long polls |
| `writes` (`serving/client_writes.py`) | writes and forwards |

**The way of one AppendEntries**, from the socket to the applied registration:

1. `io/transport/peers.py` reads a frame, and `io/driver.py` calls `Node.step` with `Received(envelope)`.
2. `_take_event` -> `_receive` traces the message; it is one of Raft's: `Raft.receive`.
3. `Raft.receive` compares the terms (Figure 2, all servers); it is an AppendEntries:
   `Replication.on_append_entries` (section 5.3), which has the state append the entries, raises commitIndex,
   and sends an `AppendEntriesReply` that leaves once the entries are on disk.
4. `_follow_up` sees commitIndex above lastApplied: `ClientWrites.apply_committed` ->
   `StateMachine.apply_committed` -> `Sessions.apply` -> `Registry.apply`, which makes the registration. At
   the leader, the client that waits for that entry gets its answer.
5. `step` returns the effects: trace lines, the record for the disk, the reply. The driver carries them out.
"""

from __future__ import annotations

from typing import Protocol

from node_impl.core.events import (
    ClientRequest,
    Configuration,
    Done,
    Effect,
    Event,
    Fatal,
    GetStatus,
    PeerLost,
    Read,
    Received,
    Refused,
    Request,
    Shutdown,
    Status,
    Synced,
    TimerFired,
    Undecodable,
    Write,
)
from node_impl.core.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Envelope,
    Forward,
    ForwardReply,
    ReadIndex,
    ReadIndexReply,
)
from node_impl.core.raft.raft import Raft
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Sessions
from node_impl.core.requests import AdminBody, Beat, TransferLeadership
from node_impl.core.serving.administration import plan
from node_impl.core.serving.beats import BEAT_TIMER, Beats
from node_impl.core.serving.client_reads import LONG_POLL_TIMER, READ_INDEX_TIMER, ClientReads
from node_impl.core.serving.client_writes import ClientWrites
from node_impl.core.serving.open_requests import LEADER_WAIT_TIMER, REQUEST_TIMER, OpenRequest, OpenRequests
from node_impl.core.serving.state_machine import APPLY_TIMER, StateMachine, StateMachineError
from node_impl.core.sizes import APPLIED_ENTRIES, FORWARDS, IN_FLIGHT, LONG_POLLS, REQUESTS, SESSIONS

STOPPING = "the node is stopping"


class ServingParts(Protocol):
    """The class of each collaborator; a seeded bug names a subclass (`node_impl/core/build.py`)."""

    @property
    def state_machine(self) -> type[StateMachine]: ...
    @property
    def open_requests(self) -> type[OpenRequests]: ...
    @property
    def beats(self) -> type[Beats]: ...
    @property
    def client_reads(self) -> type[ClientReads]: ...
    @property
    def client_writes(self) -> type[ClientWrites]: ...


class Node:
    """One node. `start` once, then `step` for each event; times never decrease."""

    def __init__(self, raft: Raft, registry: Registry, sessions: Sessions, parts: ServingParts) -> None:
        self.raft = raft
        self.machine = parts.state_machine(raft, registry, sessions)
        self.requests = parts.open_requests(raft.state)
        self.beats = parts.beats(raft, self.machine)
        self.reads = parts.client_reads(raft, self.requests, self.machine)
        self.writes = parts.client_writes(raft, self.requests, self.machine, self.beats)
        self._known_leader: tuple[int, str | None] = (0, None)
        """(term, leader) after the last step, to notice changes."""
        self._ended = False

    def start(self, now: int) -> list[Effect]:
        """Begin this life; returns the effects of coming up."""
        self.raft.state.set_time(now)
        self.raft.start()
        try:
            self._restore()
        except StateMachineError as error:
            self._end(error)
        return self._take_effects()

    def step(self, now: int, *events: Event) -> list[Effect]:
        """The effects of events that are at hand together, to be carried out in order.

        They are taken one by one, in order; what they append is one record and one message to each follower.
        After `stop` or Fatal there are none.
        """
        self.raft.state.set_time(now)
        for event in events:
            if not self._ended:
                self._take_event(event)
        if not self._ended:
            self.raft.replication.flush()
        return self._take_effects()

    def nobody_waits(self) -> bool:
        """Whether neither a client nor another node would notice if this one stood still for a moment."""
        return self.raft.state.role == "follower" and not self.requests and not self.reads.long_polls

    def status(self) -> Status:
        """This node's view of itself, now."""
        state, registry = self.raft.state, self.machine.registry
        return Status(
            state.name,
            state.role,
            state.current_term,
            state.voted_for,
            state.leader,
            state.commit_index,
            state.last_applied,
            state.log.last_index,
            state.configuration.voters,
            learners=state.configuration.learners,
            configuration=state.configurations.newest_index,
            services=len(registry.services.entities),
            instances=registry.size,
            configs=len(registry.configs.by_key),
            watches=len(self.reads.long_polls),
        )

    def sizes(self) -> dict[str, int]:
        """How many things this node holds, of each kind that must stay bounded: see `core/sizes.py`."""
        raft, log = self.raft, self.raft.state.log
        in_flight = [len(peer.in_flight) for peer in raft.followers.by_name.values()]
        return {
            SESSIONS: len(self.machine.sessions),
            APPLIED_ENTRIES: raft.state.last_applied - log.base_index,
            REQUESTS: len(self.requests),
            FORWARDS: self.writes.forwards,
            LONG_POLLS: len(self.reads.long_polls),
            IN_FLIGHT: max(in_flight, default=0),
        }

    # ---- Each event has one receiver --------------------------------------------------------------------

    def _take_event(self, event: Event) -> None:
        raft = self.raft
        match event:
            case Received(envelope):
                if envelope.sender in raft.state.known:  # a stranger's message means nothing here
                    self._receive(envelope)
            case Undecodable(peer, why):
                raft.refuse(peer, why)
            case Synced(number):
                raft.synced(number)
            case ClientRequest(request_id, request):
                self._accept(request_id, request)
            case TimerFired(name):
                self._timer_fired(name)
            case PeerLost(peer):
                raft.elections.peer_lost(peer)
            case Shutdown():
                self._shut_down()
        if not self._ended:
            try:
                self._follow_up()
            except StateMachineError as error:
                self._end(error)

    def _receive(self, envelope: Envelope) -> None:
        sender, body = envelope.sender, envelope.body
        self.raft.state.trace_message("receive", sender, type(body).__name__, envelope.message_id)
        match body:
            case AppendEntries() | AppendEntriesReply():  # most messages
                self.raft.receive(sender, body)
            case Forward():
                self.writes.on_forward(envelope, body)
            case ForwardReply():
                self.writes.on_forward_reply(body)
            case ReadIndex():
                self.reads.on_read_index(envelope)
            case ReadIndexReply():
                self.reads.on_read_index_reply(body)
            case _:
                self.raft.receive(sender, body)

    def _timer_fired(self, name: str) -> None:
        if name == REQUEST_TIMER:
            self.requests.request_timer_fired()
        elif name == LEADER_WAIT_TIMER:
            self.requests.leader_wait_timer_fired()
        elif name == READ_INDEX_TIMER:
            self.reads.read_index_timer_fired()
        elif name == LONG_POLL_TIMER:
            self.reads.long_poll_timer_fired()
        elif name == BEAT_TIMER:
            self.beats.timer_fired()
        elif name != APPLY_TIMER:  # at which `_follow_up` applies the next piece
            self.raft.timer_fired(name)

    def _shut_down(self) -> None:
        self.writes.stop(STOPPING)
        self.requests.stop(STOPPING)
        self.reads.stop(STOPPING)
        self.raft.elections.hand_over()
        state, digest = self.raft.state, self.machine.digest()
        state.trace("stop", index=state.last_applied if digest else None, digest=digest)
        self._ended = True

    # ---- Clients' requests ------------------------------------------------------------------------------

    def _accept(self, request_id: int, request: Request) -> None:
        body = request.body
        if isinstance(body, GetStatus):
            self.requests.respond(request_id, Done(self.raft.state.last_applied, self.status()))
        elif isinstance(body, Read) and body.consistency == "stale":
            self.reads.answer(request_id, request)
        elif self.requests.is_full:
            reason = f"{len(self.requests)} requests wait here already"
            self.requests.respond(request_id, Refused("overloaded", reason, False))
        else:
            self._dispatch(self.requests.open(request_id, request))

    def _dispatch(self, opened: OpenRequest) -> None:
        """Send a request, one that was not proposed yet or may be repeated, on its way."""
        body, leader = opened.request.body, self.raft.state.leader
        if leader is None:
            self.requests.await_leader(opened)
        elif isinstance(body, Write | Beat):
            self.writes.submit(opened, leader)
        elif isinstance(body, AdminBody):
            self._administer(opened, body)
        else:
            self.reads.submit(opened)

    def _administer(self, opened: OpenRequest, body: AdminBody) -> None:
        """At the leader: change the membership, or hand over."""
        planned = plan(self.raft, body)
        match planned:
            case Refused():
                self.requests.close(opened.request_id, planned)
            case Configuration():
                self.writes.submit_configuration(opened, planned)
            case None:
                assert isinstance(body, TransferLeadership)
                self.raft.elections.transfer_to(body.to)
                self.requests.close(opened.request_id, Done(self.raft.state.last_applied))

    # ---- What follows from any step ---------------------------------------------------------------------

    def _follow_up(self) -> None:
        raft, state = self.raft, self.raft.state
        if self._known_leader != (state.current_term, state.leader):
            self._known_leader = (state.current_term, state.leader)
            self._leadership_changed()
        if raft.snapshots.installed is not None:
            self._restore()
        if state.commit_index > state.last_applied:
            self.writes.apply_committed()
            self.reads.serve_unapplied()
            if raft.snapshots.is_due():
                raft.snapshots.take(self.machine.snapshot())
        if self.machine.registry.changes.touched:
            changes = self.machine.registry.take_changes()
            self.beats.registered(changes.ephemeral)
            self.reads.changed(changes)
        self.beats.keep_watch()
        if raft.reads.confirmed:
            self.reads.serve_confirmed()

    def _restore(self) -> None:
        if self.machine.restore():
            self.reads.serve_unapplied()

    def _leadership_changed(self) -> None:
        """The term, or who is known to lead it, is another than before."""
        repeated = [*self.writes.leader_lost(), *self.reads.leader_lost()]
        if self.raft.state.role == "leader":
            self.writes.begin_to_lead()
        repeated.extend(self.requests.take_leaderless())
        for opened in repeated:
            self._dispatch(opened)

    # ---- Effects ----------------------------------------------------------------------------------------

    def _end(self, error: StateMachineError) -> None:
        self.raft.state.outbox.effects.append(Fatal(str(error)))
        self._ended = True

    def _take_effects(self) -> list[Effect]:
        state = self.raft.state
        return state.outbox.take(state.voted_for, state.log.last_index)
