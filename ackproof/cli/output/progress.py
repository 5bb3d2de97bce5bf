"""What a person sees while a command works for more than two seconds: one line, with the time left.

In a terminal the line is rewritten, and is gone at the end; elsewhere a line is printed now and then. The
lines are on standard error, and fit 80 columns.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from checkers.words import in_time
from harness.run.time_limits.time_left import TimeLeft

QUIET_S = 1.0
"""Work that is done sooner shows nothing."""
TERMINAL_EVERY_S = 0.1
LINE_EVERY_S = 10.0
COLUMNS = 79


class Working:
    """The line of work that is not done in equal steps: what is done, for how long, and the time left.

    The time left is reckoned when the known share grows, and counted down until it grows again.

    Args:
        what: what is done, in a few words: `simulating seed 7`.
        quiet: whether to show nothing at all.
        share: measures which part of it is done, from 0 to 1. Without it, the work says by `tell` which of
            its parts are done; these differ in length, so the time left is shown as "about" so long.
        is_about: whether `share` counts parts that differ in length, too.
        left_s: reckons the time left from how long each part takes, which is "about" so long, too.
        most_s: how long it takes at most, for as long as no share is known; None where nothing bounds it.
        in_logs: whether to show it also where standard error is no terminal.
    """

    def __init__(
        self,
        what: str,
        *,
        quiet: bool,
        share: Callable[[], float] | None = None,
        is_about: bool = False,
        left_s: Callable[[], float | None] | None = None,
        most_s: float | None = None,
        in_logs: bool = True,
    ) -> None:
        self._line = _Line(quiet=quiet, in_logs=in_logs)
        self._what = what
        self._share = share
        self._is_about = is_about
        self._left_s = left_s
        self._told = 0.0
        self._most_s = most_s
        self._left = TimeLeft()
        self._is_over = threading.Event()
        self._printing = threading.Lock()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def tell(self, share: float) -> None:
        """Take note of which part is done, from 0 to 1."""
        self._told = share

    def _show(self) -> None:
        began_s = time.monotonic()
        every_s = QUIET_S if self._line.is_terminal else LINE_EVERY_S
        while not self._is_over.wait(every_s):
            took_s = time.monotonic() - began_s
            left = self._words_of_left(took_s)
            with self._printing:
                self._line.print(f"{self._what}: {in_time(took_s)}{left}")

    def _words_of_left(self, took_s: float) -> str:
        if self._left_s is not None:
            left_s = self._left_s()
        else:
            left_s = self._left.after(took_s, self._told if self._share is None else self._share())
        if left_s is not None:
            about = "about " if self._share is None or self._is_about else ""
            return f", {about}{in_time(left_s)} left"
        if self._most_s is not None and took_s < self._most_s:
            return f", at most {in_time(self._most_s - took_s)} left"
        return ""

    def above(self, show: Callable[[], None]) -> None:
        """Print something else; the line goes on below it."""
        with self._printing:
            self._line.end()
            show()

    def __enter__(self) -> Working:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Remove the line, before the block ends if need be."""
        self._is_over.set()
        self._thread.join()
        self._line.end()


class _Line:
    """One line on standard error, rewritten in a terminal."""

    def __init__(self, *, quiet: bool, in_logs: bool = True) -> None:
        self.is_terminal = sys.stderr.isatty()
        self._quiet = quiet or not (in_logs or self.is_terminal)
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
        self._is_shown = False


class Steps:
    """The line of work that is done in steps.

    Args:
        what: what is done, in a few words: `reading runs`.
        quiet: whether to show nothing at all.
        in_logs: whether to show it also where standard error is no terminal.
        at_most: whether it may end before all steps are done.
    """

    def __init__(self, what: str, *, quiet: bool, in_logs: bool = True, at_most: bool = False) -> None:
        self._what = what
        self._most = "at most " if at_most else ""
        self._line = _Line(quiet=quiet, in_logs=in_logs)
        self._began_s = self._shown_s = time.monotonic()

    def show(self, done: int, of: int) -> None:
        """Show how much is done, if the last time is long enough ago."""
        now_s = time.monotonic()
        every_s = TERMINAL_EVERY_S if self._line.is_terminal else LINE_EVERY_S
        if now_s - self._began_s < QUIET_S or now_s - self._shown_s < every_s:
            return
        self._shown_s = now_s
        left_s = (now_s - self._began_s) / done * (of - done) if done else None
        left = "" if left_s is None else f", {self._most}{in_time(left_s)} left"
        self._line.print(f"{self._what}: {done:,} of {self._most}{of:,}{left}")

    def __enter__(self) -> Steps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.end()
