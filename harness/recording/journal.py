"""The journal of a recording: what is accepted, under which process and time, and that a crash keeps it.

**Why the recorded interval contains the true one.** An invocation is stamped and written before its answer
leaves, and the client sends its request to the system after that answer. A completion is stamped when it is
reported, after the reply came. So an operation seems to take longer than it did, never shorter, and no order
that really was is taken for impossible.

**Why a crash keeps it.** A line is one `write(2)` (history/stored/store.py) that returned before the answer
leaves. Every request to the system therefore has its invocation here, whatever happens to the recorder.

**Processes.** A process that got `info` is over, as in every history. A client's thread may go on with its
own number: what it does next is recorded as a new process, which the answer names.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from pathlib import Path
from time import monotonic_ns
from typing import Final, NamedTuple, Protocol

import msgspec
from msgspec import structs

from harness.recording.protocol import (
    NULL,
    PROTOCOL,
    Complete,
    Ended,
    Invoke,
    Refusal,
    Status,
    Stored,
    value_in_history,
)
from harness.recording.refusals import RefusalLog
from history import HistoryWriter, Operation, OperationType
from history.files import brief
from history.limits import MOST_CLIENTS

MOST_THREADS: Final = 100_000
"""Different numbers of processes that clients may use."""
MOST_NAMED: Final = 50
"""Pending operations that a status lists."""
_PENDING, _COMPLETED, _COMPLETION = range(3)
NEVER_COMPLETED: Final = "not completed before the recording ended"
_HARMLESS: Final = ("completed-before", "ended")
"""Codes of refusals after which no reply is missing in the history."""


class Inspector(Protocol):
    """Says what a data type cannot take, so that a client's mistake is refused at once and not at the end."""

    def __call__(self, f: str, argument: str, result: str | None) -> tuple[str, str] | None:
        """The wrong field and why, or None.

        Args:
            f: the name of the operation.
            argument: the value of the invocation, as JSON.
            result: the value of a completion that is `ok`, as JSON; None of an invocation.
        """
        ...


class _Pending(NamedTuple):
    thread: int
    process: int
    f: str
    key: str | None
    argument: str
    node: str | None


def accept_all(f: str, argument: str, result: str | None) -> tuple[str, str] | None:  # noqa: ARG001
    """The inspector that refuses nothing."""
    return None


