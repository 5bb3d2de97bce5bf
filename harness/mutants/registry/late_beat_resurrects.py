"""A beat that comes after its instance was removed brings it back."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Instance, InstanceKey
from node_impl.core.raft.messages import Written
from node_impl.core.raft.raft import Raft
from node_impl.core.registry.commands import encode_command
from node_impl.core.registry.sessions import Outcome
from node_impl.core.requests import Register
from node_impl.core.serving.beats import Beats
from node_impl.core.serving.state_machine import StateMachine


@breaks
class ResurrectsByBeat(Beats):
    """Remembers each instance that sent a beat, and registers it again."""

    def __init__(self, raft: Raft, machine: StateMachine) -> None:
        super().__init__(raft, machine)
        self._beaten: dict[InstanceKey, Instance] = {}

    def beat(self, key: InstanceKey) -> Outcome:
        """The instance of each beat is remembered."""
        instance = self._registry.get(key)
        if instance is not None:
            self._beaten[key] = instance
        return super().beat(key)

    def outcome_of_late_beat(self, key: InstanceKey) -> Outcome:
        """A late beat registers the instance again if this node has had a beat of it before."""
        known = self._beaten.get(key)
        if known is None:
            return super().outcome_of_late_beat(key)
        again = Register(key, known.weight, known.enabled, known.metadata, known.beats)
        self._raft.replication.propose(encode_command(again), None)
        return Written(self._raft.state.last_applied, known)


MUTANT = Mutant(
    name="late-beat-resurrects",
    about="a beat that comes after its instance was removed brings it back",
    caught_by="expiry",
    seed=3,
    source="Nacos 1.x registers any instance that sends a beat",
    also=("expiry", "linearizability", "index-honesty", "beats"),
    workload="ephemeral",
    parts=Parts(beats=ResurrectsByBeat),
)
