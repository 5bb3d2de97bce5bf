"""Beats of ephemeral instances: remembered by the leader alone, who decides what follows from silence.

`beat_watch.py` has the memory and says why beats do not go through the log.
"""

from __future__ import annotations

from collections.abc import Iterable

from node_impl.core.events import Instance, InstanceKey, Refused
from node_impl.core.raft.messages import Written
from node_impl.core.raft.raft import Raft
from node_impl.core.registry.commands import encode_command, expiry_op
from node_impl.core.registry.sessions import Outcome
from node_impl.core.requests import Expire
from node_impl.core.serving.beat_watch import BeatWatch
from node_impl.core.serving.state_machine import StateMachine

BEAT_TIMER = "beats"


class Beats:
    """At the leader: takes beats, and proposes what follows where they stop."""

    def __init__(self, raft: Raft, machine: StateMachine) -> None:
        self._raft = raft
        self._registry = machine.registry
        self._watch = BeatWatch(BEAT_TIMER, machine.registry, raft.state.config.election_timeout_ns)

    # ---- The rules --------------------------------------------------------------------------------------

    def may_watch(self) -> bool:
        """Only the leader's clock decides which instance fell silent."""
        return self._raft.state.role == "leader"

    def outcome_of_late_beat(self, key: InstanceKey) -> Outcome:
        """An instance that is not registered has to register again: a beat alone does not register it."""
        reason = f"instance {key.ip}:{key.port} of service {key.service} is not registered; register it again"
        return Refused("not-found", reason, proposed=False, raft_index=self._raft.state.last_applied)

    def decide(self, expiry: Expire) -> None:
        """An instance fell silent, or came back: what becomes of it is a command for all nodes."""
        self._raft.replication.propose(encode_command(expiry), expiry_op(expiry))

    # ---- Watching ---------------------------------------------------------------------------------------

    def keep_watch(self) -> None:
        """A leader watches as soon as it has applied all that earlier leaders acknowledged."""
        state = self._raft.state
        if not self.may_watch():
            if self._watch.term:
                self._watch.end()
        elif self._watch.term != state.current_term and self._is_up_to_date():
            self._watch.begin(state.current_term, state.now, state.outbox.effects)

    def _is_up_to_date(self) -> bool:
        state = self._raft.state
        return self._raft.reads.may_serve_reads() and state.last_applied == state.commit_index

    def registered(self, instances: Iterable[Instance]) -> None:
        """These ephemeral instances were registered, or their health changed."""
        state = self._raft.state
        self._watch.follow(instances, state.now, state.outbox.effects)

    def timer_fired(self) -> None:
        """Some instance may have been silent for too long."""
        state = self._raft.state
        for expiry in self._watch.due(state.now, state.outbox.effects):
            self.decide(expiry)

    # ---- Beats ------------------------------------------------------------------------------------------

    def beat(self, key: InstanceKey) -> Outcome:
        """An instance's client says that the instance lives."""
        state, instance = self._raft.state, self._registry.get(key)
        if instance is not None and not instance.is_ephemeral:
            reason = f"instance {key.ip}:{key.port} of service {key.service} is persistent: it needs no beats"
            return Refused("conflict", reason, proposed=False, raft_index=state.last_applied)
        if instance is not None and not self._watch.is_leaving(instance):
            revival = self._watch.beat(instance, state.now, state.outbox.effects)
            if revival is not None:
                self.decide(revival)
            return Written(state.last_applied, instance)
        if self._watch.term != state.current_term:
            return Refused(
                "no-leader", f"{state.name} leads since just now and cannot tell yet", proposed=False
            )
        return self.outcome_of_late_beat(key)
