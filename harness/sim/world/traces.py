"""Traces of simulated nodes: as the lines that a real node writes, and as the values that checkers read.

Both follow docs/trace-format.md; `at` is virtual time, the same on all nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from history import NodeTrace, TraceEntry, TraceEvent
from node_impl.core.events import Trace

_encode = msgspec.json.Encoder().encode_lines


def written(lines: Iterable[Trace]) -> Iterator[bytes]:
    """Write one life's file, line by line."""
    for trace in lines:
        yield _encode((trace,))


def node_trace(node: str, lives: Iterable[Iterable[Trace]]) -> NodeTrace:
    """Give all lives of one node, as if they had been written to files and read."""
    return NodeTrace(
        node=node,
        events=tuple(
            [
                TraceEvent(
                    trace.seq,
                    trace.at,
                    trace.event,  # type: ignore[arg-type]  # any text to the node
                    trace.term,
                    trace.role,
                    trace.commit,
                    trace.applied,
                    trace.last,
                    trace.vote,
                    trace.index,
                    tuple([TraceEntry(*row) for row in trace.entries]) if trace.entries else (),
                    trace.peer,
                    trace.message,
                    trace.message_id,
                    trace.count or 0,
                    trace.ok,
                    trace.of_term,
                    trace.op,
                    trace.members or None,
                    trace.learners,
                    trace.digest,
                    node,
                    life,
                    trace.skipped,
                    trace.committed,
                )
                for life, lines in enumerate(lives, start=1)
                for trace in lines
            ]
        ),
    )
