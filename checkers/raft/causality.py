"""What happened before what, across nodes (Lamport 1978), as vector clocks (Fidge, Mattern 1988).

The only ties between nodes are messages: what a node did before it handed a message over comes
before all that the receiver did after it took it. Time stamps are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.history import TraceEvent

Clock = tuple[int, ...]
"""Per node, in the order of `Causality.nodes`: how many of its events, from the first, came before."""


class Causality:
    """Vector clocks of chosen events.

    Args:
        events: all events of each node, in its order.
        wanted: the names of the events whose clocks are kept.
    """

    def __init__(self, events: Mapping[str, Sequence[TraceEvent]], wanted: frozenset[str]) -> None:
        self.nodes = tuple(events)
        self._column = {node: column for column, node in enumerate(self.nodes)}
        self._clocks: dict[tuple[str, int], Clock] = {}
        self._run(events, wanted)

    def known(self, at: tuple[str, int], node: str) -> int:
        """How many events of `node` came before the event `at` (node, position), itself included."""
        return self._clocks[at][self._column[node]]

    def _run(self, events: Mapping[str, Sequence[TraceEvent]], wanted: frozenset[str]) -> None:
        sent = {e.message_id for own in events.values() for e in own if e.event == "send"}
        clocks = {node: [0] * len(self.nodes) for node in self.nodes}
        at = dict.fromkeys(self.nodes, 0)
        in_flight: dict[str | None, Clock] = {}
        delivered: set[str | None] = set()
        forced = False  # a message received before it was sent: damaged traces; go on without its tie
        while any(at[node] < len(events[node]) for node in self.nodes):
            moved = False
            for column, node in enumerate(self.nodes):
                own, clock = events[node], clocks[node]
                while at[node] < len(own):
                    event = own[at[node]]
                    if event.event == "receive" and event.message_id in sent:
                        told = in_flight.pop(event.message_id, None)
                        if told is not None:
                            delivered.add(event.message_id)
                            for other, count in enumerate(told):
                                clock[other] = max(clock[other], count)
                        elif event.message_id not in delivered and not forced:
                            break
                        forced = False
                    at[node] += 1
                    clock[column] = at[node]
                    moved = True
                    if event.event == "send":
                        in_flight[event.message_id] = tuple(clock)
                    elif event.event in wanted:
                        self._clocks[node, at[node] - 1] = tuple(clock)
            forced = not moved
