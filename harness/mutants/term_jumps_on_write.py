"""The leader raises its term by a hundred with each write, and goes on to lead."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class JumpsOnWrite(Raft):
    """Leads terms in which nobody has voted for it."""

    TERMS_A_WRITE = 100

    def propose(self, payload: bytes, op: str | None, session: tuple[str, int] | None = None) -> int:
        """In a term of its own making."""
        self._set_term(self.current_term + self.TERMS_A_WRITE)
        return super().propose(payload, op, session)


PARTS = Parts(core=JumpsOnWrite)
