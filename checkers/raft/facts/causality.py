"""What happened before what, across nodes (Lamport 1978), as vector clocks (Fidge, Mattern 1988).

The only ties between nodes are messages: what a node did before it handed a message over comes
before all that the receiver did after it took it. Time stamps are not looked at.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from checkers.raft.facts.compact import MessageIds, NumberRows
from history import TraceEvent

Clock = tuple[int, ...]
"""Per node, in the order of `Causality.nodes`: how many of its events, from the first, came before."""


class Causality:
    """Vector clocks of chosen events.

    Args:
        events: all events of each node, in its order; read once.
        wanted: the names of the events whose clocks are kept.
        sent: the ids of all messages that some node sent.
        received: the ids of all messages that some node took: no other is remembered.
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
        forced = False  # a message received before it was sent: damaged traces; go on without its tie
        while any(head is not None for head in heads.values()):
            moved = False
            for column, node in enumerate(self.nodes):
                clock, reader, kept = clocks[node], readers[node], self._clocks[node]
                event = heads[node]
                while event is not None:
                    name, message_id = event.event, event.message_id
                    if name == "receive":
                        told = in_flight.pop(message_id, None)
                        if told is not None:
                            delivered.add(message_id or "")
                            for other, count in enumerate(told):
                                if count > clock[other]:
                                    clock[other] = count
                            forced = False
                        elif message_id in sent:
                            if message_id not in delivered and not forced:
                                break
                            forced = False
                    clock[column] += 1
                    moved = True
                    if name == "send":
                        if message_id in received:
                            in_flight[message_id] = tuple(clock)
                    elif name in wanted:
                        kept.put(clock[column] - 1, clock)
                    event = next(reader, None)
                heads[node] = event
            forced = not moved
