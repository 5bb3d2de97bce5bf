"""What runs on a Dask worker: it compares its own code with the sender's first, then does one piece of work.

One piece at a time, however many threads the worker has: the work is plain Python, which threads do not make
faster, and simulated worlds were not made to share a process at the same moment.
"""

from __future__ import annotations

import ctypes
import pickle
import threading
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

from harness.executors.executor import tried

Identity = Callable[[], Mapping[str, str]]
"""Says which code runs in this process: digests or versions, by what they are of."""
_one_at_a_time = threading.Lock()


class Done(NamedTuple):
    """A worker did the work."""

    result: Any
    """What the function gave; or, as text, why it could not be done."""


class Refused(NamedTuple):
    """A worker has other code, and did nothing."""

    worker: str
    """The worker's address."""
    identity: dict[str, str]


class TookTooLong(BaseException):
    """Raised in a piece of work that does not end. It is no `Exception`, so that no `except` keeps it."""


def do(identity: Identity, expected: str, longest_s: float, work: bytes) -> Done | Refused:
    """Do a piece of work if this worker's code is the sender's.

    `work` is a pickle of the function and its arguments, read only after the comparison. A piece that takes
    longer than `longest_s` is interrupted where it runs Python.
    """
    if digest_of(identity) != expected:
        return Refused(_own_address(), dict(identity()))
    with _one_at_a_time:
        perform, args, kwargs = pickle.loads(work)  # noqa: S301 - the connection was checked: dask_address.py
        limit = _Limit(longest_s)
        try:
            return Done(limit.kept(lambda: tried(perform, *args, **kwargs)))
        except TookTooLong:
            return Done(f"it did not end within {longest_s:.0f} s")


@cache
def digest_of(identity: Identity) -> str:
    """Sixteen hex digits over an identity; as it was when this process first asked for it."""
    digest = blake2b(digest_size=8)
    for what, value in sorted(identity().items()):
        digest.update(what.encode() + b"\0" + value.encode() + b"\0")
    return digest.hexdigest()


def _own_address() -> str:
    from distributed import get_worker  # here, as this runs on a worker alone

    return str(get_worker().address)


class _Limit:
    """Interrupts the thread that made it after a time."""

    def __init__(self, longest_s: float) -> None:
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._is_over = False
        self._timer = threading.Timer(longest_s, self._interrupt)
        self._timer.daemon = True

    def kept(self, call: Callable[[], Any]) -> Any:
        """Call this, within the limit."""
        self._timer.start()
        try:
            return call()
        finally:
            self._timer.cancel()
            with self._lock:
                self._is_over = True

    def _interrupt(self) -> None:
        with self._lock:
            if not self._is_over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread), ctypes.py_object(TookTooLong)
                )
