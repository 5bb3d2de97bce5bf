"""Lays a problem out in the arrays of the search, and makes them longer when they are full."""

from __future__ import annotations

from typing import Any

import numpy as np

from checkers.transactions.solver.problem import Problem
from checkers.transactions.solver.state import (
    CLASH,
    COUNTERS,
    NOTHING,
    VARIABLES,
    Arcs,
    Keys,
    Line,
    Logic,
    Points,
    Search,
    Work,
)
from history.kernels import Form, Integers, compiled_in_place, extended

ROOM = 64
"""Variables more than a step needs at most."""
FIRST_VARIABLES = 256


def new_search(task: Problem, points: Points, order: Integers, form: Form) -> Search:
    """The search of a problem at its beginning, the points in this order, with every key to look at."""
    many = np.diff(task.reads.candidates_at)
    choices = np.flatnonzero(np.repeat(many, many) > 1)
    keys = _keys(task, choices, form)
    room = len(choices) + FIRST_VARIABLES
    counters = form.zeros(COUNTERS)
    counters[VARIABLES] = len(choices)
    counters[CLASH] = -1
    return Search(
        counters,
        form.flat([task.width, len(task.member), int(task.snapshots)]),
        points,
        new_line(order, form),
        Arcs(
            head_out=form.zeros(task.points, NOTHING),
            next_out=form.zeros(room),
            head_in=form.zeros(task.points, NOTHING),
            next_in=form.zeros(room),
            source=form.zeros(room),
            target=form.zeros(room),
            literal=form.zeros(room),
        ),
        _logic(task, choices, room, form),
        keys,
        Work(form.zeros(2 * ROOM + room), form.zeros(2 * ROOM + room)),
    )


def new_line(order: Integers, form: Form) -> Line:
    """The points in this order: by place its point."""
    total = len(order)
    place = np.zeros(total, dtype=np.int64)
    place[np.asarray(order, dtype=np.int64)] = np.arange(total)
    return Line(
        place=form.flat(place),
        point=order,
        mark=form.zeros(total),
        via=form.zeros(total),
        via_literal=form.zeros(total, NOTHING),
        stack=form.zeros(total + 1),
        ahead=form.zeros(total + 1),
        behind=form.zeros(total + 1),
        places=form.zeros(total + 1),
    )


def _logic(task: Problem, choices: Integers, room: int, form: Form) -> Logic:
    """No clauses yet, and a variable for each choice of a write that a read may have seen."""
    reads = task.reads
    slot = reads.candidate[choices]
    read_of = np.repeat(np.arange(len(reads.key)), np.diff(reads.candidates_at))[choices]
    first, second = (np.full(room, NOTHING, dtype=np.int64) for _ in range(2))
    real = np.flatnonzero(slot >= 0)
    first[real] = task.end(task.writers.member[slot[real]])
    second[real] = task.begin(reads.member[read_of[real]])
    is_choice = np.zeros(room, dtype=np.int64)
    is_choice[: len(choices)] = 1
    return Logic(
        slots=form.zeros(1 << (2 * room).bit_length()),
        first=form.flat(first),
        second=form.flat(second),
        is_choice=form.flat(is_choice),
        value=form.zeros(room),
        level=form.zeros(room),
        reason=form.zeros(room, NOTHING),
        trail=form.zeros(room),
        level_at=form.zeros(room + 1),
        seen=form.zeros(room),
        clause_at=form.zeros(room + 1),
        literals=form.zeros(4 * room),
        origin=form.zeros(room),
        subject=form.zeros(room),
        other=form.zeros(room),
        watch_head=form.zeros(2 * room, NOTHING),
        watch_next=form.zeros(2 * room, NOTHING),
    )


