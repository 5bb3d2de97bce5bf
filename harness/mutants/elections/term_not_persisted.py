"""The current term is in memory only, and not on the disk."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.member.state import RaftState


@breaks
class TermNotPersisted(RaftState):
    """Returns from a crash in an earlier term."""

    def enter_term(self, term: int) -> None:
        """The term is not recorded for the disk."""
        self.current_term, self.voted_for = term, None
        self.trace("term")


MUTANT = Mutant(
    name="term-not-persisted",
    about="the current term is in memory only, so that a crash brings back an earlier one",
    caught_by="term-monotonic",
    source="Raft, Figure 2: currentTerm is persistent",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(state=TermNotPersisted),
)
