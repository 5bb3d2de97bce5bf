"""A follower commits entries that were not compared with the leader's log."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.messages import AppendEntries
from node_impl.core.raft.replication import Replication


@breaks
class CommitsUnmatched(Replication):
    """Applies the leader's commitIndex to entries after the last one that matched."""

    def on_append_entries(self, leader: str, request: AppendEntries) -> None:
        """The whole log is committed as far as the leader has committed."""
        super().on_append_entries(leader, request)
        if request.term == self._state.current_term:
            self._state.commit_up_to(min(request.leader_commit, self._state.log.last_index))


MUTANT = Mutant(
    name="commit-unmatched",
    about="a follower commits entries of its own that were not compared with the leader's",
    caught_by="state-machine-safety",
    seed=4,
    source="Raft, Figure 2, AppendEntries rule 5: index of last new entry",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(replication=CommitsUnmatched),
)
