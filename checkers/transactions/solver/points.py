"""Keeps points in an order that agrees with every order between two of them, as orders come and go.

Pearce & Kelly, "A dynamic topological sort algorithm for directed acyclic graphs" (JEA 11, 2006): an order
that the line contradicts moves only the points between its two ends. Orders are taken back last in, first
out; the line stays as it is then.
"""

from __future__ import annotations

from checkers.transactions.solver.state import ARCS, LOOKS, STAMP, WAITING, Search
from history.kernels import Integers, called_by_kernels


@called_by_kernels
def leads_to(search: Search, begin: int, goal: int) -> int:
    """Whether orders lead from a point to another that has a later place; `line.via` leads back.

    `line.ahead` then holds the points that were met, -n - 1 of them if the goal was not met, else 0.
    """
    counters, line, points, arcs = search.counters, search.line, search.points, search.arcs
    place, mark, via, via_literal, stack, ahead = (
        line.place,
        line.mark,
        line.via,
        line.via_literal,
        line.stack,
        line.ahead,
    )
    out_at, out_to, head, following, target, literal = (
        points.out_at,
        points.out_to,
        arcs.head_out,
        arcs.next_out,
        arcs.target,
        arcs.literal,
    )
    counters[STAMP] += 1
    stamp = counters[STAMP]
    bound = place[goal]
    mark[begin] = stamp
    stack[0] = begin
    ahead[0] = begin
    size = met = 1
    looks = 0
    while size:
        size -= 1
        node = stack[size]
        arc = head[node]
        while arc >= 0:
            other = target[arc]
            looks += 1
            if place[other] <= bound and mark[other] != stamp:
                mark[other] = stamp
                via[other] = node
                via_literal[other] = literal[arc]
                if other == goal:
                    counters[LOOKS] += looks
                    return 0
                stack[size] = other
                size += 1
                ahead[met] = other
                met += 1
            arc = following[arc]
        for edge in range(out_at[node], out_at[node + 1]):
            other = out_to[edge]
            looks += 1
            if place[other] <= bound and mark[other] != stamp:
                mark[other] = stamp
                via[other] = node
                via_literal[other] = -1
                if other == goal:
                    counters[LOOKS] += looks
                    return 0
                stack[size] = other
                size += 1
                ahead[met] = other
                met += 1
    counters[LOOKS] += looks
    return -met - 1


@called_by_kernels
def _walk_back(search: Search, begin: int, bound: int) -> int:
    """Collect in `line.behind` the points from which orders lead to one, not before a place; how many."""
    counters, line, points, arcs = search.counters, search.line, search.points, search.arcs
    place, mark, stack, behind = line.place, line.mark, line.stack, line.behind
    in_at, in_from, head, following, source = (
        points.in_at,
        points.in_from,
        arcs.head_in,
        arcs.next_in,
        arcs.source,
    )
    counters[STAMP] += 1
    stamp = counters[STAMP]
    mark[begin] = stamp
    stack[0] = begin
    behind[0] = begin
    size = met = 1
    looks = 0
    while size:
        size -= 1
        node = stack[size]
        arc = head[node]
        while arc >= 0:
            other = source[arc]
            looks += 1
            if place[other] >= bound and mark[other] != stamp:
                mark[other] = stamp
                stack[size] = other
                size += 1
                behind[met] = other
                met += 1
            arc = following[arc]
        for edge in range(in_at[node], in_at[node + 1]):
            other = in_from[edge]
            looks += 1
            if place[other] >= bound and mark[other] != stamp:
                mark[other] = stamp
                stack[size] = other
                size += 1
                behind[met] = other
                met += 1
    counters[LOOKS] += looks
    return met


@called_by_kernels
def _sink(numbers: Integers, place: Integers, root: int, size: int) -> None:
    """Move a number down a heap whose greatest place is on top."""
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and place[numbers[child]] < place[numbers[child + 1]]:
            child += 1
        if place[numbers[root]] >= place[numbers[child]]:
            return
        kept = numbers[root]
        numbers[root] = numbers[child]
        numbers[child] = kept
        root = child


@called_by_kernels
def sort_by_place(numbers: Integers, place: Integers, size: int) -> None:
    """Sort the first points of an array by their places."""
    if size < 24:
        for at in range(1, size):
            number = numbers[at]
            before = at - 1
            while before >= 0 and place[numbers[before]] > place[number]:
                numbers[before + 1] = numbers[before]
                before -= 1
            numbers[before + 1] = number
        return
    for root in range(size // 2 - 1, -1, -1):
        _sink(numbers, place, root, size)
    for last in range(size - 1, 0, -1):
        kept = numbers[0]
        numbers[0] = numbers[last]
        numbers[last] = kept
        _sink(numbers, place, 0, last)


@called_by_kernels
def look_at(search: Search, key: int) -> None:
    """Put a key among those to look at."""
    keys, counters = search.keys, search.counters
    if keys.is_waiting[key] == 0:
        keys.is_waiting[key] = 1
        keys.waiting[counters[WAITING]] = key
        counters[WAITING] += 1


@called_by_kernels
def _moved(search: Search, point: int) -> None:
    """Look again at the keys of a transaction one of whose points moved."""
    txn = point // search.shape[0]
    if txn < search.shape[1]:
        keys_of, keys_at = search.keys.keys_of, search.keys.keys_at
        for at in range(keys_at[txn], keys_at[txn + 1]):
            look_at(search, keys_of[at])


@called_by_kernels
def put_before(search: Search, first: int, second: int, literal: int) -> int:
    """Assume that a point comes before another; 1, or 0 if orders lead from the second to the first.

    If so, nothing changes, and `line.via` leads back from the first to the second.
    """
    counters, line, arcs = search.counters, search.line, search.arcs
    place, point, ahead, behind, places = line.place, line.point, line.ahead, line.behind, line.places
    if first == second:
        return 0
    if place[second] < place[first]:
        met = leads_to(search, second, first)
        if met == 0:
            return 0
        later = -met - 1
        earlier = _walk_back(search, first, place[second])
        sort_by_place(ahead, place, later)
        sort_by_place(behind, place, earlier)
        at_ahead = at_behind = 0
        for at in range(later + earlier):
            if at_behind == earlier or (
                at_ahead < later and place[ahead[at_ahead]] < place[behind[at_behind]]
            ):
                places[at] = place[ahead[at_ahead]]
                at_ahead += 1
            else:
                places[at] = place[behind[at_behind]]
                at_behind += 1
        for at in range(earlier):
            node = behind[at]
            place[node] = places[at]
            point[places[at]] = node
            _moved(search, node)
        for at in range(later):
            node = ahead[at]
            place[node] = places[earlier + at]
            point[places[earlier + at]] = node
            _moved(search, node)
    arc = counters[ARCS]
    counters[ARCS] += 1
    arcs.source[arc] = first
    arcs.target[arc] = second
    arcs.literal[arc] = literal
    arcs.next_out[arc] = arcs.head_out[first]
    arcs.head_out[first] = arc
    arcs.next_in[arc] = arcs.head_in[second]
    arcs.head_in[second] = arc
    return 1


@called_by_kernels
def take_back(search: Search) -> None:
    """Take the last assumed order back. The line stays."""
    counters, arcs = search.counters, search.arcs
    counters[ARCS] -= 1
    arc = counters[ARCS]
    arcs.head_out[arcs.source[arc]] = arcs.next_out[arc]
    arcs.head_in[arcs.target[arc]] = arcs.next_in[arc]
