"""The whole node, sans-I/O: clients' requests on one side, Raft and the registry on the other.

`step` takes one event and returns ordered effects; `events.py` says what they mean. A request's way:

- A write at the leader is proposed, and answered when its entry is applied: by then a majority holds
  it on disk. At a follower it is forwarded to the leader, once. Nobody repeats a write, unless it carries
  (client id, sequence): then it is applied once however often it is in the log (`sessions.py`), and is
  sent again when its leader is lost.
- A linearizable read, at any node: get a read index from the leader, which confirms that it still
  leads; wait until that is applied here; read the local state (ReadIndex, thesis, section 6.4).
  Reads change nothing, so they are asked for again when a leader or a message is lost.
- A long poll is such a read, which then may wait here for what it read to change (`watches.py`).
- A beat is remembered by the leader, and nobody else (`beat_watch.py`); a follower forwards it.
- Without a known leader all wait for a bounded time.

A refusal says `proposed` unless the write certainly has no effect and never will.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from node_impl.administration import plan
from node_impl.beat_watch import BeatWatch
from node_impl.config import NodeConfig
from node_impl.events import (
    ClientRequest,
    Configuration,
    Done,
    Effect,
    Entry,
    Event,
    Fatal,
    GetStatus,
    InstanceKey,
    Read,
    Received,
    Refused,
    Reply,
    Request,
    Respond,
    SetTimer,
    Shutdown,
    Status,
    Synced,
    TimerFired,
    Write,
)
from node_impl.raft.core import Raft
from node_impl.raft.messages import (
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
    Written,
)
from node_impl.raft.snapshots import make_snapshot
from node_impl.registry.commands import CommandError, encode_command, expiry_op
from node_impl.registry.registry import Registry
from node_impl.registry.snapshot import SnapshotError
from node_impl.requests import AdminBody, Beat, Rejected, TransferLeadership
from node_impl.sessions import Outcome, Sessions, SessionsError
from node_impl.waiting import Deadlines, SeenForwards
from node_impl.watches import Watches

REQUEST_TIMER = "requests"
LEADER_WAIT_TIMER = "leader-wait"
READ_INDEX_TIMER = "read-index"
BEAT_TIMER = "beats"
WATCH_TIMER = "watches"
APPLY_TIMER = "apply"

Origin = int | tuple[str, str]
"""Who waits for a write: this node's client by request id, or a follower by (peer, its message id)."""


@dataclass(slots=True)
class _Pending:
    """A client's request that is not answered."""

    request_id: int
    request: Request
    proposed: bool = False
    """Whether it was appended or forwarded, so that its outcome is out of this node's hands."""


