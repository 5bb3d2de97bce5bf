"""A new leader serves reads before it knows what is committed."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class ReadsBeforeFirstCommit(Raft):
    """Does not wait for an entry of its own term."""

    def may_serve_reads(self) -> bool:
        """At once."""
        return True


PARTS = Parts(core=ReadsBeforeFirstCommit)
