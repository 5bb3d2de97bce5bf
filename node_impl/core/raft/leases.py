"""A leader that serves reads under a lease, where that is switched on; `lease.py` argues why that is safe."""

from __future__ import annotations

from node_impl.core.raft.lease import Lease
from node_impl.core.raft.membership import Membership
from node_impl.core.raft.messages import TimeoutNow


class Leases(Membership):
    """A leader that knows for how long nobody else can lead."""

    # ---- The rules -------------------------------------------------------------------------------------

    def lease_ns(self) -> int:
        """How long a majority's promises last by this node's clock: theirs may be fast, and its own slow."""
        bound = self.config.clock_drift_bound_percent
        return self.config.election_timeout_ns * (100 - bound) // (100 + bound)

    def lease_holds(self) -> bool:
        """Whether reads need no round now."""
        return self.uses_lease() and self.lease.holds(self.now)

    # ---- Keeping it ------------------------------------------------------------------------------------

    def _begin_to_lead(self) -> None:
        self.lease = Lease()
        super()._begin_to_lead()

    def _broadcast_heartbeat(self) -> None:
        if self.uses_lease():
            self.reads.number += 1
            self.lease.sent(self.reads.number, self.now)
        super()._broadcast_heartbeat()

    def _renew_lease(self) -> None:
        """Some follower answered: what is the newest round that a majority of voters has answered?"""
        if not self.uses_lease():
            return
        rounds = [peer.read_round for name, peer in self.peers.items() if name in self.voters]
        if self.name in self.voters:
            rounds.append(self.reads.number)
        rounds.sort(reverse=True)
        self.lease.answered(rounds[len(self.voters) // 2], self.lease_ns())

    def transfer_to(self, successor: str) -> None:
        """Ask a voter to stand for election now; the lease is over before it is asked."""
        self.lease.give_up()
        self.send(successor, TimeoutNow(self.current_term))
