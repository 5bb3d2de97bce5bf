"""A leader's lease that takes all clocks for equally fast."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class LeaseWithoutClockBound(Raft):
    """Uses leases, whatever the settings, and lets its own last as long as the followers' promises."""

    def uses_lease(self) -> bool:
        """Always."""
        return True

    def lease_ns(self) -> int:
        """As if no clock were faster than another."""
        return self.config.election_timeout_ns


PARTS = Parts(core=LeaseWithoutClockBound)
