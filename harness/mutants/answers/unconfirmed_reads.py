"""A leader serves reads without confirming that it still leads."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.reads import ReadRounds


@breaks
class UnconfirmedReads(ReadRounds):
    """Assumes that it still leads because it has led before."""

    def leadership_is_confirmed(self) -> bool:
        """Leadership counts as confirmed at all times."""
        return True


MUTANT = Mutant(
    name="unconfirmed-reads",
    about="a leader answers lookups without checking that it still leads",
    caught_by="linearizability",
    options=("--nemesis", "partition:isolate-leader"),
    seed=14,
    source="Raft, section 8: a leader exchanges heartbeats with a majority before it answers a read",
    also=CLIENT_CHECKERS,
    parts=Parts(reads=UnconfirmedReads),
)
