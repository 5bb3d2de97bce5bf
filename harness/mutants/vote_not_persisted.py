"""A vote is in memory only; the term alone is written."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class VoteNotPersisted(Raft):
    """Forgets, with a crash, whom it voted for."""

    def _vote_for(self, candidate: str) -> None:
        self.voted_for = candidate
        self.trace("vote", vote=candidate)


PARTS = Parts(core=VoteNotPersisted)
