"""A leader commits what half of the voters hold, rounded down."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.replication import Replication


@breaks
class CommitsHeldByHalf(Replication):
    """Takes the index that is one place too far ahead in the sorted list."""

    def index_held_by_a_majority(self, held: list[int]) -> int:
        """The highest index that half of the voters hold."""
        return sorted(held, reverse=True)[max(len(held) // 2 - 1, 0)]


MUTANT = Mutant(
    name="commit-held-by-half",
    about="a leader commits what half of the voters hold, rounded down",
    caught_by="durable-before-acknowledge",
    source="Raft, Figure 2, Leaders: a majority of matchIndex",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(replication=CommitsHeldByHalf),
)
