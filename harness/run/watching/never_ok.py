"""Ends a run in which nothing works: no operation of a client, or of one kind, has ever succeeded.

Such a run can prove nothing, however long it goes on. A client whose every call raises an error that is a bug
(`harness.errors.BUGS`) shows within a second. Anything else, such as a port at which no server
answers, gets as long as several requests may take: a system may be slow to serve at its start.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from harness.errors import names_bug
from history import Operation
from history.units import SECOND_NS

FEWEST = 20
"""With fewer completions nothing is said."""
BUGS_SHOW_S = 1.0
"""For this long at least calls have raised nothing but bugs."""
REQUESTS = 4
"""As many requests as may take all the time that they have, one after another."""


class _Seen:
    """What operations of one kind, or all, ended with before the first that succeeded."""

    def __init__(self, begun: int) -> None:
        self.begun = begun
        self.errors: Counter[str] = Counter()
        self.completed = 0
        self.has_succeeded = False

    def add(self, operation: Operation) -> None:
        """Count a completion."""
        if operation.type == "ok":
            self.has_succeeded = True
        elif operation.type != "invoke":
            self.completed += 1
            self.errors[operation.error or ""] += 1

    def only_bugs(self, now: int) -> bool:
        """Whether enough of them ended, and each with an error that is a bug."""
        if self.has_succeeded or self.completed < FEWEST or now - self.begun < BUGS_SHOW_S * SECOND_NS:
            return False
        return all(names_bug(error) for error in self.errors)


class NeverOk:
    """Watches one run's operations for the first that succeeds, of all and of each kind.

    A kind whose every operation raises a bug ends the run too, although others succeed: a client whose writes
    all raise and whose reads find nothing would seem to be a system that never serves again.

    Args:
        request_s: how long a client waits for an answer.
        system: as --system names it.
    """

    def __init__(self, request_s: float, system: str) -> None:
        self._patience_ns = round(REQUESTS * request_s * SECOND_NS)
        self._system = system
        self._all: _Seen | None = None
        self._by_kind: dict[str, _Seen] = {}
        self._culprit: tuple[str, _Seen] | None = None
        """What never succeeded, in words, and what it ended with."""
        self.found = asyncio.Event()
        """Set once there were enough operations, and none of them had succeeded."""

    def see(self, operation: Operation) -> None:
        """Look at an operation that was just recorded."""
        if self._culprit is not None or not operation.is_client:
            return
        if self._all is None:
            self._all = _Seen(operation.time)
        kind = self._by_kind.setdefault(operation.f, _Seen(operation.time))
        kind.add(operation)
        self._all.add(operation)
        if self._is_enough(self._all, operation.time):
            self._culprit = ("operations of clients", self._all)
        elif kind.only_bugs(operation.time):
            self._culprit = (f"operations {operation.f!r} of clients", kind)
        if self._culprit is not None:
            self.found.set()

    def _is_enough(self, seen: _Seen, now: int) -> bool:
        if seen.has_succeeded or seen.completed < FEWEST:
            return False
        return now - seen.begun >= self._patience_ns or seen.only_bugs(now)

    @property
    def why(self) -> str:
        """What was seen, and what to do, in one line."""
        assert self._culprit is not None, "asked before it was found"
        what, seen = self._culprit
        error, times = seen.errors.most_common(1)[0]
        how = "all" if times == seen.completed else f"{times} of them"
        said = f"; {how} ended with '{error}'" if error else ""
        return (
            f"none of the first {seen.completed} {what} succeeded{said}; try one node: "
            f"ackproof systems check {self._system}"
        )
