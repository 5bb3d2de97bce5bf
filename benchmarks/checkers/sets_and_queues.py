"""How long sets and queues of distinct values take to judge as their histories grow.

    python benchmarks/checkers/sets_and_queues.py [MOST_OPERATIONS]

20 clients on one set or one queue, whose values are all different; 1 % of the operations end with an unknown
outcome. Queues: as many dequeues as enqueues, of which some find nothing. Sets: adds, lookups of recently
added elements, removals. A set with reads only grows, and is read whole a hundred times (what reads show is
most of such a history). `corrupted`: see `_corrupt`.

Timed, as processor time: from a history's columns to the whole verdict, which for a corrupted one holds its
evidence; compiled code is loaded before, by a small history. Exits 1 if a verdict is not the one that is
due, or a million operations (of a set that is read: and elements that its reads show) take over 10 s.
"""

from __future__ import annotations

import random
import sys
import time
from collections import deque

import numpy as np

from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models import MODELS
from checkers.verdict import Validity
from history import Columns, History, Recording

CLIENTS = 20
UNKNOWN = 0.01
READS = 100
"""Whole reads in a history, however long it is."""
BOUND_S = 10.0
"""For a million operations, and elements that reads show."""
INVOKE, OK, INFO = 0, 1, 3
FUNCTIONS = {"queue": ("enqueue", "dequeue"), "set": ("add", "remove", "contains", "read")}


class Queue:
    """A correct queue; values are numbers."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._state: deque[int] = deque()

    def next(self, number: int) -> tuple[int, int]:
        """f and argument."""
        enqueue = self._draw.random() < 0.5
        return (0, number) if enqueue else (1, -1)

    def apply(self, f: int, argument: int) -> int | tuple[int, ...]:
        """The reply; -1 is nothing."""
        if f == 0:
            self._state.append(argument)
            return argument
        return self._state.popleft() if self._state else -1


class Set:
    """A correct set; replies of `contains` are -2 for false and -3 for true, as those of a removal."""

    def __init__(self, draw: random.Random, operations: int, *, reads: bool) -> None:
        self._draw, self._reads, self._every = draw, reads, operations // READS
        self._state: set[int] = set()
        self._recent: deque[int] = deque(maxlen=200)

    def next(self, number: int) -> tuple[int, int]:
        """f and argument."""
        if self._reads and number % self._every == self._every - 1:
            return 3, -1
        if self._draw.random() < 0.4 or not self._recent:
            self._recent.append(number)
            return 0, number
        remove = not self._reads and self._draw.random() < 0.4
        return 1 if remove else 2, self._draw.choice(self._recent)

    def apply(self, f: int, argument: int) -> int | tuple[int, ...]:
        """The reply."""
        if f == 3:
            return tuple(self._state)
        there = argument in self._state
        if f == 0:
            self._state.add(argument)
            return argument
        if f == 1:
            self._state.discard(argument)
        return -3 if there else -2


def history_of(model: str, operations: int, *, reads: bool = False, corrupted: bool = False) -> History:
    """One that a correct set or queue may give; with `corrupted`, almost."""
    draw = random.Random(operations)
    system = Queue(draw) if model == "queue" else Set(draw, operations, reads=reads)
    threads = list(range(CLIENTS))
    pending: list[tuple[int, int, int | tuple[int, ...] | None] | None] = [None] * CLIENTS
    rows: list[tuple[int, int, int]] = []
    values: list[int | tuple[int, ...]] = []
    begun = 0
    while begun < operations or any(pending):
        client = draw.randrange(CLIENTS)
        op = pending[client]
        if op is None:
            if begun < operations:
                f, argument = system.next(begun)
                pending[client] = f, argument, None
                rows.append((threads[client], INVOKE, f))
                values.append(argument)
                begun += 1
        elif op[2] is None:
            pending[client] = op[0], op[1], system.apply(op[0], op[1])
        else:
            pending[client] = None
            lost = draw.random() < UNKNOWN and op[0] != 3
            rows.append((threads[client], INFO if lost else OK, op[0]))
            values.append(op[1] if lost else op[2])
            if lost:
                threads[client] = max(threads) + 1
    process, type_, f_ = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    if corrupted:
        _corrupt(model, reads, type_, f_, values)
    names = [str(number) for number in range(operations)] + ["false", "true"]
    code = np.empty(len(rows), dtype=np.int64)
    for place, value in enumerate(values):
        if isinstance(value, tuple):
            code[place] = len(names)
            names.append(str(list(value)))
        else:
            code[place] = value if value >= -1 else operations - 2 - value
    none = np.full(len(rows), -1, dtype=np.int64)
    return History.from_columns(
        Columns(
            time=np.arange(len(rows)),
            process=process,
            type=type_.astype(np.int8),
            f=f_,
            f_names=FUNCTIONS[model],
            key=none,
            keys=(),
            value=code,
            values=tuple(names),
            error=none,
            errors=(),
            node=none,
            nodes=(),
            raft_index=none,
        )
    )


def _corrupt(
    model: str, reads: bool, type_: np.ndarray, f: np.ndarray, values: list[int | tuple[int, ...]]
) -> None:
    """Queue: two dequeues swap their values. Set: an element was taken out twice, or a read lacks it."""
    if model == "queue":
        told = [n for n in np.flatnonzero((type_ == OK) & (f == 1)).tolist() if values[n] != -1]
        one, other = told[len(told) // 2], told[min(len(told) - 1, len(told) // 2 + 60)]
        values[one], values[other] = values[other], values[one]
    elif reads:
        read = np.flatnonzero((type_ == OK) & (f == 3))[READS // 2]
        shown = values[read]
        assert isinstance(shown, tuple)
        values[read] = shown[:10] + shown[11:]
    else:
        missed = [n for n in np.flatnonzero((type_ == OK) & (f == 1)).tolist() if values[n] == -2]
        values[missed[len(missed) // 2]] = -3


def timed(history: History, model: str) -> tuple[float, Validity, int]:
    """Processor time, best of three; the verdict; at how many positions its evidence points."""
    best, checker = 1e9, LinearizabilityOf(MODELS[model])
    for _ in range(3):
        begun = time.process_time()
        verdict = checker.check(Recording(nodes=(), history=history))
        best = min(best, time.process_time() - begun)
    return best, verdict.validity, len(verdict.evidence[0].operations) if verdict.evidence else 0


CASES = {"queue": ("queue", False), "set": ("set", False), "set that grows, with reads": ("set", True)}


def main(most: int) -> int:
    """Print one line a point; the exit status."""
    timed(history_of("queue", 300, corrupted=True), "queue")
    broken = 0
    for name, (model, reads) in CASES.items():
        size = 10_000
        while size <= most:
            for corrupted in (False, True):
                history = history_of(model, size, reads=reads, corrupted=corrupted)
                seconds, validity, shown = timed(history, model)
                wanted = Validity.INVALID if corrupted else Validity.VALID
                elements = READS * size / 5 if reads else 0
                bound = BOUND_S * (size + elements) / 1_000_000
                broken += validity is not wanted or (size >= 100_000 and seconds > bound)
                what = f"{name}, corrupted" if corrupted else name
                told = f"{validity.value}, {shown // 2} operations shown" if shown else validity.value
                print(f"{what:40} {size:>10,} operations {seconds:8.3f} s  {told}", flush=True)
            size *= 10
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
