"""An order of the points to begin with, which agrees with all that is certain."""

from __future__ import annotations

import numpy as np

from checkers.linearizability.answer import NEVER
from checkers.transactions.solver.problem import Problem
from checkers.transactions.solver.state import Points
from history.kernels import Form, Integers, called_by_kernels, compiled_in_place


@called_by_kernels
def _push(heap: Integers, size: int, urgency: Integers, point: int) -> None:
    at = size
    heap[at] = point
    while at > 0:
        parent = (at - 1) // 2
        if urgency[heap[parent]] <= urgency[heap[at]]:
            return
        kept = heap[parent]
        heap[parent] = heap[at]
        heap[at] = kept
        at = parent


@called_by_kernels
def _pop(heap: Integers, size: int, urgency: Integers) -> int:
    top = heap[0]
    heap[0] = heap[size - 1]
    at = 0
    while 2 * at + 1 < size - 1:
        child = 2 * at + 1
        if child + 1 < size - 1 and urgency[heap[child + 1]] < urgency[heap[child]]:
            child += 1
        if urgency[heap[at]] <= urgency[heap[child]]:
            break
        kept = heap[at]
        heap[at] = heap[child]
        heap[child] = kept
        at = child
    return int(top)


@compiled_in_place
def _arrange(points: Points, urgency: Integers, missing: Integers, heap: Integers, order: Integers) -> int:
    """Write to `order` the points, the most urgent of those that may come next first; how many there are.

    `missing` must be zeros. Fewer than all: the certain orders go in a circle.
    """
    out_at, out_to, in_at, _ = points
    size = done = 0
    for point in range(len(order)):
        missing[point] = in_at[point + 1] - in_at[point]
        if missing[point] == 0:
            _push(heap, size, urgency, point)
            size += 1
    while size:
        point = _pop(heap, size, urgency)
        size -= 1
        order[done] = point
        done += 1
        for edge in range(out_at[point], out_at[point + 1]):
            other = out_to[edge]
            missing[other] -= 1
            if missing[other] == 0:
                _push(heap, size, urgency, other)
                size += 1
    return done


@compiled_in_place
def _deepen(points: Points, order: Integers, depth: Integers) -> None:
    """Write to `depth` how many points come before each, one after the other, at the least."""
    out_at, out_to, _, _ = points
    for place in range(len(order)):
        point = order[place]
        for edge in range(out_at[point], out_at[point + 1]):
            depth[out_to[edge]] = max(depth[out_to[edge]], depth[point] + 1)


def points_of(task: Problem, form: Form) -> Points:
    """The points and certain orders as the kernels take them."""
    both = []
    for source, target in (
        (task.certain.source, task.certain.target),
        (task.certain.target, task.certain.source),
    ):
        order = np.argsort(source, kind="stable")
        at = np.searchsorted(source[order], np.arange(task.points + 1))
        both += [form.flat(at.astype(np.int64)), form.flat(target[order].astype(np.int64))]
    return Points(*both)


def arranged(points: Points, urgency: Integers, form: Form) -> Integers | None:
    """All points in an order that agrees with the certain ones; None if these go in a circle."""
    total = len(points.out_at) - 1
    order = form.zeros(total)
    done = form.of(_arrange)(points, form.flat(urgency), form.zeros(total), form.zeros(total + 1), order)
    return order if done == total else None


def by_time(task: Problem, *, early: bool) -> Integers:
    """The urgency of each point: when its transaction completed, or had begun if it has no reply.

    With `early`, transactions of two points read when they had begun.
    """
    txns, member = task.txns, task.member
    invoked, completed = txns.invoked[member], txns.completed[member]
    ended = np.where(completed == NEVER, invoked, completed)
    urgency = np.zeros(task.points, dtype=np.int64)
    total = len(member) * task.width
    urgency[: total : task.width] = 2 * (invoked if early else ended)
    urgency[task.width - 1 : total : task.width] = 2 * ended
    urgency[total:] = 2 * np.sort(completed[completed != NEVER])[: task.points - total] + 1
    return urgency


def by_depth(points: Points, order: Integers, form: Form) -> Integers:
    """The urgency of each point: how many others must come before it, one after the other."""
    depth = form.zeros(len(order))
    form.of(_deepen)(points, order, depth)
    return depth