def _keys(task: Problem, choices: Integers, form: Form) -> Keys:
    """The keys as the kernels take them."""
    writers, reads = task.writers, task.reads
    total = len(writers.at) - 1
    selector = np.full(len(reads.candidate), NOTHING, dtype=np.int64)
    selector[choices] = np.arange(len(choices))
    member = np.concatenate([writers.member, reads.member])
    key = np.concatenate([writers.key, reads.key])
    order = np.argsort(member, kind="stable")
    return Keys(
        writers_at=form.flat(writers.at),
        writer_begin=form.flat(task.begin(writers.member)),
        writer_end=form.flat(task.end(writers.member)),
        writer_value=form.flat(writers.version),
        sorted=form.flat(np.arange(len(writers.key))),
        rank=form.flat(np.arange(len(writers.key))),
        reads_at=form.flat(reads.at),
        reader=form.flat(task.begin(reads.member)),
        reader_slot=form.flat(_own_slots(task)),
        read_value=form.flat(reads.version),
        candidates_at=form.flat(reads.candidates_at),
        candidate=form.flat(reads.candidate),
        selector=form.flat(selector),
        keys_at=form.flat(np.searchsorted(member[order], np.arange(len(task.member) + 1))),
        keys_of=form.flat(key[order]),
        waiting=form.flat(np.arange(total)),
        is_waiting=form.zeros(total, 1),
        open=form.zeros(total),
        is_open=form.zeros(total),
    )


def _own_slots(task: Problem) -> Integers:
    """By read the slot of the reader's own write of the key; -1 for none."""
    writers, reads, total = task.writers, task.reads, max(1, len(task.member))
    if not len(writers.key):
        return np.full(len(reads.key), NOTHING, dtype=np.int64)
    written = writers.key * total + writers.member
    order = np.argsort(written)
    wanted = reads.key * total + reads.member
    place = np.minimum(np.searchsorted(written[order], wanted), len(written) - 1)
    return np.where(written[order[place]] == wanted, order[place], NOTHING)


def longer(search: Search, form: Form) -> Search:
    """The same search, its growing arrays twice as long."""
    old, arcs, work = search.logic, search.arcs, search.work
    room, clauses = 2 * len(old.value), 2 * len(old.origin)
    logic = Logic(
        slots=form.zeros(2 * len(old.slots)),
        first=_grown(old.first, room, NOTHING),
        second=_grown(old.second, room, NOTHING),
        is_choice=_grown(old.is_choice, room),
        value=_grown(old.value, room),
        level=_grown(old.level, room),
        reason=_grown(old.reason, room, NOTHING),
        trail=_grown(old.trail, room),
        level_at=_grown(old.level_at, room + 1),
        seen=_grown(old.seen, room),
        clause_at=_grown(old.clause_at, clauses + 1),
        literals=_grown(old.literals, 2 * len(old.literals)),
        origin=_grown(old.origin, clauses),
        subject=_grown(old.subject, clauses),
        other=_grown(old.other, clauses),
        watch_head=_grown(old.watch_head, 2 * room, NOTHING),
        watch_next=_grown(old.watch_next, 2 * clauses, NOTHING),
    )
    form.of(_hash_again)(logic, int(search.counters[VARIABLES]))
    growing = ("next_out", "next_in", "source", "target", "literal")
    return search._replace(
        logic=logic,
        arcs=arcs._replace(**{name: _grown(getattr(arcs, name), room) for name in growing}),
        work=Work(*(_grown(array, 2 * ROOM + room) for array in work)),
    )


def _grown(array: Integers, length: int, fill: int = 0) -> Integers:
    """The array with room for that many."""
    more = length - len(array)
    if isinstance(array, np.ndarray):
        return extended(array, np.full(more, fill, dtype=np.int64))
    return array + [fill] * more


@compiled_in_place
def _hash_again(logic: Logic, variables: int) -> None:
    """Fill an empty hash table with the pairs of points of all variables that are no choices."""
    slots = logic.slots
    for number in range(variables):
        if logic.is_choice[number] == 0:
            low, high = logic.first[number], logic.second[number]
            h = (low * 0x9E3779B1 + high * 0x85EBCA77) & 0x7FFFFFFF
            slot = (h ^ (h >> 15)) & (len(slots) - 1)
            while slots[slot] > 0:
                slot = (slot + 1) & (len(slots) - 1)
            slots[slot] = number + 1


def in_form(search: Search, form: Form) -> Search:
    """The same search with all its arrays in another form."""

    def converted(part: Any) -> Any:
        return type(part)(*(form.flat(array) for array in part))

    return Search(
        form.flat(search.counters),
        form.flat(search.shape),
        converted(search.points),
        converted(search.line),
        converted(search.arcs),
        converted(search.logic),
        converted(search.keys),
        converted(search.work),
    )


def bytes_of(search: Search) -> int:
    """About how much memory the arrays take."""
    parts: list[Any] = list(search[2:])
    return 8 * sum(len(array) for part in parts for array in part)
