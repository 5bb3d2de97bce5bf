"""One event of a history: a client or the nemesis begins something, or learns how it ended.

The four types are Jepsen's, and strict:

- `invoke`: begun.
- `ok`: certainly happened, between its invocation and this completion.
- `fail`: certainly did not happen, and never will.
- `info`: may or may not have happened, now or at any later time. A client process that gets
  one is over; its thread goes on as a new process.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

OperationType = Literal["invoke", "ok", "fail", "info"]

NEMESIS = -1
"""The process number of the nemesis; clients are 0 and above. Its completions are always `info`."""


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """An invocation or a completion. A completion repeats its invocation's process, f and key."""

    index: int
    """Position in the history, from 0; -1 until recorded. An invocation's index is the
    *operation id* that travels in the command into the nodes' logs and traces."""
    time: int
    """Nanoseconds since the run began, monotonic."""
    process: int
    type: OperationType
    f: str
    """The name of the operation: `register`, `lookup`, `kill`, ..."""
    key: str | None = None
    """The object of the operation, where the workload has keys (P-compositionality)."""
    value: Any = None
    """JSON-like: the argument in an invocation, the result in a completion."""
    error: str | None = None
    """The reason for `fail` or `info`, in one line."""
    node: str | None = None
    """The node to which the client sent the request."""
    raft_index: int | None = None
    """The witness: the Raft index at which it took effect, if the reply names one."""

    @property
    def is_client(self) -> bool:
        """Whether this is an operation of a client, not of the nemesis."""
        return self.process != NEMESIS
