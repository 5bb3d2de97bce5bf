"""A follower takes over the leader's commitIndex for entries that were not compared yet."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import AppendEntries


@breaks
class CommitsUnmatched(Raft):
    """Commits up to the end of its own log."""

    def _on_append_entries(self, leader: str, request: AppendEntries) -> None:
        super()._on_append_entries(leader, request)
        if request.term == self.current_term:
            self._set_commit_index(min(request.leader_commit, self.log.last_index))


PARTS = Parts(core=CommitsUnmatched)
