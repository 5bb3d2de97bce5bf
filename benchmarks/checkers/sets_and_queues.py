"""How long sets and queues of distinct values take to judge as their histories grow.

    python benchmarks/checkers/sets_and_queues.py [MOST_OPERATIONS]

20 clients on one set or one queue, whose values are all different; 1 % of the operations end with an unknown
outcome. Queues: as many dequeues as enqueues, of which some find nothing. Sets: adds, lookups of recently
added elements, removals. A set with reads only grows, and is read whole a hundred times (what reads show is
most of such a history). Each is judged as it is, and once more with one reply falsified.

Timed, as processor time: from a history's columns to the whole verdict, which for a corrupted one holds its
evidence; compiled code is loaded before, by a small history. Exits 1 if a verdict is not the one that is
due, or a million operations (of a set that is read: and elements that its reads show) take over 10 s.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from itertools import count

import numpy as np
from histories import NOTHING, ClientCall, ClientReply, CorrectSystem, history_from, recorded

from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models import MODELS
from checkers.verdict import Validity
from history import History, Recording
from history.history import OK

READS = 100
"""Reads of the whole set in a history of any length."""
BOUND_S = 10.0
"""For a million operations, and elements that reads show."""
WHOLE = "set that grows, with reads"
ENQUEUE, DEQUEUE = range(2)
ADD, REMOVE, CONTAINS, READ = range(4)


class CorrectQueue(CorrectSystem):
    """A first-in-first-out queue of numbers."""

    f_names = ("enqueue", "dequeue")

    def __init__(self, draw: random.Random, operations: int) -> None:
        self._draw, self._asked = draw, count()
        self._state: deque[int] = deque()
        self.values = [str(number) for number in range(operations)]

    def ask(self) -> ClientCall:
        number = next(self._asked)
        return ClientCall(ENQUEUE, number) if self._draw.random() < 0.5 else ClientCall(DEQUEUE)

    def apply(self, call: ClientCall) -> ClientReply:
        if call.f == ENQUEUE:
            self._state.append(call.value)
            return ClientReply(call.value)
        return ClientReply(self._state.popleft() if self._state else NOTHING)


class CorrectSet(CorrectSystem):
    """A set of numbers, which is looked into and shrinks; or, with `whole`, only grows and is read whole."""

    f_names = ("add", "remove", "contains", "read")
    reads = frozenset((READ,))

    def __init__(self, draw: random.Random, operations: int, *, whole: bool) -> None:
        self._draw, self._whole, self._every = draw, whole, operations // READS
        self._asked = count()
        self._state: set[int] = set()
        self._recent: deque[int] = deque(maxlen=200)
        self.values = [*(str(number) for number in range(operations)), "false", "true"]
        self.false, self.true = operations, operations + 1

    def ask(self) -> ClientCall:
        number = next(self._asked)
        if self._whole and number % self._every == self._every - 1:
            return ClientCall(READ)
        if self._draw.random() < 0.4 or not self._recent:
            self._recent.append(number)
            return ClientCall(ADD, number)
        remove = not self._whole and self._draw.random() < 0.4
        return ClientCall(REMOVE if remove else CONTAINS, self._draw.choice(self._recent))

    def apply(self, call: ClientCall) -> ClientReply:
        if call.f == READ:
            self.values.append(str(list(self._state)))
            return ClientReply(len(self.values) - 1)
        was_there = call.value in self._state
        if call.f == ADD:
            self._state.add(call.value)
            return ClientReply(call.value)
        if call.f == REMOVE:
            self._state.discard(call.value)
        return ClientReply(self.true if was_there else self.false)


def queue_history(operations: int, *, corrupted: bool = False) -> History:
    """What clients of a correct queue record; with `corrupted`, two dequeues have swapped their values."""
    draw = random.Random(operations)
    system = CorrectQueue(draw, operations)
    rows = recorded(system, operations, draw)
    if corrupted:
        taken = np.flatnonzero((rows.type == OK) & (rows.f == DEQUEUE) & (rows.value != NOTHING))
        pair = taken[[len(taken) // 2, min(len(taken) - 1, len(taken) // 2 + 60)]]
        rows.value[pair] = rows.value[pair[::-1]]
    return history_from(system, rows)


def set_history(operations: int, *, whole: bool, corrupted: bool = False) -> History:
    """What clients of a correct set record; with `corrupted`, an element is missing from one read.

    In a set that is not read, an element is removed twice.
    """
    draw = random.Random(operations)
    system = CorrectSet(draw, operations, whole=whole)
    rows = recorded(system, operations, draw)
    if corrupted and whole:
        read = np.flatnonzero((rows.type == OK) & (rows.f == READ))[READS // 2]
        shown = json.loads(system.values[rows.value[read]])
        system.values.append(str(shown[:10] + shown[11:]))
        rows.value[read] = len(system.values) - 1
    elif corrupted:
        missed = np.flatnonzero((rows.type == OK) & (rows.f == REMOVE) & (rows.value == system.false))
        rows.value[missed[len(missed) // 2]] = system.true
    return history_from(system, rows)


def timed(history: History, model: str) -> tuple[float, Validity, int]:
    """The processor time, best of three; the verdict; how many positions its evidence names."""
    best, checker = 1e9, LinearizabilityOf(MODELS[model])
    for _ in range(3):
        begun = time.process_time()
        verdict = checker.check(Recording(nodes=(), history=history))
        best = min(best, time.process_time() - begun)
    return best, verdict.validity, len(verdict.evidence[0].operations) if verdict.evidence else 0


CASES: dict[str, tuple[str, Callable[[int, bool], History]]] = {
    "queue": ("queue", lambda size, corrupted: queue_history(size, corrupted=corrupted)),
    "set": ("set", lambda size, corrupted: set_history(size, whole=False, corrupted=corrupted)),
    WHOLE: ("set", lambda size, corrupted: set_history(size, whole=True, corrupted=corrupted)),
}


def main(most: int) -> int:
    """Print one line for each history, and return the exit status."""
    timed(queue_history(300, corrupted=True), "queue")
    broken = 0
    for name, (model, history_of) in CASES.items():
        size = 10_000
        while size <= most:
            for corrupted in (False, True):
                seconds, validity, shown = timed(history_of(size, corrupted), model)
                wanted = Validity.INVALID if corrupted else Validity.VALID
                elements = READS * size / 5 if name == WHOLE else 0
                bound = BOUND_S * (size + elements) / 1_000_000
                broken += validity is not wanted or (size >= 100_000 and seconds > bound)
                what = f"{name}, corrupted" if corrupted else name
                found = f"{validity.value}, {shown // 2} operations shown" if shown else validity.value
                print(f"{what:40} {size:>10,} operations {seconds:8.3f} s  {found}", flush=True)
            size *= 10
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
