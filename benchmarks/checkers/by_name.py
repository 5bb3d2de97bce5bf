"""How long the checkers by name take for a million operations, and what memory.

    python benchmarks/checkers/by_name.py [OPERATIONS]

20 clients do what Jepsen's workloads do, one after the other. Each history is valid, so that no checker is
done early. Processor time of one core: of making objects of a history's columns, as a Parquet file has them
(a history that was read from text has these already), and from these to the verdict. Each judge in a
process of its own.

Exits 1 if one takes over 30 s for a million.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np

from checkers.judges import judge_named
from checkers.verdict import Validity
from history import Columns, History, Recording
from history.history import INVOKE, OK
from history.units import MICROSECOND_NS

CLIENTS, BOUND_S = 20, 30.0
Made = Iterator[tuple[str, Any, Any]]
"""The operation's f, its argument and its reply."""


def bank(count: int, draw: random.Random) -> Made:
    """Transfers between eight accounts, and reads of all of them."""
    held = {str(n): 100 for n in range(8)}
    for _ in range(count):
        if draw.random() < 0.5:
            yield "read", None, dict(held)
        else:
            a, b = draw.sample(range(8), 2)
            held[str(a)] -= 1
            held[str(b)] += 1
            yield "transfer", {"from": a, "to": b, "amount": 1}, None


def counter(count: int, draw: random.Random) -> Made:
    """Additions of one, and reads."""
    total = 0
    for _ in range(count):
        if draw.random() < 0.5:
            yield "read", None, total
        else:
            total += 1
            yield "add", 1, None


def lease(count: int, _: random.Random) -> Made:
    """A lease that is acquired, used for two writes, and released."""
    for token in range(0, count, 4):
        yield "acquire", None, token
        yield "write", token, None
        yield "write", token, None
        yield "release", token, None


def long_fork(count: int, _: random.Random) -> Made:
    """Writes of two keys, and reads of both between the writes."""
    for key in range(0, count, 3):
        yield "txn", [["w", key, 1]], [["w", key, 1]]
        yield "txn", [["r", key, None], ["r", key + 1, None]], [["r", key, 1], ["r", key + 1, None]]
        yield "txn", [["w", key + 1, 1]], [["w", key + 1, 1]]


def set_full(count: int, _: random.Random) -> Made:
    """A set that grows, read whole eight times."""
    added: list[int] = []
    for n in range(count):
        if n % (count // 8) == count // 8 - 1:
            yield "read", None, list(added)
        else:
            added.append(n)
            yield "add", n, None


def total_queue(count: int, _: random.Random) -> Made:
    """Each number is enqueued and dequeued, and the queue is drained at the end."""
    for n in range(count // 2):
        yield "enqueue", n, None
        yield "dequeue", None, n
    yield "drain", None, []


def unique_ids(count: int, _: random.Random) -> Made:
    """Ids that are generated one after the other."""
    for n in range(count):
        yield "generate", None, n


WORKLOADS: dict[str, tuple[Callable[[int, random.Random], Made], dict[str, str]]] = {
    "bank": (bank, {"total": "800", "negative-balances": "true"}),
    "interval-counter": (counter, {}),
    "lease": (lease, {"lease-s": "1"}),
    "long-fork": (long_fork, {}),
    "set-full": (set_full, {}),
    "total-queue": (total_queue, {"exactly-once": "true"}),
    "unique-ids": (unique_ids, {}),
}


def history_of(made: Made) -> History:
    """The history of these calls and replies; a client makes four calls in a row."""
    known: dict[str, int] = {}
    names: dict[str, int] = {}
    rows: list[tuple[int, int, int, int]] = []
    for n, (f, argument, reply) in enumerate(made):
        for type_, value in ((INVOKE, argument), (OK, reply)):
            text = None if value is None else msgspec.json.encode(value).decode()
            code = -1 if text is None else known.setdefault(text, len(known))
            rows.append((n // 4 % CLIENTS, type_, names.setdefault(f, len(names)), code))
    process, types, f_, value = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    none = np.full(len(rows), -1, dtype=np.int64)
    return History.from_columns(
        Columns(
            time=np.arange(len(rows)) * MICROSECOND_NS,
            process=process,
            type=types.astype(np.int8),
            f=f_,
            f_names=tuple(names),
            key=none,
            keys=(),
            value=value,
            values=tuple(known),
            error=none,
            errors=(),
            node=none,
            nodes=(),
            raft_index=none,
        )
    )


def measure(name: str, operations: int) -> dict[str, float]:
    """Seconds of processor time to make objects and to judge, and bytes an operation, in this process."""
    make, options = WORKLOADS[name]
    history = history_of(make(operations, random.Random(1)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    count = sum(1 for op in history if op.type == "invoke")
    objects = time.process_time() - begun
    verdict = judge_named(name, options).check(Recording((), history))
    judged = time.process_time() - begun - objects
    assert verdict.validity is Validity.VALID, verdict.summary
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "operations": count,
        "objects_s": objects,
        "judged_s": judged,
        "bytes": 1024 * (peak - before) / count,
    }


def main(operations: int) -> int:
    """Print one line for each checker, and return the exit status."""
    worst = 0.0
    for name in WORKLOADS:
        command = [sys.executable, __file__, "--one", name, str(operations)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        worst = max(worst, found["judged_s"] * 1e6 / operations)
        print(
            f"{name:18} {found['operations']:>10,} operations: judged in {found['judged_s']:6.2f} s, after "
            f"{found['objects_s']:.2f} s to make objects; {found['bytes']:.0f} bytes each",
            flush=True,
        )
    return int(worst > BOUND_S)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
