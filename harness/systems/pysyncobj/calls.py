"""Operations as calls of replicated methods, over the HTTP of server.py."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.data_types import READS
from history import Operation

FAIL_REASONS = (
    "SUCCESS",
    "QUEUE_FULL",
    "MISSING_LEADER",
    "DISCARDED",
    "NOT_LEADER",
    "LEADER_CHANGED",
    "REQUEST_DENIED",
    "UNKNOWN_OUTCOME",
)
"""The names of `pysyncobj.FAIL_REASON`, by their numbers."""
NOT_DONE = frozenset({"QUEUE_FULL", "MISSING_LEADER", "DISCARDED", "NOT_LEADER", "REQUEST_DENIED"})
"""The reasons after which a call has not happened, and will not, as the documentation says."""
LEADER_CHANGED = "LEADER_CHANGED"
NO_KEY = "all"


class _Answer(msgspec.Struct):
    reason: int | None
    result: Any = None


class Calls(msgspec.Struct, frozen=True):
    """The codec of all data types."""

    local_reads: bool = False
    """Whether reads are of the node's own state, without the log."""
    reading: str = "get"
    """The method that reads a key: `members` for sets."""
    trusts_leader_changed: bool = False
    """Whether a call that ended with `LEADER_CHANGED` counts as not done, as the documentation says."""

    def encode(self, operation: Operation) -> HttpRequest:
        """The request for an invocation.

        Raises:
            ValueError: the operation is of none of the data types; a workload's defect.
        """
        method, args = _call_of(operation, self.reading)
        path = "/peek" if self.local_reads and operation.f in READS else "/call"
        body = msgspec.json.encode({"method": method, "args": args})
        return HttpRequest("POST", path, headers=(("Content-Type", "application/json"),), body=body)

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion, by the reason that PySyncObj gave."""
        is_read = operation.f in READS
        if isinstance(reply, NoReply):
            return _ended(operation, "info" if reply.sent and not is_read else "fail", error=reply.reason)
        try:
            answer = msgspec.json.decode(reply.body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            error = f"unexpected: status {reply.status}: {reply.body[:200]!r}"
            return _ended(operation, "fail" if is_read else "info", error=error)
        if answer.reason == 0:
            return _ended(operation, "ok", value=_value_of(operation, answer.result))
        if answer.reason is None:
            return _ended(operation, "fail" if is_read else "info", error="no result in time")
        known = 0 < answer.reason < len(FAIL_REASONS)
        why = FAIL_REASONS[answer.reason] if known else f"unexpected: reason {answer.reason}"
        not_done = why in NOT_DONE or (self.trusts_leader_changed and why == LEADER_CHANGED)
        return _ended(operation, "fail" if is_read or not_done else "info", error=why)


def _call_of(operation: Operation, reading: str) -> tuple[str, list[Any]]:
    """The method and its arguments."""
    key, value = operation.key or NO_KEY, operation.value
    match operation.f, value:
        case "read", _:
            return (reading, [key])
        case "write", None | str():
            return ("put", [key, value])
        case "cas", [old, new]:
            return ("cas", [key, old, new])
        case "add", int():
            return ("add", [key, value])
        case "enqueue", str():
            return ("enqueue", [key, value])
        case "dequeue", _:
            return ("dequeue", [key])
    raise ValueError(f"PySyncObj's server knows no {operation.f!r} of {value!r}")


def _value_of(operation: Operation, result: Any) -> Any:
    """The value of the completion of a call that succeeded."""
    if operation.f == "cas":
        return operation.value if result else False
    return result if operation.f in ("read", "dequeue") else operation.value


def _ended(operation: Operation, type_: Any, **changes: Any) -> Operation:
    return msgspec.structs.replace(operation, type=type_, **changes)