class Node:
    """One node. `start` once, then `step` for each event; times never decrease."""

    def __init__(self, raft: Raft, registry: Registry, sessions: Sessions, config: NodeConfig) -> None:
        self.raft = raft
        self.registry = registry
        self.sessions = sessions
        self.config = config
        self._open: dict[int, _Pending] = {}
        self._request_deadlines = Deadlines(REQUEST_TIMER, config.request_timeout_ns)
        self._ended = False

        self._watches = Watches(WATCH_TIMER, registry, config.max_watches)
        self._beats = BeatWatch(BEAT_TIMER, registry, config.election_timeout_ns)

        self._known_leader: tuple[int, str | None] = (0, None)
        """(term, leader) as of the last step, to notice changes."""
        self._leaderless: dict[int, _Pending] = {}
        """Requests that wait for a leader to become known."""
        self._leader_deadlines = Deadlines(LEADER_WAIT_TIMER, config.leader_wait_ns)

        self._led_term = 0
        """The last term that this node led in this life."""
        self._writes: dict[int, Origin] = {}
        """At the leader: who waits for the entry at an index, proposed in `_led_term`."""
        self._seen_forwards = SeenForwards()
        self._forwarded: dict[str, int] = {}
        """At a follower: request id by the id of the message that forwarded it."""

        self._next_reads: list[int] = []
        """At a follower: reads for the next ReadIndex; one is on its way at a time, for many reads."""
        self._asked: tuple[str, int, list[int]] | None = None
        """The ReadIndex on its way: message id, when sent, request ids."""
        self._read_timer_is_armed = False
        self._unapplied_reads: list[tuple[int, list[int]]] = []
        """(read index, request ids): served once that index is applied here."""

    def start(self, now: int) -> list[Effect]:
        """Begin this life; the effects of coming up."""
        self.raft.now = now
        self.raft.start()
        self._restore()
        return self._take()

    def step(self, now: int, event: Event) -> list[Effect]:
        """One event's effects, to be carried out in order. After `stop` or Fatal there are none."""
        if self._ended:
            return []
        raft = self.raft
        raft.now = now
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
            case Shutdown():
                self._shut_down()
        if not self._ended:
            self._follow_up()
        return self._take()

    # ---- The rules --------------------------------------------------------------------------------------

    def may_acknowledge(self, index: int) -> bool:
        """A write is answered once its entry is applied at the leader: then it is committed (section 5.3)."""
        return index <= self.raft.last_applied

    def may_serve_read(self, read_index: int) -> bool:
        """A read is answered once all that was committed when it was asked for is applied here."""
        return read_index <= self.raft.last_applied

    def may_repeat(self, request: Request) -> bool:
        """A write may be sent again after a loss only if its copies are applied once (thesis, 6.3)."""
        return request.session is not None

    # ---- What follows from any step ------------------------------------------------------------------

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
        changes = self.registry.take_changes()
        if changes:
            self._beats.follow(changes.ephemeral, raft.now, raft.outbox.effects)
            for request_id, value in self._watches.wake(changes):
                self._respond(request_id, Done(raft.last_applied, value))
        self._watch_beats()
        if raft.reads.confirmed:
            self._take_confirmed_reads()

    def _apply(self) -> None:
        """Carry out what is committed; a bounded piece a step, so that a long log never silences the node."""
        raft, writes = self.raft, self._writes
        last = min(raft.commit_index, raft.last_applied + self.config.max_apply_entries)
        finished: list[tuple[int, Outcome]] = []
        for index in range(raft.last_applied + 1, last + 1):
            try:
                outcome = self.sessions.apply(raft.log[index], self._carry_out)
            except CommandError as error:
                raft.outbox.effects.append(Fatal(str(error)))
                self._ended = True
                return
            if index in writes:
                finished.append((index, outcome))
        raft.applied(last)
        if last < raft.commit_index:
            raft.outbox.effects.append(SetTimer(APPLY_TIMER, raft.now))
        for index, outcome in finished:
            self._conclude(writes.pop(index), outcome)
        self._serve_waiting_reads()

    def _take_snapshot(self) -> None:
        """Write down the state as of last_applied; it is one pass over it, with nothing else in between."""
        raft = self.raft
        index = raft.last_applied
        _, term, hash_, _ = raft.log.trace_rows(index, index)[0]
        configuration = raft.configuration_at(index)
        raft.take_snapshot(
            make_snapshot(
                index, term, hash_, configuration, self.registry.snapshot(), self.sessions_in_snapshot()
            )
        )

    def sessions_in_snapshot(self) -> bytes:
        """The table of sessions is a part of the state: without it a repeated write is applied twice."""
        return self.sessions.snapshot()

    def _restore(self) -> None:
        """Become what an installed snapshot says; at the start of a life, too."""
        snapshot, self.raft.installed = self.raft.installed, None
        if snapshot is None:
            return
        try:
            self.registry.restore(snapshot.registry)
            self.sessions.restore(snapshot.sessions)
        except (SnapshotError, SessionsError) as error:
            reason = f"the snapshot up to entry {snapshot.index} cannot be restored: {error}"
            self.raft.outbox.effects.append(Fatal(reason))
            self._ended = True
            return
        self._serve_waiting_reads()

    def _carry_out(self, entry: Entry) -> Outcome:
        """Apply one entry to the registry; what whoever waits for it is told."""
        if entry.kind == "configuration":  # in force since it was appended
            return Written(entry.index, None)
        result = self.registry.apply(entry)
        if isinstance(result, Rejected):
            return Refused(result.code, result.reason, proposed=False, raft_index=entry.index)
        return Written(entry.index, result)

    def _leadership_changed(self) -> None:
        """The term, or who is known to lead it, is another than before."""
        raft = self.raft
        orphans: list[_Pending] = []
        refusal = Refused(
            "lost-leadership", "the leader was lost before the outcome was known", proposed=True
        )
        origins = [*self._writes.values(), *self._forwarded.values()]
        self._writes, self._forwarded = {}, {}
        for origin in origins:
            pending = self._open.get(origin) if isinstance(origin, int) else None
            if pending is not None and self.may_repeat(pending.request):
                orphans.append(pending)
            else:
                self._conclude(origin, refusal)
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

    def _still_open(self, request_ids: list[int]) -> list[_Pending]:
        return [self._open[request_id] for request_id in request_ids if request_id in self._open]

    # ---- Clients' requests ---------------------------------------------------------------------------

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
                pending = self._open[request_id] = _Pending(request_id, request)
                self._request_deadlines.add(request_id, self.raft.now, self.raft.outbox.effects)
                self._dispatch(pending)

    def _dispatch(self, pending: _Pending) -> None:
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

    def _administer(self, pending: _Pending, body: AdminBody) -> None:
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

    def _await_leader(self, pending: _Pending) -> None:
        """Hold a request until who leads changes, or for a bounded time."""
        self._leaderless[pending.request_id] = pending
        self._leader_deadlines.add(pending.request_id, self.raft.now, self.raft.outbox.effects)

    def status(self) -> Status:
        """This node's view of itself, now."""
        raft = self.raft
        return Status(
            raft.name,
            raft.role,
            raft.current_term,
            raft.voted_for,
            raft.leader,
            raft.commit_index,
            raft.last_applied,
            raft.log.last_index,
            raft.voters,
            learners=raft.configuration.learners,
            services=len(self.registry.services.entities),
            instances=self.registry.size,
            configs=len(self.registry.configs.by_key),
            watches=len(self._watches),
        )

    # ---- Writes --------------------------------------------------------------------------------------

    def _take_in(self, request: Request, origin: Origin) -> None:
        """At the leader: a write is proposed, a beat remembered."""
        if isinstance(request.body, Beat):
            self._conclude(origin, self._beat(request.body.key))
        else:
            self._propose(request, origin)

    def _propose(self, request: Request, origin: Origin) -> None:
        body = request.body
        assert isinstance(body, Write)
        index = self.raft.propose(encode_command(body), request.op, request.session)
        self._writes[index] = origin
        if self.may_acknowledge(index):  # never yet, unless the rule is broken
            self._conclude(self._writes.pop(index), Written(index, None))

    def _conclude(self, origin: Origin, outcome: Outcome) -> None:
        """A write's outcome is known: tell the client, or the follower that has the client."""
        if not isinstance(origin, int):
            peer, message_id = origin
            self.raft.send(peer, ForwardReply(message_id, outcome))
        elif origin in self._open:
            if isinstance(outcome, Written):
                request = self._open[origin].request
                if isinstance(request.body, Write):
                    self.raft.trace("acknowledge", index=outcome.raft_index, op=request.op)
                self._close(origin, Done(outcome.raft_index, outcome.previous))
            else:
                self._close(origin, outcome)

    def _on_forward(self, envelope: Envelope, forward: Forward) -> None:
        """A follower's write. It is proposed at most once, however often the network delivers it, and
        refused as not proposed only by who would know if an earlier copy had been."""
        raft, origin = self.raft, (envelope.sender, envelope.message_id)
        if forward.term != self._led_term:
            reason = f"{raft.name} does not lead term {forward.term} and cannot tell whether it did"
            self._conclude(origin, Refused("not-leader", reason, proposed=True))
        elif not self._seen_forwards.is_first(envelope.message_id):
            return
        elif raft.role != "leader":
            reason = f"{raft.name} no longer leads term {forward.term}"
            self._conclude(origin, Refused("not-leader", reason, proposed=False))
        elif len(self._writes) >= self.config.max_pending:
            reason = f"{len(self._writes)} writes wait at the leader already"
            self._conclude(origin, Refused("overloaded", reason, proposed=False))
        else:
            self._take_in(forward.request, origin)

    def _on_forward_reply(self, reply: ForwardReply) -> None:
        request_id, outcome = self._forwarded.pop(reply.to, None), reply.outcome
        pending = None if request_id is None else self._open.get(request_id)
        if pending is None:
            return  # answered, timed out, or sent again meanwhile
        is_lost = isinstance(outcome, Refused) and outcome.code in ("not-leader", "lost-leadership")
        if is_lost and self.may_repeat(pending.request):
            self._await_leader(pending)  # who was asked does not lead any more: that will be known soon
        else:
            self._conclude(pending.request_id, outcome)

    # ---- Beats -----------------------------------------------------------------------------------------

    def _watch_beats(self) -> None:
        """A leader watches from when it has applied all that earlier leaders acknowledged."""
        raft = self.raft
        if raft.role != "leader":
            if self._beats.term:
                self._beats.end()
        elif self._beats.term != raft.current_term and self._is_up_to_date():
            self._beats.begin(raft.current_term, raft.now, raft.outbox.effects)

    def _is_up_to_date(self) -> bool:
        return self.raft.may_serve_reads() and self.raft.last_applied == self.raft.commit_index

    def _beat(self, key: InstanceKey) -> Outcome:
        """At the leader: an instance's client says that it lives."""
        raft, instance = self.raft, self.registry.get(key)
        if instance is not None and not instance.is_ephemeral:
            reason = f"instance {key.ip}:{key.port} of service {key.service} is persistent: it needs no beats"
            return Refused("conflict", reason, proposed=False, raft_index=raft.last_applied)
        if instance is not None and not self._beats.is_leaving(instance):
            revival = self._beats.beat(instance, raft.now, raft.outbox.effects)
            if revival is not None:
                raft.propose(encode_command(revival), expiry_op(revival))
            return Written(raft.last_applied, instance)
        if self._beats.term != raft.current_term:
            return Refused(
                "no-leader", f"{raft.name} leads since just now and cannot tell yet", proposed=False
            )
        reason = f"instance {key.ip}:{key.port} of service {key.service} is not registered; register it again"
        return Refused("not-found", reason, proposed=False, raft_index=raft.last_applied)

    # ---- Reads -----------------------------------------------------------------------------------------

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

    def _on_read_index(self, envelope: Envelope) -> None:
        if self.raft.role == "leader":
            self.raft.request_read((envelope.sender, envelope.message_id))
        else:
            self.raft.send(envelope.sender, ReadIndexReply(envelope.message_id, None))

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
        raft, value = self.raft, self.registry.read(body)
        if not self._watches.must_wait(body, value):
            self._respond(request_id, Done(raft.last_applied, value))
        elif self._watches.is_full:
            reason = f"{len(self._watches)} long polls wait here already"
            self._respond(request_id, Refused("overloaded", reason, proposed=False))
        else:
            self._watches.add(request_id, body, raft.now, raft.outbox.effects)

    # ---- Peers' messages and timers ------------------------------------------------------------------

    def _receive(self, envelope: Envelope) -> None:
        raft, body = self.raft, envelope.body
        raft.trace(
            "receive",
            peer=envelope.sender,
            message=type(body).__name__,
            message_id=envelope.message_id,
        )
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
                self.raft.propose(encode_command(expiry), expiry_op(expiry))
        elif name == WATCH_TIMER:
            for request_id, value in self._watches.due(now, effects):
                self._respond(request_id, Done(self.raft.last_applied, value))
        elif name == APPLY_TIMER:
            pass  # what follows from any step applies the next piece
        else:
            self.raft.timer_fired(name)

    def _expire(self, request_id: int, code: Literal["timeout", "no-leader"], after_ns: int) -> None:
        pending = self._open[request_id]
        is_leaderless = self._leaderless.pop(request_id, None) is not None
        reason = "no leader is known" if is_leaderless else "no majority answered"
        reason = f"{reason} within {after_ns / 1e6:.0f} ms"
        self._close(request_id, Refused(code, reason, pending.proposed))

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
        self.raft.trace("stop")
        self._ended = True

    # ---- Effects -----------------------------------------------------------------------------------------

    def _close(self, request_id: int, reply: Reply) -> None:
        del self._open[request_id]
        self._respond(request_id, reply)

    def _respond(self, request_id: int, reply: Reply) -> None:
        self.raft.outbox.effects.append(Respond(request_id, reply))

    def _take(self) -> list[Effect]:
        return self.raft.outbox.take(self.raft.voted_for, self.raft.log.last_index)
