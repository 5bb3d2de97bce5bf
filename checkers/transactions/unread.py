"""Appends that no read shows: whether they have an order that the model allows, and why not, in words.

`graph.placing` says at which models there is something to decide, and decides it.
"""

from __future__ import annotations

import numpy as np

from checkers.transactions.consistency import CONSISTENT_VIEW, CURSOR_STABILITY, SNAPSHOT_ISOLATION
from checkers.transactions.graph.cycles import G1C, G_NONADJACENT, G_SINGLE, LEVELS, find_cycles
from checkers.transactions.graph.dependencies import RW, WW, Graph
from checkers.transactions.graph.placing import Cycle, Pair, Refutation, forced_first, place
from checkers.transactions.reading import Case, Reading
from checkers.transactions.transactions import Integers
from checkers.transactions.words import cycle_in_words, value_in_words


def judge_unread(reading: Reading, graph: Graph, consistency: str, level: int) -> bool:
    """Add to the reading's anomalies that its unread appends have no order; whether that stays undecided.

    The graph must have no anomaly that rules the model out by itself.
    """
    if consistency.endswith(CURSOR_STABILITY):
        _judge_cursors(reading, graph, level)
        return False
    if not consistency.endswith((CONSISTENT_VIEW, SNAPSHOT_ISOLATION)):
        return False
    snapshots = consistency.endswith(SNAPSHOT_ISOLATION)
    placement = place(reading, graph, level, snapshots=snapshots)
    if placement.refutation is not None:
        name = (G_NONADJACENT if snapshots else G_SINGLE) + LEVELS[level]
        reading.anomalies.add(name, 1, [_refuted(reading, placement.refutation)])
    return placement.gave_up


def _judge_cursors(reading: Reading, graph: Graph, level: int) -> None:
    """A transaction whose append must come directly after what it read, and must also come later."""
    before, after, version = forced_first(reading)
    if not len(before):
        return
    kept = np.flatnonzero(graph.kind != RW)
    more = len(before)

    def column(old: Integers, new: Integers) -> Integers:
        return np.concatenate([old[kept], new.astype(old.dtype)])

    forced = Graph(
        graph.nodes,
        graph.transactions,
        column(graph.source, before),
        column(graph.target, after),
        column(graph.kind, np.full(more, WW)),
        column(graph.level, np.zeros(more)),
        column(graph.at_least, np.ones(more)),
        column(graph.version, version),
    )
    found = find_cycles(forced, level)
    for suffix in LEVELS:
        cases = [
            Case(
                "No read shows these appends. A transaction that had read the whole list appended before the "
                "others, or else one of them came between its read and its append. "
                + cycle_in_words(reading, cycle)[0],
                tuple(dict.fromkeys(step.before for step in cycle)),
            )
            for cycle in found.cycles.get(G1C + suffix, ())
        ]
        reading.anomalies.add("lost-update" + suffix, found.counts.get(G1C + suffix, 0), cases)


def _refuted(reading: Reading, refutation: Refutation) -> Case:
    """Why unread appends have no order."""
    members: dict[int, None] = {}
    parts = []
    for pair, cycle in refutation.steps:
        members.update(dict.fromkeys([pair.first, pair.second, *(step.before for step in cycle)]))
        parts.append(f"Suppose that {_order(reading, pair)}. {_in_words(reading, cycle)}")
    if refutation.tried:
        parts.append(
            f"All orders of the appends that no read shows were tried, {refutation.tried} branches in all: "
            "each closes a cycle that the model forbids."
        )
    return Case(" ".join(parts), tuple(members))


def _in_words(reading: Reading, cycle: Cycle) -> str:
    return cycle_in_words(reading, cycle)[0]


def _order(reading: Reading, pair: Pair) -> str:
    txns = reading.txns
    first, second = (value_in_words(txns.value(version)) for version in (pair.version, pair.other))
    return (
        f"the append of {first} to {txns.key_name(txns.version_key[pair.version])} "
        f"({txns.called(pair.first)}) came before the append of {second} ({txns.called(pair.second)}), "
        "neither of which any read shows"
    )
