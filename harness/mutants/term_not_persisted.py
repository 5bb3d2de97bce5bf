"""The current term is in memory only."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class TermNotPersisted(Raft):
    """Is in an earlier term after a crash."""

    def _set_term(self, term: int) -> None:
        self.current_term, self.voted_for = term, None
        self.trace("term")


PARTS = Parts(core=TermNotPersisted)
