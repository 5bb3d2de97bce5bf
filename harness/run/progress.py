"""What a person sees during a run: one live line in a terminal, or else a plain line from time to time."""

from __future__ import annotations

from types import TracebackType

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from history import Operation
from history.nemesis import FaultKinds
from history.units import SECOND_NS

PLAIN_LINE_EVERY_NS = 5 * SECOND_NS


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
        self._last_plain = -PLAIN_LINE_EVERY_NS
        self._live: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressLine:
        if not self._quiet and self._console.is_terminal:
            self._live = Progress(
                BarColumn(bar_width=24),
                TextColumn("{task.description}"),
                console=self._console,
                transient=True,
            )
            self._live.start()
            self._task = self._live.add_task("starting", total=self._seconds)
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
        line = f"{now / SECOND_NS:5.1f} s | {self._tally.line()}"
        if self._live is not None and self._task is not None:
            self._live.update(self._task, completed=min(now / SECOND_NS, self._seconds), description=line)
        elif now - self._last_plain >= PLAIN_LINE_EVERY_NS:
            self._last_plain = now
            self._console.print(line, markup=False, soft_wrap=True)
