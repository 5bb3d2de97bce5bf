"""How long durability and stats take on a million operations, against pandas merely reading them.

    python benchmarks/durability.py [OPERATIONS]

Writes a realistic history as Parquet, then times, each as the best of three: `pandas.read_parquet`,
and `read_history` + `Durability` + `Stats`. Exits 1 if the second takes over ten times the first.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from checkers.registry.durability.durability import Durability
from checkers.run.stats import Stats
from checkers.verdict import Validity
from history import History, Operation, Recording, read_history, write_parquet

BOUND = 10.0
NODES = ("n1", "n2", "n3", "n4", "n5")
PROCESSES = 20
SERVICES = 500
INSTANCES_PER_SERVICE = 20
MICROSECOND = 1_000


def realistic_history(operations: int, seed: int = 1) -> History:
    """A correct cluster's history: 20 processes at once, half the operations register, 1 % info."""
    draw = random.Random(seed)
    state: dict[str, Any] = {}
    recorded: list[Operation] = []
    threads = list(range(PROCESSES))  # the process that each thread is now
    pending: dict[int, Operation] = {}
    now = raft_index = 0
    final_reads = 2 * len(NODES) * SERVICES * 2

    def record(process: int, type_: Any, f: str, key: str, value: object, **more: Any) -> Operation:
        nonlocal now
        now += draw.randrange(20, 200) * MICROSECOND
        operation = Operation(len(recorded), now, process, type_, f, key, value, **more)
        recorded.append(operation)
        return operation

    while len(recorded) < operations - final_reads:
        thread = draw.randrange(PROCESSES)
        begun = pending.pop(thread, None)
        if begun is None:
            instance = f"10.0.0.{draw.randrange(INSTANCES_PER_SERVICE)}:8080"
            key = f"svc-{draw.randrange(SERVICES)}/{instance}"
            f = draw.choices(["register", "update", "deregister", "lookup"], [50, 10, 20, 20])[0]
            value = f"r{len(recorded)}" if f in ("register", "update") else None
            pending[thread] = record(threads[thread], "invoke", f, key, value, node=draw.choice(NODES))
            continue
        assert begun.key is not None
        process, more = threads[thread], {"node": begun.node}
        if begun.f != "lookup" and draw.random() < 0.01:
            record(process, "info", begun.f, begun.key, None, error="timed out after 2 s", **more)
            threads[thread] = max(threads) + 1
            continue
        result: object = state.get(begun.key)
        if begun.f == "register":
            state[begun.key] = result = begun.value
        elif begun.f == "update":
            result = begun.value if begun.key in state else False
            if begun.key in state:
                state[begun.key] = result
        elif begun.f == "deregister":
            state.pop(begun.key, None)
        raft_index += begun.f != "lookup"
        record(process, "ok", begun.f, begun.key, result, raft_index=raft_index, **more)

    listings: dict[str, dict[str, str]] = {f"svc-{number}": {} for number in range(SERVICES)}
    for key, id_ in state.items():
        service, _, instance = key.partition("/")
        listings[service][instance] = id_
    for f in ("final-list", "final-local"):
        for node in NODES:
            for service, listing in listings.items():
                process = max(threads) + 1
                record(process, "invoke", f, service, None, node=node)
                record(process, "ok", f, service, listing, node=node, raft_index=raft_index)
    return History(recorded)


def best_of_three(work: Callable[[], object]) -> float:
    """Seconds."""
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def main(operations: int) -> int:
    """Print one line a figure; the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.parquet"
        write_parquet(realistic_history(operations), path)
        print(f"{operations:,} operations, {path.stat().st_size / 1e6:.1f} MB of Parquet")

        def judge() -> None:
            recording = Recording(nodes=NODES, history=read_history(path))
            for checker in (Durability(), Stats()):
                verdict = checker.check(recording)
                assert verdict.validity is Validity.VALID, verdict

        pandas_s = best_of_three(lambda: pd.read_parquet(path))
        read_s = best_of_three(lambda: read_history(path))
        ours_s = best_of_three(judge)
    ratio = ours_s / pandas_s
    print(f"pandas.read_parquet                     {pandas_s:7.3f} s")
    print(f"read_history alone                      {read_s:7.3f} s")
    print(f"read_history + durability + stats       {ours_s:7.3f} s")
    print(f"ratio {ratio:.2f} (bound {BOUND:g})")
    return 0 if ratio < BOUND else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
