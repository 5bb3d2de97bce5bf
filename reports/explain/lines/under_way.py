"""The client's operation that a node's step was about, where the step itself names none.

A vote, a term, a restart or a reply has no operation. What it could harm is an operation that was not yet
answered: one whose entry the node held, or one that the node was asked. If there is none, it is the last
client's operation in the node's log, and before there was any, one that another node was asked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from history import TraceEvent
from reports.explain.scene import Scene, numbered
from reports.spans import Span

MOST_UNDER_WAY = 200
"""Operations of one moment that are looked at; more clients than this are rare."""
NOTHING_ASKED = "no client had asked for anything yet"


class Near(NamedTuple):
    """An operation near a step of a node."""

    span: Span
    at_index: int | None
    """Where the node had its entry in its log; None if it had none."""
    is_under_way: bool

    def words(self, node: str) -> str:
        """The operation, as a line of a story."""
        where = f", at index {self.at_index} of {node}'s log" if self.at_index is not None else ""
        if self.is_under_way:
            asked = f", sent to {self.span.node}" if self.span.node is not None and not where else ""
            return f"not yet answered: {numbered(self.span)}{where or asked}"
        return f"the last operation in {node}'s log until then: {numbered(self.span)}{where}"


def near(scene: Scene, node: str, time: int | None, step: TraceEvent | None) -> Near | None:
    """The operation that a step of a node was about; None if no client had asked for anything.

    Args:
        scene: the run.
        node: the node.
        time: when it took the step, in nanoseconds since the run began; None where that is not known.
        step: the event, which may have changed the node's log; None for the end of its trace.
    """
    held = held_by(scene, node, step)
    under_way = [] if time is None else _under_way(scene, time)
    for span in under_way:
        if span.index in held:
            return Near(span, held[span.index], is_under_way=True)
    asked = next((span for span in under_way if span.node == node), None)
    if asked is not None:
        return Near(asked, None, is_under_way=True)
    for operation in reversed(held):
        found = scene.span(operation)
        if found is not None:
            return Near(found, held[operation], is_under_way=False)
    return Near(under_way[0], None, is_under_way=True) if under_way else None


def _under_way(scene: Scene, time: int) -> list[Span]:
    """The operations of clients that were asked before and had not ended by then, the newest first."""
    spans = scene.spans
    is_open = (spans.begin <= time) & ((spans.end < 0) | (spans.end >= time))
    places = np.flatnonzero(is_open & spans.client)[-MOST_UNDER_WAY:]
    return [spans.span(place) for place in reversed(places.tolist())]


def held_by(scene: Scene, node: str, step: TraceEvent | None) -> dict[int, int]:
    """By operation, the index of its entry in the node's log before a step, in the order of the log."""
    ops: dict[int, str | None] = {}
    trace = scene.recording.traces.get(node)
    for one in () if trace is None else trace.events:
        if step is not None and (one.life, one.seq) == (step.life, step.seq):
            break
        match one.event:
            case "append":
                ops.update((entry.index, entry.op) for entry in one.entries)
            case "truncate" if one.index is not None:
                ops = {index: op for index, op in ops.items() if index < (one.index or 0)}
            case "restart":
                ops = {index: op for index, op in ops.items() if index <= one.last}
    return {int(op): index for index, op in sorted(ops.items()) if op is not None and op.isdecimal()}
