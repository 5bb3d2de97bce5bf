"""How long durability and stats take on a million operations, against pandas only reading them.

    python benchmarks/checkers/durability.py [OPERATIONS]

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

import numpy as np
import pandas as pd
from histories import (
    DEREGISTER,
    LOOKUP,
    NOTHING,
    REGISTER,
    REGISTRY_NAMES,
    UPDATE,
    CorrectRegistry,
    Integers,
    Recorded,
    history_from,
    recorded,
)

from checkers.registry.durability.durability import Durability
from checkers.run.stats import Stats
from checkers.verdict import Unjudged, Validity
from history import History, Recording, read_history, write_parquet
from history.history import INFO, INVOKE, OK
from history.units import MICROSECOND_NS

BOUND = 10.0
NODES = ("n1", "n2", "n3", "n4", "n5")
SERVICES = 500
INSTANCES_A_SERVICE = 20
SHARES = {REGISTER: 0.5, UPDATE: 0.1, DEREGISTER: 0.2, LOOKUP: 0.2}
"""How often clients ask what, as shares of all operations."""
FINAL_READS = ("final-list", "final-local")


def realistic_history(operations: int) -> History:
    """What clients of a correct cluster record, and at the end what each node lists for each service."""
    draw = random.Random(1)
    keys = SERVICES * INSTANCES_A_SERVICE
    system = CorrectRegistry(operations, keys, SHARES, draw, keys_a_service=INSTANCES_A_SERVICE)
    final_reads = 2 * len(FINAL_READS) * len(NODES) * SERVICES
    rows = recorded(system, (operations - final_reads) // 2, draw)
    asked_node = np.array([draw.randrange(len(NODES)) for _ in range(len(rows.f))])
    node = asked_node[rows.invocation]
    rows, node = _read_at_the_end(system, rows, node)
    steps = [draw.randrange(20, 200) * MICROSECOND_NS for _ in range(len(rows.f))]
    return history_from(
        system,
        rows,
        f_names=(*REGISTRY_NAMES, *FINAL_READS),
        time=np.cumsum(steps),
        node=node,
        nodes=NODES,
        error=np.where(rows.type == INFO, 0, NOTHING),
        errors=("timed out after 2 s",),
    )


def _read_at_the_end(system: CorrectRegistry, rows: Recorded, node: Integers) -> tuple[Recorded, Integers]:
    """The rows with the final reads after them, and the node of each row."""
    first_listing = len(system.values)
    system.values += [system.listing(service) for service in range(SERVICES)]
    process, number = int(rows.process.max()) + 1, len(rows.f)
    more: list[tuple[int, ...]] = []
    nodes: list[int] = []
    for f in range(len(REGISTRY_NAMES), len(REGISTRY_NAMES) + len(FINAL_READS)):
        for asked in range(len(NODES)):
            for service in range(SERVICES):
                key, invocation = len(system.instances) + service, number + len(more)
                more.append((process, INVOKE, f, key, NOTHING, NOTHING, invocation, NOTHING))
                more.append((process, OK, f, key, first_listing + service, system.index, invocation, NOTHING))
                nodes += [asked, asked]
    added = np.array(more, dtype=np.int64).T
    joined = (np.concatenate(pair) for pair in zip(rows, added, strict=True))
    return Recorded(*joined), np.concatenate([node, np.array(nodes)])


def best_of_three(work: Callable[[], object]) -> float:
    """The seconds that it took, at best."""
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def main(operations: int) -> int:
    """Print one line for each figure, and return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.parquet"
        write_parquet(realistic_history(operations), path)
        print(f"{operations:,} operations, {path.stat().st_size / 1e6:.1f} MB of Parquet")

        def judge() -> None:
            recording = Recording(nodes=NODES, history=read_history(path))
            verdict = Durability().check(recording)
            assert verdict.validity is Validity.VALID, verdict
            counted = Stats().check(recording)
            assert counted.mark is Unjudged.ONLY_MEASURES, counted

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
