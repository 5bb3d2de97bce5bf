"""What a leader knows of each follower: nextIndex and matchIndex (Figure 2, volatile state on leaders).

A follower whose log is known to match up to `next_index - 1` is sent several messages ahead. A follower whose
log is not known to match is probed: one message, then wait for its answer. The next heartbeat's answer makes
up for an answer that is lost, so nothing here needs a timer of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from node_impl.core.events import Snapshot
from node_impl.core.raft.member.state import RaftState


class Followers:
    """The progress of every other member, while this one leads; empty while it does not."""

    __slots__ = ("_state", "by_name")

    def __init__(self, state: RaftState) -> None:
        self._state = state
        self.by_name: dict[str, Progress] = {}

    # ---- The rules -------------------------------------------------------------------------------------

    def new_progress(self) -> Progress:
        """What a leader assumes of a follower that has not answered yet: nextIndex follows the end of its own
        log, matchIndex is 0 (Figure 2, volatile state on leaders)."""
        return Progress(self._state.log.last_index + 1)

    # ---- Changes ---------------------------------------------------------------------------------------

    def begin(self, others: Iterable[str]) -> None:
        """A term of leadership begins: nothing is known of any follower yet."""
        self.by_name = {other: self.new_progress() for other in others}

    def follow(self, others: tuple[str, ...]) -> None:
        """The members changed: begin with new ones, and forget those that are gone."""
        for name in others:
            if name not in self.by_name:
                self.by_name[name] = self.new_progress()
        self.by_name = {name: progress for name, progress in self.by_name.items() if name in others}

    def forget(self) -> None:
        """This member does not lead any more."""
        self.by_name = {}

    def heard(self) -> Iterable[str]:
        """The names of those that answered since `expect_answers`."""
        return (name for name, progress in self.by_name.items() if progress.heard)

    def expect_answers(self) -> None:
        """Begin again to note which followers answer."""
        for progress in self.by_name.values():
            progress.heard = False


class Progress:
    """What the leader knows of one follower, and how many messages it may send ahead."""

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

    def answered(self, read_round: int = 0) -> None:
        """The follower answered; `read_round` is the round that its AppendEntries carried."""
        self.heard = True
        self.read_round = max(self.read_round, read_round)

    def sent_heartbeat(self) -> None:
        """A heartbeat left; its answer may show that a chunk of a snapshot is lost."""
        if self.transfer is not None:
            self.transfer.heartbeats += 1

    def may_send(self, max_in_flight: int) -> bool:
        """Whether another message with entries may leave now."""
        return len(self.in_flight) < (1 if self.probing else max_in_flight)

    def sent(self, last_index: int) -> None:
        """A message with entries up to last_index left."""
        self.in_flight.append(last_index)
        if not self.probing:
            self.next_index = last_index + 1

    def accepted(self, match_index: int) -> bool:
        """The follower's log matches up to match_index; returns whether that is new."""
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
        """The follower has nothing matching at prev_log_index: go on from next_index.

        Returns False for an answer that is out of date, and changes nothing.
        """
        if prev_log_index <= self.match_index or (self.probing and prev_log_index != self.next_index - 1):
            return False
        self.next_index = max(self.match_index + 1, min(next_index, prev_log_index))
        self.probing = True
        self.in_flight.clear()
        return True


class Outgoing:
    """A leader's snapshot on its way to one follower, a chunk at a time."""

    __slots__ = ("data", "heartbeats", "offset", "snapshot")

    def __init__(self, snapshot: Snapshot, data: bytes) -> None:
        self.snapshot = snapshot
        self.data = data
        self.offset = 0
        """How many bytes the follower holds by its last answer."""
        self.heartbeats = 0
        """Heartbeats since the last chunk left; an answer to a later one shows that the chunk is lost."""

    def next_chunk(self, size: int) -> bytes:
        """The bytes to send now: those after what the follower holds."""
        self.heartbeats = 0
        return self.data[self.offset : self.offset + size]

    def follower_holds(self, held: int) -> bool:
        """The follower answered; returns whether a chunk from another offset has to be sent."""
        has_moved = held != self.offset
        self.offset = held
        return has_moved

    @property
    def chunk_is_lost(self) -> bool:
        """Whether the follower, who has just answered a heartbeat, must have missed the last chunk."""
        return self.heartbeats >= 2
