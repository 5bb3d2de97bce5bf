"""The leader raises its term by a hundred with each write, and goes on to lead."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.replication import Replication


@breaks
class JumpsOnWrite(Replication):
    """Leads in terms in which no node has voted for it."""

    TERMS_A_WRITE = 100

    def propose(self, payload: bytes, op: str | None, session: tuple[str, int] | None = None) -> int:
        """The leader raises its term before it appends the entry."""
        self._state.enter_term(self._state.current_term + self.TERMS_A_WRITE)
        return super().propose(payload, op, session)


MUTANT = Mutant(
    name="term-jumps-on-write",
    about="the leader raises its term by a hundred with each write, and continues to lead",
    caught_by="recovery",
    source="the Raft of Nacos before 1.4 added 100 to the term with each publication",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(replication=JumpsOnWrite),
)
