"""Half of the members count as a majority."""

from harness.mutants.rules import breaks
from node_impl.build import Parts
from node_impl.raft.core import Raft


@breaks
class HalfIsAMajority(Raft):
    """Rounds the wrong way."""

    def is_majority(self, count: int) -> bool:
        """Half will do."""
        return 2 * count >= len(self.members)


PARTS = Parts(core=HalfIsAMajority)
