"""Writes and fsyncs the log: by a thread, or in place where whoever needs it would only wait.

Group commit: whatever was handed over while one fsync ran shares the next one. Handing over to a thread
and back costs several context switches and two turns of Python's lock, more than a quick fsync itself; so
`write_in_place` takes the event loop's own time, but only as long as the disk has been quick. A disk
that has become slow stalls the loop once, and then is the thread's alone until it is quick again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol

from node_impl.events import Persist, Record

QUICK_S: Final = 0.005
"""The event loop may stand still for so long: a small part of any heartbeat."""


class Storage(Protocol):
    """What is needed of the write-ahead log."""

    def write(self, records: Sequence[Record]) -> None:
        """Collect records."""
        ...

    def sync(self) -> None:
        """Make them durable."""
        ...


class LogWriter:
    """Owns the log from its creation on. Both callbacks run on the event loop; after a failure nothing
    is written any more. quick_s: an fsync below this is no reason for a thread; 0 leaves all to the thread.
    """

    def __init__(
        self,
        storage: Storage,
        on_synced: Callable[[int], None],
        on_failed: Callable[[Exception], None],
        quick_s: float = QUICK_S,
    ) -> None:
        self._quick_s = quick_s
        self._storage = storage
        self._on_synced = on_synced
        self._on_failed = on_failed
        self.syncs = 0
        """How many fsyncs there were, and how long they took together."""
        self.sync_seconds = 0.0
        self._last_sync_s = 0.0
        self._unanswered = 0
        """The number that the thread was last given, until the event loop has heard that it is durable."""
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Sequence[Persist] | None] = SimpleQueue()
        # A daemon: an fsync that hangs in the kernel must not keep a node from ending.
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def write_in_place(self, persists: Sequence[Persist]) -> bool:
        """Write and fsync before returning; or do nothing and say False, since the thread is at work or
        the disk is slow.

        Raises:
            OSError: the disk failed; never try again.
        """
        if self._unanswered or self._last_sync_s >= self._quick_s:
            return False
        self._write(persists)
        self._sync()
        return True

    def put(self, persists: Sequence[Persist]) -> None:
        """Queue records; `on_synced` is called with the last number, or a later one, once all are durable."""
        self._unanswered = persists[-1].number
        self._queue.put(persists)

    def close(self, timeout_s: float) -> None:
        """End the thread after what is queued; gives up waiting after `timeout_s`."""
        self._queue.put(None)
        self._thread.join(timeout_s)

    # ---- the thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                number, is_last = self._write_all_queued(first)
                self._sync()
                self._tell(self._synced, number)
                if is_last:
                    return
        except Exception as error:  # noqa: BLE001 - handed to the loop, which ends the node with it
            self._tell(self._on_failed, error)

    def _write_all_queued(self, persists: Sequence[Persist]) -> tuple[int, bool]:
        """The number of the last record group written, and whether the end was reached."""
        while True:
            self._write(persists)
            try:
                following = self._queue.get_nowait()
            except Empty:
                return persists[-1].number, False
            if following is None:
                return persists[-1].number, True
            persists = following

    def _tell(self, callback: Callable[[Any], None], value: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, value)

    def _synced(self, number: int) -> None:
        if number == self._unanswered:
            self._unanswered = 0
        self._on_synced(number)

    # ---- either ----------------------------------------------------------------------------------------

    def _write(self, persists: Iterable[Persist]) -> None:
        for persist in persists:
            self._storage.write(persist.records)

    def _sync(self) -> None:
        begun = time.perf_counter()
        self._storage.sync()
        self._last_sync_s = time.perf_counter() - begun
        self.sync_seconds += self._last_sync_s
        self.syncs += 1
