"""A leader commits what half of the voters hold, rounded down."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class CommitsHeldByHalf(Raft):
    """Looks one place too far to the front."""

    def index_held_by_a_majority(self, held: list[int]) -> int:
        """Up to where half of them do."""
        return sorted(held, reverse=True)[max(len(held) // 2 - 1, 0)]


PARTS = Parts(core=CommitsHeldByHalf)
