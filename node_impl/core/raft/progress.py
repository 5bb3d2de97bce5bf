"""What a leader knows of one follower (Figure 2, volatile state on leaders), and how fast it may send.

A follower whose log is known to match up to `next_index - 1` is sent several messages ahead. One
whose log is not known to match is probed: one message, then wait for its answer. An answer that is
lost is made up for by the next heartbeat's, so nothing here needs a timer of its own.
"""

from __future__ import annotations

from collections import deque

from node_impl.core.raft.snapshots import Outgoing


class Progress:
    """Mutable; one for each other member, made anew at each election won."""

    __slots__ = ("heard", "in_flight", "match_index", "next_index", "probing", "read_round", "transfer")

    def __init__(self, next_index: int) -> None:
        self.next_index = next_index
        """nextIndex: where the next message with entries starts."""
        self.match_index = 0
        """matchIndex: the follower's log is known to equal the leader's, durably, up to here."""
        self.probing = True
        self.in_flight: deque[int] = deque()
        """The last index of each message with entries that was neither answered nor given up."""
        self.read_round = 0
        """The newest round of leadership confirmation that the follower answered."""
        self.heard = False
        """Whether it answered since the quorum was last checked."""
        self.transfer: Outgoing | None = None
        """The snapshot on its way, while the follower lacks what the log no longer holds."""

    def may_send(self, max_in_flight: int) -> bool:
        """Whether another message with entries may leave now."""
        return len(self.in_flight) < (1 if self.probing else max_in_flight)

    def sent(self, last_index: int) -> None:
        """A message with entries up to last_index left."""
        self.in_flight.append(last_index)
        if not self.probing:
            self.next_index = last_index + 1

    def accepted(self, match_index: int) -> bool:
        """The follower's log matches up to match_index; whether that is news."""
        if self.probing:
            self.probing = False
            self.in_flight.clear()
            self.next_index = self.match_index + 1
        while self.in_flight and self.in_flight[0] <= match_index:
            self.in_flight.popleft()
        self.next_index = max(self.next_index, match_index + 1)
        if match_index <= self.match_index:
            return False
        self.match_index = match_index
        return True

    def refused(self, prev_log_index: int, next_index: int) -> bool:
        """The follower has nothing matching at prev_log_index: go on from next_index; False if stale."""
        if prev_log_index <= self.match_index or (self.probing and prev_log_index != self.next_index - 1):
            return False
        self.next_index = max(self.match_index + 1, min(next_index, prev_log_index))
        self.probing = True
        self.in_flight.clear()
        return True
