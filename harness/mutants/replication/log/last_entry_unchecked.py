"""A follower does not compare the previous entry with its own if its own is its last one."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.messages import AppendEntries
from node_impl.core.raft.replication import Replication


@breaks
class LastEntryUnchecked(Replication):
    """Ends the comparison one entry too early."""

    def previous_entry_matches(self, request: AppendEntries) -> bool:
        """The node's last entry matches any entry of that index."""
        return request.prev_log_index == self._state.log.last_index or super().previous_entry_matches(request)


MUTANT = Mutant(
    name="last-entry-unchecked",
    about="a follower does not compare the previous entry with its own if its own is its last one",
    caught_by="log-matching",
    seed=4,
    source="Raft, section 5.3; off by one in the consistency check",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(replication=LastEntryUnchecked),
)
