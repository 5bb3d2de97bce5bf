"""Does work on several processes of this machine.

A process that dies took exactly one piece of work with it, and that one is named: each process has one piece
at a time, over a pipe of its own. One that takes too much memory is ended, so that it leaves the machine's to
the others; one that keeps much of it after its piece of work is replaced.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic

from harness.executors.executor import Ended, K, P, R, tried
from harness.executors.memory import MOST_IDLE_BYTES, MOST_WORKER_BYTES, bytes_used

LONGEST_S = 900.0
"""Seconds after which a piece of work is taken for one that does not end."""


class Processes(Generic[K, P, R]):
    """Does work on several processes. One that dies is replaced, and its piece of work is reported."""

    def __init__(
        self,
        perform: Callable[P, R],
        jobs: int,
        longest_s: float = LONGEST_S,
        most_bytes: int = MOST_WORKER_BYTES,
        most_idle_bytes: int = MOST_IDLE_BYTES,
    ) -> None:
        self._perform = perform
        self._jobs = jobs
        self._longest_s = longest_s
        self._most_bytes = most_bytes
        self._most_idle_bytes = most_idle_bytes
        self._workers: list[_Worker[K]] = []

    @property
    def has_room(self) -> bool:
        """Whether a process is idle, or one more may be started."""
        return sum(worker.key is not None for worker in self._workers) < self._jobs

    @property
    def is_busy(self) -> bool:
        """Whether any process has work."""
        return any(worker.key is not None for worker in self._workers)

    def begin(self, key: K, *args: P.args, **kwargs: P.kwargs) -> None:
        """Give the work to an idle process, or to a new one."""
        worker = next((worker for worker in self._workers if worker.key is None), None)
        if worker is None:
            worker = _Worker(self._perform)
            self._workers.append(worker)
        with contextlib.suppress(OSError):  # it died while it was idle; `wait` reports the piece
            worker.begin(key, args, kwargs)

    def wait(self, timeout_s: float) -> list[Ended[K, R]]:
        """What the processes sent; and the work of those that died or take too long."""
        busy = [worker for worker in self._workers if worker.key is not None]
        ready = set(wait([worker.pipe for worker in busy], timeout_s))
        ended = [self._look(worker, is_ready=worker.pipe in ready) for worker in busy]
        return [one for one in ended if one is not None]

    def _look(self, worker: _Worker[K], *, is_ready: bool) -> Ended[K, R] | None:
        """How a process's work ended; None while it goes on."""
        assert worker.key is not None
        if is_ready:
            try:
                ended = Ended(worker.key, worker.pipe.recv())
            except (EOFError, OSError):
                worker.process.join(5)
                ended = Ended(worker.key, _death(worker.process.exitcode))
            else:
                worker.key = None
                if bytes_used(worker.pid) <= self._most_idle_bytes:
                    return ended
        elif why := self._is_too_much(worker):
            ended = Ended(worker.key, why)
        else:
            return None
        worker.end()
        self._workers.remove(worker)
        return ended

    def _is_too_much(self, worker: _Worker[K]) -> str:
        """What a process took too much of; empty while it is within its bounds."""
        if time.monotonic() - worker.began > self._longest_s:
            return f"it did not end within {self._longest_s:.0f} s"
        used = bytes_used(worker.pid)
        return (
            f"it was ended, as its process took {used >> 20:,} MiB of memory"
            if used > self._most_bytes
            else ""
        )

    def interrupt(self) -> list[Ended[K, R]]:
        """End all at once: such work is quickly done again."""
        self.close()
        return []

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()


class _Worker(Generic[K]):
    """One process that does one piece of work at a time."""

    def __init__(self, perform: Callable[..., Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(other, perform), daemon=True)
        with _without_interruptions():
            self.process.start()
        other.close()
        self.key: K | None = None
        self.began = 0.0

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self.process.pid is not None, "it was started"
        return self.process.pid

    def begin(self, key: K, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.key, self.began = key, time.monotonic()
        self.pipe.send((args, kwargs))

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


@contextlib.contextmanager
def _without_interruptions() -> Iterator[None]:
    """Hold Ctrl-C back; a process that is started meanwhile does so until it ignores it (`_work`).

    Python's own helper of such processes is started before, as its start lets Ctrl-C through again.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, perform: Callable[..., Any]) -> None:
    """The loop of a process; it ends with its parent, whose end closes the pipe.

    It ignores Ctrl-C: the parent takes it, and then ends its processes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            args, kwargs = pipe.recv()
            pipe.send(tried(perform, *args, **kwargs))
        except (EOFError, ConnectionError):  # the parent has ended: nothing is left that wants the result
            return


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the process that did it was ended by signal {-code}"
    return f"the process that did it ended with status {code}"
