"""A follower checks that it has the previous entry, and not that its term is the same."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.messages import AppendEntries
from node_impl.core.raft.replication import Replication


@breaks
class PreviousTermUnchecked(Replication):
    """Compares logs by index only."""

    def previous_entry_matches(self, request: AppendEntries) -> bool:
        """The previous entry matches if the log reaches its index."""
        return request.prev_log_index <= self._state.log.last_index


MUTANT = Mutant(
    name="previous-term-unchecked",
    about="a follower checks that it has the previous entry, and not that its term is the same",
    caught_by="log-matching",
    seed=4,
    source="Raft, section 5.3, AppendEntries rule 2",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(replication=PreviousTermUnchecked),
)
