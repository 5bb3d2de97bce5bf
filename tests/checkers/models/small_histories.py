"""Small histories of each model, and the oracle: try every order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from checkers.linearizability.answer import NEVER
from checkers.linearizability.part import Part
from checkers.models import MODELS
from checkers.models.model import IMPOSSIBLE, MAYBE, Call, Model

IDS = ("a", "b", "c")
CALLS: dict[str, Sequence[tuple[str, Sequence[Any], Sequence[Any]]]] = {
    "register": [("read", [None], [None, 0, 1]), ("write", [0, 1], [None])],
    "cas-register": [
        ("read", [None], [None, 0, 1, 2]),
        ("write", [0, 1, 2], [None]),
        ("cas", [(0, 1), (1, 2), (2, 0), (1, 1)], [None, False]),
    ],
    "multi-register": [
        ("txn", [(("w", "x", 1),), (("w", "x", 2), ("w", "y", 2)), (("w", "y", 1),)], ["as asked"]),
        (
            "txn",
            [(("r", "x", None), ("r", "y", None))],
            [(("r", "x", x), ("r", "y", y)) for x in (None, 1, 2) for y in (None, 1, 2)],
        ),
    ],
    "kv-append": [
        ("get", [None], ["", "a", "b", "ab", "ba", "aa"]),
        ("append", ["a", "b"], [None]),
        ("put", ["", "a"], [None]),
    ],
    "mutex": [("acquire", [None], [None]), ("release", [None], [None])],
    "fenced-lock": [
        ("acquire", [None], [1, 2, 3]),
        ("release", [1, 2, 3], [None]),
        ("expire", [None], [None]),
    ],
    "set": [
        ("add", IDS, [None, True, False]),
        ("remove", IDS, [None, True, False]),
        ("contains", IDS, [True, False]),
        ("read", [None], [(), ("a",), ("a", "b"), ("b",), ("c",)]),
    ],
    "queue": [("enqueue", IDS, [None]), ("dequeue", [None], [*IDS, None])],
    "counter": [("add", [1, 2, -1], [None]), ("read", [None], [0, 1, 2, 3])],
    "registry": [
        ("register", IDS, [None]),
        ("update", IDS, [None, False]),
        ("deregister", [None], [*IDS, None]),
        ("lookup", [None], [*IDS, None]),
    ],
}
"""By model: f, its arguments, its results."""


@dataclass
class _Pending:
    f: str
    argument: Any
    results: Sequence[Any]
    invoked: int
    lost: bool
    result: Any = MAYBE
    happened: bool = False


def _call(f: str, argument: Any, result: Any) -> Call:
    return Call(f, argument, argument if result == "as asked" else result)


def small_history(model: Model, random: Random, *, kind: str, most: int = 7) -> Part:
    """`correct`: every operation takes effect between its ends. `mutated`: then one reply is another.
    `arbitrary`: replies are drawn at random. A fifth of the operations never gets a reply."""
    state = model.initial
    processes: list[_Pending | None] = [None] * 3
    done: list[tuple[int, int, Call]] = []
    lost: list[_Pending] = []

    def take_effect(op: _Pending) -> bool:
        nonlocal state
        candidates = [MAYBE] if op.lost else op.results
        results = [r for r in candidates if model.step(state, _call(op.f, op.argument, r)) is not IMPOSSIBLE]
        if not results:
            return False
        op.result = random.choice(results)
        state = model.step(state, _call(op.f, op.argument, op.result))
        op.happened = True
        return True

    at, begun = 0, 0
    while begun < most or any(processes):
        number = random.randrange(3)
        op = processes[number]
        at += 1
        if op is None:
            if begun < most:
                f, arguments, results = random.choice(CALLS[model.name])
                processes[number] = _Pending(f, random.choice(arguments), results, at, random.random() < 0.2)
                begun += 1
        elif op.lost:
            if random.random() < 0.5:
                take_effect(op)
            lost.append(op)
            processes[number] = None
        elif kind == "arbitrary":
            done.append((op.invoked, at, _call(op.f, op.argument, random.choice(op.results))))
            processes[number] = None
        elif not op.happened:
            if not take_effect(op):
                processes[number] = None  # refused: as if it never was
        else:
            done.append((op.invoked, at, _call(op.f, op.argument, op.result)))
            processes[number] = None
        if lost and random.random() < 0.2 and not lost[-1].happened:
            take_effect(lost[-1])
    rows = done + [(op.invoked, NEVER, _call(op.f, op.argument, MAYBE)) for op in lost]
    if kind == "mutated" and done:
        place = random.randrange(len(done))
        invoked, completed, call = done[place]
        others = [
            results
            for f, arguments, results in CALLS[model.name]
            if f == call.f and call.argument in arguments
        ]
        rows[place] = (invoked, completed, _call(call.f, call.argument, random.choice(others[0])))
    return part_of(rows)


def part_of(rows: Sequence[tuple[int, int, Call]]) -> Part:
    """A part from (invoked, completed, call)."""
    rows = sorted(rows, key=lambda row: row[0])
    calls = tuple(dict.fromkeys(call for _, _, call in rows))
    return Part(
        None,
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([calls.index(row[2]) for row in rows], dtype=np.int64),
        calls,
    )


def linearizable(model: Model, part: Part) -> bool:
    """By trying every order of every subset that holds all completed operations."""
    rows = [(int(part.invoked[n]), int(part.completed[n]), part.call(n)) for n in range(len(part))]

    def search(left: list[tuple[int, int, Call]], state: Any) -> bool:
        if all(completed == NEVER for _, completed, _ in left):
            return True
        first = min(completed for _, completed, _ in left)
        for place, (invoked, _, call) in enumerate(left):
            if invoked < first:
                after = model.step(state, call)
                if after is not IMPOSSIBLE and search(left[:place] + left[place + 1 :], after):
                    return True
        return False

    return search(rows, model.initial)


ALL_MODELS = list(MODELS.values())
