"""A new leader serves reads before it knows what is committed."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.reads import ReadRounds


@breaks
class ReadsBeforeFirstCommit(ReadRounds):
    """Serves reads without waiting for an entry of its own term."""

    def may_serve_reads(self) -> bool:
        """Reads may be served as soon as the term begins."""
        return True


MUTANT = Mutant(
    name="read-before-first-commit",
    about="a new leader serves reads before it knows what is committed",
    caught_by="linearizability",
    seed=25,
    source="Raft, section 8: a no-op at the start of a term; thesis, section 6.4",
    also=CLIENT_CHECKERS,
    parts=Parts(reads=ReadsBeforeFirstCommit),
)
