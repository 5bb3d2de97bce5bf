"""Half of the members count as a majority."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class HalfIsAMajority(Raft):
    """Rounds the wrong way."""

    def is_majority(self, count: int) -> bool:
        """Half, rounded down, will do."""
        return count >= len(self.members) // 2


PARTS = Parts(core=HalfIsAMajority)
