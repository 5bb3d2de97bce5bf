"""What a person sees during a run: one live line in a terminal, or else a plain line from time to time."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from checkers.words import in_time
from harness.run.time_limits.time_left import TimeLeft
from history import Operation
from history.nemesis import FaultKinds
from history.units import SECOND_NS

PLAIN_LINE_EVERY_NS = 5 * SECOND_NS
FIRST_PLAIN_LINE_NS = SECOND_NS
COLUMNS = 79
BAR_COLUMNS = 8
WORKING, HEALING, READING_BACK = "working", "healing", "reading back"
"""The phases between the first leader and the end of the nodes, as the run's generator logs them."""


class Waiting(msgspec.Struct, frozen=True):
    """What a run waits for, and how long that may still take."""

    what: str
    """In words: `a leader`."""
    most_s: float | None = None
    """After this time it is given up; None where nothing bounds it."""
    share: Callable[[], float | None] | None = None
    """Which part of it is done, from 0 to 1; None while that is not known."""
    is_before_the_work: bool = False


class Tally(msgspec.Struct):
    """Counts of what has happened so far; it is given every recorded operation."""

    faults: FaultKinds = msgspec.field(default_factory=FaultKinds)
    """The kinds of faults of the run, by which it knows what ends them."""
    completed: int = 0
    acknowledged: int = 0
    uncertain: int = 0
    failed: int = 0
    fault: str = ""
    """The fault that is active now, in words; empty if there is none."""
    leader: str = "no leader"
    now: int = 0
    rate: float = 0.0
    """Completed client operations in the last whole second."""
    _second: int = 0
    _at_second: int = 0

    def add(self, operation: Operation) -> None:
        """Count one recorded operation."""
        self.now = operation.time
        if not operation.is_client:
            self._add_fault(operation)
            return
        if operation.type == "invoke":
            return
        self.completed += 1
        if operation.type == "ok":
            self.acknowledged += 1
        elif operation.type == "info":
            self.uncertain += 1
        else:
            self.failed += 1
        second = operation.time // SECOND_NS
        if second > self._second:
            self.rate = (self.completed - self._at_second) / (second - self._second)
            self._second, self._at_second = second, self.completed

    def _add_fault(self, operation: Operation) -> None:
        if self.faults.is_healing(operation.f):
            if operation.type == "info":
                self.fault = ""
        elif operation.type == "invoke":
            target = operation.value.get("target", "") if isinstance(operation.value, dict) else ""
            self.fault = f"{operation.f} {target}".strip()

    def parts(self) -> list[str]:
        """The counts in words, what matters most first."""
        return [
            self.fault or "no fault",
            f"{self.acknowledged} ok, {self.failed} fail, {self.uncertain} info",
            self.leader,
            f"{self.rate:.0f} ops/s",
        ]


class ProgressLine:
    """Shows what a run waits for and a `Tally` on standard error; shows nothing if `quiet`."""

    def __init__(self, tally: Tally, seconds: float, *, quiet: bool) -> None:
        self._tally = tally
        self._seconds = seconds
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._waiting = Waiting("starting nodes", is_before_the_work=True)
        self._since = 0
        self._left = TimeLeft()
        self._last_plain = FIRST_PLAIN_LINE_NS - PLAIN_LINE_EVERY_NS
        self._live: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressLine:
        if not self._quiet and self._console.is_terminal:
            self._live = Progress(
                BarColumn(bar_width=BAR_COLUMNS),
                TextColumn("{task.description}", markup=False),
                console=self._console,
                transient=True,
            )
            self._live.start()
            self._task = self._live.add_task(
                f"starting; the work then takes {in_time(self._seconds)}", total=self._seconds
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if not self._quiet:
            self._console.print(text, markup=False, soft_wrap=True)

    def wait_for(self, waiting: Waiting, now: int) -> None:
        """Say from now on that the run waits for this; `now` is in nanoseconds since the run began."""
        self._waiting, self._since, self._left = waiting, now, TimeLeft()

    def show(self, now: int) -> None:
        """Update the line; `now` is in nanoseconds since the run began."""
        if self._quiet:
            return
        if self._live is not None and self._task is not None:
            line = self.line(now, COLUMNS - BAR_COLUMNS - 1)
            self._live.update(self._task, completed=self._done_s(now), description=line)
        elif now - self._last_plain >= PLAIN_LINE_EVERY_NS:
            self._last_plain = now
            self._console.print(self.line(now), markup=False, soft_wrap=True)

    def line(self, now: int, columns: int = COLUMNS) -> str:
        """The time since the run began, what it waits for and for how long, and of the counts what fits."""
        line = f"{now / SECOND_NS:5.1f} s | {self._waiting.what}{self._words_of_left(now)}"[:columns]
        for part in self._tally.parts():
            if len(line) + len(part) + 3 <= columns:
                line += f" | {part}"
        return line

    def _words_of_left(self, now: int) -> str:
        took_s = (now - self._since) / SECOND_NS
        if self._waiting.what == WORKING:
            return f", {in_time(self._seconds - self._done_s(now))} left"
        share = None if self._waiting.share is None else self._waiting.share()
        left_s = None if share is None else self._left.after(took_s, share)
        if left_s is not None:
            return f", about {in_time(left_s)} left"
        most_s = self._waiting.most_s
        return "" if most_s is None or took_s > most_s else f", at most {in_time(most_s - took_s)} left"

    def _done_s(self, now: int) -> float:
        """How much of the work's time is over."""
        if self._waiting.what == WORKING:
            return min((now - self._since) / SECOND_NS, self._seconds)
        return 0.0 if self._waiting.is_before_the_work else self._seconds
