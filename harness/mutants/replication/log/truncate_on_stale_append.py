"""A follower deletes all entries that an AppendEntries does not name, also if the message is an old one."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.messages import AppendEntries
from node_impl.core.raft.replication import Replication


@breaks
class TruncatesOnStaleAppend(Replication):
    """Takes each AppendEntries for the whole rest of the leader's log."""

    def truncation_point(self, request: AppendEntries) -> int | None:
        """The log is cut at the first entry of each request that ends before the log does."""
        end = request.prev_log_index + len(request.entries) + 1
        if request.entries and self.previous_entry_matches(request) and end <= self._state.log.last_index:
            return request.prev_log_index + 1
        return super().truncation_point(request)

    def may_truncate(self, point: int) -> bool:  # noqa: ARG002 - it does not look
        """It does not look whether it cuts what is committed, either."""
        return True


MUTANT = Mutant(
    name="truncate-on-stale-append",
    about="a follower deletes all entries that an AppendEntries does not name, also if it is an old one",
    caught_by="committed-never-truncated",
    seed=4,
    source="Raft, Figure 2, AppendEntries rule 3: if an existing entry conflicts",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(replication=TruncatesOnStaleAppend),
)
