"""What a person sees during a run: one live line in a terminal, or else a plain line from time to time."""

from __future__ import annotations

from types import TracebackType

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from checkers.words import in_time
from history import Operation
from history.nemesis import FaultKinds
from history.units import SECOND_NS

PLAIN_LINE_EVERY_NS = 5 * SECOND_NS
COLUMNS = 79
BAR_COLUMNS = 8
WORKING = "working"
"""The phase whose length is known: the time limit of the run."""


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
    phase: str = "starting"
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

    def line(self) -> str:
        """The counts in one line of text."""
        parts = [
            self.phase,
            self.leader,
            self.fault or "no fault",
            f"{self.rate:.0f} ops/s",
            f"{self.acknowledged} ok, {self.failed} fail, {self.uncertain} info",
        ]
        return " | ".join(parts)


class ProgressLine:
    """Shows a `Tally` on standard error; shows nothing if `quiet`."""

    def __init__(self, tally: Tally, seconds: float, *, quiet: bool) -> None:
        self._tally = tally
        self._seconds = seconds
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._work_began: int | None = None
        self._last_plain = -PLAIN_LINE_EVERY_NS
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

    def show(self, now: int) -> None:
        """Update the line; `now` is in nanoseconds since the run began."""
        if self._quiet:
            return
        if self._live is not None and self._task is not None:
            line = self.line(now)[: COLUMNS - BAR_COLUMNS - 1]
            self._live.update(self._task, completed=self._done_s(now), description=line)
        elif now - self._last_plain >= PLAIN_LINE_EVERY_NS:
            self._last_plain = now
            self._console.print(self.line(now), markup=False, soft_wrap=True)

    def line(self, now: int) -> str:
        """The time since the run began, how long the work still takes, and the counts."""
        left = ""
        if self._tally.phase == WORKING:
            left = f", {in_time(self._seconds - self._done_s(now))} left"
        return f"{now / SECOND_NS:5.1f} s{left} | {self._tally.line()}"

    def _done_s(self, now: int) -> float:
        """How much of the work's time is over."""
        if self._work_began is None:
            if self._tally.phase != WORKING:
                return 0.0
            self._work_began = now
        return min((now - self._work_began) / SECOND_NS, self._seconds)
