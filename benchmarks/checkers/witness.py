"""How long the index witness takes on a registry's history; prints one line a size.

    python benchmarks/checkers/witness.py [MOST_OPERATIONS]

20 clients on 10,000 keys in 625 services, a fifth of the operations deregister, every hundredth lists its
service, 1 % of the writes have an unknown outcome that the apply trace resolves. Timed on one core: from a
history's columns, as a Parquet file gives them, to what is proven. Best of three. Exits 1 if a million
operations take over 1 s.
"""

from __future__ import annotations

import random
import sys
import time

import numpy as np

from checkers.registry.applied import AppliedLog
from checkers.registry.linearizability.by_index.witness import examine
from checkers.registry.linearizability.claims import claims_of
from history import Columns, History

CLIENTS, KEYS, PER_SERVICE = 20, 10_000, 16
NAMES = ("register", "deregister", "lookup", "list")
REGISTER, DEREGISTER, LOOKUP, LIST = range(4)
INVOKE, OK, INFO = 0, 1, 3


def registry_history(operations: int, seed: int = 1) -> tuple[History, AppliedLog]:
    """A correct registry's history, whose replies name indices; and what its nodes applied."""
    draw = random.Random(seed)
    keys = [f"svc-{key // PER_SERVICE}/10.0.{key // 250}.{key % 250}:80" for key in range(KEYS)]
    services = [f"svc-{number}" for number in range(KEYS // PER_SERVICE)]
    state: dict[int, int] = {}
    values = [f'"r{number}"' for number in range(operations)]
    threads = list(range(CLIENTS))
    pending: list[list[int] | None] = [None] * CLIENTS  # f, key, value, index (-1: not yet), row
    rows: list[tuple[int, int, int, int, int, int]] = []
    first: dict[int, int] = {}
    begun = index = 0
    fresh = CLIENTS
    while begun < operations or any(pending):
        client = draw.randrange(CLIENTS)
        op = pending[client]
        if op is None:
            if begun == operations:
                continue
            f = draw.choices((REGISTER, DEREGISTER, LOOKUP, LIST), (0.4, 0.2, 0.39, 0.01))[0]
            key = draw.randrange(KEYS)
            pending[client] = op = [f, key, begun if f == REGISTER else -1, -1, len(rows)]
            where = KEYS + key // PER_SERVICE if f == LIST else key
            rows.append((threads[client], INVOKE, f, where, op[2], -1))
            begun += 1
        elif op[3] < 0:
            key = op[1]
            if op[0] in (REGISTER, DEREGISTER):
                index += 1
                first[op[4]] = index
            op[3] = index
            if op[0] == REGISTER:
                state[key] = op[2]
            elif op[0] == LIST:
                begin = key // PER_SERVICE * PER_SERVICE
                shown = (
                    f'"{keys[k].partition("/")[2]}":"r{state[k]}"'
                    for k in range(begin, begin + PER_SERVICE)
                    if k in state
                )
                op[2] = len(values)
                values.append("{" + ",".join(shown) + "}")
            else:
                op[2] = state.get(key, -1)
                if op[0] == DEREGISTER:
                    state.pop(key, None)
        else:
            pending[client] = None
            where = KEYS + op[1] // PER_SERVICE if op[0] == LIST else op[1]
            if op[0] in (REGISTER, DEREGISTER) and draw.random() < 0.01:
                rows.append((threads[client], INFO, op[0], where, -1, -1))
                threads[client], fresh = fresh, fresh + 1
            else:
                rows.append((threads[client], OK, op[0], where, op[2], op[3]))
    columns = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    none = np.full(len(rows), -1, dtype=np.int64)
    history = History.from_columns(
        Columns(
            time=np.arange(len(rows)),
            process=columns[0],
            type=columns[1].astype(np.int8),
            f=columns[2],
            f_names=NAMES,
            key=columns[3],
            keys=(*keys, *services),
            value=columns[4],
            values=tuple(values),
            error=none,
            errors=(),
            node=none,
            nodes=(),
            raft_index=columns[5],
        )
    )
    return history, AppliedLog(first, (), index)


def main(most: int) -> int:
    """Print a line a size; the exit status."""
    size, seconds = 10_000, 0.0
    while size <= most:
        history, applied = registry_history(size)
        taken = []
        for _ in range(3):
            begun = time.process_time()
            found = examine(claims_of(history, applied))
            taken.append(time.process_time() - begun)
            assert found.proven.all()
            assert not found.contradictions
        seconds = min(taken)
        print(f"{size:>10,} operations {seconds:8.3f} s of processor time, {len(found.names)} parts proven")
        size *= 10
    return int(most >= 1_000_000 and seconds > 1.0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
