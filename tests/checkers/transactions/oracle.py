"""Transactions judged by brute force: try every order. For small histories; knows no dependency graph."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from history import History, Operation

KEYS = ("x", "y")
PROCESSES = 3


@dataclass(frozen=True)
class Txn:
    """A transaction that may have happened; `completed` None: its outcome is not known."""

    process: int
    invoked: int
    completed: int | None
    steps: tuple[tuple[str, str, Any], ...]


State = dict[str, Any]


def txns_of(history: History) -> list[Txn]:
    """Those that did not fail."""
    found = []
    for op in history:
        if op.type == "invoke":
            end = history.completion(op)
            if end is None or end.type == "info":
                steps = tuple((f, k, None if f == "r" else v) for f, k, v in op.value)
                found.append(Txn(op.process, op.index, None, steps))
            elif end.type == "ok":
                found.append(Txn(op.process, op.index, end.index, tuple(map(tuple, end.value))))
    return found


def applied(state: State, txn: Txn) -> State | None:
    """The state after a transaction, or None if what it read is not there."""
    state = dict(state)
    for f, key, value in txn.steps:
        if f == "append":
            state[key] = [*state.get(key, []), value]
        elif f == "w":
            state[key] = value
        elif txn.completed is not None and (state.get(key) or None) != (value or None):
            return None
    return state


def serializable(txns: Sequence[Txn], level: int) -> bool:
    """Whether some order explains every read; at level 1 it keeps to processes, at level 2 to real time."""

    def may_follow(txn: Txn, left: Sequence[Txn]) -> bool:
        for other in left:
            if level >= 1 and other.process == txn.process and other.invoked < txn.invoked:
                return False
            if level == 2 and other.completed is not None and other.completed < txn.invoked:
                return False
        return True

    def extend(state: State, left: tuple[Txn, ...]) -> bool:
        if all(txn.completed is None for txn in left):
            return True
        for txn in left:
            rest = tuple(other for other in left if other is not txn)
            if may_follow(txn, [t for t in rest if t.completed is not None]):
                after = applied(state, txn)
                if after is not None and extend(after, rest):
                    return True
        return False

    return extend({}, tuple(txns))


def snapshot_isolated(txns: Sequence[Txn]) -> bool:
    """Whether some order of beginnings and ends explains every read from the snapshot at the beginning,
    no two transactions that overlap having written the same key (Berenson et al., SIGMOD 1995, 4.2)."""

    def writes(txn: Txn) -> frozenset[str]:
        return frozenset(key for f, key, _ in txn.steps if f != "r")

    def extend(state: State, left: tuple[Txn, ...], open_: tuple[tuple[Txn, frozenset[str]], ...]) -> bool:
        # Beside each open transaction: what others wrote since it began.
        if not open_ and all(txn.completed is None for txn in left):
            return True
        for txn in left:
            if applied(state, txn) is not None:
                rest = tuple(other for other in left if other is not txn)
                if extend(state, rest, (*open_, (txn, frozenset()))):
                    return True
        for txn, since in open_:
            if not since & writes(txn):
                after = dict(state)
                for f, key, value in txn.steps:
                    if f == "append":
                        after[key] = [*after.get(key, []), value]
                    elif f == "w":
                        after[key] = value
                rest_open = tuple((o, s | writes(txn)) for o, s in open_ if o is not txn)
                if extend(after, left, rest_open):
                    return True
        return False

    return extend({}, tuple(txns), ())


def small_history(
    random: Random, *, lists: bool, kind: str, most: int = 5, steps: int = 3, keys: Sequence[str] = KEYS
) -> History:
    """`serial`: each transaction takes effect at one moment. `torn`: it reads at one moment, and writes at
    another. `mutated`: serial, and then one read is of another state that the key once had."""
    state: State = {}
    past: dict[str, list[Any]] = {key: [[] if lists else None] for key in keys}
    rows: list[tuple[int, str, Any]] = []
    threads = list(range(PROCESSES))
    pending: list[dict[str, Any] | None] = [None] * PROCESSES
    begun = value = 0

    def read_all(op: dict[str, Any]) -> None:
        own: dict[str, list[Any]] = {}
        for step in op["steps"]:
            f, key, written = step
            base = op["seen"].get(key)
            if f != "r":
                own.setdefault(key, []).append(written)
            elif lists:
                step[2] = [*(base or []), *own.get(key, [])]
            else:
                step[2] = own[key][-1] if key in own else base

    def write_all(op: dict[str, Any]) -> None:
        for f, key, written in op["steps"]:
            if f != "r":
                state[key] = [*state.get(key, []), written] if lists else written
                past[key].append(state[key])

    while begun < most or any(pending):
        thread = random.randrange(PROCESSES)
        op = pending[thread]
        if op is None:
            if begun == most:
                continue
            made: list[list[Any]] = []
            for _ in range(random.randrange(1, steps + 1)):
                key = random.choice(keys)
                if random.random() < 0.5:
                    made.append(["r", key, None])
                else:
                    value += 1
                    made.append(["append" if lists else "w", key, value])
            fate = random.choices(("ok", "info", "fail"), (8, 1, 1))[0]
            pending[thread] = {"steps": made, "stage": 0, "fate": fate}
            rows.append((threads[thread], "invoke", json.loads(json.dumps(made))))
            begun += 1
        elif op["stage"] == 0:
            op["stage"], op["seen"] = 1, dict(state)
            if kind != "torn" and (op["fate"] == "ok" or (op["fate"] == "info" and random.random() < 0.5)):
                read_all(op)
                write_all(op)
        elif op["stage"] == 1:
            op["stage"] = 2
            if kind == "torn" and (op["fate"] == "ok" or (op["fate"] == "info" and random.random() < 0.5)):
                read_all(op)
                write_all(op)
        else:
            pending[thread] = None
            done = op["fate"] == "ok"
            rows.append((threads[thread], op["fate"], op["steps"] if done else None))
            if op["fate"] == "info":
                threads[thread] = max(threads) + 1
    if kind == "mutated":
        reads = [s for _, type_, steps in rows if type_ == "ok" for s in steps if s[0] == "r"]
        if reads:
            step = random.choice(reads)
            step[2] = random.choice(past[step[1]])
    return History(
        [Operation(i, i, process, type_, "txn", None, v) for i, (process, type_, v) in enumerate(rows)]  # type: ignore[arg-type]
    )
