"""A beat of a healthy instance is answered and not remembered."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.messages import Written
from node_impl.core.registry.sessions import Outcome
from node_impl.core.requests import InstanceKey
from node_impl.core.serving.beats import Beats


@breaks
class ForgetsBeats(Beats):
    """Leaders remember only the beats that revive."""

    def beat(self, key: InstanceKey) -> Outcome:
        """A healthy instance's beat changes nothing."""
        instance = self._registry.get(key)
        if instance is not None and instance.is_ephemeral and instance.healthy:
            return Written(self._raft.state.last_applied, instance)
        return super().beat(key)


MUTANT = Mutant(
    name="beats-not-counted",
    about="a healthy instance becomes unhealthy and is removed although it beats",
    caught_by="beats",
    seed=0,
    source="the registry's own meaning: an instance lives as long as it beats",
    workload="ephemeral",
    parts=Parts(beats=ForgetsBeats),
)
