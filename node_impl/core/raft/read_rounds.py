"""Reads at a leader: many share one round of confirming that it still leads (thesis, section 6.4).

A read that arrives while a round is under way waits for the next, since that round's answers may
have been given before the read began.
"""

from __future__ import annotations

ReadToken = tuple[str | None, str | int]
"""Who asked: (None, request id) for a client of this node, (peer, message id) for a follower."""


class ReadRounds:
    """Mutable; made anew at each election won."""

    def __init__(self) -> None:
        self.number = 0
        """The newest round begun; AppendEntries carry it and replies repeat it."""
        self.awaited = 0
        """The newest that reads wait for; where leases are used, each heartbeat is a round, reads or not."""
        self.waiting: list[ReadToken] = []
        """For the next round."""
        self.confirmed: list[tuple[int, list[ReadToken]]] = []
        """(read index, tokens): may be served once that index is applied; whoever serves them empties it."""
        self._open: list[ReadToken] = []
        self._index = 0

    @property
    def is_open(self) -> bool:
        """Whether a round waits for answers."""
        return bool(self._open)

    @property
    def may_begin(self) -> bool:
        """Whether reads wait, and no round is under way."""
        return bool(self.waiting) and not self._open

    def begin(self, commit_index: int) -> None:
        """A round for all that wait; commit_index, taken now, is what they will have to see."""
        self.number += 1
        self.awaited = self.number
        self._index = commit_index
        self._open, self.waiting = self.waiting, []

    def confirm_waiting(self, commit_index: int) -> None:
        """Leadership is known to be held now, without a round."""
        if self.waiting:
            self.confirmed.append((commit_index, self.waiting))
            self.waiting = []

    def finish(self) -> None:
        """The round's answers are a majority."""
        self.confirmed.append((self._index, self._open))
        self._open = []

    def abandon(self) -> list[ReadToken]:
        """Every token not confirmed; none is here any more."""
        tokens = self._open + self.waiting
        self._open, self.waiting = [], []
        return tokens
