"""A thread that writes and fsyncs the log, so that the event loop never waits for the disk.

Group commit: whatever was handed over while one fsync ran shares the next one. A follower that wrote in
place instead, since it only waits, saved a tenth of its processor time; but every slow fsync then stood
between a client and a commit that a majority had made already, and that cost more.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from node_impl.events import Persist, Record


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
    is written any more.
    """

    def __init__(
        self,
        storage: Storage,
        on_synced: Callable[[int], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        self._storage = storage
        self._on_synced = on_synced
        self._on_failed = on_failed
        self.syncs = 0
        """How many fsyncs there were, and how long they took together."""
        self.sync_seconds = 0.0
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Sequence[Persist] | None] = SimpleQueue()
        # A daemon: an fsync that hangs in the kernel must not keep a node from ending.
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def put(self, persists: Sequence[Persist]) -> None:
        """Queue records; `on_synced` is called with the last number, or a later one, once all are durable."""
        self._queue.put(persists)

    def close(self, timeout_s: float) -> None:
        """End the thread after what is queued; gives up waiting after `timeout_s`."""
        self._queue.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                number, is_last = self._write_all_queued(first)
                begun = time.perf_counter()
                self._storage.sync()
                self.sync_seconds += time.perf_counter() - begun
                self.syncs += 1
                self._tell(self._on_synced, number)
                if is_last:
                    return
        except Exception as error:  # noqa: BLE001 - handed to the loop, which ends the node with it
            self._tell(self._on_failed, error)

    def _write_all_queued(self, persists: Sequence[Persist]) -> tuple[int, bool]:
        """The number of the last record group written, and whether the end was reached."""
        while True:
            for persist in persists:
                self._storage.write(persist.records)
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
