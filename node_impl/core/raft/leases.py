"""The leader's lease: for a while after a majority was heard, reads need no round (thesis, section 6.4.1).

**Why it holds.** A follower that hears the leader at its own time h gives no vote until h + T, where T is the
election time-out, equal on all nodes. A node that begins a life may have forgotten that it heard a leader, so
it gives no vote until T after its start. A leader that sent a round at time s by its own clock, and has the
answers of a majority, counts on their promises from s on, since each was made after s: the lease lasts until
s + T, less what clocks may differ. Another node needs the vote of one of that majority to be elected in its
place. By then that promise is over, hence the lease, hence every read that was answered under it; what the
new leader commits is committed later.

**Assumptions**, without which reads may be stale (nothing else breaks):

- every node's monotonic clock runs at a rate within the bound b of true time. A follower's T may then last as
  little as T / (1 + b), the leader's L as long as L / (1 - b): so L = T (1 - b) / (1 + b);
- no clock leaps, and none stands still while its node runs: Linux's CLOCK_MONOTONIC does while the machine is
  suspended;
- all nodes have the lease switched on, with one T.

**Where the promise has exceptions.** A leader may ask a follower to stand at once (leader transfer), and then
voters listen to that one, promise or not. So before it asks, a leader gives up its lease, and for the rest of
its term, since the message may arrive late. A promise outlives the term in which it was made: a node that
moved to a higher term, and heard no leader of it, keeps what it promised to the old one.
"""

from __future__ import annotations

from collections import deque

from node_impl.core.raft.followers import Followers
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.membership import Membership


class LeaderLeases:
    """What a follower promises its leader, and for how long a leader knows that no other node can lead."""

    __slots__ = ("_followers", "_lease", "_membership", "_promised_until", "_state")

    def __init__(self, state: RaftState, membership: Membership, followers: Followers) -> None:
        self._state = state
        self._membership = membership
        self._followers = followers
        self._lease = Lease()
        self._promised_until = 0
        """Where leases are used: before this, only a candidate that the leader itself asked gets a vote."""

    # ---- The rules -------------------------------------------------------------------------------------

    def uses_lease(self) -> bool:
        """Whether leaders serve reads under a lease, for which all nodes make promises."""
        return self._state.config.lease

    def lease_ns(self) -> int:
        """How long a majority's promises last by this node's clock: theirs may be fast, and its own slow."""
        config = self._state.config
        bound = config.clock_drift_bound_percent
        return config.election_timeout_ns * (100 - bound) // (100 + bound)

    def lease_holds(self) -> bool:
        """Whether reads need no round now."""
        return self.uses_lease() and self._lease.holds(self._state.now)

    def has_promised(self) -> bool:
        """Whether this node must not vote yet, since a leader counts on it, maybe one of an earlier life."""
        return self.uses_lease() and self._state.now < self._promised_until

    # ---- At a follower ---------------------------------------------------------------------------------

    def promise(self) -> None:
        """The leader was heard, or may have been, an instant before this life began."""
        self._promised_until = self._state.now + self._state.config.election_timeout_ns

    # ---- At the leader ---------------------------------------------------------------------------------

    def begin_to_lead(self) -> None:
        """A new term has to earn a lease of its own."""
        self._lease = Lease()

    def sent(self, round_number: int) -> None:
        """A round of heartbeats leaves now."""
        self._lease.sent(round_number, self._state.now)

    def renew(self, newest_round: int) -> None:
        """A follower answered: the lease begins with the newest round that a majority has answered."""
        if not self.uses_lease():
            return
        voters = self._membership.voters
        rounds = [peer.read_round for name, peer in self._followers.by_name.items() if name in voters]
        if self._state.name in voters:
            rounds.append(newest_round)
        rounds.sort(reverse=True)
        self._lease.answered(rounds[len(voters) // 2], self.lease_ns())

    def give_up(self) -> None:
        """Leadership is about to be handed over: serve no more reads under this term's lease."""
        self._lease.give_up()


class Lease:
    """The lease of one leader in one term; times are nanoseconds of its own clock."""

    __slots__ = ("_is_given_up", "_sent", "_until")

    def __init__(self) -> None:
        self._until = 0
        self._sent: deque[tuple[int, int]] = deque()
        """(round, when it was sent) of those that no majority has answered yet."""
        self._is_given_up = False

    def sent(self, round_number: int, now: int) -> None:
        """A round leaves now; its number is above all numbers before."""
        self._sent.append((round_number, now))

    def answered(self, round_number: int, lasts_ns: int) -> None:
        """A majority, this node included, has answered this round or a later one."""
        sent = self._sent
        while sent and sent[0][0] <= round_number:
            self._until = max(self._until, sent.popleft()[1] + lasts_ns)

    def holds(self, now: int) -> bool:
        """Whether no other node can have been elected by now."""
        return now < self._until and not self._is_given_up

    def give_up(self) -> None:
        """End the lease for good: leadership may be handed over at any time from now on."""
        self._is_given_up = True
