"""Ends a simulated run that takes too long or too much memory, so that one seed cannot stop all others.

In virtual time a run may go on without end at one instant; so the bound is one of processor time, which other
work on the machine does not use up.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

LOOK_EVERY_S = 0.5
_STATM = Path("/proc/self/statm")


class TooMuchTakenError(BaseException):
    """The bound is met. No handler of errors in a run may take it for a defect of the node."""


@contextlib.contextmanager
def bounded(most_core_s: float, most_bytes: int) -> Iterator[None]:
    """Bound what is done inside. Only a process's main thread can be interrupted; others are not bounded.

    Args:
        most_core_s: seconds of one core.
        most_bytes: bytes of memory, in addition to what the process had before.

    Raises:
        TooMuchTakenError: it took more.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    core_begin_s, bytes_before = time.process_time(), _bytes_used()

    def look(_signal: int, _frame: object) -> None:
        core_s = time.process_time() - core_begin_s
        used = _bytes_used() - bytes_before
        if core_s > most_core_s:
            raise TooMuchTakenError(f"it was ended after {core_s:.0f} s of processor time")
        if used > most_bytes:
            raise TooMuchTakenError(
                f"it was ended after {core_s:.0f} s, as it took {used >> 20:,} MiB of memory"
            )

    before = signal.signal(signal.SIGVTALRM, look)
    signal.setitimer(signal.ITIMER_VIRTUAL, LOOK_EVERY_S, LOOK_EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _bytes_used() -> int:
    """The memory of this process that is in use; 0 where the system does not say it."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
