"""Resources: what a node holds in memory stays within the bounds that its settings state.

A queue that never empties, a log that is never compacted and a session that is never forgotten give right
answers for weeks, and then end the node. So the simulator counts what each node holds while it runs. It keeps
the most that each life held, with the bound that follows from the node's settings
(`node_impl/core/sizes.py`). Real nodes are asked for nothing of the kind: of them the page shows the memory
of the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import EventRef, Evidence, Unjudged, Validity, Verdict
from checkers.words import count, seconds
from history import HeldSize, Recording


@dataclass(frozen=True)
class Resources:
    """Judges how much nodes held at the most."""

    name: str = "resources"

    def check(self, recording: Recording) -> Verdict:
        """Compare each size with its bound."""
        if not recording.sizes:
            reason = "it was not counted what the nodes held"
            return Verdict.marked(checker=self.name, mark=Unjudged.NOT_EXERCISED, summary=reason)
        most: dict[str, HeldSize] = {}
        for size in recording.sizes:
            if size.what not in most or size.most > most[size.what].most:
                most[size.what] = size
        above = [size for size in recording.sizes if size.most > size.bound]
        evidence = tuple(
            _evidence(size, recording) for size in sorted(above, key=lambda size: size.at)[:MOST_EVIDENCE]
        )
        summary = (
            f"{len(above)} sizes above their bounds; for example: {evidence[0].title}"
            if evidence
            else f"all of {', '.join(most)} stayed within their bounds"
        )
        return Verdict(
            checker=self.name,
            validity=Validity.INVALID if evidence else Validity.VALID,
            summary=summary,
            evidence=evidence,
            measures={what: {"most": size.most, "bound": size.bound} for what, size in most.items()},
        )


def _evidence(size: HeldSize, recording: Recording) -> Evidence:
    last = _last_request(size, recording)
    text = (
        f"In its life {size.life} {size.node} held {count(size.most)} {size.what} at {seconds(size.at)}. "
        f"By its settings they are {count(size.bound)} at the most."
    )
    if last is not None:
        text += f" The last request that its trace names by then is operation {last.op}."
    return Evidence(
        title=(
            f"{size.node} held {count(size.most)} {size.what} at {seconds(size.at)} in its life {size.life}; "
            f"its settings allow {count(size.bound)}"
        ),
        text=text,
        nodes=(size.node,),
        operations=() if last is None else (last.op,),
        events=() if last is None else (EventRef(size.node, size.life, last.seq),),
        kind=f"more {size.what} than the settings allow",
    )


class _Request(NamedTuple):
    """A client's operation, and the trace event that names it."""

    op: int
    seq: int


def _last_request(size: HeldSize, recording: Recording) -> _Request | None:
    """The last client's operation that the node's trace names before it held that much."""
    trace = recording.traces.get(size.node)
    found: _Request | None = None
    for event in () if trace is None else trace.events:
        if event.life != size.life or event.at > size.at:
            continue
        for op in (event.op, *(entry.op for entry in event.entries)):
            if op is not None and op.isdecimal():
                found = _Request(int(op), event.seq)
    return found
