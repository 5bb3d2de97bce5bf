"""Keeps a node's log short, however often strangers give it a reason for a line."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

LINES_A_SECOND: Final = 20


class SparingReport:
    """Passes on the first lines of each second; of the others it says how many they were.

    Args:
        report: takes one line for the node's log.
        now_s: the monotonic clock.
    """

    def __init__(self, report: Callable[[str], None], now_s: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._now_s = now_s
        self._second = 0
        self._passed = self._left_out = 0

    def __call__(self, line: str) -> None:
        """Take one line."""
        second = int(self._now_s())
        if second != self._second:
            if self._left_out:
                self._report(f"{self._left_out} more lines of this kind were left out")
            self._second, self._passed, self._left_out = second, 0, 0
        if self._passed < LINES_A_SECOND:
            self._passed += 1
            self._report(line)
        else:
            self._left_out += 1
