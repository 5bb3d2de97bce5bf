"""A leader's lease is computed as if all clocks ran equally fast."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.leases import LeaderLeases


@breaks
class LeaseWithoutClockBound(LeaderLeases):
    """Uses leases in any setting, and lets its own last as long as the followers' promises."""

    def uses_lease(self) -> bool:
        """LeaderLeases are in use in any setting."""
        return True

    def lease_ns(self) -> int:
        """The lease lasts a whole election time-out, with no allowance for a fast clock."""
        return self._state.config.election_timeout_ns


MUTANT = Mutant(
    name="lease-without-clock-bound",
    about="a leader's lease is computed as if all clocks ran equally fast",
    caught_by="linearizability",
    seed=14,
    source="Ongaro's thesis, section 6.4.1: leases assume a bound on clock drift",
    faults=("partition:isolate-leader", "drift:slow-leader"),
    also=CLIENT_CHECKERS,
    parts=Parts(leases=LeaseWithoutClockBound),
)
