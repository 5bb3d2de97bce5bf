"""How much of a node's state is on its disk: what a restart may recover, and when a message may leave.

The specification's currentTerm, votedFor and log are durable the moment they change. A node's are when a
`synced` event says so. Two questions follow, and both are answered from one node's own trace:

- *Which states may a life begin with?* The least that is certainly on disk, or any later one, as a kill may
  come in the middle of a write. So: the old log, cut anywhere above what was synced; or, where a truncation
  was not synced, the log as it was before the truncation.
- *When did a message leave that promises something?* Not before what it promises was on disk. Until then it
  is *held*, and `order.py` lets no node receive it.

A `synced` event names the vote that is on disk, but not its term, which may be an older one. *At most* the
newest state with that vote is on disk, *at least* the oldest one since the `synced` line before (with one
write at a time, all that was traced before that line is on disk by now). Each question uses the bound that
never accuses a correct node.
"""

from __future__ import annotations

from typing import NamedTuple

from checkers.raft.conformance.spec import Entry, GuardFailed, Server
from checkers.raft.facts.replay import MOST_REPLACED_LOGS
from history import TraceEvent

Log = list[Entry | None]


class HeldMessage(NamedTuple):
    """A message that waits for the disk."""

    message_id: str
    log: int
    """The log must be on disk up to this index; 0: none of it must be."""
    hard: int
    """The number of the state of term and vote that must be on disk, too."""


class TracedDisk:
    """One node's disk, as far as its trace shows it."""

    def __init__(self) -> None:
        self.held: list[HeldMessage] = []
        self._hard: list[tuple[int, str | None]] = [(0, None)]
        self._first = 0  # the number of the state that _hard begins with
        self._least = 0
        self._most = 0
        self._at_last_sync = 0
        self.forgot = False
        """Whether more logs may come back than are kept: then it is not known what a life begins with."""
        self._replaced: list[tuple[Log, int]] = []
        self._unsynced_cut: int | None = None

    @property
    def newest(self) -> int:
        """The number of the newest state of term and vote."""
        return self._first + len(self._hard) - 1

    def has(self, i: Server, log: int, hard: int) -> bool:
        """Whether the log up to an index, and a state of term and vote, may be on disk by now."""
        return log <= i.own_durable and hard <= self._most

    def changed(self, i: Server) -> None:
        """Note that currentTerm or votedFor has changed."""
        self._hard.append((i.current_term, i.voted_for))

    def hold(self, message_id: str, log: int) -> None:
        """Hold a message until the present term and vote, and the log up to `log`, are on disk."""
        self.held.append(HeldMessage(message_id, log, self.newest))

    def before_cut(self, log: Log, least: int, index: int) -> None:
        """Note that the log `log` lost its entries from `index` on; a restart may bring back `least` or more.

        Below an installed snapshot no entry comes back alone: the snapshot is on disk as a whole or not at
        all.
        """
        if len(self._replaced) < MOST_REPLACED_LOGS:
            self._replaced.append((log, least))
        else:
            self.forgot = True
        self._unsynced_cut = index if self._unsynced_cut is None else min(index, self._unsynced_cut)
        self.held = [HeldMessage(m, min(needed, index - 1), hard) for m, needed, hard in self.held]

    def synced(self, i: Server, event: TraceEvent) -> list[str]:
        """A write has ended; returns the messages that leave now."""
        if event.index is not None:
            i.own_durable = max(i.own_durable, min(event.index, len(i.log)))
            if self._unsynced_cut is not None and event.index >= self._unsynced_cut:
                self._replaced, self._unsynced_cut, self.forgot = [], None, False
        numbers = range(max(self._at_last_sync, self._first), self.newest + 1)
        fitting = [n for n in numbers if self._hard[n - self._first][1] == event.vote]
        self._least = max(self._least, fitting[0] if fitting else self._at_last_sync)
        self._most = max(self._most, fitting[-1] if fitting else self._least)
        self._at_last_sync = self.newest
        del self._hard[: self._least - self._first]
        self._first = self._least
        free = [held.message_id for held in self.held if self.has(i, held.log, held.hard)]
        if free:
            self.held = [held for held in self.held if not self.has(i, held.log, held.hard)]
        return free

    def recovered(self, i: Server, event: TraceEvent, last: Entry | None) -> Log:
        """The log with which a life begins.

        Args:
            last: its last entry, if the node names it.

        Raises:
            GuardFailed: no state that may have been on disk fits.
        """
        if (event.term, event.vote) not in self._hard[self._least - self._first :]:
            term, vote = self._hard[self._least - self._first]
            raise GuardFailed(
                "Restart",
                f"currentTerm'[i] and votedFor'[i] are what was on disk (at least term {term}, "
                f"vote {vote or 'Nil'}; not term {event.term}, vote {event.vote or 'Nil'})",
            )
        length = event.last
        versions = [(i.log, max(i.own_durable, i.covered)), *self._replaced]
        fitting = [log[:length] for log, least in versions if least <= length <= len(log)]
        if length and last is not None:
            fitting = [log for log in fitting if log[-1] in (last, None)]
        if not fitting:
            raise GuardFailed(
                "Restart",
                f"log'[i] is what was on disk (at least up to index {i.own_durable}, at most "
                f"{len(i.log)}; not up to {length}{'' if last is None else f' of term {last[0]}'})",
            )
        first, *others = fitting
        if not others:
            return first
        return [entry if all(log[at] == entry for log in others) else None for at, entry in enumerate(first)]

    def restarted(self, i: Server) -> list[str]:
        """A life has begun; returns the messages of the life before that never left."""
        lost = [held.message_id for held in self.held]
        self.held = []
        number = self.newest + 1
        self._hard = [(i.current_term, i.voted_for)]
        self._first = self._least = self._most = self._at_last_sync = number
        self._replaced, self._unsynced_cut, self.forgot = [], None, False
        return lost
