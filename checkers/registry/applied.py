"""What took effect, and at which Raft index, by the nodes' apply traces: also for writes without a reply.

A client without a reply does not know whether its write happened. The nodes know: each write carries its
operation id (which is also its session's sequence, docs/trace-format.md) into the log entry, and every node
traces that entry when it applies it. Of several copies of one write only the first takes effect (Ongaro's
thesis, section 6.3), so a write took effect at the lowest index of its operation id that not all nodes
skipped: an entry of a session that has ended is in the log, and changes nothing. Compaction loses nothing
here: an entry that one node misses by installing a snapshot is in the trace of a node that applied it.

Entries that a leader writes by itself (`expire:TO:REGISTERED:KEY`) are here, too: internal operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from history import NodeTrace

REMOVED = "removed"
_EXPIRE = "expire:"


def applied_ops(traces: Mapping[str, NodeTrace]) -> dict[int, str | None]:
    """By index, the operation id of the entry that was applied; None where there was none, and where every
    node skipped the entry. That nodes agree is for the checkers `state-machine-safety` and `applied-once`."""
    ops: dict[int, str | None] = {}
    skipped: set[int] = set()
    carried_out: set[int] = set()
    for trace in traces.values():
        for event in trace.events:
            if event.event == "apply":
                for entry in event.entries:
                    ops[entry.index] = entry.op
                if event.skipped:
                    skipped.update(event.skipped)
                    carried_out.update(entry.index for entry in event.entries)
                    carried_out.difference_update(event.skipped)
    for index in skipped - carried_out:
        if index in ops:
            ops[index] = None
    return ops


class Expired(NamedTuple):
    """An internal operation: the registration that stands at index `registered` is removed from its key."""

    at: int
    registered: int
    key: str


class AppliedLog(NamedTuple):
    """The applied log, as far as some trace shows it."""

    first: Mapping[int, int]
    """Operation id (an invocation's index in the history) -> the lowest index at which it was applied."""
    expired: tuple[Expired, ...]
    """The expiries that removed a registration if it was still there, by index."""
    covered: int
    """Each index from 1 up to this one was applied in some trace."""
    shown: frozenset[int] = frozenset()
    """The indices above `covered` that some trace shows."""

    def shows(self, index: int) -> bool:
        """Whether some trace shows what was applied at an index."""
        return index <= self.covered or index in self.shown

    @classmethod
    def of(cls, traces: Mapping[str, NodeTrace]) -> AppliedLog:
        """Read all apply events."""
        ops = applied_ops(traces)
        first: dict[int, int] = {}
        expired: list[Expired] = []
        for index in sorted(ops):
            op = ops[index]
            if op is None:
                continue
            if op.isdecimal():
                first.setdefault(int(op), index)
            elif op.startswith(_EXPIRE):
                _, to, registered, key = op.split(":", 3)
                if to == REMOVED:
                    expired.append(Expired(index, int(registered), key))
        covered = 0
        while covered + 1 in ops:
            covered += 1
        return cls(first, tuple(expired), covered, frozenset(index for index in ops if index > covered))
