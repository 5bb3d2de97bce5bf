"""A write that is older than its client's last one is applied after it."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.sessions import Sessions


@breaks
class AppliesOldSequences(Sessions):
    """Compares a write with the client's last sequence only for equality."""

    def is_passed(self, last_sequence: int, sequence: int) -> bool:  # noqa: ARG002 - this is the bug
        """No sequence counts as passed."""
        return False


MUTANT = Mutant(
    name="old-sequence-applied",
    about="a write older than its client's last one is applied after it",
    caught_by="applied-once",
    seed=9,
    source="thesis, section 6.3",
    also=CLIENT_CHECKERS,
    workload="sessions",
    parts=Parts(sessions=AppliesOldSequences),
)
