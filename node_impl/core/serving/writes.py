"""Writes and beats: proposed or remembered at the leader, forwarded once by a follower.

A write is answered when its entry is applied at the leader: by then a majority holds it on disk. Nobody
repeats a write, unless it carries (client id, sequence): then it is applied once however often it is in the
log (`sessions.py`), and is sent again when its leader is lost. A beat is remembered by the leader, and nobody
else (`beat_watch.py`).
"""

from __future__ import annotations

from node_impl.core.config import NodeConfig
from node_impl.core.events import Done, InstanceKey, Refused, Request, Write
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import Envelope, Forward, ForwardReply, Written
from node_impl.core.registry.commands import encode_command, expiry_op
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Outcome, Sessions
from node_impl.core.requests import Beat, Expire
from node_impl.core.serving.beat_watch import BeatWatch
from node_impl.core.serving.reads import Reads
from node_impl.core.serving.waiting import SeenForwards

BEAT_TIMER = "beats"

Origin = int | tuple[str, str]
"""Who waits for a write: this node's client by request id, or a follower by (peer, its message id)."""


class Writes(Reads):
    """A node that takes writes and beats."""

    def __init__(self, raft: Raft, registry: Registry, sessions: Sessions, config: NodeConfig) -> None:
        super().__init__(raft, registry, sessions, config)
        self._beats = BeatWatch(BEAT_TIMER, registry, config.election_timeout_ns)
        self._led_term = 0
        """The last term that this node led in this life."""
        self._writes: dict[int, Origin] = {}
        """At the leader: who waits for the entry at an index, proposed in `_led_term`."""
        self._seen_forwards = SeenForwards()
        self._forwarded: dict[str, int] = {}
        """At a follower: request id by the id of the message that forwarded it."""

    # ---- The rules --------------------------------------------------------------------------------------

    def may_acknowledge(self, index: int) -> bool:
        """A write is answered once its entry is applied at the leader: then it is committed (section 5.3)."""
        return index <= self.raft.last_applied

    def is_first_copy(self, message_id: str) -> bool:
        """A forward is proposed once, however often the network delivers it."""
        return self._seen_forwards.is_first(message_id)

    def outcome_of_orphan(self, origin: Origin, index: int | None) -> Outcome:  # noqa: ARG002 - all alike
        """What whoever waits for a write is told when its leader is lost: an entry that this node appended
        at `index`, or forwarded (None), may come to be committed or to be overwritten."""
        return Refused("lost-leadership", "the leader was lost before the outcome was known", proposed=True)

    def may_watch_beats(self) -> bool:
        """Whose clock says who fell silent: the leader's alone."""
        return self.raft.role == "leader"

    def outcome_of_late_beat(self, key: InstanceKey) -> Outcome:
        """An instance that is not registered has to register again: a beat brings nobody back."""
        reason = f"instance {key.ip}:{key.port} of service {key.service} is not registered; register it again"
        return Refused("not-found", reason, proposed=False, raft_index=self.raft.last_applied)

    # ---- At the leader ----------------------------------------------------------------------------------

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

    def _on_forward(self, envelope: Envelope, forward: Forward) -> None:
        """A follower's write. It is proposed at most once, however often the network delivers it, and
        refused as not proposed only by who would know if an earlier copy had been."""
        raft, origin = self.raft, (envelope.sender, envelope.message_id)
        if forward.term != self._led_term:
            reason = f"{raft.name} does not lead term {forward.term} and cannot tell whether it did"
            self._conclude(origin, Refused("not-leader", reason, proposed=True))
        elif not self.is_first_copy(envelope.message_id):
            return
        elif raft.role != "leader":
            reason = f"{raft.name} no longer leads term {forward.term}"
            self._conclude(origin, Refused("not-leader", reason, proposed=False))
        elif len(self._writes) >= self.config.max_pending:
            reason = f"{len(self._writes)} writes wait at the leader already"
            self._conclude(origin, Refused("overloaded", reason, proposed=False))
        else:
            self._take_in(forward.request, origin)

    # ---- Outcomes ---------------------------------------------------------------------------------------

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

    # ---- Beats ------------------------------------------------------------------------------------------

    def _watch_beats(self) -> None:
        """A leader watches from when it has applied all that earlier leaders acknowledged."""
        raft = self.raft
        if not self.may_watch_beats():
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
                self._decide(revival)
            return Written(raft.last_applied, instance)
        if self._beats.term != raft.current_term:
            return Refused(
                "no-leader", f"{raft.name} leads since just now and cannot tell yet", proposed=False
            )
        return self.outcome_of_late_beat(key)

    def _decide(self, expiry: Expire) -> None:
        """An instance fell silent, or came back: what is to become of it is a command for all nodes."""
        self.raft.propose(encode_command(expiry), expiry_op(expiry))
