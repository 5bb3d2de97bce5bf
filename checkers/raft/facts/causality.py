"""What happened before what, across nodes (Lamport 1978).

Only messages order the events of different nodes: what a node did before it sent a message comes before all
that the receiver did after it took the message. Time stamps are not looked at.

`Causality` answers this for millions of events, by vector clocks (Fidge, Mattern 1988). `happened_before`
gives the events before a violation as a graph, for a report.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from checkers.raft.facts.compact import MessageIds, NumberRows
from checkers.verdict import EventRef
from history import NodeTrace, TraceEvent

if TYPE_CHECKING:
    import networkx as nx

Clock = tuple[int, ...]
"""By node, in the order of `Causality.nodes`: how many of its events, from the first, came before."""

MOST_EVENTS_OF_A_NODE = 2_000
"""How many events of each node a slice keeps, so that a slice of five nodes has some 10,000 edges."""


class Causality:
    """Vector clocks of chosen events.

    Args:
        events: all events of each node, in its order; read once.
        wanted: the names of the events whose clocks are kept.
        sent: the ids of all messages that some node sent.
        received: the ids of all messages that some node took; others are not remembered.
    """

    def __init__(
        self,
        events: Mapping[str, Iterable[TraceEvent]],
        wanted: frozenset[str],
        sent: Container[str | None],
        received: Container[str | None],
    ) -> None:
        self.nodes = tuple(events)
        self._column = {node: column for column, node in enumerate(self.nodes)}
        self._clocks = {node: NumberRows(len(self.nodes)) for node in self.nodes}
        self._run(events, wanted, sent, received)

    def known(self, at: tuple[str, int], node: str) -> int:
        """How many events of `node` came before the event `at` (node, position), itself included."""
        return self._clocks[at[0]].at(at[1], self._column[node])

    def _run(
        self,
        events: Mapping[str, Iterable[TraceEvent]],
        wanted: frozenset[str],
        sent: Container[str | None],
        received: Container[str | None],
    ) -> None:
        clocks = {node: [0] * len(self.nodes) for node in self.nodes}
        readers = {node: iter(own) for node, own in events.items()}
        heads = {node: next(reader, None) for node, reader in readers.items()}
        in_flight: dict[str | None, Clock] = {}
        delivered = MessageIds()
        forced = (
            False  # a message was received before it was sent: the traces are damaged; ignore this message
        )
        while any(head is not None for head in heads.values()):
            moved = False
            for column, node in enumerate(self.nodes):
                clock, reader, kept = clocks[node], readers[node], self._clocks[node]
                event = heads[node]
                while event is not None:
                    name, message_id = event.event, event.message_id
                    if name == "receive":
                        before = in_flight.pop(message_id, None)
                        if before is not None:
                            delivered.add(message_id or "")
                            for other, count in enumerate(before):
                                if count > clock[other]:
                                    clock[other] = count
                            forced = False
                        elif message_id in sent:
                            if message_id not in delivered and not forced:
                                break
                            forced = False
                    clock[column] += 1
                    moved = True
                    if name == "send" and message_id in received:
                        in_flight[message_id] = tuple(clock)
                    if name in wanted:
                        kept.put(clock[column] - 1, clock)
                    event = next(reader, None)
                heads[node] = event
            forced = not moved


def happened_before(
    traces: Mapping[str, NodeTrace], events: Collection[EventRef], *, most_each: int = MOST_EVENTS_OF_A_NODE
) -> nx.DiGraph:
    """The slice of a trace on which some events rest: what happened before them, as a graph for people.

    Its nodes are `EventRef`s, with the trace event as attribute `event`. Its edges have the attribute `kind`:
    `next` from an event to the next one of the same node, and `message` from a send to its receive. Every
    node of the graph is one of `events`, or a path leads from it to one of them.

    Args:
        traces: of all nodes.
        events: the events to explain, as evidence names them. Those that no trace has are left out.
        most_each: how many of the latest events of each node are kept.
    """
    import networkx as nx  # imported here: only a report of a violation needs it

    wanted = _found(traces, events)
    names = frozenset(event.event for event in wanted.values())
    sent, received = MessageIds(), MessageIds()
    for trace in traces.values():
        for event in trace.events:
            if event.message_id is not None and event.event in ("send", "receive"):
                (sent if event.event == "send" else received).add(event.message_id)
    clocks = Causality({node: trace.events for node, trace in traces.items()}, names, sent, received)
    graph = nx.DiGraph()
    sends: dict[str, EventRef] = {}
    receives: list[tuple[str, EventRef]] = []
    for node, trace in traces.items():
        known = max((clocks.known(place, node) for place in wanted), default=0)
        before: EventRef | None = None
        for event in islice(trace.events, max(known - most_each, 0), known):
            here = ref_of(event)
            graph.add_node(here, event=event)
            if before is not None:
                graph.add_edge(before, here, kind="next")
            before = here
            if event.event == "send" and event.message_id is not None:
                sends.setdefault(event.message_id, here)
            elif event.event == "receive" and event.message_id is not None:
                receives.append((event.message_id, here))
    for message_id, here in receives:
        if message_id in sends:
            graph.add_edge(sends[message_id], here, kind="message")
    ends = {ref_of(event) for event in wanted.values()}
    kept = ends.union(*(nx.ancestors(graph, end) for end in ends))
    return graph.subgraph(kept).copy()


def in_causal_order(slice_: nx.DiGraph) -> list[TraceEvent]:
    """The events of a slice, each after all that happened before it; by node where nothing orders them."""
    import networkx as nx

    order = nx.lexicographical_topological_sort(slice_, key=lambda ref: (ref.node, ref.life, ref.seq))
    return [slice_.nodes[ref]["event"] for ref in order]


def ref_of(event: TraceEvent) -> EventRef:
    """The place of a trace event."""
    return EventRef(event.node, event.life, event.seq)


def _found(
    traces: Mapping[str, NodeTrace], events: Collection[EventRef]
) -> dict[tuple[str, int], TraceEvent]:
    """By (node, position in its trace), the events that some trace has."""
    asked = set(events)
    return {
        (node, position): event
        for node, trace in traces.items()
        for position, event in enumerate(trace.events)
        if ref_of(event) in asked
    }
