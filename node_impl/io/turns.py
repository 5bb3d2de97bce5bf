"""The event loop's turns: what was read in one is stepped together at its end, not in the turn after it.

asyncio asks its selector which sockets are ready, and calls their readers. Code that wants to act upon all
that these readers have read can only ask to be called in the next turn, and that begins by asking the
selector again: one more system call, and a good part of the cost of a turn, for each message that wakes a
node. So this selector adds one reader of its own behind all that are ready; asyncio calls readers in the
order in which the selector names them.
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
        """Have `call` called in each turn in which something was read, after all readers."""

        def end() -> None:
            self.is_reading = False
            call()

        self._never_ready = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        loop.add_reader(self._never_ready, end)
        self._end = [(self.get_key(self._never_ready), selectors.EVENT_READ)]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Ask which sockets are ready, and add the end of the turn behind them."""
        ready = super().select(timeout)
        if ready and self._end:
            self.is_reading = True
            ready += self._end
        return ready

    def close(self) -> None:
        """Close the selector; no turn follows."""
        super().close()
        if self._end:
            self._end = []
            os.close(self._never_ready)
