"""Ends a simulated run that takes too long or too much memory, so that one seed cannot stop all others.

In virtual time a run may go on without end at one instant; so the bound is one of processor time, which other
work on the machine does not use up. A process's main thread is interrupted by a timer of the kernel, any
other thread (that of a Dask worker) by a thread that looks from time to time.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator
from math import inf

from harness.errors import CouldNotRun
from harness.executors.memory import bytes_used

MOST_CORE_S = 240.0
"""Seconds of one core that a run whose size its seed drew may take, checkers included. The slowest known take
some 35."""
MOST_BYTES = 4 << 30
"""Bytes of memory that it may take in addition to what its process had before."""
LOOK_EVERY_S = 0.5


class TooMuchTakenError(BaseException):
    """The bound is met. No handler of errors in a run may take it for a defect of the node."""


@contextlib.contextmanager
def within_bounds(*, is_drawn: bool = True) -> Iterator[None]:
    """Bound a run.

    Args:
        is_drawn: whether its seed drew its size. A run whose size a person chose may take as long as it does;
            its memory is bounded all the same.

    Raises:
        CouldNotRun: it took too long, or too much memory.
    """
    try:
        with bounded(MOST_CORE_S if is_drawn else inf, MOST_BYTES):
            yield
    except TooMuchTakenError as error:
        raise CouldNotRun(str(error)) from None


@contextlib.contextmanager
def bounded(most_core_s: float, most_bytes: int) -> Iterator[None]:
    """Bound what is done inside.

    Args:
        most_core_s: seconds of one core; outside a main thread, of all threads of the process together.
        most_bytes: bytes of memory, in addition to what the process had before.

    Raises:
        TooMuchTakenError: it took more.
    """
    core_begin_s, bytes_before = time.process_time(), bytes_used()

    def why() -> str:
        """What it took too much of; empty while it is within its bounds."""
        core_s = time.process_time() - core_begin_s
        used = bytes_used() - bytes_before
        if core_s > most_core_s:
            return f"it was ended after {core_s:.0f} s of processor time"
        if used > most_bytes:
            return f"it was ended after {core_s:.0f} s, as it took {used >> 20:,} MiB of memory"
        return ""

    is_main = threading.current_thread() is threading.main_thread()
    with _timed(why) if is_main else _watched(why):
        yield


@contextlib.contextmanager
def _timed(why: Callable[[], str]) -> Iterator[None]:
    """Ask in the main thread, each time it has used some processor time."""

    def look(_signal: int, _frame: object) -> None:
        if text := why():
            raise TooMuchTakenError(text)

    before = signal.signal(signal.SIGVTALRM, look)
    signal.setitimer(signal.ITIMER_VIRTUAL, LOOK_EVERY_S, LOOK_EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextlib.contextmanager
def _watched(why: Callable[[], str]) -> Iterator[None]:
    """Ask in a thread next to this one, and raise the exception here."""
    here = threading.get_ident()
    ended, lock = threading.Event(), threading.Lock()
    texts: list[str] = []

    def watch() -> None:
        while not ended.wait(LOOK_EVERY_S):
            if text := why():
                with lock:
                    if not ended.is_set():
                        texts.append(text)
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(
                            ctypes.c_ulong(here), ctypes.py_object(TooMuchTakenError)
                        )
                return

    threading.Thread(target=watch, daemon=True, name="bounds of a run").start()
    try:
        try:
            yield
        finally:
            with lock:
                ended.set()
    except TooMuchTakenError:
        raise TooMuchTakenError(texts[0]) from None
