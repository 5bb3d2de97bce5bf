"""Which checker's violation explains which: puts the verdicts of a run in an order, root causes first.

One defect often makes several checkers report. Two leaders of one term overwrite each other's entries; so
committed entries are lost; so registrations are lost, and lookups are not linearizable. `EXPLAINS` holds such
steps as a graph of checkers. It is a rule of thumb that says where to look first, and no proof: that A can
explain B does not mean that it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from checkers.verdict import Validity, Verdict

if TYPE_CHECKING:
    import networkx as nx

EXPLAINS: Mapping[str, tuple[str, ...]] = {
    # A node that ended by an error of its own, or lost what its disk had promised.
    "node-health": ("durable-log", "recovery", "availability"),
    "durable-log": (
        "committed-never-truncated",
        "leader-completeness",
        "durable-before-acknowledge",
        "log-matching",
    ),
    # Terms and votes: a forgotten vote is given again, and then two lead.
    "term-monotonic": ("one-vote-a-term", "election-safety"),
    "one-vote-a-term": ("election-safety",),
    "membership": ("election-safety", "durable-before-acknowledge", "leader-completeness"),
    "election-safety": ("log-matching", "leader-completeness", "membership-views"),
    # Logs: entries that differ or are missing are committed, applied and acknowledged.
    "leader-append-only": ("committed-never-truncated", "log-matching"),
    "log-matching": ("state-machine-safety",),
    "leader-completeness": ("committed-never-truncated", "state-machine-safety"),
    "committed-never-truncated": ("commit-monotonic", "state-machine-safety", "durability"),
    "durable-before-acknowledge": ("leader-completeness", "durability", "linearizability"),
    "commit-monotonic": ("state-machine-safety",),
    "snapshot-safety": ("state-machine-safety", "durability", "linearizability"),
    "state-machine-safety": ("durability", "linearizability", "index-honesty", "expiry", "watch"),
    # What clients see.
    "convergence": ("recovery",),
    "liveness": ("recovery",),
    "applied-once": ("linearizability", "index-honesty", "durability"),
    "index-honesty": ("bounded-staleness", "session-guarantees"),
    "beats": ("expiry",),
    "expiry": ("linearizability", "index-honesty"),
    "linearizability": (
        "session-guarantees",
        "durability",
        "index-honesty",
        "lease",
        "bank",
        "set-full",
        "total-queue",
    ),
    "transactions": ("bank", "long-fork"),
    "causal": ("sessions", "session-guarantees"),
}
"""By checker, the checkers whose violations one of its violations may explain."""


class Explained(msgspec.Struct, frozen=True):
    """A verdict, and the other invalid verdicts that may explain it."""

    verdict: Verdict
    by: tuple[str, ...] = ()
    """The checkers that may explain it directly; empty for a root cause."""


def causes(verdicts: Sequence[Verdict]) -> nx.DiGraph:
    """The invalid verdicts as a graph, by the checkers' names; an edge leads from a cause to its effect.

    An explanation through a checker that found nothing itself still counts. An explanation that others
    already give step by step is left out.
    """
    import networkx as nx  # imported here: a valid run never needs it

    every = nx.DiGraph((cause, effect) for cause, effects in EXPLAINS.items() for effect in effects)
    invalid = [verdict.checker for verdict in verdicts if verdict.validity is Validity.INVALID]
    found = nx.DiGraph()
    found.add_nodes_from(invalid)
    for cause in invalid:
        if cause in every:
            found.add_edges_from((cause, effect) for effect in nx.descendants(every, cause) & set(invalid))
    return nx.transitive_reduction(found)


def root_causes_first(verdicts: Sequence[Verdict]) -> list[Explained]:
    """The invalid verdicts, each after those that may explain it; else in the order in which they came."""
    import networkx as nx

    graph = causes(verdicts)
    place = {verdict.checker: number for number, verdict in enumerate(verdicts)}
    by_name = {verdict.checker: verdict for verdict in verdicts}
    order = nx.lexicographical_topological_sort(graph, key=place.__getitem__)
    return [
        Explained(by_name[name], tuple(sorted(graph.predecessors(name), key=place.__getitem__)))
        for name in order
    ]
