"""The leader's lease: for a while after a majority was heard, reads need no round (thesis, section 6.4.1).

**Why it holds.** A follower that hears the leader at its own time h votes for nobody until h + T, where T is
the election time-out, equal on all nodes; who begins a life, and so may have forgotten whom it heard, votes
for nobody until T after that. A leader that sent a round at time s by its own clock, and has the answers of a
majority, counts on their promises from s on, since each was made after s: the lease lasts until s + T, less
what clocks may differ. Whoever is elected in its place needs the vote of one of that majority. By then that
one's promise is over, hence the lease, hence every read that was answered by it; what the new leader commits
is committed later.

**Assumptions**, without which reads may be stale (nothing else breaks):

- every node's monotonic clock runs at a rate within the bound b of true time. A follower's T may then last as
  little as T / (1 + b), the leader's L as long as L / (1 - b): so L = T (1 - b) / (1 + b);
- no clock leaps, and none stands still while its node runs: Linux's CLOCK_MONOTONIC does while the machine is
  suspended;
- all nodes have the lease switched on, with one T.

**Where the promise has exceptions.** A leader may ask a follower to stand at once (leader transfer), and then
voters listen to that one, promise or not. So before it asks, a leader gives up its lease, and for the rest of
its term, since the message may arrive late. A promise outlives the term in which it was made: whoever moved
to a higher term, but heard no leader of it, keeps what it promised to the old one.
"""

from __future__ import annotations

from collections import deque


class Lease:
    """One leader's, in one term; times are its own clock's nanoseconds."""

    def __init__(self) -> None:
        self._until = 0
        self._sent: deque[tuple[int, int]] = deque()
        """(round, when it was sent) of those that no majority has answered yet."""
        self._is_given_up = False

    def sent(self, round_number: int, now: int) -> None:
        """A round leaves now, its number above all before."""
        self._sent.append((round_number, now))

    def answered(self, round_number: int, lasts_ns: int) -> None:
        """A majority, this node included, has answered this round or a later one."""
        sent = self._sent
        while sent and sent[0][0] <= round_number:
            self._until = max(self._until, sent.popleft()[1] + lasts_ns)

    def holds(self, now: int) -> bool:
        """Whether nobody else can have been elected by now."""
        return now < self._until and not self._is_given_up

    def give_up(self) -> None:
        """For good: leadership may be handed over at any time from now on."""
        self._is_given_up = True
