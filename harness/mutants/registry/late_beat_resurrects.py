"""A beat that comes after its instance was removed brings it back."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import Instance, InstanceKey
from node_impl.core.node import Node
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import Written
from node_impl.core.registry.commands import encode_command
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Outcome, Sessions
from node_impl.core.requests import Register


@breaks
class ResurrectsByBeat(Node):
    """Remembers each instance that sent a beat, and registers it again."""

    def __init__(self, raft: Raft, registry: Registry, sessions: Sessions, config: NodeConfig) -> None:
        super().__init__(raft, registry, sessions, config)
        self._beaten: dict[InstanceKey, Instance] = {}

    def _beat(self, key: InstanceKey) -> Outcome:
        instance = self.registry.get(key)
        if instance is not None:
            self._beaten[key] = instance
        return super()._beat(key)

    def outcome_of_late_beat(self, key: InstanceKey) -> Outcome:
        """A late beat registers the instance again if this node has had a beat of it before."""
        known = self._beaten.get(key)
        if known is None:
            return super().outcome_of_late_beat(key)
        again = Register(key, known.weight, known.enabled, known.metadata, known.beats)
        self.raft.propose(encode_command(again), None)
        return Written(self.raft.last_applied, known)


MUTANT = Mutant(
    name="late-beat-resurrects",
    about="a beat that comes after its instance was removed brings it back",
    caught_by="expiry",
    source="Nacos 1.x registers any instance that sends a beat",
    also=("expiry", "linearizability", "index-honesty"),
    workload="ephemeral",
    parts=Parts(node=ResurrectsByBeat),
)
