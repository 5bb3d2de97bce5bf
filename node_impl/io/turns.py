"""The event loop's turns: what was read in one is stepped together at its end, not in the turn after it.

asyncio asks its selector what is ready, and calls whoever reads that. To act upon all that these have read,
one can only ask to be called in the next turn, which begins by asking the selector again: one more system
call, and a good part of what a turn costs, for every message that a node is woken up for. So this selector
adds one reader of its own behind all that are ready; asyncio calls readers in the order in which the selector
names them.
"""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import Callable


class Turns(selectors.DefaultSelector):
    """The selector of one `asyncio.SelectorEventLoop`."""

    def __init__(self) -> None:
        super().__init__()
        self.is_reading = False
        """Whether this turn's end is still to come."""
        self._end: list[tuple[selectors.SelectorKey, int]] = []
        self._never_ready = -1

    def at_end(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        """Have `call` called in each turn in which something was read, behind all who read."""

        def end() -> None:
            self.is_reading = False
            call()

        self._never_ready = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        loop.add_reader(self._never_ready, end)
        self._end = [(self.get_key(self._never_ready), selectors.EVENT_READ)]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready, and behind it the turn's end."""
        ready = super().select(timeout)
        if ready and self._end:
            self.is_reading = True
            ready += self._end
        return ready

    def close(self) -> None:
        """Close it; no turn follows."""
        super().close()
        if self._end:
            self._end = []
            os.close(self._never_ready)
