"""What a foreign node says of its state, as the lines of docs/trace-format.md that checkers judge.

A core names what is another than before, in one `trace` effect. What happened follows from the difference:
the term grew, the vote was given, the role changed, entries were removed or added, more is committed.
`synced` and `acknowledge` follow from the journal and from replies, so no core writes these lines itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Literal

import msgspec

from harness.nemesis.view import NodeView
from harness.sim.lockstep.effects import Means, Row, TraceEffect
from node_impl.core.events import Role, Trace, TraceRow

HASH_DIGITS = 16
MESSAGE = "message"
"""The kind of a message of which a core does not say what it is in Raft."""


class _Unsynced:
    """What a write that is not yet on disk will make durable."""

    def __init__(self, number: int, last: int, vote: str | None) -> None:
        self.number, self.last, self.vote = number, last, vote


class Standing:
    """One life of one node, as far as its core says."""

    def __init__(self) -> None:
        self.term = self.commit = self.applied = self.last = 0
        self.role: Role = "follower"
        self.vote: str | None = None
        self.leader: str | None = None
        self._has_begun = False
        self._first_of_term = (0, 0)
        """(term, index) of the first entry of the newest term that an entry named in this life."""
        self._unsynced: deque[_Unsynced] = deque()

    def lines(self, effect: TraceEffect) -> Iterator[Trace]:
        """What one effect means; the first one of a life is what the node recovered."""
        if not self._has_begun:
            yield self._begin(effect)
            return
        if effect.term is not None and effect.term != self.term:
            self.term, self.vote, self.role = effect.term, None, "follower"
            yield self._line("term")
        if effect.vote is not msgspec.UNSET and effect.vote != self.vote:
            self.vote = effect.vote
            yield self._line("vote", vote=effect.vote)
        if effect.role is not None and effect.role != self.role:
            self.role = effect.role
            yield self._line("role")
        if effect.leader is not msgspec.UNSET:
            self.leader = effect.leader
        if effect.snapshot is not None:
            yield self._snapshot(effect, effect.snapshot)
        if effect.truncate is not None:
            self.last = effect.truncate - 1
            for write in self._unsynced:
                write.last = min(write.last, self.last)
            yield self._line("truncate", index=effect.truncate)
        if effect.append:
            self._extend(effect.append)
            yield self._line("append", entries=rows(effect.append))
        if effect.commit is not None and effect.commit != self.commit:
            self.commit = effect.commit
            yield self._line("commit")

    def _begin(self, effect: TraceEffect) -> Trace:
        self._has_begun = True
        self.term, self.commit = effect.term or 0, effect.commit or 0
        self.role = effect.role or "follower"
        self.vote = None if effect.vote is msgspec.UNSET else effect.vote
        self.leader = None if effect.leader is msgspec.UNSET else effect.leader
        newest = effect.append[-1:]
        if effect.snapshot is not None:
            newest = newest or (effect.snapshot,)
            self.commit, self.applied = max(self.commit, effect.snapshot.index), effect.snapshot.index
            self._extend((effect.snapshot,))
        self._extend(effect.append)
        line = self._line("restart", vote=self.vote, entries=rows(newest))
        if effect.snapshot is not None:
            line.index, line.digest = effect.snapshot.index, _digest(effect.digest)
        return line

    def _snapshot(self, effect: TraceEffect, last: Row) -> Trace:
        """A snapshot was taken, which changes nothing in the log, or installed, which replaces it."""
        if effect.installed_from is not None:
            for write in self._unsynced:
                write.last = min(write.last, self.commit)  # what was there is gone, or is committed
            self.commit, self.applied = max(self.commit, last.index), last.index
            self._extend((last,))
        line = self._line("snapshot", index=last.index, entries=rows((last,)))
        line.entries = tuple((index, term, content, None) for index, term, content, _ in line.entries)
        line.digest, line.peer = _digest(effect.digest), effect.installed_from
        return line

    def _extend(self, entries: tuple[Row, ...]) -> None:
        for entry in entries:
            self.last = entry.index
            if entry.term != self._first_of_term[0]:
                self._first_of_term = entry.term, entry.index

    @property
    def has_begun(self) -> bool:
        """Whether the core has said what this life recovered."""
        return self._has_begun

    def apply(self, entries: tuple[Row, ...]) -> Trace:
        """Entries were applied."""
        self.applied = entries[-1].index
        return self._line("apply", entries=rows(entries))

    def persists(self, number: int) -> None:
        """A write begins of what was traced by now."""
        self._unsynced.append(_Unsynced(number, self.last, self.vote))

    def synced(self, number: int) -> Trace | None:
        """All writes up to that number are on disk."""
        newest: _Unsynced | None = None
        while self._unsynced and self._unsynced[0].number <= number:
            newest = self._unsynced.popleft()
        return None if newest is None else self._line("synced", index=newest.last, vote=newest.vote)

    def acknowledge(self, index: int, op: str) -> Trace:
        """A client's write is answered ok."""
        return self._line("acknowledge", index=index, op=op)

    def message(
        self, event: Literal["send", "receive"], peer: str, message_id: str, means: Means | None = None
    ) -> Trace:
        """A message is sent, or taken.

        Args:
            means: of a message that is sent, what it is in Raft, if the core says so.
        """
        line = self._line(event)
        line.peer, line.message, line.message_id = peer, MESSAGE, message_id
        if means is not None:
            line.message = MESSAGE if means.kind == "other" else means.kind
            line.index, line.count, line.ok, line.of_term = means.index, means.count, means.ok, means.term
            line.committed = means.commit
        return line

    def stop(self) -> Trace:
        """The node ended in order."""
        return self._line("stop")

    def view(self) -> NodeView:
        """What the node says of itself."""
        return NodeView(
            running=True,
            role=self.role,
            term=self.term,
            leader=self.leader,
            commit=self.commit,
            last=self.last,
        )

    def leads_with(self) -> tuple[int, int, int, bool] | None:
        """As `Process.leads_with`: (term, commitIndex, last index, whether it has committed in its term)."""
        if self.role != "leader":
            return None
        term, first = self._first_of_term
        return self.term, self.commit, self.last, term == self.term and self.commit >= first

    def _line(
        self,
        event: str,
        *,
        vote: str | None = None,
        index: int | None = None,
        op: str | None = None,
        entries: tuple[TraceRow, ...] = (),
    ) -> Trace:
        return Trace(
            0,
            0,
            event,
            self.term,
            self.role,
            self.commit,
            self.applied,
            self.last,
            vote=vote,
            index=index,
            op=op,
            entries=entries,
        )


def rows(entries: Iterable[Row]) -> tuple[TraceRow, ...]:
    """Entries as trace lines have them: what an entry holds is a hash."""
    return tuple((one.index, one.term, _hash(one), one.op) for one in entries)


def _digest(text: str) -> str | None:
    """What a core says of its state, as long as a digest is in traces."""
    return blake2b(text.encode(), digest_size=HASH_DIGITS).hexdigest() if text else None


def _hash(row: Row) -> str:
    return blake2b(b"%d " % row.term + bytes(row.data), digest_size=HASH_DIGITS // 2).hexdigest()
