"""All nodes' traces, replayed once, and what the verdicts of all invariants have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from checkers.lacking import lacks
from checkers.limits import MUCH_EVIDENCE
from checkers.raft.facts.causality import Causality
from checkers.raft.facts.compact import MessageIds
from checkers.raft.facts.replay import Common, NodeFacts, replay
from checkers.verdict import EventRef, Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import plural
from history import NodeTrace, Recording, TraceEntry

JUDGED_FROM_TRACES = "judged from what the nodes traced about themselves"


class Located(Protocol):
    """A trace event, or what is kept of one."""

    @property
    def node(self) -> str:
        """The node whose event it is."""
        ...

    @property
    def life(self) -> int:
        """The node's life, from 1."""
        ...

    @property
    def seq(self) -> int:
        """The event's number in that life."""
        ...


class TracedCluster:
    """The facts of every node that wrote a trace."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        traces = {node: trace for node, trace in recording.traces.items() if trace.events}
        self._sent, self.received = MessageIds(), MessageIds()
        """The ids of all messages that some node sent, and of those that some node received."""
        for trace in traces.values():
            self._note_messages(trace)
        common = self.common = Common(self.received)
        self.nodes: Mapping[str, NodeFacts] = {node: replay(trace, common) for node, trace in traces.items()}
        self.incomplete: dict[str, str] = {}
        """Nodes whose trace lacks something, and the first thing that it lacks."""
        for node in recording.nodes:
            if node not in self.nodes:
                self.incomplete[node] = f"{node} wrote no trace"
        for node, trace in recording.traces.items():
            if trace.gaps:
                self.incomplete[node] = f"the trace of {node} has a gap: {trace.gaps[0]}"
        for node, facts in self.nodes.items():
            if facts.inconsistencies:
                self.incomplete.setdefault(node, f"the trace of {facts.inconsistencies[0]}")

    def _note_messages(self, trace: NodeTrace) -> None:
        for kind, ids in (("send", self._sent), ("receive", self.received)):
            ids.extend([e.message_id for e in trace.events if e.event == kind and e.message_id is not None])

    @cached_property
    def causality(self) -> Causality:
        """Vector clocks of acknowledgements, and of the events that prove something to be on disk."""
        return Causality(
            {node: facts.trace.events for node, facts in self.nodes.items()},
            frozenset({"acknowledge", "synced", "restart"}),
            self._sent.as_it_is(),
            self.received.as_it_is(),
        )


class Replays:
    """Replays a recording once, for all checkers that share this object."""

    def __init__(self) -> None:
        self._cluster: TracedCluster | None = None

    def of(self, recording: Recording) -> TracedCluster:
        """The facts of a recording; those of the last one are kept."""
        if self._cluster is None or self._cluster.recording is not recording:
            self._cluster = TracedCluster(recording)
        return self._cluster


def conclude(
    checker: str,
    cluster: TracedCluster,
    *,
    violations: Sequence[Evidence],
    summary: str,
    nothing_seen: str | None = None,
    doubts: Iterable[str] = (),
    measures: Mapping[str, Any] | None = None,
    caveats: tuple[str, ...] = (),
) -> Verdict:
    """The verdict: invalid if there is a violation, else unknown if anything is missing, else valid.

    If nothing is missing and nothing was there to look at, the invariant was not exercised.

    Args:
        summary: what was looked at, with numbers; shown if the verdict is valid.
        nothing_seen: why the invariant was not tested, if it was not.
        doubts: what could not be decided for this invariant alone.
    """
    missing = [*cluster.incomplete.values(), *doubts]
    if not cluster.nodes:
        missing = ["no node wrote a trace"]
    mark: Mark = Validity.VALID
    if violations:
        mark = Validity.INVALID
        summary = f"{plural(len(violations), 'violation')}; for example: {violations[0].title}"
    elif lacks(cluster.recording, "traces") and not cluster.nodes:
        mark, summary, missing = Unjudged.NOT_APPLICABLE, "the system writes no traces", []
    elif missing:
        mark, summary = Validity.UNKNOWN, missing[0]
    elif nothing_seen is not None:
        mark, summary = Unjudged.NOT_EXERCISED, nothing_seen
    return Verdict.marked(
        checker=checker,
        mark=mark,
        summary=summary,
        evidence=(
            *violations[:MUCH_EVIDENCE],
            *(Evidence(title="not known from the traces", text=text) for text in missing[:MUCH_EVIDENCE]),
        ),
        measures={"violations": len(violations), **(measures or {})},
        caveats=(JUDGED_FROM_TRACES, *caveats),
    )


def evidence(
    title: str, text: str, *events: Located, ops: Iterable[str | None] = (), kind: str = ""
) -> Evidence:
    """Evidence from trace events; `ops` are operation ids, of which those of clients' invocations count."""
    numbers = sorted({int(op) for op in ops if op is not None and op.isdecimal()})
    return Evidence(
        title=title,
        text=text,
        operations=tuple(numbers),
        events=tuple(EventRef(node=e.node, life=e.life, seq=e.seq) for e in events),
        nodes=tuple(dict.fromkeys(e.node for e in events)),
        kind=kind,
    )


def named(entry: TraceEntry) -> str:
    """A log entry in words: `operation 512 (index 88, term 3)`."""
    what = (
        f"operation {entry.op}" if entry.op is not None else f"an entry without operation, hash {entry.hash}"
    )
    return f"{what} (index {entry.index}, term {entry.term})"
