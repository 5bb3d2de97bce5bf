"""Bounds that a person sets for a check: an end in time, and the memory of a process.

A search looks at its budget itself, and says what is undecided. Reading a file, and judges that need no
search, do not: `within` ends them from outside.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from checkers.linearizability.answer import BY_SIZE, TIME, Budget

LOOKS_EVERY_S = 0.02
"""How much processor time passes until `within` looks again whether the time or the memory is used up."""
LOADED_BYTES = 64 << 20
"""About what imports and compiled code take, which no bound of memory can do without."""
MEMORY = "the memory that was given"


@dataclass(frozen=True)
class Deadline:
    """The end of the time that was given, in seconds of the clock that all processes of a machine share."""

    end_s: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """This number of seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left_s(self) -> float:
        """How many seconds are left; never less than none."""
        return max(0.0, self.end_s - time.monotonic())

    def __call__(self) -> bool:
        return time.monotonic() >= self.end_s


@dataclass(frozen=True)
class MemoryLimit:
    """How many bytes a process may take, all that it keeps included."""

    most_bytes: int

    def __call__(self, more: int) -> bool:
        return resident_bytes() + more > self.most_bytes


def resident_bytes() -> int:
    """The memory that this process takes now; on systems that do not say so, the most that it took."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, ValueError, IndexError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak << 10


def budget_of(seconds: float | None, memory_mib: int | None, configurations: int | None = None) -> Budget:
    """The budget that a person gives, whose time begins now."""
    budget = BY_SIZE if configurations is None else Budget(configurations)
    budget = replace(budget, time_is_up=None if seconds is None else Deadline.after(seconds))
    if memory_mib is None:
        return budget
    most = memory_mib << 20
    return replace(budget, memory_bytes=most, memory_is_up=MemoryLimit(most))


class LimitReached(BaseException):
    """The time or the memory that was given is used up.

    No Exception, as KeyboardInterrupt is none: the code that it ends must not take it for its own error.
    """


@contextmanager
def within(budget: Budget) -> Iterator[None]:
    """End what runs inside once the budget's time is over, or the process takes more than its memory.

    A timer of processor time interrupts it between two instructions of Python: compiled code first returns,
    and imports and numba's compiler come to their end, since half a module would break what follows. What is
    loaded on the way counts as little as what was there: memory is used up once LOADED_BYTES more are taken.
    Only the main thread is interrupted, and only where the system has such a timer (Windows has none).

    Raises:
        LimitReached: it was ended; the message says what is used up.
    """
    is_bounded = budget.time_is_up is not None or budget.memory_is_up is not None
    is_main = threading.current_thread() is threading.main_thread()
    if not is_bounded or not is_main or not hasattr(signal, "setitimer"):
        yield
        return

    enough = resident_bytes() + LOADED_BYTES

    def look(_: int, frame: FrameType | None) -> None:
        if _is_being_loaded(frame):
            return
        if budget.is_over():
            raise LimitReached(TIME)
        if budget.memory_is_up is not None and resident_bytes() > enough and budget.memory_is_up(0):
            raise LimitReached(MEMORY)

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, LOOKS_EVERY_S, LOOKS_EVERY_S)
    try:
        look(signal.SIGPROF, None)
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _is_being_loaded(frame: FrameType | None) -> bool:
    """Whether a module is imported, or a kernel compiled, below this frame."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("importlib.") or module.split(".")[0] in ("numba", "llvmlite"):
            return True
        frame = frame.f_back
    return False