class Journal:
    """Accepts invocations and completions from any thread, one at a time.

    Args:
        folder: the folder of the recording, in which `history.jsonl` is made.
        start_ns: the clock at time 0 of the history.
        inspect: what refuses operations that the data type lacks.
        clock_ns: a monotonic clock in nanoseconds.
    """

    def __init__(
        self,
        folder: Path,
        start_ns: int,
        inspect: Inspector = accept_all,
        clock_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._folder = str(folder)
        self._start_ns = start_ns
        self._inspect = inspect
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._writer = HistoryWriter(folder / "history.jsonl")
        self._kinds = bytearray()
        self._pending: dict[int, _Pending] = {}
        self._of_thread: dict[int, int] = {}
        self._processes: dict[int, int] = {}
        self._used: set[int] = set()
        self._highest = -1
        self._ended: Ended | None = None
        self._refusals = RefusalLog(folder)
        self.last_request_ns = clock_ns()
        """When the last request came, by the recorder's clock."""

    def invoke(self, asked: Invoke) -> Stored:
        """Keep an invocation. When this returns, the kernel has its line.

        Raises:
            Refusal: the process has an operation pending, a bound is reached, or the line cannot be written.
        """
        value = value_in_history(asked.value)
        self._refuse_illegal(asked.f, value, None)
        with self._lock:
            self._heard()
            pending = self._of_thread.get(asked.process)
            if pending is not None:
                raise Refusal(
                    409,
                    "pending",
                    f"process {asked.process} has operation {pending} pending; complete it first, or use "
                    "another process",
                    "process",
                    pending,
                )
            if len(self._pending) >= MOST_CLIENTS:
                raise Refusal(429, "too-many", f"{MOST_CLIENTS:,} operations are pending; complete some")
            process = self._process_of(asked.process)
            begun = _Pending(asked.process, process, asked.f, asked.key_in_history(), value, asked.node)
            operation = self._append(begun, "invoke", value, None, _PENDING)
            self._pending[operation] = begun
            self._of_thread[asked.process] = operation
            self._processes[asked.process] = process
            self._used.add(process)
            self._highest = max(self._highest, process)
        return Stored(operation, process)

    def complete(self, reported: Complete, unacknowledged: Collection[int] = ()) -> Stored:
        """Keep a completion.

        Args:
            unacknowledged: operations whose invocations were not yet answered when the completion was sent.

        Raises:
            Refusal: there is no such operation, it was completed before, or the line cannot be written.
        """
        value = value_in_history(reported.value)
        with self._lock:
            self._heard()
            operation = self._operation_of(reported)
            begun = self._pending[operation]
            if operation in unacknowledged:
                raise Refusal(
                    409,
                    "not-acknowledged",
                    f"operation {operation} was completed before its invocation was answered; wait for that "
                    "answer, then send the request, then report the completion. A history that is already "
                    "there is for `ackproof check`",
                    None,
                    operation,
                )
            if reported.type == "ok":
                self._refuse_illegal(begun.f, begun.argument, value)
            error = None if reported.error is None else brief(reported.error)
            self._append(begun, reported.type, value, error, _COMPLETION)
            self._settle(operation, is_over=reported.type == "info")
        return Stored(operation, begun.process)

    def end(self) -> Ended:
        """Complete what is pending as `info`, and close the history; ending twice is harmless.

        If the disk is full, what is pending stays so, which means the same.

        Raises:
            OSError: the history cannot be put on the disk.
        """
        with self._lock:
            if self._ended is None:
                open_operations = list(self._pending.items())
                try:
                    for operation, begun in open_operations:
                        self._append(begun, "info", NULL, NEVER_COMPLETED, _COMPLETION)
                        self._settle(operation, is_over=True)
                except Refusal:
                    pass  # the history without these lines says the same
                self._refusals.close()
                self._writer.close()
                self._ended = Ended(self._folder, len(self._kinds), len(open_operations))
            return self._ended

    def keep_nemesis(self, line: Operation) -> Operation:
        """Keep a line of a nemesis: what it begins, or what came of it.

        Returns:
            The line with its index and time; unchanged if the recording is over.
        """
        with self._lock:
            if self._ended is not None:
                return line
            kept = structs.replace(line, index=len(self._kinds), time=self._clock_ns() - self._start_ns)
            self._writer.append(kept)
            self._kinds.append(_COMPLETION)
            return kept

    def keep_refusal(self, refusal: Refusal, *, was_invocation: bool) -> None:
        """Keep that a request is not in the history; what was no invocation may have been a completion."""
        with self._lock:
            if self._ended is None:
                hides = not was_invocation and refusal.code not in _HARMLESS
                self._refusals.keep(self._clock_ns() - self._start_ns, refusal, hides_a_reply=hides)

    def status(self) -> Status:
        """What was recorded until now."""
        with self._lock:
            named = tuple(list(self._pending)[:MOST_NAMED])
            is_ended = self._ended is not None
            return Status(PROTOCOL, self._folder, len(self._kinds), named, len(self._pending), is_ended)

    # ---- the lock is held in all that follows ------------------------------------------------------------

    def _heard(self) -> None:
        """Note that a request came; refuse it if the recording is over."""
        if self._ended is not None:
            raise Refusal(410, "ended", "the recording has ended; begin another with `ackproof record`")
        self.last_request_ns = self._clock_ns()

    def _process_of(self, thread: int) -> int:
        """The process of the history under which a thread's next operation is recorded."""
        known = self._processes.get(thread)
        if known is not None:
            return known
        if len(self._processes) >= MOST_THREADS:
            text = f"{MOST_THREADS:,} processes were used; number the client's threads, not its operations"
            raise Refusal(429, "too-many", text, "process")
        return thread if thread not in self._used else self._highest + 1

    def _operation_of(self, reported: Complete) -> int:
        """The pending operation that a completion is about."""
        if reported.process is not None:
            found = self._of_thread.get(reported.process)
            if found is None:
                text = (
                    f"process {reported.process} has no operation pending: it was completed before, or never "
                    "invoked"
                )
                raise Refusal(409, "not-pending", text, "process")
            return found
        operation = -1 if reported.operation is None else reported.operation
        if operation in self._pending:
            return operation
        if operation >= len(self._kinds):
            text = f"there is no operation {operation}; give the number from the answer to its invocation"
            raise Refusal(409, "unknown-operation", text, "operation")
        if self._kinds[operation] == _COMPLETION:
            text = f"{operation} is the number of a completion; give that from the answer to the invocation"
            raise Refusal(409, "unknown-operation", text, "operation")
        text = f"operation {operation} was completed before; the first completion counts"
        raise Refusal(409, "completed-before", text, "operation", operation)

    def _settle(self, operation: int, *, is_over: bool) -> None:
        """Note that an operation is completed, and whether its process is over."""
        begun = self._pending.pop(operation)
        del self._of_thread[begun.thread]
        self._kinds[operation] = _COMPLETED
        if is_over:
            del self._processes[begun.thread]

    def _append(self, begun: _Pending, type_: OperationType, value: str, error: str | None, kind: int) -> int:
        """Write one line; its index. If it cannot be written, nothing has changed."""
        index = len(self._kinds)
        line = Operation(
            index=index,
            time=self._clock_ns() - self._start_ns,
            process=begun.process,
            type=type_,
            f=begun.f,
            key=begun.key,
            value=None if value == NULL else msgspec.Raw(value.encode()),
            error=error,
            node=begun.node,
        )
        try:
            self._writer.append(line)
        except OSError as problem:
            text = f"the line cannot be written ({problem.strerror}); make room, then send it again"
            raise Refusal(507, "disk", text) from problem
        self._kinds.append(kind)
        return index

    def _refuse_illegal(self, f: str, argument: str, result: str | None) -> None:
        wrong = self._inspect(f, argument, result)
        if wrong is not None:
            field, why = wrong
            raise Refusal(400, "field", brief(why), field)
