"""What a watch says, and what every watch of a history can do."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from history import Operation


class Suspicion(NamedTuple):
    """A checker would find a violation in what was seen so far."""

    checker: str
    """The name of the checker that decides it."""
    why: str
    """What was seen, in one sentence."""


class HistoryWatch(Protocol):
    """Looks at the operations of a run, in the order of the history."""

    def see(self, operation: Operation) -> Suspicion | None:
        """Take the next operation; a suspicion if something is wrong with what was seen up to here."""
        ...
