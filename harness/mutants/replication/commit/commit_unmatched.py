"""A follower commits entries that were not compared with the leader's log."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import AppendEntries


@breaks
class CommitsUnmatched(Raft):
    """Applies the leader's commitIndex to entries after the last one that matched."""

    def _on_append_entries(self, leader: str, request: AppendEntries) -> None:
        super()._on_append_entries(leader, request)
        if request.term == self.current_term:
            self._set_commit_index(min(request.leader_commit, self.log.last_index))


MUTANT = Mutant(
    name="commit-unmatched",
    about="a follower commits entries of its own that were not compared with the leader's",
    caught_by="state-machine-safety",
    source="Raft, Figure 2, AppendEntries rule 5: index of last new entry",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(core=CommitsUnmatched),
)
