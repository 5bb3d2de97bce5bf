"""What simulated nodes traced: as the lines that a real node writes, and as what checkers read.

Both say what docs/trace-format.md says; `at` is virtual time, the same on all nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import msgspec

from harness.history import NodeTrace, TraceEntry, TraceEvent
from harness.history.trace import EventName
from node_impl.events import Trace

TraceLine = tuple[int, Trace]
"""(virtual time, what was traced)."""

_READ = frozenset(TraceEvent.__struct_fields__)
_encode = msgspec.json.Encoder().encode


def written(lines: Iterable[TraceLine]) -> Iterator[bytes]:
    """One life's file, line by line."""
    for seq, (at, trace) in enumerate(lines, start=1):
        line = {
            "seq": seq,
            "at": at,
            "event": trace.event,
            "term": trace.term,
            "role": trace.role,
            "commit": trace.commit,
            "applied": trace.applied,
            "last": trace.last,
        }
        for name, value in trace.fields.items():
            if value is not None and value != () and value != []:
                line[name] = value
        yield _encode(line) + b"\n"


def node_trace(node: str, lives: Iterable[Iterable[TraceLine]]) -> NodeTrace:
    """All lives of one node, as if they had been written and read."""
    events: list[TraceEvent] = []
    for life, lines in enumerate(lives, start=1):
        for seq, (at, trace) in enumerate(lines, start=1):
            given = {
                name: value for name, value in trace.fields.items() if value is not None and name in _READ
            }
            if given.get("entries"):
                given["entries"] = tuple(TraceEntry(*row) for row in given["entries"])
            elif "entries" in given:
                del given["entries"]
            events.append(
                TraceEvent(
                    seq,
                    at,
                    cast(EventName, trace.event),
                    trace.term,
                    trace.role,
                    trace.commit,
                    trace.applied,
                    trace.last,
                    node=node,
                    life=life,
                    **given,
                )
            )
    return NodeTrace(node=node, events=tuple(events))
