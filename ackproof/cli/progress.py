"""What a person sees while a command works for more than two seconds: one line, with the time left.

In a terminal the line is rewritten, and is gone at the end; elsewhere a line is printed now and then. The
lines are on standard error, and fit 80 columns.
"""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from checkers.words import in_time

QUIET_S = 1.0
"""Work that is done sooner shows nothing."""
TERMINAL_EVERY_S = 0.1
LINE_EVERY_S = 10.0
COLUMNS = 79


class Working:
    """The line of work of which it is not known how much is left: what is done, and for how long.

    Args:
        what: what is done, in a few words: `simulating seed 7`.
        quiet: whether to show nothing at all.
    """

    def __init__(self, what: str, *, quiet: bool) -> None:
        self._line = _Line(quiet=quiet)
        self._what = what
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def _show(self) -> None:
        began_s = time.monotonic()
        every_s = 1.0 if self._line.is_terminal else LINE_EVERY_S
        while not self._is_over.wait(every_s):
            self._line.print(f"{self._what}: {in_time(time.monotonic() - began_s)}")

    def __enter__(self) -> Working:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._line.end()


class _Line:
    """One line on standard error, rewritten in a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self.is_terminal = sys.stderr.isatty()
        self._quiet = quiet
        self._is_shown = False

    def print(self, line: str) -> None:
        """Show this instead of the line before."""
        if self._quiet:
            return
        text = line[:COLUMNS]
        sys.stderr.write(f"\r{text:<{COLUMNS}}" if self.is_terminal else f"{text}\n")
        sys.stderr.flush()
        self._is_shown = True

    def end(self) -> None:
        """Remove the line from a terminal."""
        if self._is_shown and self.is_terminal:
            sys.stderr.write(f"\r{'':<{COLUMNS}}\r")
            sys.stderr.flush()


class Steps:
    """The line of work that is done in steps.

    Args:
        what: what is done, in a few words: `reading runs`.
        quiet: whether to show nothing at all.
    """

    def __init__(self, what: str, *, quiet: bool) -> None:
        self._what = what
        self._line = _Line(quiet=quiet)
        self._began_s = self._shown_s = time.monotonic()

    def show(self, done: int, of: int) -> None:
        """Show how much is done, if the last time is long enough ago."""
        now_s = time.monotonic()
        every_s = TERMINAL_EVERY_S if self._line.is_terminal else LINE_EVERY_S
        if now_s - self._began_s < QUIET_S or now_s - self._shown_s < every_s:
            return
        self._shown_s = now_s
        left = f", {in_time((now_s - self._began_s) / done * (of - done))} left" if done else ""
        self._line.print(f"{self._what}: {done:,} of {of:,}{left}")

    def __enter__(self) -> Steps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.end()
