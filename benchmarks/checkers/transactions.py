"""How long transactions take to judge, and how much memory, as histories grow.

    python benchmarks/checkers/transactions.py [MOST_TRANSACTIONS]

A strictly serializable database under 20 clients: 1 to 5 steps a transaction, half of them reads, on 100
keys, each replaced after 32 writes (as Jepsen's workloads do); 1 % of the outcomes unknown. Timed: from a
history's columns, as a Parquet file gives them, to the verdict on strict serializability, in processor time
of one core, with the compiled code loaded; each size in a process of its own, whose greatest memory is told
too, and what of it the history takes, which lies in memory before. Best of two.

Exits 1 if a million transactions take over 10 s, or over 2 KB each, history included.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time

import numpy as np

from checkers.transactions.consistency import LIST_APPEND, RW_REGISTER
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity
from history import Columns, History, Recording

CLIENTS, KEYS, WRITES_A_KEY, MOST_STEPS = 20, 100, 32, 5
INVOKE, OK, INFO = 0, 1, 3
BOUND_S, BOUND_BYTES = 10.0, 2048


def database_history(transactions: int, workload: str, seed: int = 1) -> History:
    """What a strictly serializable database answers: each transaction takes effect at one moment."""
    draw = random.Random(seed)
    f = '"append"' if workload == LIST_APPEND else '"w"'
    state: dict[int, str] = {}
    left = [WRITES_A_KEY] * KEYS
    active = list(range(KEYS))
    fresh = KEYS
    threads = list(range(CLIENTS))
    next_thread = CLIENTS
    pending: list[tuple[list[tuple[int, int]], list[str]] | None] = [None] * CLIENTS
    texts: list[str] = []
    rows: list[tuple[int, int]] = []
    begun = value = 0
    while begun < transactions or any(pending):
        client = draw.randrange(CLIENTS)
        op = pending[client]
        if op is None:
            if begun == transactions:
                continue
            steps = []
            for _ in range(draw.randrange(1, MOST_STEPS + 1)):
                slot = draw.randrange(KEYS)
                key = active[slot]
                if draw.random() < 0.5:
                    steps.append((key, -1))
                else:
                    value += 1
                    steps.append((key, value))
                    left[slot] -= 1
                    if not left[slot]:
                        active[slot], left[slot] = fresh, WRITES_A_KEY
                        fresh += 1
            told = ",".join(f'["r",{k},null]' if v < 0 else f"[{f},{k},{v}]" for k, v in steps)
            texts.append(f"[{told}]")
            rows.append((threads[client], INVOKE))
            pending[client] = (steps, [])
            begun += 1
        elif not op[1]:
            for key, written in op[0]:
                if written < 0:
                    seen = state.get(key, "")
                    if workload == LIST_APPEND:
                        seen = f"[{seen}]"
                    op[1].append(f'["r",{key},{seen or "null"}]')
                else:
                    op[1].append(f"[{f},{key},{written}]")
                    if workload == LIST_APPEND and key in state:
                        state[key] += f",{written}"
                    else:
                        state[key] = str(written)
        else:
            pending[client] = None
            if draw.random() < 0.01:
                rows.append((threads[client], INFO))
                texts.append("null")
                threads[client] = next_thread
                next_thread += 1
            else:
                rows.append((threads[client], OK))
                texts.append(f"[{','.join(op[1])}]")
    process, type_ = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    none = np.full(len(rows), -1, dtype=np.int64)
    return History.from_columns(
        Columns(
            time=np.arange(len(rows)),
            process=process,
            type=type_.astype(np.int8),
            f=np.zeros(len(rows), dtype=np.int64),
            f_names=("txn",),
            key=none,
            keys=(),
            value=np.arange(len(rows)),
            values=tuple(texts),
            error=none,
            errors=(),
            node=none,
            nodes=(),
            raft_index=none,
        )
    )


def measure(workload: str, transactions: int) -> dict[str, float]:
    """In this process: seconds, and bytes of memory a transaction."""
    checker = Isolation(workload)
    checker.check(Recording((), database_history(200, workload)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    recording = Recording((), database_history(transactions, workload))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    best = 1e9
    for _ in range(2):
        begun = time.process_time()
        verdict = checker.check(recording)
        best = min(best, time.process_time() - begun)
    assert verdict.validity is Validity.VALID, verdict.summary
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": best,
        "history_bytes": 1024 * (held - before) / transactions,
        "bytes": 1024 * (peak - before) / transactions,
    }


def grown(workload: str, most: int) -> list[tuple[int, dict[str, float]]]:
    """One line a size."""
    points = []
    size = 10_000
    while size <= most:
        command = [sys.executable, __file__, "--one", workload, str(size)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        points.append((size, found))
        print(
            f"{workload:12} {size:>10,} transactions {found['seconds']:8.3f} s  "
            f"{size / found['seconds']:>9,.0f}/s  {found['bytes']:6.0f} bytes each, "
            f"{found['history_bytes']:.0f} of them the history's",
            flush=True,
        )
        size *= 10
    return points


def main(most: int) -> int:
    """The exit status."""
    broken = False
    for workload in (LIST_APPEND, RW_REGISTER):
        for size, found in grown(workload, most):
            if size == 1_000_000:
                broken |= found["seconds"] > BOUND_S or found["bytes"] > BOUND_BYTES
    return int(broken)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
