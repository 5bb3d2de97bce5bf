"""What the nodes' apply traces say took effect, and at which Raft index: outcomes that clients never learnt.

A client that hears nothing does not know whether its write happened. The nodes do: each write carries its
operation id (which is also its session's sequence, docs/trace-format.md) into the entry that every node
traces when it applies it. Copies of one write are applied once, where the first stands (Ongaro's thesis,
section 6.3), so the lowest index of an operation id is where it took effect. Traces outlive compaction:
what a node skips by installing a snapshot, or forgets behind one, stands in the trace of who applied it.

What a leader decides by itself (`expire:TO:REGISTERED:KEY`) is here, too: internal operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from history import NodeTrace

REMOVED = "removed"
_EXPIRE = "expire:"


class Expired(NamedTuple):
    """An internal operation: the registration that stands at index `registered` is removed from its key."""

    at: int
    registered: int
    key: str


class Applied(NamedTuple):
    """The applied log as far as any trace shows it."""

    first: Mapping[int, int]
    """Operation id (an invocation's index in the history) -> the lowest index at which it was applied."""
    expired: tuple[Expired, ...]
    """The expiries that removed something, if it was still there; by index."""
    covered: int
    """Each index from 1 up to this one was applied in some trace."""

    @classmethod
    def of(cls, traces: Mapping[str, NodeTrace]) -> Applied:
        """Read all apply events. Whether nodes agree on what stands where is for state-machine safety."""
        ops: dict[int, str | None] = {}
        for trace in traces.values():
            for event in trace.events:
                if event.event == "apply":
                    for entry in event.entries:
                        ops[entry.index] = entry.op
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
        return cls(first, tuple(expired), covered)
