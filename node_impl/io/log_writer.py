"""Writes and fsyncs the log: on a thread, so that the event loop never waits for the disk, or in place.

Group commit: the records that were handed over while one fsync ran share the next one.

Handing records to the thread, and the report back, is a third of what a follower spends on a write. So they
are written in place where no client and no other node would notice that this node stands still, and where the
last fsyncs were fast. A node that a client waits for never does that: a slow fsync would then stand between a
client and a commit that a majority has made already.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from node_impl.core.events import Persist, Record, SnapshotRecord

SLOW_S: Final = 0.002
"""An fsync that took longer shows that the disk is too slow to wait for, or that other processes want the
processors: two threads then get more of them than one does."""
FAST_IN_A_ROW: Final = 8
"""After this number of faster fsyncs in a row the disk counts as fast again."""


class Storage(Protocol):
    """What the writer needs of the write-ahead log."""

    def write(self, records: Sequence[Record]) -> None:
        """Collect records for the next `sync`."""
        ...

    def sync(self) -> None:
        """Make the collected records durable."""
        ...


class LogWriter:
    """Owns the log from its creation on. Both callbacks run on the event loop, perhaps before `put` returns;
    after a failure nothing is written any more.
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
        self._fast_in_a_row = 0
        self._last_queued = self._last_reported = 0
        """The numbers of the last records that the thread was given, and that it has reported."""
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Sequence[Persist] | None] = SimpleQueue()
        self._reports: deque[int | Exception] = deque()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._loop.add_reader(self._wake, self._take_reports)
        # A daemon: an fsync that hangs in the kernel must not keep a node from ending.
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def put(self, persists: Sequence[Persist], may_wait: bool = False) -> None:
        """Write records; `on_synced` is called with the last number, or a later one, once all are durable.

        may_wait: no client and no other node notices if this takes as long as the disk does.
        """
        if may_wait and self._is_fast() and not _hold_a_snapshot(persists):
            self._write_in_place(persists)
        else:
            self._last_queued = persists[-1].number
            self._queue.put(persists)

    def close(self, timeout_s: float) -> None:
        """End the thread after what is queued, and report it; gives up waiting after `timeout_s`."""
        if not self._loop.remove_reader(self._wake):
            return  # it was closed before
        self._queue.put(None)
        self._thread.join(timeout_s)
        self._deliver()
        if not self._thread.is_alive():
            os.close(self._wake)

    def _write_in_place(self, persists: Sequence[Persist]) -> None:
        try:
            for persist in persists:
                self._storage.write(persist.records)
            self._sync()
        except Exception as error:  # noqa: BLE001 - as on the thread
            self._on_failed(error)
        else:
            self._on_synced(persists[-1].number)

    def _is_fast(self) -> bool:
        """Whether the disk is worth waiting for, and the thread has nothing to do."""
        return self._fast_in_a_row >= FAST_IN_A_ROW and self._last_reported == self._last_queued

    def _sync(self) -> None:
        begun = time.perf_counter()
        self._storage.sync()
        took = time.perf_counter() - begun
        self.sync_seconds += took
        self.syncs += 1
        self._fast_in_a_row = self._fast_in_a_row + 1 if took < SLOW_S else 0

    def _take_reports(self) -> None:
        os.eventfd_read(self._wake)
        self._deliver()

    def _deliver(self) -> None:
        while self._reports:
            report = self._reports.popleft()
            if isinstance(report, Exception):
                self._on_failed(report)
            else:
                self._last_reported = report
                self._on_synced(report)

    # ---- on the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                number, is_last = self._write_all_queued(first)
                self._sync()
                self._report(number)
                if is_last:
                    return
        except Exception as error:  # noqa: BLE001 - handed to the loop, which ends the node with it
            self._report(error)

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

    def _report(self, report: int | Exception) -> None:
        self._reports.append(report)
        os.eventfd_write(self._wake, 1)


def _hold_a_snapshot(persists: Sequence[Persist]) -> bool:
    """Whether a whole file, perhaps a large one, is to be written."""
    return any(isinstance(record, SnapshotRecord) for persist in persists for record in persist.records)
