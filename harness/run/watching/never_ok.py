"""Ends a run in which nothing works: no operation of a client has ever succeeded.

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


class NeverOk:
    """Watches one run's operations for the first that succeeds.

    Args:
        request_s: how long a client waits for an answer.
        system: as --system names it.
    """

    def __init__(self, request_s: float, system: str) -> None:
        self._patience_ns = round(REQUESTS * request_s * SECOND_NS)
        self._system = system
        self._begun: int | None = None
        self._errors: Counter[str] = Counter()
        self._completed = 0
        self._is_over = False
        self.found = asyncio.Event()
        """Set once there were enough operations, and none of them had succeeded."""

    def see(self, operation: Operation) -> None:
        """Look at an operation that was just recorded."""
        if self._is_over or not operation.is_client:
            return
        if self._begun is None:
            self._begun = operation.time
        if operation.type == "ok":
            self._is_over = True
        elif operation.type != "invoke":
            self._completed += 1
            self._errors[operation.error or ""] += 1
            self._is_over = self._is_enough(operation.time - self._begun)
            if self._is_over:
                self.found.set()

    def _is_enough(self, passed_ns: int) -> bool:
        if self._completed < FEWEST:
            return False
        if passed_ns >= self._patience_ns:
            return True
        return passed_ns >= BUGS_SHOW_S * SECOND_NS and all(names_bug(error) for error in self._errors)

    @property
    def why(self) -> str:
        """What was seen, and what to do, in one line."""
        error, times = self._errors.most_common(1)[0]
        how = "all" if times == self._completed else f"{times} of them"
        said = f"; {how} ended with '{error}'" if error else ""
        return (
            f"none of the first {self._completed} operations of clients succeeded{said}; try one node: "
            f"ackproof systems check {self._system}"
        )
