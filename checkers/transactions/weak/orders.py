"""Whether an order agrees with all pairs of transactions, and else the smallest cycle that was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from checkers.transactions.graph.components import (
    EdgesBySource,
    Trail,
    by_source,
    components,
    shortest,
)
from checkers.transactions.weak.resolve import Integers, Resolved
from checkers.transactions.weak.views import Inferred
from history.kernels import AnyIntegers, compiled_in_place, fitting

SESSION, READ, INITIAL, INFERRED = range(4)
"""Why a pair is in order: the same process, a read, the initial state before all, or inferred."""
MOST_LOOKED = 3_000_000
"""Edges looked at for the smallest cycle; after these the smallest one so far is shown."""


class Pairs(NamedTuple):
    """Pairs of transactions, the first before the second; the last number is the initial state."""

    source: Integers
    target: Integers
    kind: Integers
    step: Integers
    """By inferred pair the read from which it follows; -1 for others."""
    for_process: bool = False
    """Whether these are the pairs of one process's view, in which inferred pairs infer others."""


class Link(NamedTuple):
    """One pair of a cycle."""

    before: int
    after: int
    kind: int
    step: int


def ends(
    resolved: Resolved, inferred: Sequence[Inferred], *, sessions: bool
) -> tuple[AnyIntegers, AnyIntegers]:
    """(source, target) of all pairs that a commit order must contain."""
    readers = np.repeat(np.arange(resolved.initial, dtype=np.int32), np.diff(resolved.reads.first))
    sources: list[AnyIntegers] = [resolved.reads.seen]
    targets: list[AnyIntegers] = [readers]
    if sessions:
        later = np.flatnonzero(resolved.sessions.before >= 0).astype(np.int32)
        sources.append(resolved.sessions.before[later])
        targets.append(later)
    for one in inferred:
        sources.append(one.source)
        targets.append(one.target)
        late = one.source[one.target == resolved.initial]
        if len(late):
            sources.append(np.full(len(late), resolved.initial, dtype=np.int32))
            targets.append(late)
    return np.concatenate(sources), np.concatenate(targets)


def pairs(resolved: Resolved, inferred: Sequence[Inferred], *, sessions: bool) -> Pairs:
    """All pairs that a commit order must contain, each with its reason, in the order of `ends`."""
    kinds = [np.full(len(resolved.reads.seen), READ)]
    if sessions:
        kinds.append(np.full(int((resolved.sessions.before >= 0).sum()), SESSION))
    steps: list[AnyIntegers] = [np.full(len(kind), -1) for kind in kinds]
    for one in inferred:
        late = int((one.target == resolved.initial).sum())
        kinds += [np.full(len(one.source), INFERRED), np.full(late, INITIAL)]
        steps += [one.step, np.full(late, -1)]
    source, target = ends(resolved, inferred, sessions=sessions)
    return Pairs(source, target, np.concatenate(kinds), np.concatenate(steps))


@compiled_in_place
def _order(
    source: AnyIntegers,
    target: AnyIntegers,
    at: AnyIntegers,
    after: AnyIntegers,
    waits: AnyIntegers,
    order: AnyIntegers,
) -> int:
    """Put transactions in an order that agrees with all pairs (Kahn 1962); how many it holds.

    `at`, one longer than there are transactions, and `waits` come as zeros; `after` has room for each pair.
    """
    nodes = len(waits)
    for pair in range(len(source)):
        at[source[pair] + 1] += 1
        waits[target[pair]] += 1
    for node in range(nodes):
        at[node + 1] += at[node]
    for pair in range(len(source)):
        after[at[source[pair]]] = target[pair]
        at[source[pair]] += 1
    for node in range(nodes, 0, -1):
        at[node] = at[node - 1]
    at[0] = 0
    ready = 0
    for node in range(nodes):
        if waits[node] == 0:
            order[ready] = node
            ready += 1
    done = 0
    while done < ready:
        node = order[done]
        done += 1
        for place in range(at[node], at[node + 1]):
            other = after[place]
            waits[other] -= 1
            if waits[other] == 0:
                order[ready] = other
                ready += 1
    return done


def ordered(nodes: int, source: AnyIntegers, target: AnyIntegers) -> Integers | None:
    """The transactions in an order that agrees with all pairs; None if there is none.

    If their own order is one, with the initial state in front, it is chosen: what lies together in memory is
    then used together.
    """
    if not len(source) or (((source < target) | (source == nodes - 1)).all() and target.max() < nodes - 1):
        return np.concatenate([[nodes - 1], np.arange(nodes - 1)]).astype(np.int32)
    at = np.zeros(nodes + 1, dtype=np.int32)
    after, waits, order = (np.zeros(size, dtype=np.int32) for size in (len(source), nodes, nodes))
    return order if _order.by_size(source, target, at, after, waits, order) == nodes else None


def smallest_cycle(nodes: int, found: Pairs) -> list[Link]:
    """The cycle with the fewest pairs that a search within a budget finds; there must be one.

    Pairs of one process count nothing, and those that follow each other become one.
    """
    graph = by_source(nodes, found.source.astype(np.int64), found.target.astype(np.int64))
    part = np.zeros(nodes, dtype=np.int64)
    components.by_size(graph, part)
    inside = np.flatnonzero(part[found.source] == part[found.target])
    source, target = found.source[inside].astype(np.int64), found.target[inside].astype(np.int64)
    form = fitting(len(inside))
    small = EdgesBySource(*(form.flat(array) for array in by_source(nodes, source, target)))
    search, free = form.of(shortest), form.flat((found.kind[inside] == SESSION).astype(np.int64))
    trail = Trail(form.zeros(nodes), form.zeros(nodes))
    best: list[int] = []
    looked = 0
    starts = inside[np.argsort(found.kind[inside] == SESSION, kind="stable")]
    for mark, edge in enumerate(starts.tolist(), start=1):
        begin = int(found.target[edge])
        goal = int(found.source[edge])
        cost = int(search(small, free, begin, goal, mark, trail, MOST_LOOKED - looked))
        looked += abs(cost)
        if cost >= 0:
            path = [edge]
            while goal != begin:
                path.append(int(inside[trail.via[goal]]))
                goal = int(found.source[path[-1]])
            if not best or _length(found, path) < _length(found, best):
                best = path
            if _length(found, best) <= 2:
                break
        if looked >= MOST_LOOKED:
            break
    return _links(found, best[:1] + best[:0:-1])


def _length(found: Pairs, path: Sequence[int]) -> int:
    return int((found.kind[list(path)] != SESSION).sum())


def _links(found: Pairs, path: Sequence[int]) -> list[Link]:
    """A cycle whose pairs of one process that follow each other are one."""
    links: list[Link] = []
    for edge in path:
        link = Link(*(int(column[edge]) for column in found[:4]))
        if links and link.kind == SESSION and links[-1].kind == SESSION:
            link = links.pop()._replace(after=link.after)
        links.append(link)
    if len(links) > 1 and links[0].kind == SESSION and links[-1].kind == SESSION:
        first = links.pop(0)
        links[-1] = links[-1]._replace(after=first.after)
    return links
