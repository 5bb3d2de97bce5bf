"""A new leader cleans its log of what it does not know to be committed; some of it is."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class DiscardsOnElection(Raft):
    """Deletes entries of its own log as leader."""

    def _become_leader(self) -> None:
        if self.log.last_index > self.commit_index:
            self._truncate(self.commit_index + 1)
        super()._become_leader()


PARTS = Parts(core=DiscardsOnElection)
