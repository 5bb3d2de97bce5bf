"""A learner that hears no leader stands for election."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class LearnersStand(Raft):
    """Takes being a member for being a voter."""

    def may_stand(self) -> bool:
        """Whoever is in the configuration."""
        return self.name in self.members


PARTS = Parts(core=LearnersStand)
