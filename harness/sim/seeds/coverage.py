"""Which protocol states a run came to: what nodes are to one another, in so few words that they are not many.

Of each node: down, or its role; whether its term is the newest, an older one, or one that nobody else is in;
how its log stands to the longest that ends in the newest term (equal, behind by one, by more, another end);
and how much of it is not committed (none, one, more). Of the cluster: these, sorted, since names do not
matter. So the set of states is finite, however long a campaign is; a state is kept as a number that is the
same in every process.

Read from the traces after the run, in order of virtual time, so the simulator itself is not slowed down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter

from harness.sim.run import Ran
from node_impl.core.events import Trace

TELLING = frozenset({"restart", "term", "role", "append", "truncate", "commit", "snapshot", "stop"})
"""Trace events after which a node may be in another state."""


class _View:
    """One node as its last telling line shows it."""

    __slots__ = ("commit", "is_up", "last", "last_term", "role", "term")

    def __init__(self) -> None:
        self.is_up = False
        self.role = "follower"
        self.term = self.last = self.last_term = self.commit = 0

    def show(self, trace: Trace) -> None:
        self.is_up = trace.event != "stop"
        self.role, self.term = trace.role, trace.term
        self.last, self.commit = trace.last, trace.commit
        if trace.entries and trace.event in ("append", "restart", "snapshot"):
            self.last_term = trace.entries[-1][1]


def states_of(ran: Ran) -> dict[int, int]:
    """Every state that a run came to, and the virtual time at which it first did."""
    views = {node: _View() for node in ran.plan.test.nodes}
    seen: dict[tuple[object, ...], int] = {}
    for at, lines in groupby(_lines(ran), key=itemgetter(0)):  # within one instant there is no order
        for _, node, trace in lines:
            if trace is None:
                views[node].is_up = False
            else:
                views[node].show(trace)
        seen.setdefault(_state(tuple(views.values())), at)
    found: dict[int, int] = {}
    for state, at in seen.items():
        found.setdefault(_number(state), at)
    return found


def _lines(ran: Ran) -> Iterator[tuple[int, str, Trace | None]]:
    """Telling lines of all nodes in order of time; None where a life ended."""
    rows: list[tuple[int, int, str, Trace | None]] = []
    for node, lives in ran.traces.items():
        for lines in lives:
            rows.extend(_telling(node, lines, len(rows)))
    ended: Mapping[str, list[int]] = {node: [] for node in ran.plan.test.nodes}
    for life in ran.lives:
        if life.ended_at is not None:
            ended[life.node].append(life.ended_at)
    for node, times in ended.items():
        rows.extend((at, -1, node, None) for at in times)
    rows.sort(key=lambda row: row[:2])
    for at, _, node, trace in rows:
        yield at, node, trace


def _telling(node: str, lines: Sequence[Trace], first: int) -> Iterator[tuple[int, int, str, Trace | None]]:
    for place, trace in enumerate(lines, start=first):
        if trace.event in TELLING:
            yield trace.at, place, node, trace


def _state(views: tuple[_View, ...]) -> tuple[object, ...]:
    newest = max(view.term for view in views)
    best_term, best_last = max((view.last_term, view.last) for view in views)
    terms = [view.term for view in views if view.is_up]
    return tuple(sorted([_of_node(view, newest, best_term, best_last, terms) for view in views]))


def _of_node(
    view: _View, newest: int, best_term: int, best_last: int, terms: Sequence[int]
) -> tuple[str, int, int, int]:
    log = 3 if view.last_term != best_term else min(best_last - view.last, 2)
    if not view.is_up:
        return ("down", 0, log, 0)
    term = 0 if view.term == newest else 1
    if term and terms.count(view.term) == 1:
        term = 2
    return (view.role, term, log, min(max(view.last - view.commit, 0), 2))


def _number(state: tuple[object, ...]) -> int:
    """The same in every process: 48 bits, so that two states of a campaign are hardly ever taken for one."""
    return int.from_bytes(blake2b(repr(state).encode(), digest_size=6).digest(), "big")
