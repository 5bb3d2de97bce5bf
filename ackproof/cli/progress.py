"""What a person sees while a command works for more than two seconds: one line, with the time left.

In a terminal the line is rewritten, and is gone at the end; elsewhere a line is printed now and then. The
lines are on standard error, and fit 80 columns.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType

from checkers.words import in_time

QUIET_S = 1.0
"""Work that is done sooner shows nothing."""
TERMINAL_EVERY_S = 0.1
LINE_EVERY_S = 10.0
COLUMNS = 79


class Steps:
    """The line of work that is done in steps.

    Args:
        what: what is done, in a few words: `reading runs`.
        quiet: whether to show nothing at all.
    """

    def __init__(self, what: str, *, quiet: bool) -> None:
        self._what = what
        self._quiet = quiet
        self._is_terminal = sys.stderr.isatty()
        self._began_s = self._shown_s = time.monotonic()
        self._is_shown = False

    def show(self, done: int, of: int) -> None:
        """Show how much is done, if the last time is long enough ago."""
        now_s = time.monotonic()
        every_s = TERMINAL_EVERY_S if self._is_terminal else LINE_EVERY_S
        if self._quiet or now_s - self._began_s < QUIET_S or now_s - self._shown_s < every_s:
            return
        self._shown_s = now_s
        left = f", {in_time((now_s - self._began_s) / done * (of - done))} left" if done else ""
        self._print(f"{self._what}: {done:,} of {of:,}{left}")

    def _print(self, line: str) -> None:
        text = line[:COLUMNS]
        sys.stderr.write(f"\r{text:<{COLUMNS}}" if self._is_terminal else f"{text}\n")
        sys.stderr.flush()
        self._is_shown = True

    def __enter__(self) -> Steps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_shown and self._is_terminal:
            sys.stderr.write(f"\r{'':<{COLUMNS}}\r")
            sys.stderr.flush()
