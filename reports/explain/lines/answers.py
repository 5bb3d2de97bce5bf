"""Whose answer a node passed on to a client: that of the node that had served the request."""

from __future__ import annotations

from history import TraceEvent
from reports.explain.scene import Scene


def behind(scene: Scene, acknowledged: TraceEvent) -> TraceEvent | None:
    """How another node sent the answer that a node passes on; None if the node made it itself."""
    trace = scene.recording.traces.get(acknowledged.node)
    before: TraceEvent | None = None
    for event in () if trace is None else trace.events:
        if (event.life, event.seq) == (acknowledged.life, acknowledged.seq):
            break
        before = event
    if before is None or before.event != "receive" or before.peer is None or before.message_id is None:
        return None
    sender = scene.recording.traces.get(before.peer)
    for event in () if sender is None else sender.events:
        if event.event == "send" and event.message_id == before.message_id:
            return event
    return None
